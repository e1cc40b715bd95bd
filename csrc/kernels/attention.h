/* Attention, the pieces beside its matrix products. A block of scores holds keys as rows and
 * FNN_ATTENTION_Q queries as columns, so that what belongs to a query is a column and the loops
 * over it run in vectors: s[j * FNN_ATTENTION_Q + i] is key j under query i. w is the number of
 * columns that are worked, queries rounded up to FNN_ATTENTION_W; those beyond are harmless. */
#ifndef FNN_KERNELS_ATTENTION_H
#define FNN_KERNELS_ATTENTION_H

#include <stdint.h>

#define FNN_ATTENTION_Q 64
#define FNN_ATTENTION_W 16

typedef struct fnn_attention_kernels {
  /* x *= a */
  void (*scale)(int64_t n, double a, void *x);
  /* s += mask, or -inf where a boolean mask is 0; sq, sk: the mask's strides by query and key */
  void (*add_mask)(int64_t nk, int64_t nq, const void *mask, int64_t sq, int64_t sk, void *s);
  void (*bool_mask)(int64_t nk, int64_t nq, const uint8_t *mask, int64_t sq, int64_t sk, void *s);
  /* s[j][i] = value for queries i before key j: those that may not look at it */
  void (*above)(int64_t nk, int64_t w, double value, void *s);
  /* One step of the online softmax: with top the largest score so far and sum the sum of
   * exp(score - top), take in nk more keys; s becomes exp(s - top) by the new top, and what was
   * summed by the old one is to be multiplied by factor. */
  void (*step)(int64_t nk, int64_t w, void *s, void *top, void *sum, void *factor);
  /* y[i][:] *= factor[i]; rows of y are ld apart */
  void (*rescale)(int64_t rows, int64_t n, const void *factor, void *y, int64_t ld);
  /* y[i][:] /= sum[i] and lse = top + log(sum); a row that sees no key is 0, its lse -inf */
  void (*finish)(int64_t rows, int64_t n, const void *top, void *sum, void *y, int64_t ld,
                 void *lse);
  /* delta[i] = sum of dy[i] y[i] */
  void (*dots)(int64_t rows, int64_t n, const void *dy, int64_t lddy, const void *y, int64_t ldy,
               void *delta);
  /* p = exp(s - lse), in s;  ds = scale p (dp - delta), in dp */
  void (*backward)(int64_t nk, int64_t w, double scale, const void *lse, const void *delta,
                   void *s, void *dp);
  /* One query: s = s scale + mask (either kind or none), then exp(s - top); gives sum and lse. */
  void (*row)(int64_t n, double scale, const void *mask, int is_bool, int64_t sk, void *s,
              void *sum, void *lse);
  /* x /= *sum, or 0 where *sum is */
  void (*divide)(int64_t n, const void *sum, void *x);
  /* y = the sum of count rows, apart by stride */
  void (*join)(int64_t n, int64_t count, const void *x, int64_t stride, void *y);
} fnn_attention_kernels;

#endif
