/* fill_ and the ops that write numbers which depend on the position alone. */
#include "ops/copy.h"

/* Integers as torch: the range of the type, and for uint8 its negatives, which wrap. */
int fnn_scalar_fits(int dtype, const fnn_attr *a) {
  static const double top[FNN_NUM_DTYPES] = {[FNN_I64] = 0x1p63, [FNN_I32] = 0x1p31,
                                             [FNN_U8] = 256, [FNN_I8] = 128, [FNN_I16] = 32768};
  if (dtype == FNN_BOOL || a->n == 2) return 1;
  if (a->n == 0) {
    if (!top[dtype] || dtype == FNN_I64) return 1;
    double v = (double)a->v.i;
    return v < top[dtype] && (dtype == FNN_U8 ? v > -256 : v >= -top[dtype]);
  }
  double v = a->v.f;
  if (dtype == FNN_F32) return !isfinite(v) || fabs(v) <= 3.4028234663852886e38;
  if (!top[dtype]) return 1;
  return v < top[dtype] && (dtype == FNN_U8 ? v > -256 : v >= -top[dtype]);
}

void fnn_scalar_store(int dtype, const fnn_attr *a, void *out) {
  fnn_cast_run(1, a->n == 1 ? FNN_F64 : FNN_I64, &a->v, dtype, out);
}

void fnn_fill(const fnn_tensor *y, const fnn_attr *value) {
  int64_t bits = 0;
  fnn_scalar_store(y->dtype, value, &bits);
  fnn_storage s = {.data = &bits, .nbytes = 8};
  fnn_tensor x = {.storage = &s, .dtype = y->dtype};
  fnn_copy(&x, y);
}

/* ---- fill_: y[...] = value */
static fnn_status fill_infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *y = c->out[0];
  const fnn_attr *a = &c->attr[0];
  if (!y || !y->storage) return fnn_fail(FNN_EVALUE, "%s: a destination is needed", def->name);
  if (!fnn_scalar_fits(y->dtype, a))
    return fnn_fail(FNN_ERUNTIME, "%s: value cannot be converted to type %s without overflow",
                    def->name, fnn_dtype_name((fnn_dtype)y->dtype));
  *out = *y;
  out->storage = NULL;
  return FNN_OK;
}

static fnn_status fill_run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)def;
  (void)ws;
  fnn_fill(c->out[0], &c->attr[0]);
  return FNN_OK;
}

const fnn_family fnn_family_fill_ = {fill_infer, NULL, fill_run};
