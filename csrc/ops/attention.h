/* What attention's forward and backward drivers share. */
#ifndef FNN_OPS_ATTENTION_H
#define FNN_OPS_ATTENTION_H

#include "ops/op.h"

#define FNN_ATTENTION_KEYS 128 /* of a block of scores */

/* One call. d of a stride: 0 batch, 1 head, 2 time. */
typedef struct fnn_attention {
  const fnn_attention_kernels *kernels;
  const fnn_gemm_kernels *gemm;
  int64_t item, batch, heads, groups, tq, tk, e, ev; /* groups: heads of k and v */
  const fnn_tensor *q, *k, *v, *mask;
  int64_t mask_stride[4]; /* 0 where the mask is broadcast */
  int is_bool, causal, is_double;
  double scale, p;
  uint64_t seed, block; /* of the dropout */
} fnn_attention;

/* Where a part of the work stands: a batch and head, queries [q0, q0 + nq) in w columns. */
typedef struct fnn_attention_part {
  int64_t b, h, q0, nq, w;
} fnn_attention_part;

/* Four dimensions, the last one contiguous. */
fnn_status fnn_attention_layout(const fnn_opdef *def, const char *what, const fnn_tensor *t);
/* dtypes, shapes and layouts of q, k, v, mask, and the attributes. */
fnn_status fnn_attention_check(const fnn_opdef *def, const fnn_call *c, int q, int mask);
fnn_attention fnn_attention_of(const fnn_call *c, int q, int mask);
/* Sizes (B, H, T, n), laid out as (B, T, H, n). */
void fnn_attention_shape(fnn_tensor *t, int dtype, int64_t b, int64_t h, int64_t n, int64_t d);
/* An output that was given must have contiguous rows, as those have that infer describes. */
fnn_status fnn_attention_given(const fnn_opdef *def, const fnn_call *c, int i);

static inline char *fnn_attention_row(const fnn_attention *a, const fnn_tensor *t, int64_t b,
                                      int64_t h, int64_t i) {
  return (char *)fnn_tensor_data(t) +
         (b * t->stride[0] + h * t->stride[1] + i * t->stride[2]) * a->item;
}

/* Rows packed as the second operand of a product: of m x n, bytes; columns become rows where
 * `across`. Columns beyond n are zero up to FNN_ATTENTION_Q. */
int64_t fnn_attention_pack_bytes(const fnn_attention *a, int64_t m, int64_t n);
void fnn_attention_pack(const fnn_attention *a, int64_t m, int64_t n, const void *rows, int64_t ld,
                        void *to);
void fnn_attention_pack_across(const fnn_attention *a, int64_t m, int64_t n, const void *rows,
                               int64_t ld, void *to);
/* s[nk][w] = rows (nk x depth) times a panel (depth x w). triangle, here and below: the block's
 * first key is its first query, and a query sees no later key; s beyond it is not written. */
void fnn_attention_scores(const fnn_attention *a, int triangle, int64_t nk, int64_t w,
                          int64_t depth, const void *rows, int64_t ld, const void *panel, void *s);
/* y[nq][n] (+)= s^T x,  x packed nk x n */
void fnn_attention_by_query(const fnn_attention *a, int triangle, int64_t nk, int64_t nq,
                            int64_t n, const void *s, const void *x, void *y, int64_t ld,
                            int load);
/* y[nk][n] += s x,  x packed nq x n */
void fnn_attention_by_key(const fnn_attention *a, int triangle, int64_t nk, int64_t nq, int64_t n,
                          const void *s, const void *x, void *y, int64_t ld);
/* Masks of a block of scores whose first key is k0. */
void fnn_attention_mask(const fnn_attention *a, const fnn_attention_part *r, int triangle,
                        int64_t k0, int64_t nk, void *s);
/* x (a block of scores) / (1 - p) where kept, else 0. */
void fnn_attention_dropout(const fnn_attention *a, const fnn_attention_part *r, int64_t k0,
                           int64_t nk, void *x);
static inline uint64_t fnn_attention_random_blocks(const fnn_attention *a) {
  int64_t per_key = fnn_ceil_div(a->tq, FNN_ATTENTION_Q) * FNN_GROUP_BLOCKS;
  return (uint64_t)(a->batch * a->heads * a->tk * per_key);
}

#endif
