/* Shape rules that the infer functions share. */
#include "ops/op.h"

void fnn_set_contiguous(fnn_tensor *t) {
  int64_t stride = 1;
  for (int i = t->ndim - 1; i >= 0; i--) {
    t->stride[i] = stride;
    if (t->size[i] > 1) stride = fnn_mul_wrap(stride, t->size[i]);
  }
}

void fnn_set_shape(fnn_tensor *t, int dtype, int ndim, const int64_t *size) {
  t->storage = NULL;
  t->offset = 0;
  t->dtype = (int8_t)dtype;
  t->layout = FNN_STRIDED;
  t->ndim = (int8_t)ndim;
  for (int i = 0; i < ndim; i++) t->size[i] = size[i];
  fnn_set_contiguous(t);
}

fnn_status fnn_broadcast(const fnn_opdef *def, int n, const fnn_tensor *const *in,
                         fnn_tensor *out) {
  int ndim = 0;
  for (int k = 0; k < n; k++)
    if (in[k] && in[k]->ndim > ndim) ndim = in[k]->ndim;
  out->ndim = (int8_t)ndim;
  for (int d = 0; d < ndim; d++) {
    int64_t size = 1;
    for (int k = 0; k < n; k++) {
      if (!in[k] || d < ndim - in[k]->ndim) continue;
      int64_t s = in[k]->size[d - (ndim - in[k]->ndim)];
      if (s == 1 || s == size) continue;
      if (size != 1) {
        int a = 0;
        while (!in[a] || a == k) a++;
        return fnn_fail(FNN_ERUNTIME, "%s: shapes %s and %s do not broadcast at dimension %d",
                        def->name, fnn_shape_str(in[a]->ndim, in[a]->size),
                        fnn_shape_str(in[k]->ndim, in[k]->size), d);
      }
      size = s;
    }
    out->size[d] = size;
  }
  fnn_set_contiguous(out);
  return FNN_OK;
}

/* Stride of operand t along dimension d of a result with ndim dimensions; 0 if broadcast. */
static int64_t stride_at(const fnn_tensor *t, int ndim, int d) {
  int k = d - (ndim - t->ndim);
  return k < 0 || t->size[k] == 1 ? 0 : t->stride[k];
}

/* > 0: dimension a moves slower than b in the operands (first opinion wins), < 0: faster. */
static int slower(int n, const fnn_tensor *const *in, const fnn_tensor *out, int a, int b) {
  for (int k = 0; k < n; k++) {
    if (!in[k]) continue;
    int64_t sa = stride_at(in[k], out->ndim, a), sb = stride_at(in[k], out->ndim, b);
    if (sa == 0 || sb == 0) continue;
    if (sa != sb) return sa > sb ? 1 : -1;
    if (out->size[a] != out->size[b]) return out->size[a] > out->size[b] ? -1 : 1;
  }
  return 0;
}

void fnn_set_pointwise_strides(int n, const fnn_tensor *const *in, fnn_tensor *out) {
  fnn_set_contiguous(out);
  int plain = 1;
  for (int k = 0; k < n; k++)
    if (in[k] && !fnn_tensor_is_contiguous(in[k])) plain = 0;
  if (plain) return;
  int order[FNN_MAX_DIMS]; /* slowest first; insertion keeps ties in dimension order */
  for (int d = 0; d < out->ndim; d++) {
    int at = d;
    for (int j = d - 1; j >= 0; j--) {
      int s = slower(n, in, out, order[j], d);
      if (s > 0) break;
      if (s < 0) at = j;
    }
    for (int j = d; j > at; j--) order[j] = order[j - 1];
    order[at] = d;
  }
  int64_t stride = 1;
  for (int j = out->ndim - 1; j >= 0; j--) {
    out->stride[order[j]] = stride;
    if (out->size[order[j]] > 1) stride = fnn_mul_wrap(stride, out->size[order[j]]);
  }
}

int fnn_is_dense(const fnn_tensor *t) {
  int used[FNN_MAX_DIMS] = {0};
  int64_t expect = 1;
  for (int round = 0; round < t->ndim; round++) {
    int found = -1;
    for (int d = 0; d < t->ndim && found < 0; d++)
      if (!used[d] && (t->size[d] == 1 || t->stride[d] == expect)) found = d;
    if (found < 0) return fnn_tensor_numel(t) == 0;
    used[found] = 1;
    if (t->size[found] != 1) expect = fnn_mul_wrap(expect, t->size[found]);
  }
  return 1;
}

void fnn_set_dense_strides(const fnn_tensor *x, fnn_tensor *out) {
  if (fnn_is_dense(x)) {
    for (int d = 0; d < x->ndim; d++) out->stride[d] = x->stride[d];
  } else {
    fnn_set_pointwise_strides(1, &x, out);
  }
}

void fnn_set_channels_last(fnn_tensor *t) {
  int64_t stride = 1;
  for (int i = 0; i < t->ndim; i++) { /* 1, last, ..., 2, 0: from the fastest */
    int d = i == 0 ? 1 : i == t->ndim - 1 ? 0 : t->ndim - i;
    t->stride[d] = stride;
    stride = fnn_mul_wrap(stride, fnn_max64(1, t->size[d]));
  }
}

int fnn_is_channels_last(const fnn_tensor *t) {
  if (t->ndim != 4 && t->ndim != 5) return 0;
  int64_t least = 0, dense = 1;
  for (int i = 0; i < t->ndim; i++) {
    int d = i == 0 ? 1 : i == t->ndim - 1 ? 0 : t->ndim - i;
    if (t->size[d] == 0 || t->stride[d] < least || t->stride[1] == 0) return 0;
    if (d == 0 && least == t->stride[1]) return 0; /* one channel, or one pixel: contiguous */
    if (t->size[d] > 1 && t->stride[d] != dense) return 0;
    least = t->stride[d] * t->size[d];
    dense *= t->size[d];
  }
  return 1;
}

fnn_status fnn_wrap_dim(const fnn_opdef *def, int64_t dim, int ndim, int *wrapped) {
  int64_t n = ndim ? ndim : 1;
  if (dim < -n || dim >= n)
    return fnn_fail(FNN_EINDEX,
                    "%s: dimension out of range (expected to be in range of [%d, %d], but got "
                    "%lld)", def->name, (int)-n, (int)n - 1, (long long)dim);
  *wrapped = (int)(dim < 0 ? dim + n : dim);
  return FNN_OK;
}
