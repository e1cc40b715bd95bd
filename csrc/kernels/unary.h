/* y[i] = f(x[i]), contiguous. p: the op's float attributes in signature order. */
#ifndef FNN_KERNELS_UNARY_H
#define FNN_KERNELS_UNARY_H

#include <stdint.h>

#define FNN_UNARY(X) \
  X(relu)

enum {
#define X(name) FNN_K_##name,
  FNN_UNARY(X)
#undef X
      FNN_NUM_UNARY
};

typedef void (*fnn_unary_fn_f32)(int64_t n, const float *x, const double *p, float *y);
typedef void (*fnn_unary_fn_f64)(int64_t n, const double *x, const double *p, double *y);
typedef struct fnn_unary_pair {
  fnn_unary_fn_f32 f32;
  fnn_unary_fn_f64 f64;
} fnn_unary_pair;

typedef struct fnn_unary_kernels {
  fnn_unary_pair fwd[FNN_NUM_UNARY];
} fnn_unary_kernels;

#endif
