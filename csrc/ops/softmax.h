/* What softmax and cross-entropy share. */
#ifndef FNN_OPS_SOFTMAX_H
#define FNN_OPS_SOFTMAX_H

#include "ops/op.h"

/* A tensor seen as (outer, n, inner), n being the dimension that is summed over. */
typedef struct fnn_softmax_dims {
  int64_t outer, n, inner;
} fnn_softmax_dims;

fnn_status fnn_softmax_shape(const fnn_opdef *def, const fnn_tensor *x, int64_t attr_dim,
                             fnn_softmax_dims *s);
/* float32 or float64, contiguous (the caller copies what is not). */
fnn_status fnn_want_float_contiguous(const fnn_opdef *def, const char *what, const fnn_tensor *t);
/* x (C), (N, C), (N, C, d...) with classes; target, int64, the same without C; weight (C) or NULL. */
fnn_status fnn_check_classes(const fnn_opdef *def, const fnn_tensor *x, const fnn_tensor *target,
                             const fnn_tensor *weight, fnn_softmax_dims *dims);
/* Every label names a class or is ignored: refused before anything is written. */
fnn_status fnn_check_labels(const fnn_opdef *def, const fnn_tensor *target, int64_t classes,
                            int64_t ignore);

#endif
