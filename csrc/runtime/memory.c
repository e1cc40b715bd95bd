/* The allocator: the only malloc of the library. */
#include <stdlib.h>

#include "runtime/runtime.h"

void *fnn_alloc(int64_t bytes) {
  void *p = NULL;
  if (posix_memalign(&p, FNN_ALIGN, (size_t)bytes))
    fnn_fail(FNN_ENOMEM, "out of memory: %lld bytes", (long long)bytes);
  return p;
}

void fnn_free(void *p, int64_t bytes) {
  (void)bytes;
  free(p);
}
