/* Running a planned reduction: blocks over threads, partial results joined in a fixed tree. */
#ifndef FNN_REDUCE_RUN_H
#define FNN_REDUCE_RUN_H

#include "ops/reduce_plan.h"

typedef struct fnn_reduce_job fnn_reduce_job;
/* n results (p, q), contiguous, to y[0] and y[1] (NULL: not wanted) with element strides s. */
typedef void (*fnn_reduce_finish)(const fnn_reduce_job *job, int64_t n, const void *p,
                                  const void *q, char *const *y, const int64_t *s);

struct fnn_reduce_job {
  const fnn_reducer *k;
  fnn_reduce_finish finish;
  const fnn_tensor *x, *outs[2];
  unsigned mask;
  int keepdim, ordered;
  int64_t narrow;
  int in_place; /* finish may read its p from y[0]: same dtype, element by element */
  double correction;
  fnn_reduction plan;
  char *p, *q; /* partial results, where an output takes several blocks */
};

/* dims (none: all) to a mask; the message names the op. */
fnn_status fnn_reduce_mask(const fnn_opdef *def, const fnn_tensor *x, const fnn_attr *dims,
                           unsigned *mask);
/* Shape of the result. */
void fnn_reduce_shape(const fnn_tensor *x, unsigned mask, int keepdim, int dtype, fnn_tensor *out);
int64_t fnn_reduce_workspace(fnn_reduce_job *job);
void fnn_reduce_run(fnn_reduce_job *job, void *workspace);
/* n elements of `bytes` each to y with an element stride. */
void fnn_reduce_put(int64_t n, int64_t bytes, const void *from, char *y, int64_t stride);

#endif
