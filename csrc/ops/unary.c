/* y = f(x), pointwise, float32 and float64. */
#include "ops/op.h"

#define GRAIN 32768

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  const fnn_tensor *x = c->in[0];
  if (!fnn_is_float(x->dtype))
    return fnn_fail(FNN_ETYPE, "%s: expected float32 or float64, got %s", def->name,
                    fnn_tensor_str(x));
  fnn_set_shape(out, x->dtype, x->ndim, x->size);
  fnn_set_pointwise_strides(1, c->in, out);
  return FNN_OK;
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  const fnn_tensor *x = c->in[0], *y = c->out[0];
  int64_t n = fnn_tensor_numel(x);
  fnn_unary_pair k = fnn_k->unary->fwd[def->kernel];
  if (x->dtype == FNN_F32) k.f32(n, fnn_tensor_data(x), NULL, fnn_tensor_data(y));
  else k.f64(n, fnn_tensor_data(x), NULL, fnn_tensor_data(y));
  return FNN_OK;
}

const fnn_family fnn_family_unary = {infer, NULL, run};
