/* Pointwise ops whose operands are tensors and whose attributes are numbers: maps of one tensor,
 * their derivatives, and the few that combine tensors with weights. */
#include "ops/pointwise.h"

#define MAX_ATTRS 4

static fnn_status infer(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  return fnn_map_infer(def, c, 0, -1, out);
}

static fnn_status infer_test(const fnn_opdef *def, const fnn_call *c, fnn_tensor *out) {
  return fnn_map_infer(def, c, 0, FNN_BOOL, out);
}

static fnn_status run(const fnn_opdef *def, const fnn_call *c, void *ws) {
  (void)ws;
  double a[MAX_ATTRS];
  for (int i = 0; i < fnn_map_attrs(def->kernel); i++) a[i] = c->attr[i].v.f;
  fnn_map_run(def, c, c->in[0]->dtype, NULL, a);
  return FNN_OK;
}

const fnn_family fnn_family_unary = {infer, NULL, run};
const fnn_family fnn_family_test = {infer_test, NULL, run};
