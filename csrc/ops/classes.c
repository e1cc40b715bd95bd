/* What the losses over class indices check alike. */
#include "ops/softmax.h"

static fnn_status check_target(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *t) {
  int dim = x->ndim > 1;
  int ok = t->ndim == x->ndim - 1;
  for (int i = 0; ok && i < t->ndim; i++) ok = t->size[i] == x->size[i < dim ? i : i + 1];
  if (!ok)
    return fnn_fail(FNN_EVALUE, "%s: expected the input's shape %s without its classes for the "
                    "target, got %s", def->name, fnn_shape_str(x->ndim, x->size),
                    fnn_shape_str(t->ndim, t->size));
  if (t->dtype != FNN_I64)
    return fnn_fail(FNN_ETYPE, "%s: expected an int64 target, got %s", def->name,
                    fnn_tensor_str(t));
  if (!fnn_tensor_is_contiguous(t))
    return fnn_fail(FNN_ERUNTIME, "%s: expected a contiguous target", def->name);
  return FNN_OK;
}

fnn_status fnn_check_classes(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *target,
                             const fnn_tensor *weight, fnn_softmax_dims *dims) {
  if (x->ndim < 1)
    return fnn_fail(FNN_EVALUE, "%s: expected at least one dimension of classes", def->name);
  fnn_status st = fnn_softmax_shape(def, x, x->ndim > 1, dims);
  if (!st && dims->n == 0)
    st = fnn_fail(FNN_EVALUE, "%s: input %s has no classes", def->name, fnn_tensor_str(x));
  if (!st) st = check_target(def, x, target);
  if (st) return st;
  if (weight && (weight->dtype != x->dtype || weight->ndim != 1 || weight->size[0] != dims->n))
    return fnn_fail(FNN_EVALUE, "%s: weight should be defined for all %lld classes or none, got %s",
                    def->name, (long long)dims->n, fnn_tensor_str(weight));
  return FNN_OK;
}

fnn_status fnn_check_labels(const fnn_opdef *def, const fnn_tensor *target, int64_t classes,
                            int64_t ignore) {
  const int64_t *t = fnn_tensor_data(target);
  int64_t n = fnn_tensor_numel(target);
  for (int64_t i = 0; i < n; i++)
    if ((uint64_t)t[i] >= (uint64_t)classes && t[i] != ignore)
      return fnn_fail(FNN_EINDEX, "%s: Target %lld is out of bounds.", def->name,
                      (long long)t[i]);
  return FNN_OK;
}
