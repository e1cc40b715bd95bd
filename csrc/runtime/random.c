/* The one piece of state of the random ops. */
#include "runtime/runtime.h"

uint64_t fnn_random_reserve(int64_t *generator, uint64_t n) {
  return __atomic_fetch_add((uint64_t *)&generator[1], n, __ATOMIC_RELAXED);
}
