/* The strided copy: what every op that moves elements is made of. */
#ifndef FNN_OPS_COPY_H
#define FNN_OPS_COPY_H

#include "ops/op.h"

/* y = (dtype of y) x, with x broadcast to y's shape (x.ndim <= y.ndim, sizes equal or 1). Any
 * strides; y has no overlap with x or itself. Splits over threads. */
void fnn_copy(const fnn_tensor *x, const fnn_tensor *y);

/* n contiguous elements, any dtype to any. */
void fnn_cast_run(int64_t n, int from, const void *x, int to, void *y);

/* ---- fill.c */
/* Whether a scalar can become dtype: integers must be in range, float32 must not overflow. */
int fnn_scalar_fits(int dtype, const fnn_attr *a);
/* *out = (dtype)a; at most 8 bytes. */
void fnn_scalar_store(int dtype, const fnn_attr *a, void *out);
/* y[...] = value, any strides. */
void fnn_fill(const fnn_tensor *y, const fnn_attr *value);

/* log2 of the bytes of an element: the row of the tables by size. */
static inline int fnn_size_class(int dtype) {
  static const int8_t log2[FNN_NUM_DTYPES] = {2, 3, 3, 2, 0, 0, 0, 1, 1, 1};
  return log2[dtype];
}

#endif
