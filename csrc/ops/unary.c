/* y = f(x), pointwise, float32 and float64. */
#include "ops/iter.h"

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

typedef struct job {
  fnn_unary_pair kernel;
  int is_float;
} job;

static void inner(void *ctx, int64_t n, char *const *p, const int64_t *s) {
  (void)s;
  const job *j = ctx;
  if (j->is_float) j->kernel.f32(n, (const float *)p[1], NULL, (float *)p[0]);
  else j->kernel.f64(n, (const double *)p[1], NULL, (double *)p[0]);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  const fnn_tensor *op[2] = {c->out[0], c->in[0]};
  job j = {fnn_k->unary->fwd[def->kernel], op[0]->dtype == FNN_F32};
  fnn_iter it;
  fnn_iter_init(&it, 2, 1, op);
  fnn_iter_dense(&it, GRAIN, 0, inner, &j);
  return FNN_OK;
}

const fnn_family fnn_family_unary = {infer, NULL, run};
