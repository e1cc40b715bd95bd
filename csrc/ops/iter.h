/* The pointwise iterator: operands broadcast to one shape, any strides, split over threads.
 *
 * Two ways to walk: fnn_iter_each hands out runs with whatever inner stride the operands have;
 * fnn_iter_dense hands out runs in which every operand is contiguous (strided ones pass through
 * small blocks on the stack), so that a kernel needs one plain loop. */
#ifndef FNN_ITER_H
#define FNN_ITER_H

#include "ops/op.h"

#define FNN_ITER_OPERANDS 6

typedef struct fnn_iter {
  int nop, nout; /* operands, outputs first */
  int ndim;      /* after merging; 1 at least */
  int64_t numel;
  int64_t size[FNN_MAX_DIMS]; /* innermost first */
  int64_t stride[FNN_MAX_DIMS][FNN_ITER_OPERANDS];
  char *data[FNN_ITER_OPERANDS];
  int item[FNN_ITER_OPERANDS]; /* bytes of an element */
} fnn_iter;

/* A run of n elements; s: strides in elements. */
typedef void (*fnn_iter_fn)(void *ctx, int64_t n, char *const *p, const int64_t *s);

/* op[0] is an output and gives the shape; op[k] broadcasts to it. op[k] NULL: one value that
 * the caller names with fnn_iter_value before the walk. */
void fnn_iter_init(fnn_iter *it, int nop, int nout, const fnn_tensor *const *op);
static inline void fnn_iter_value(fnn_iter *it, int k, const void *value, int item) {
  it->data[k] = (char *)(uintptr_t)value;
  it->item[k] = item;
}

/* grain: elements below which a region is not split over threads. */
void fnn_iter_each(const fnn_iter *it, int64_t grain, fnn_iter_fn fn, void *ctx);
/* The same with s[k] = 1 for outputs and 1 for inputs, or also 0 where zeros is not 0. */
void fnn_iter_dense(const fnn_iter *it, int64_t grain, int zeros, fnn_iter_fn fn, void *ctx);

#endif
