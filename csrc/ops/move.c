/* roll "x -> y; shift:i, dim:i", pad "x -> y; pad:I, value:s", one_hot "x -> y; classes:i". */
#include "ops/indexed.h"

/* n indices of dim, from `from` in x and `to` in y. */
static void copy_part(const fnn_tensor *x, const fnn_tensor *y, int dim, int64_t n, int64_t from,
                      int64_t to) {
  fnn_tensor a = *x, b = *y;
  int64_t item = fnn_dtype_size((fnn_dtype)x->dtype);
  a.size[dim] = b.size[dim] = n;
  a.offset += from * a.stride[dim] * item;
  b.offset += to * b.stride[dim] * item;
  if (n > 0) fnn_copy(&a, &b);
}

static fnn_status roll_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  int dim;
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  return fnn_wrap_dim(def, c->attr[1].v.i, x->ndim, &dim);
}

static fnn_status roll_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *x = c->in[0], *y = c->out[0];
  int dim;
  (void)ws;
  fnn_wrap_dim(def, c->attr[1].v.i, x->ndim, &dim);
  if (x->ndim == 0 || x->size[dim] == 0) {
    fnn_copy(x, y);
    return FNN_OK;
  }
  int64_t n = x->size[dim], shift = c->attr[0].v.i % n;
  if (shift < 0) shift += n;
  copy_part(x, y, dim, n - shift, 0, shift);
  copy_part(x, y, dim, shift, n - shift, 0);
  return FNN_OK;
}

const fnn_family fnn_family_roll = {roll_infer, NULL, roll_run};

/* ---- pad: (before, after) of the last dimension, then of the one before it, ...; negative
 * numbers cut off */
static fnn_status pad_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  const fnn_attr *p = &c->attr[0];
  int64_t size[FNN_MAX_DIMS];
  if (p->n % 2 || p->n > 2 * x->ndim)
    return fnn_fail(FNN_ERUNTIME, "%s: %lld padding numbers for %s", def->name, (long long)p->n,
                    fnn_tensor_str(x));
  for (int d = 0; d < x->ndim; d++) size[d] = x->size[d];
  for (int i = 0; i < p->n / 2; i++) {
    int d = x->ndim - 1 - i;
    if (!fnn_add_ok(size[d], p->v.ints[2 * i], &size[d]) ||
        !fnn_add_ok(size[d], p->v.ints[2 * i + 1], &size[d]) || size[d] < 0)
      return fnn_fail(FNN_ERUNTIME, "%s: padding (%lld, %lld) of dimension %d of %s", def->name,
                      (long long)p->v.ints[2 * i], (long long)p->v.ints[2 * i + 1], d,
                      fnn_tensor_str(x));
  }
  if (!fnn_scalar_fits(x->dtype, &c->attr[1]))
    return fnn_fail(FNN_ERUNTIME, "%s: value cannot be converted to type %s without overflow",
                    def->name, fnn_dtype_name((fnn_dtype)x->dtype));
  fnn_set_shape(out, x->dtype, x->ndim, size);
  return FNN_OK;
}

/* Narrows t to n indices of dim from `first` on. */
static void narrow(fnn_tensor *t, int dim, int64_t first, int64_t n) {
  t->offset += first * t->stride[dim] * fnn_dtype_size((fnn_dtype)t->dtype);
  t->size[dim] = n;
}

static fnn_status pad_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  fnn_tensor x = *c->in[0], y = *c->out[0];
  const int64_t *p = c->attr[0].v.ints;
  (void)def;
  (void)ws;
  for (int i = 0; i < c->attr[0].n / 2; i++) { /* fill the two slabs, go on inside */
    int d = x.ndim - 1 - i;
    int64_t a = p[2 * i], b = p[2 * i + 1];
    fnn_tensor low = y, high = y;
    narrow(&low, d, 0, fnn_max64(a, 0));
    narrow(&high, d, y.size[d] - fnn_max64(b, 0), fnn_max64(b, 0));
    if (fnn_max64(a, 0) + fnn_max64(b, 0) >= y.size[d]) { /* nothing of x is left */
      fnn_fill(&y, &c->attr[1]);
      return FNN_OK;
    }
    fnn_fill(&low, &c->attr[1]);
    fnn_fill(&high, &c->attr[1]);
    narrow(&y, d, fnn_max64(a, 0), y.size[d] - fnn_max64(a, 0) - fnn_max64(b, 0));
    narrow(&x, d, fnn_max64(-a, 0), y.size[d]);
  }
  fnn_copy(&x, &y);
  return FNN_OK;
}

const fnn_family fnn_family_pad = {pad_infer, NULL, pad_run};

/* ---- one_hot: y[..., x[...]] = 1 */
static fnn_status one_hot_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  int64_t size[FNN_MAX_DIMS + 1];
  if (x->dtype != FNN_I64)
    return fnn_fail(FNN_ERUNTIME, "%s: expected int64, got %s", def->name, fnn_tensor_str(x));
  if (x->ndim == FNN_MAX_DIMS || c->attr[0].v.i < 1)
    return fnn_fail(FNN_ERUNTIME, "%s: %lld classes for %s", def->name,
                    (long long)c->attr[0].v.i, fnn_tensor_str(x));
  for (int d = 0; d < x->ndim; d++) size[d] = x->size[d];
  size[x->ndim] = c->attr[0].v.i;
  fnn_set_shape(out, FNN_I64, x->ndim + 1, size);
  return FNN_OK;
}

static fnn_status one_hot_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  const fnn_tensor *x = c->in[0], *y = c->out[0];
  const fnn_attr zero = {.n = 0};
  int64_t at[FNN_MAX_DIMS] = {0}, n = fnn_tensor_numel(x);
  (void)ws;
  fnn_status st = fnn_index_check(def, x, y->ndim - 1, 0, c->attr[0].v.i);
  if (st) return st;
  fnn_fill(y, &zero);
  const int64_t *p = fnn_tensor_data(x);
  int64_t *q = fnn_tensor_data(y);
  for (int64_t i = 0; i < n; i++) {
    q[*p * y->stride[x->ndim]] = 1;
    for (int d = x->ndim - 1; d >= 0; d--) {
      p += x->stride[d];
      q += y->stride[d];
      if (++at[d] < x->size[d]) break;
      p -= x->stride[d] * x->size[d];
      q -= y->stride[d] * x->size[d];
      at[d] = 0;
    }
  }
  return FNN_OK;
}

const fnn_family fnn_family_one_hot = {one_hot_infer, NULL, one_hot_run};
