/* Norms of contiguous blocks and what clipping does to them, in place. */
#ifndef FNN_KERNELS_CLIP_H
#define FNN_KERNELS_CLIP_H

#include <stdint.h>

enum { FNN_CLIP_SQUARES, FNN_CLIP_ABS, FNN_CLIP_MAX, FNN_CLIP_POWER };

#define FNN_CLIP_TABLE(R, S)                                                                   \
  typedef struct fnn_clip_##S {                                                                \
    /* sum of x^2, |x| or |x|^p, or max |x|; NaN where there is one */                         \
    double (*fold)(int kind, int64_t n, const R *x, double p);                                 \
    void (*scale)(int64_t n, R factor, R *x);                                                  \
    void (*clamp)(int64_t n, R low, R high, R *x);                                             \
  } fnn_clip_##S;
FNN_CLIP_TABLE(float, f32)
FNN_CLIP_TABLE(double, f64)

#endif
