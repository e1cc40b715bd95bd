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

/* X(name, inputs, attrs): all of them, and those of the real dtypes, of the integers, of the
 * integers and bool. */
#define FNN_MAP(X) FNN_UNARY(X) FNN_BINARY(X)
#define FNN_MAP_REAL(X)                                                                        \
  FNN_UNARY_HARD(X) FNN_UNARY_EASY(X) FNN_UNARY_NUMBER(X) FNN_UNARY_TEST(X) FNN_BINARY_SLOW(X) \
  FNN_BINARY_DIVIDE(X) FNN_BINARY_REAL(X) FNN_BINARY_NUMBER(X) FNN_BINARY_ALL(X)               \
  FNN_BINARY_TEST(X) FNN_TERNARY_ALL(X) FNN_TERNARY_WHERE(X)
#define FNN_MAP_WHOLE(X)                                                                       \
  FNN_UNARY_NUMBER(X) FNN_BINARY_DIVIDE(X) FNN_BINARY_NUMBER(X) FNN_BINARY_SHIFT(X)
#define FNN_MAP_WHOLE_BOOL(X)                                                                  \
  FNN_UNARY_TEST(X) FNN_UNARY_BITS(X) FNN_BINARY_ALL(X) FNN_BINARY_TEST(X) FNN_BINARY_BITS(X)  \
  FNN_TERNARY_ALL(X) FNN_TERNARY_WHERE(X)

enum {
#define X(name, inputs, attrs) FNN_K_##name,
  FNN_MAP(X)
#undef X
      FNN_NUM_MAP
};

/* Of float32 or float64. NULL: not for this dtype. */
typedef struct fnn_map_kernels {
  fnn_map_fn fn[FNN_NUM_MAP];
} fnn_map_kernels;

/* By dtype: int64, int32, uint8 and bool. */
typedef struct fnn_map_int_kernels {
  fnn_map_fn fn[FNN_NUM_MAP][4];
} fnn_map_int_kernels;

#endif
