/* Softmax and log-softmax over contiguous rows (x[rows][n]) and over the first dimension of a
 * block of columns (x[n][m], the n rows `stride` elements apart; m <= FNN_SOFTMAX_COLS), and what
 * cross-entropy shares with them. log: 0 softmax, 1 log-softmax. */
#ifndef FNN_KERNELS_SOFTMAX_H
#define FNN_KERNELS_SOFTMAX_H

#include <stdint.h>

#define FNN_SOFTMAX_COLS 64

enum { FNN_K_softmax, FNN_K_log_softmax };

#define FNN_SOFTMAX_TABLE(R, S)                                                                  \
  typedef struct fnn_softmax_##S {                                                               \
    void (*rows)(int log, int64_t rows, int64_t n, const R *x, R *y);                            \
    void (*cols)(int log, int64_t n, int64_t m, int64_t stride, const R *x, R *y);               \
    /* dx from dy and the forward's y */                                                         \
    void (*bwd_rows)(int log, int64_t rows, int64_t n, const R *dy, const R *y, R *dx);          \
    void (*bwd_cols)(int log, int64_t n, int64_t m, int64_t stride, const R *dy, const R *y,     \
                     R *dx);                                                                     \
    /* top[r] = max x, logsum[r] = log sum exp(x - top) */                                       \
    void (*lse_rows)(int64_t rows, int64_t n, const R *x, R *top, R *logsum);                    \
    void (*lse_cols)(int64_t n, int64_t m, int64_t stride, const R *x, R *top, R *logsum);       \
    /* dx = scale[r] exp(x - top[r] - logsum[r]) - shift[r] */                                   \
    void (*exp_rows)(int64_t rows, int64_t n, const R *x, const R *top, const R *logsum,         \
                     const R *scale, const R *shift, R *dx);                                     \
    void (*exp_cols)(int64_t n, int64_t m, int64_t stride, const R *x, const R *top,             \
                     const R *logsum, const R *scale, const R *shift, R *dx);                    \
  } fnn_softmax_##S;
FNN_SOFTMAX_TABLE(float, f32)
FNN_SOFTMAX_TABLE(double, f64)

#endif
