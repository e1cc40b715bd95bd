/* Pooling windows over planes of three dimensions (fewer: the first are 1). A plane is contiguous;
 * channels-last data are pixels of c contiguous channels. A tap is a position in the window,
 * numbered in row-major order: max_pool keeps the winner's tap, as one byte where the window has at
 * most 256 taps, else as an int32. Of equals the first wins; of NaNs the last. */
#ifndef FNN_KERNELS_POOL_H
#define FNN_KERNELS_POOL_H

#include <stdint.h>

typedef struct fnn_window {
  int64_t in[3], out[3], kernel[3], stride[3], pad[3], dilation[3];
  int64_t divisor; /* average: 0, or what sums are divided by */
  int include_pad; /* average: whether padding counts as elements */
  int wide;        /* taps are int32 */
  /* per tap of the last dimension: outputs [low, high) for which it lies inside the plane */
  const int64_t *low, *high;
  const int64_t *offset; /* per tap: distance in the plane from the window's first element */
} fnn_window;

#define FNN_POOL_TABLE(R, S)                                                                   \
  typedef struct fnn_pool_##S {                                                                \
    /* planes: contiguous, one after another; tap may be NULL */                               \
    void (*max)(const fnn_window *w, int64_t planes, const R *x, R *y, void *tap);             \
    void (*max_bwd)(const fnn_window *w, int64_t planes, const R *dy, const void *tap, R *dx); \
    void (*avg)(const fnn_window *w, int64_t planes, const R *x, R *y);                        \
    void (*avg_bwd)(const fnn_window *w, int64_t planes, const R *dy, R *dx);                  \
    /* channels last, pointers to the image. Forward: rows [begin, end) of y, a row being one    \
     * index of the first two dimensions; backward: channels [begin, end) of all of dx */      \
    void (*max_last)(const fnn_window *w, int64_t c, int64_t begin, int64_t end, const R *x,   \
                     R *y, void *tap);                                                         \
    void (*max_last_bwd)(const fnn_window *w, int64_t c, int64_t begin, int64_t end,           \
                         const R *dy, const void *tap, R *dx);                                 \
    void (*avg_last)(const fnn_window *w, int64_t c, int64_t begin, int64_t end, const R *x,   \
                     R *y);                                                                    \
    void (*avg_last_bwd)(const fnn_window *w, int64_t c, int64_t begin, int64_t end,           \
                         const R *dy, R *dx);                                                  \
    /* windows [floor(o in / out), ceil((o + 1) in / out)) of planes; index: in the plane */   \
    void (*adaptive_max)(const fnn_window *w, int64_t planes, const R *x, R *y,                \
                         int64_t *index);                                                      \
    void (*adaptive_avg)(const fnn_window *w, int64_t planes, const R *x, R *y);               \
    void (*adaptive_avg_bwd)(const fnn_window *w, int64_t planes, const R *dy, R *dx);         \
  } fnn_pool_##S;
FNN_POOL_TABLE(float, f32)
FNN_POOL_TABLE(double, f64)

#endif
