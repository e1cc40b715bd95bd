/* Normalisation over contiguous rows (layer_norm, rms_norm) and over channels (batch_norm): a
 * channel is a column of x[rows][m] (rows `stride` apart), or a set of contiguous rows. */
#ifndef FNN_KERNELS_NORM_H
#define FNN_KERNELS_NORM_H

#include <stdint.h>

#define FNN_NORM_TABLE(R, S)                                                                     \
  typedef struct fnn_norm_##S {                                                                  \
    /* y = (x - mean) rstd w + b; w, b optional; mean NULL: rms_norm */                          \
    void (*rows)(int64_t rows, int64_t n, const R *x, const R *w, const R *b, double eps, R *y,  \
                 R *mean, R *rstd);                                                              \
    /* dx, and dw, db (optional) accumulated over the rows */                                    \
    void (*bwd_rows)(int64_t rows, int64_t n, const R *dy, const R *x, const R *w,               \
                     const R *mean, const R *rstd, R *dx, R *dw, R *db);                         \
    /* sum[j] += sum over rows of x; of (x - mean)^2; of dy and of dy (x - mean) */              \
    void (*col_sums)(int64_t rows, int64_t m, int64_t stride, const R *x, double *sum);          \
    void (*col_squares)(int64_t rows, int64_t m, int64_t stride, const R *x, const R *mean,      \
                        double *sum);                                                            \
    void (*col_grads)(int64_t rows, int64_t m, int64_t stride, const R *dy, const R *x,          \
                      const R *mean, double *sum, double *dot);                                  \
    R (*sum)(int64_t n, const R *x);                                                             \
    R (*squares)(int64_t n, const R *x, R mean);                                                 \
    R (*dot)(int64_t n, const R *x, R mean, const R *dy); /* sum dy (x - mean) */                \
    /* y = (x - mean) scale + shift;  dx = dy a - (x - mean) b - c: constants per column, or */  \
    /* one for a row */                                                                          \
    void (*col_apply)(int64_t rows, int64_t m, int64_t stride, const R *x, const R *mean,        \
                      const R *scale, const R *shift, R *y);                                     \
    void (*row_apply)(int64_t n, const R *x, R mean, R scale, R shift, R *y);                    \
    void (*col_bwd)(int64_t rows, int64_t m, int64_t stride, const R *dy, const R *x,            \
                    const R *mean, const R *a, const R *b, const R *c, R *dx);                   \
    void (*row_bwd)(int64_t n, const R *dy, const R *x, R mean, R a, R b, R c, R *dx);           \
  } fnn_norm_##S;
FNN_NORM_TABLE(float, f32)
FNN_NORM_TABLE(double, f64)

typedef struct fnn_norm_kernels {
  fnn_norm_f32 f32;
  fnn_norm_f64 f64;
} fnn_norm_kernels;

#endif
