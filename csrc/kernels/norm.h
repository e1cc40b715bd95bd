/* Normalisation over contiguous rows (layer_norm, rms_norm) and over channels (batch_norm,
 * group_norm): a channel is a column, or a set of runs of contiguous elements. */
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
    /* Channels as columns of x[rows][m], rows `stride` apart:                                   \
     * sum[j] += x - shift, square[j] += (x - shift)^2; sum[j] += dy, dot[j] += dy (x - mean) */ \
    void (*col_moments)(int64_t rows, int64_t m, int64_t stride, const R *x, const R *shift,     \
                        double *sum, double *square);                                            \
    void (*col_grads)(int64_t rows, int64_t m, int64_t stride, const R *dy, const R *x,          \
                      const R *mean, double *sum, double *dot);                                  \
    /* y = (x - mean) scale + shift;  dx = dy a - (x - mean) b - c */                            \
    void (*col_apply)(int64_t rows, int64_t m, int64_t stride, const R *x, const R *mean,        \
                      const R *scale, const R *shift, R *y);                                     \
    void (*col_bwd)(int64_t rows, int64_t m, int64_t stride, const R *dy, const R *x,            \
                    const R *mean, const R *a, const R *b, const R *c, R *dx);                   \
    /* The same for channels of l contiguous elements: x[rows][m][l], rows `stride` apart */     \
    void (*set_moments)(int64_t rows, int64_t m, int64_t l, int64_t stride, const R *x,          \
                        const R *shift, double *sum, double *square);                            \
    void (*set_grads)(int64_t rows, int64_t m, int64_t l, int64_t stride, const R *dy,           \
                      const R *x, const R *mean, double *sum, double *dot);                      \
    void (*set_apply)(int64_t rows, int64_t m, int64_t l, int64_t stride, const R *x,            \
                      const R *mean, const R *scale, const R *shift, R *y);                      \
    void (*set_bwd)(int64_t rows, int64_t m, int64_t l, int64_t stride, const R *dy, const R *x, \
                    const R *mean, const R *a, const R *b, const R *c, R *dx);                   \
  } fnn_norm_##S;
FNN_NORM_TABLE(float, f32)
FNN_NORM_TABLE(double, f64)

#endif
