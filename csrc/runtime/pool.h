/* The bounded pool behind fnn_parallel_for. */
#ifndef FNN_POOL_H
#define FNN_POOL_H

#include "runtime/runtime.h"

/* One region. 0: nothing was done, because another thread's region is running, or no worker could
 * be started; the caller then does the work itself. */
int fnn_pool_run(int64_t n, int64_t grain, int threads, fnn_range_fn fn, void *ctx);
void fnn_pool_after_fork(void);
/* parallel.c: marks the calling thread as one on which every region runs serial. */
void fnn_pool_worker(void);

#endif
