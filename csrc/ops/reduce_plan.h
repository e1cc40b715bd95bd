/* How a reduction over any set of dimensions, with any strides, is cut into blocks. */
#ifndef FNN_REDUCE_PLAN_H
#define FNN_REDUCE_PLAN_H

#include "ops/op.h"

/* Kept and reduced dimensions, outermost first, merged where the strides allow. Outputs are
 * numbered in the order of the kept dimensions, reduced elements in the order of the others.
 * Rows: the innermost reduced dimension is the contiguous one. Columns: the innermost kept one
 * is, and `width` outputs stand side by side. The reduced elements of an output are cut into
 * `blocks` blocks of whole runs (a run: the innermost reduced dimension), or of parts of one. */
typedef struct fnn_reduction {
  int nk, nr;
  int64_t ksize[FNN_MAX_DIMS], kx[FNN_MAX_DIMS];
  int64_t ky[2][FNN_MAX_DIMS]; /* strides of the outputs */
  int64_t rsize[FNN_MAX_DIMS], rx[FNN_MAX_DIMS];
  int64_t origin; /* of x: reversed dimensions start at their end */
  int64_t outputs, count;
  int64_t run, run_stride, runs; /* count = run * runs */
  int64_t width, width_stride;   /* columns: of x; rows: 1, 0 */
  int64_t block, per, parts;     /* elements of a part; runs per block; parts per run */
  int64_t blocks;
  int columns;
} fnn_reduction;

/* mask: bit d set where dimension d of x is reduced. ordered: positions count, so the reduced
 * dimensions keep their order and direction. narrow: columns fewer than this run as rows.
 * outs: up to two outputs (NULL allowed), with or without the reduced dimensions. */
void fnn_reduction_plan(fnn_reduction *r, const fnn_tensor *x, unsigned mask, int keepdim,
                        int ordered, int64_t narrow, const fnn_tensor *const *outs, int nout);
/* Number of elements before block b. */
int64_t fnn_reduction_start(const fnn_reduction *r, int64_t b);
/* Offset of output o in x (which < 0), or in output `which`. */
int64_t fnn_reduction_at(const fnn_reduction *r, int64_t o, int which);
/* Block b of the output(s) at element `base` of x, for `width` columns from there: its address
 * and row stride, gathered into buffer (FNN_ROW_BLOCK elements) if it is not contiguous;
 * *n elements or rows. */
const void *fnn_reduction_block(const fnn_reduction *r, int64_t base, int64_t b, int64_t width,
                                int item, const char *x, void *buffer, int64_t *n, int64_t *rs);

#endif
