/* Threads: the only OpenMP of the library. */
#include "runtime/runtime.h"

int fnn_max_threads(void) { return 1; }

void fnn_parallel_for(int64_t n, int64_t grain, fnn_range_fn fn, void *ctx) {
  (void)grain;
  if (n > 0) fn(ctx, 0, n, 0);
}
