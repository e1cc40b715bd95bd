/* What the normalisations over channels share. */
#ifndef FNN_OPS_NORM_H
#define FNN_OPS_NORM_H

#include "ops/softmax.h"

/* t (or NULL) holds one number per channel of x, contiguous, in x's dtype. */
static inline fnn_status fnn_check_channels(const fnn_opdef *def, const fnn_tensor *x,
                                            const fnn_tensor *t, const char *what) {
  if (!t) return FNN_OK;
  if (t->ndim != 1 || t->size[0] != x->size[1] || t->dtype != x->dtype)
    return fnn_fail(FNN_ERUNTIME, "%s: %s should contain %lld elements of %s, got %s", def->name,
                    what, (long long)x->size[1], fnn_dtype_name((fnn_dtype)x->dtype),
                    fnn_tensor_str(t));
  return fnn_want_float_contiguous(def, what, t);
}

#endif
