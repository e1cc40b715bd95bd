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

#endif
