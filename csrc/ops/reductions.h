/* The folds that are ops: rows of the table in reduce.c. */
#ifndef FNN_REDUCTIONS_H
#define FNN_REDUCTIONS_H

enum {
  FNN_RED_sum, FNN_RED_prod, FNN_RED_mean, FNN_RED_amax, FNN_RED_amin, FNN_RED_sumsq,
  FNN_RED_nansum, FNN_RED_norm1, FNN_RED_norm2, FNN_RED_normmax, FNN_RED_normmin,
  FNN_RED_count_nonzero, FNN_RED_any, FNN_RED_all
};

#endif
