/* Random numbers: Philox 4x32-10 (Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as
 * 1, 2, 3, SC 2011), counter {block, 0, 0}, key seed. Sixteen blocks make a group of 64 words;
 * word 16 k + j of a group is word k of its block j. Element i of a result depends on seed, block
 * and i alone, so that threads may begin at any group. */
#ifndef FNN_KERNELS_RANDOM_H
#define FNN_KERNELS_RANDOM_H

#include <stdint.h>

#define FNN_GROUP_BLOCKS 16
#define FNN_GROUP_WORDS 64

/* y: n elements from the beginning of a group on. p: the op's float attributes; x: the op's tensor
 * operand, or NULL. A group gives 64 elements, but for doubles that need 64 bits each 32. */
#define FNN_RANDOM(X) \
  X(uniform)          /* p: low, high */ \
  X(normal)           /* p: mean, std; Box-Muller */ \
  X(exponential)      /* p: rate; -log(u) / rate */ \
  X(bernoulli)        /* p: probability of 1 */ \
  X(bernoulli_each)   /* x: the same, for each element */ \
  X(dropout)          /* p: probability of 0; else x / (1 - p). Its own derivative */

enum {
#define X(name) FNN_K_##name,
  FNN_RANDOM(X)
#undef X
      FNN_NUM_RANDOM
};

typedef struct fnn_random_f32 {
  void (*fill[FNN_NUM_RANDOM])(uint64_t seed, uint64_t block, int64_t n, const double *p,
                               const float *x, float *y);
} fnn_random_f32;

typedef struct fnn_random_f64 {
  void (*fill[FNN_NUM_RANDOM])(uint64_t seed, uint64_t block, int64_t n, const double *p,
                               const double *x, double *y);
  /* y[i] in [low, low + span), span 0: the bits as they come; 32 elements of a group each. The
   * bias is at most span / 2^64 of a value's probability. */
  void (*ints)(uint64_t seed, uint64_t block, int64_t n, int64_t low, uint64_t span, int64_t *y);
} fnn_random_f64;

/* Elements of a group, by kernel and dtype. */
static inline int fnn_group_elements(int kernel, int is_double) {
  return is_double && kernel <= FNN_K_exponential ? 32 : 64;
}

#endif
