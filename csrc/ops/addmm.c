/* addmm: y = beta*c + alpha*matmul(a, b), c broadcast to y. beta 0: c is not read. */
#include "ops/matmul.h"

static fnn_status infer(const fnn_opdef *def, const fnn_call *call, fnn_tensor *out) {
  const fnn_tensor *c = call->in[0];
  fnn_status st = fnn_matmul_infer(def, call->in[1], call->in[2], out);
  if (st) return st;
  if (c->dtype != out->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: expected the dtype of %s, got %s", def->name,
                    fnn_tensor_str(out), fnn_tensor_str(c));
  for (int i = 0; i < c->ndim; i++) {
    int j = out->ndim - c->ndim + i;
    if (j < 0 || (c->size[i] != 1 && c->size[i] != out->size[j]))
      return fnn_fail(FNN_ERUNTIME, "%s: %s does not broadcast to %s", def->name,
                      fnn_shape_str(c->ndim, c->size), fnn_shape_str(out->ndim, out->size));
  }
  double alpha = call->attr[1].v.f, beta = call->attr[0].v.f;
  if (!fnn_is_float(out->dtype) &&
      (alpha != (double)(int64_t)alpha || beta != (double)(int64_t)beta))
    return fnn_fail(FNN_ERUNTIME, "%s: alpha and beta must be integers for %s", def->name,
                    fnn_tensor_str(out));
  return FNN_OK;
}

/* c as one row that every row of y adds: the product's own epilogue does it. */
static const void *as_bias(const fnn_call *call) {
  const fnn_tensor *c = call->in[0], *y = call->out[0];
  if (call->attr[0].v.f != 1 || call->attr[1].v.f != 1 || !fnn_is_float(y->dtype)) return NULL;
  if (c->ndim == 0 || call->in[1]->ndim == 1 || call->in[2]->ndim == 1) return NULL;
  int last = c->ndim - 1;
  if (c->size[last] != y->size[y->ndim - 1] || (c->stride[last] != 1 && c->size[last] != 1))
    return NULL;
  for (int i = 0; i < last; i++)
    if (c->size[i] != 1 && c->stride[i] != 0) return NULL;
  return fnn_tensor_data(c);
}

#define COMBINE(T, S)                                                                       \
  static void combine_##S(int64_t n, T alpha, T beta, T *y, int64_t ys, const T *c,         \
                          int64_t cs) {                                                     \
    for (int64_t i = 0; i < n; i++)                                                         \
      y[i * ys] = beta == 0 ? (T)(alpha * y[i * ys]) : (T)(alpha * y[i * ys] + beta * c[i * cs]); \
  }
COMBINE(float, f32)
COMBINE(double, f64)
COMBINE(uint64_t, i64)
COMBINE(uint32_t, i32)
COMBINE(uint8_t, u8)

static void combine_row(int dtype, int64_t n, double alpha, double beta, void *y, int64_t ys,
                        const void *c, int64_t cs) {
  int64_t ia = (int64_t)alpha, ib = (int64_t)beta;
  switch (dtype) {
    case FNN_F32: combine_f32(n, (float)alpha, (float)beta, y, ys, c, cs); break;
    case FNN_F64: combine_f64(n, alpha, beta, y, ys, c, cs); break;
    case FNN_I64: combine_i64(n, (uint64_t)ia, (uint64_t)ib, y, ys, c, cs); break;
    case FNN_I32: combine_i32(n, (uint32_t)ia, (uint32_t)ib, y, ys, c, cs); break;
    default: combine_u8(n, (uint8_t)ia, (uint8_t)ib, y, ys, c, cs);
  }
}

/* Every row of y: alpha*y + beta*c. */
static void combine(const fnn_call *call) {
  const fnn_tensor *c = call->in[0], *y = call->out[0];
  int64_t n = y->ndim ? y->size[y->ndim - 1] : 1, total = fnn_tensor_numel(y);
  int64_t item = fnn_dtype_size((fnn_dtype)y->dtype);
  for (int64_t r = 0; total && r < total / n; r++) {
    int64_t rest = r, yo = 0, co = 0, ys = 0, cs = 0;
    for (int d = y->ndim - 1; d >= 0; d--) {
      int k = d - (y->ndim - c->ndim);
      int64_t step = k < 0 || c->size[k] == 1 ? 0 : c->stride[k];
      if (d == y->ndim - 1) {
        ys = y->stride[d];
        cs = step;
        continue;
      }
      yo += rest % y->size[d] * y->stride[d];
      co += rest % y->size[d] * step;
      rest /= y->size[d];
    }
    combine_row(y->dtype, n, call->attr[1].v.f, call->attr[0].v.f,
                (char *)fnn_tensor_data(y) + yo * item, ys,
                (const char *)fnn_tensor_data(c) + co * item, cs);
  }
}

static int64_t workspace(const fnn_opdef *def, const fnn_call *call) {
  (void)def;
  return fnn_matmul_bytes(call->in[1], call->in[2], call->out[0]);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *call, void *ws) {
  (void)def;
  fnn_epilogue end = {.bias_n = as_bias(call)};
  fnn_matmul_into(call->in[1], call->in[2], call->out[0], &end, ws);
  if (!end.bias_n) combine(call);
  return FNN_OK;
}

const fnn_family fnn_family_addmm = {infer, workspace, run};
