/* Geometry of pooling windows. */
#include "ops/pool.h"

#define GRAIN 16384 /* elements */
#define LARGEST ((int64_t)1 << 30)
#define MOST_PIXELS ((int64_t)1 << 40) /* of one dimension of an input that only an attribute names */

fnn_status fnn_pool_planes(const fnn_opdef *def, const char *what, const fnn_tensor *t,
                           int64_t spatial, int dtype, fnn_planes *p) {
  if (t->dtype != dtype || (dtype != FNN_U8 && dtype != FNN_I32 && !fnn_is_float(dtype)))
    return fnn_fail(FNN_ERUNTIME, "%s: not implemented for %s %s", def->name, what,
                    fnn_tensor_str(t));
  if (spatial < 1 || spatial > 3)
    return fnn_fail(FNN_EVALUE, "%s: %lld spatial dimensions, expected 1 to 3", def->name,
                    (long long)spatial);
  int fits = t->ndim == spatial + 2;
  for (int d = 1; fits && d < t->ndim; d++) fits = t->size[d] > 0;
  if (!fits)
    return fnn_fail(FNN_ERUNTIME, "%s: expected %s of %lld dimensions, empty in the first alone, "
                    "got %s", def->name, what, (long long)spatial + 2, fnn_tensor_str(t));
  p->n = t->size[0];
  p->c = t->size[1];
  p->last = fnn_is_channels_last(t);
  if (!p->last && !fnn_tensor_is_contiguous(t))
    return fnn_fail(FNN_ETYPE, "%s: %s must be contiguous or channels last", def->name, what);
  return FNN_OK;
}

static fnn_status check_part(const fnn_opdef *def, const char *what, const fnn_attr *a, int64_t n,
                             int64_t lowest) {
  if (a->n != n)
    return fnn_fail(FNN_ERUNTIME, "%s: %s has %lld numbers, the kernel %lld", def->name, what,
                    (long long)a->n, (long long)n);
  for (int64_t i = 0; i < n; i++)
    if (a->v.ints[i] < lowest || a->v.ints[i] > LARGEST)
      return fnn_fail(FNN_ERUNTIME, "%s: %s should be %s, but got %lld", def->name, what,
                      a->v.ints[i] > LARGEST ? "less than 2^30"
                      : lowest               ? "greater than zero"
                                             : "non-negative", (long long)a->v.ints[i]);
  return FNN_OK;
}

fnn_status fnn_pool_window(const fnn_opdef *def, const fnn_attr *kernel, const fnn_attr *stride,
                           const fnn_attr *padding, const fnn_attr *dilation,
                           const int64_t *size, fnn_window *w) {
  int64_t n = kernel->n, volume = 1;
  if (n < 1 || n > 3)
    return fnn_fail(FNN_ERUNTIME, "%s: a kernel of %lld numbers, expected 1 to 3", def->name,
                    (long long)n);
  fnn_status st = check_part(def, "kernel size", kernel, n, 1);
  if (!st) st = check_part(def, "stride", stride, n, 1);
  if (!st) st = check_part(def, "padding", padding, n, 0);
  if (!st && dilation) st = check_part(def, "dilation", dilation, n, 1);
  if (st) return st;
  *w = (fnn_window){.divisor = 0};
  for (int d = 0; d < 3; d++) {
    int64_t i = d - (3 - n);
    w->in[d] = i < 0 ? 1 : size[i];
    w->kernel[d] = i < 0 ? 1 : kernel->v.ints[i];
    w->stride[d] = i < 0 ? 1 : stride->v.ints[i];
    w->pad[d] = i < 0 ? 0 : padding->v.ints[i];
    w->dilation[d] = i < 0 || !dilation ? 1 : dilation->v.ints[i];
    int64_t reach = w->dilation[d] * (w->kernel[d] - 1) + 1;
    if (w->in[d] < 0 || w->in[d] > MOST_PIXELS)
      return fnn_fail(FNN_EVALUE, "%s: no such input size: %lld", def->name, (long long)w->in[d]);
    if (w->pad[d] > reach / 2)
      return fnn_fail(FNN_ERUNTIME, "%s: pad should be at most half of effective kernel size, but "
                      "got pad=%lld, kernel_size=%lld and dilation=%lld", def->name,
                      (long long)w->pad[d], (long long)w->kernel[d], (long long)w->dilation[d]);
    if (!fnn_mul_ok(volume, w->kernel[d], &volume) || volume > INT32_MAX)
      return fnn_fail(FNN_ERUNTIME, "%s: the kernel is too large", def->name);
  }
  w->wide = volume > 256;
  return FNN_OK;
}

static int64_t out_size(const fnn_window *w, int d, int ceil) {
  int64_t reach = w->dilation[d] * (w->kernel[d] - 1) + 1;
  int64_t room = w->in[d] + 2 * w->pad[d] - reach + (ceil ? w->stride[d] - 1 : 0);
  if (room < 0) return 0;
  int64_t out = room / w->stride[d] + 1; /* a window begins in the plane or the left padding */
  return ceil && (out - 1) * w->stride[d] >= w->in[d] + w->pad[d] ? out - 1 : out;
}

/* Dilated windows can step over a small plane: a maximum of nothing has no place. */
static int hollow(const fnn_window *w, int d) {
  for (int64_t o = 0; w->dilation[d] > 1 && o < w->out[d]; o++) {
    int64_t at = o * w->stride[d] - w->pad[d], step = w->dilation[d];
    int64_t first = at >= 0 ? at : at + (-at + step - 1) / step * step;
    if (first >= w->in[d]) return 1;
  }
  return 0;
}

static fnn_status check_out(const fnn_opdef *def, const fnn_window *w) {
  for (int d = 0; d < 3; d++) {
    if (w->out[d] < 1)
      return fnn_fail(FNN_ERUNTIME, "%s: Given input size: %s. Calculated output size: %s. Output "
                      "size is too small", def->name, fnn_shape_str(3, w->in),
                      fnn_shape_str(3, w->out));
    if (hollow(w, d))
      return fnn_fail(FNN_ERUNTIME, "%s: a window holds no element of the input, of size %s",
                      def->name, fnn_shape_str(3, w->in));
  }
  return FNN_OK;
}

fnn_status fnn_pool_out(const fnn_opdef *def, int ceil, fnn_window *w) {
  for (int d = 0; d < 3; d++) w->out[d] = out_size(w, d, ceil);
  return check_out(def, w);
}

fnn_status fnn_pool_given_out(const fnn_opdef *def, const fnn_tensor *y, int spatial,
                              fnn_window *w) {
  for (int d = 0; d < 3; d++) {
    w->out[d] = d < 3 - spatial ? 1 : y->size[d - 3 + spatial + 2];
    if (w->in[d] < 1 || (w->out[d] != out_size(w, d, 0) && w->out[d] != out_size(w, d, 1)))
      return fnn_fail(FNN_ERUNTIME, "%s: %s is no pooling of planes of size %s", def->name,
                      fnn_tensor_str(y), fnn_shape_str(3, w->in));
  }
  return check_out(def, w);
}

void fnn_pool_shape(const fnn_tensor *like, const fnn_planes *p, int dtype, int spatial,
                    const int64_t *size3, fnn_tensor *out) {
  int64_t size[5] = {like->size[0], like->size[1]};
  for (int d = 0; d < spatial; d++) size[2 + d] = size3[3 - spatial + d];
  fnn_set_shape(out, dtype, spatial + 2, size);
  if (p->last) fnn_set_channels_last(out);
}

int64_t fnn_pool_table_bytes(const fnn_window *w, int offsets) {
  int64_t volume = fnn_pool_volume(w);
  return (2 * w->kernel[2] + (offsets ? fnn_max64(volume, 256) : 0)) * (int64_t)sizeof(int64_t);
}

void fnn_pool_tables(fnn_window *w, int offsets, void *workspace) {
  int64_t n = w->kernel[2], s = w->stride[2], *low = workspace, *high = low + n, *at = high + n;
  for (int64_t k = 0; k < n; k++) { /* j s + k dilation - pad in [0, in) */
    int64_t shift = k * w->dilation[2] - w->pad[2], end = w->in[2] - shift;
    low[k] = shift >= 0 ? 0 : fnn_ceil_div(-shift, s);
    high[k] = end <= 0 ? 0 : fnn_min64(w->out[2], (end - 1) / s + 1);
  }
  w->low = low;
  w->high = high;
  if (!offsets) return;
  w->offset = at;
  for (int64_t t = fnn_pool_volume(w); t < 256; t++) at[t] = 0;
  for (int64_t d = 0; d < w->kernel[0]; d++)
    for (int64_t h = 0; h < w->kernel[1]; h++)
      for (int64_t k = 0; k < n; k++)
        *at++ = (d * w->dilation[0] * w->in[1] + h * w->dilation[1]) * w->in[2] +
                k * w->dilation[2];
}

void fnn_pool_split(const fnn_planes *p, const fnn_window *w, int64_t rows, fnn_range_fn fn,
                    void *ctx) {
  int64_t units = p->n * (p->last ? rows : p->c), plane = w->in[0] * w->in[1] * w->in[2];
  int64_t per = p->last ? plane * p->c / rows : plane;
  fnn_parallel_for(units, fnn_ceil_div(GRAIN, fnn_max64(1, per)), fn, ctx);
}
