/* One optimizer step over n contiguous elements: the gradient is read, the parameter s[0] and
 * its state s[1..] are updated in place. h: the scalars of this step, flags: FNN_OPTIM_*. */
#ifndef FNN_KERNELS_OPTIM_H
#define FNN_KERNELS_OPTIM_H

#include <stdint.h>

#define FNN_OPTIM(X) \
  X(sgd)             \
  X(adam)            \
  X(rmsprop)         \
  X(adagrad)         \
  X(adadelta)

enum {
#define X(name) FNN_K_##name,
  FNN_OPTIM(X)
#undef X
      FNN_NUM_OPTIM
};

enum {
  FNN_OPTIM_MAXIMIZE = 1,
  FNN_OPTIM_DECAY = 2,    /* h[1] * p is added to the gradient */
  FNN_OPTIM_MOMENTUM = 4, /* sgd: s[1] is the momentum buffer */
  FNN_OPTIM_NESTEROV = 8,
  FNN_OPTIM_FIRST = 16,   /* sgd: the buffer holds nothing yet */
  FNN_OPTIM_AMSGRAD = 32, /* adam: s[3] is the running maximum of s[2] */
  FNN_OPTIM_CENTERED = 64 /* rmsprop: the running mean of g precedes the momentum buffer */
};

typedef void (*fnn_optim_fn_f32)(int64_t n, const double *h, int flags, const float *g,
                                 float *const *s);
typedef void (*fnn_optim_fn_f64)(int64_t n, const double *h, int flags, const double *g,
                                 double *const *s);
typedef struct fnn_optim_pair {
  fnn_optim_fn_f32 f32;
  fnn_optim_fn_f64 f64;
} fnn_optim_pair;

typedef struct fnn_optim_kernels {
  fnn_optim_pair step[FNN_NUM_OPTIM];
} fnn_optim_kernels;

#endif
