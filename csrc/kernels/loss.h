/* Losses of pairs (x, t), contiguous. w, pw: optional factors of the same length. p: the op's
 * float attribute. fwd returns the sum of the losses and, where y is given, writes them;
 * bwd: dx = g gv[i] w[i] dloss/dx, gv optional. */
#ifndef FNN_KERNELS_LOSS_H
#define FNN_KERNELS_LOSS_H

#include <stdint.h>

#define FNN_LOSS(X) \
  X(mse)            \
  X(l1)             \
  X(smooth_l1)      \
  X(huber)          \
  X(bce)            \
  X(bce_logits)     \
  X(kl_div)         \
  X(kl_div_log)

enum {
#define X(name) FNN_K_##name,
  FNN_LOSS(X)
#undef X
      FNN_NUM_LOSS
};

#define FNN_LOSS_BLOCK 4096 /* elements whose sum one call returns: the unit of the order of sums */

#define FNN_LOSS_TABLE(R, S)                                                                     \
  typedef struct fnn_loss_##S {                                                                  \
    struct {                                                                                     \
      double (*fwd)(int64_t n, const R *x, const R *t, const R *w, const R *pw, double p, R *y); \
      void (*bwd)(int64_t n, const R *x, const R *t, const R *w, const R *pw, double p, R g,     \
                  const R *gv, R *dx);                                                           \
    } fn[FNN_NUM_LOSS];                                                                          \
  } fnn_loss_##S;
FNN_LOSS_TABLE(float, f32)
FNN_LOSS_TABLE(double, f64)

#endif
