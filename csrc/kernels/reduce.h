/* Reductions. A reducer turns a block of elements into one partial result (p, q) per output, and
 * joins partial results. What p and q are: fold p = the fold, q unused; arg p = value, q = int64
 * position; moments p = mean, q = sum of squared deviations; lse p = maximum, q = sum of
 * exp(x - maximum). Which order a sum runs in is a function of the sizes alone. */
#ifndef FNN_KERNELS_REDUCE_H
#define FNN_KERNELS_REDUCE_H

#include <stdint.h>

#define FNN_ROW_BLOCK 4096  /* elements of a row that one call may reduce */
#define FNN_COL_BLOCK 128   /* rows of a column block, where it is at least this wide: */
#define FNN_COL_NARROW 32
#define FNN_COL_PACKED 32768 /* elements of a block of fewer columns that lie without gaps */
#define FNN_COL_TILE 4096   /* columns that one call may reduce */

enum {
  FNN_FOLD_sum, FNN_FOLD_prod, FNN_FOLD_max, FNN_FOLD_min, FNN_FOLD_count, FNN_FOLD_sumsq,
  FNN_FOLD_sumabs, FNN_FOLD_maxabs, FNN_FOLD_minabs, FNN_FOLD_nansum, FNN_NUM_FOLD
};
/* X(name, fold) of the folds that floats have; count is written apart, as are the integers'. */
#define FNN_FLOAT_FOLDS(X) \
  X(sum, FNN_FOLD_sum) X(prod, FNN_FOLD_prod) X(max, FNN_FOLD_max) X(min, FNN_FOLD_min) \
  FNN_FLOAT_ONLY_FOLDS(X)
#define FNN_FLOAT_ONLY_FOLDS(X) \
  X(sumsq, FNN_FOLD_sumsq) X(sumabs, FNN_FOLD_sumabs) X(maxabs, FNN_FOLD_maxabs) \
  X(minabs, FNN_FOLD_minabs) X(nansum, FNN_FOLD_nansum)
enum { FNN_ARG_max, FNN_ARG_min, FNN_NUM_ARG };

typedef struct fnn_reducer {
  /* m rows of n contiguous elements, row stride rs, to p[0..m), q[0..m). n = 0 gives the
   * neutral element. at: position of the first element, which arg adds to what it finds. */
  void (*row)(int64_t m, int64_t n, int64_t rs, int64_t at, const void *x, void *p, void *q);
  /* r rows of c contiguous columns to p[0..c), q[0..c). r >= 1. */
  void (*col)(int64_t r, int64_t c, int64_t rs, int64_t at, const void *x, void *p, void *q);
  /* (p, q), of na elements each, absorbs (p2, q2), of nb elements each that come later. */
  void (*join)(int64_t c, int64_t na, int64_t nb, void *p, void *q, const void *p2,
               const void *q2);
  int64_t p_bytes, q_bytes; /* per output */
} fnn_reducer;

/* Indexed by dtype: float32, float64, int64, int32, uint8, bool. */
#define FNN_REDUCE_DTYPES 6
typedef struct fnn_reduce_kernels {
  fnn_reducer fold[FNN_NUM_FOLD][FNN_REDUCE_DTYPES];
  fnn_reducer arg[FNN_NUM_ARG][FNN_REDUCE_DTYPES];
  fnn_reducer moments[2];
  fnn_reducer lse[2];
  /* y = p + log(q) */
  void (*lse_finish[2])(int64_t n, const void *p, const void *q, void *y);
} fnn_reduce_kernels;

#endif
