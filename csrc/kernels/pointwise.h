/* Pointwise kernels: p[0] is the output, p[1..] the inputs, contiguous. s[k] = 0 says that
 * input k is one value; only kernels of the "light" lists are given such. a: the op's float
 * attributes in signature order. */
#ifndef FNN_KERNELS_POINTWISE_H
#define FNN_KERNELS_POINTWISE_H

#include <stdint.h>

#include "kernels/binary.h"
#include "kernels/unary.h"

/* The dtypes that are computed with; the first of fnn_dtype. */
#define FNN_MAP_DTYPES 6

typedef void (*fnn_map_fn)(int64_t n, char *const *p, const int64_t *s, const double *a);

/* Every list, by the dtypes that it has. X(name, inputs, attrs) */
#define FNN_MAP(X) FNN_UNARY(X) FNN_BINARY(X)

enum {
#define X(name, inputs, attrs) FNN_K_##name,
  FNN_MAP(X)
#undef X
      FNN_NUM_MAP
};

typedef struct fnn_map_row {
  fnn_map_fn fn[FNN_MAP_DTYPES]; /* NULL: not for this dtype */
  int8_t inputs, attrs;
  int8_t light; /* takes single values as inputs */
  int8_t hard;  /* dear enough to split over threads early */
} fnn_map_row;

#endif
