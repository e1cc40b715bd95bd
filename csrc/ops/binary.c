/* Pointwise ops any of whose operands may be a number instead of a tensor: it is then NULL and
 * its value is a scalar attribute. */
#include "ops/pointwise.h"

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  return fnn_map_infer(def, c, 0, -1, out);
}

static fnn_status infer_compare(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  return fnn_map_infer(def, c, 0, FNN_BOOL, out);
}

static fnn_status infer_where(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  if (c->nin > 0 && (!c->in[0] || c->in[0]->dtype != FNN_BOOL))
    return fnn_fail(FNN_ETYPE, "%s: the condition must be a bool tensor, got %s", def->name,
                    c->in[0] ? fnn_tensor_str(c->in[0]) : "a number");
  return fnn_map_infer(def, c, 1, -1, out);
}

/* The attribute's value as dtype, in the first bytes of *value. Integers wrap, or where clips
 * is set stop at the ends of dtype. */
static void scalar(const fnn_attr *a, int dtype, int clips, int64_t *value) {
  int64_t i = a->n == 1 ? (int64_t)a->v.f : a->v.i;
  double f = a->n == 1 ? a->v.f : (double)a->v.i;
  float f32 = (float)f;
  if (dtype == FNN_F64) memcpy(value, &f, 8);
  else if (dtype == FNN_F32) memcpy(value, &f32, 4);
  else {
    if (clips && dtype == FNN_I32) i = i < INT32_MIN ? INT32_MIN : fnn_min64(i, INT32_MAX);
    if (clips && dtype == FNN_U8) i = i < 0 ? 0 : fnn_min64(i, 255);
    if (dtype == FNN_BOOL) i = i != 0;
    int32_t i32 = (int32_t)i;
    uint8_t u8 = (uint8_t)i;
    if (dtype == FNN_I64) *value = i;
    else if (dtype == FNN_I32) memcpy(value, &i32, 4);
    else memcpy(value, &u8, 1);
  }
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  int dtype = fnn_map_dtype(c, 0);
  int64_t values[FNN_MAP_INPUTS];
  for (int k = 0; k < 2; k++)
    if (!c->in[k]) scalar(&c->attr[0], dtype, 0, &values[k]);
  fnn_map_run(def, c, dtype, values, NULL);
  return FNN_OK;
}

/* ---- integer division looks at its divisors before the first write */

static void find_zero(void *ctx, int64_t n, char *const *p, const int64_t *s) {
  const fnn_tensor *t = ((const fnn_tensor **)ctx)[0];
  int found = 0;
  for (int64_t i = 0; i < n; i++) {
    int64_t at = i * s[0];
    if (t->dtype == FNN_I64) found |= ((const int64_t *)p[0])[at] == 0;
    else if (t->dtype == FNN_I32) found |= ((const int32_t *)p[0])[at] == 0;
    else found |= ((const uint8_t *)p[0])[at] == 0;
  }
  if (found) ((const fnn_tensor **)ctx)[1] = NULL;
}

static fnn_status run_divide(const fnn_opdef *def, const fnn_call *c, void *ws) {
  int zero = 0, dtype = fnn_map_dtype(c, 0);
  if (!fnn_is_float(dtype) && fnn_tensor_numel(c->out[0]) > 0) {
    if (c->in[1]) {
      const fnn_tensor *look[2] = {c->in[1], c->in[1]};
      fnn_iter it;
      fnn_iter_init(&it, 1, 0, look);
      fnn_iter_each(&it, INT64_MAX / 2, find_zero, look);
      zero = !look[1];
    } else {
      int64_t value = 0;
      scalar(&c->attr[0], dtype, 0, &value);
      zero = value == 0;
    }
  }
  if (zero) return fnn_fail(FNN_ERUNTIME, "%s: ZeroDivisionError", def->name);
  return run(def, c, ws);
}

/* ---- three operands, of which the second and third may be numbers */

static fnn_status run_three(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  int dtype = fnn_map_dtype(c, def->kernel == FNN_K_where);
  int64_t values[FNN_MAP_INPUTS];
  for (int k = 1; k < 3; k++)
    if (!c->in[k]) scalar(&c->attr[k - 1], dtype, def->kernel == FNN_K_clamp, &values[k]);
  fnn_map_run(def, c, dtype, values, NULL);
  return FNN_OK;
}

const fnn_family fnn_family_binary = {infer, NULL, run};
const fnn_family fnn_family_divide = {infer, NULL, run_divide};
const fnn_family fnn_family_compare = {infer_compare, NULL, run};
const fnn_family fnn_family_ternary = {infer, NULL, run_three};
const fnn_family fnn_family_where = {infer_where, NULL, run_three};
