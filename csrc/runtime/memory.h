/* The two halves of the allocator: memory.c (per thread, no lock) over memory_pool.c (shared, locked). */
#ifndef FNN_MEMORY_H
#define FNN_MEMORY_H

#include "fastnn.h"
#include "runtime/runtime.h"

/* Size classes: multiples of 64 bytes up to 1024, then eight to each doubling, so that a block
 * is at most 12.5 % larger than what was asked for (or 63 bytes, where that is more). */
#define FNN_UNIT 64
#define FNN_SMALL_CLASSES 65 /* 0..64: up to 64 KB; these are kept per thread */
#define FNN_SMALL_BYTES (64 * 1024)
#define FNN_CLASSES 320
#define FNN_MAX_BLOCK ((int64_t)1 << 46)
#define FNN_HUGE_BYTES ((int64_t)2 << 20)

static inline int fnn_size_class(int64_t bytes) {
  int64_t units = (bytes + FNN_UNIT - 1) / FNN_UNIT;
  if (units <= 16) return units ? (int)units : 1;
  int64_t v = units - 1;
  int e = 63 - __builtin_clzll((unsigned long long)v);
  return 17 + (e - 4) * 8 + (int)(v >> (e - 3)) - 8;
}

static inline int64_t fnn_class_bytes(int cls) {
  if (cls <= 16) return (int64_t)cls * FNN_UNIT;
  int e = 4 + (cls - 17) / 8, m = 8 + (cls - 17) % 8;
  return (int64_t)(m + 1) * ((int64_t)FNN_UNIT << (e - 3));
}

/* A block on a free list of small ones: the link stands in the block itself. */
typedef struct fnn_free_block {
  struct fnn_free_block *next;
} fnn_free_block;

/* Take up to want blocks of a class as a chain; the number taken is returned (0: no memory).
 * Only the first may be fresh from the system: the others were cached. */
int fnn_pool_take(int cls, int want, fnn_free_block **chain);
/* Give back a chain of n blocks of one class; what the limit does not admit goes to the system. */
void fnn_pool_give(int cls, fnn_free_block *chain, int n);
void fnn_pool_empty(void);
void fnn_pool_set_limit(int64_t bytes);
int64_t fnn_pool_limit(void);
int64_t fnn_pool_cached(void);
/* The pool's lock is also the lock of the list of thread caches. */
void fnn_pool_lock(void);
void fnn_pool_unlock(void);

/* The system's own allocator, for FASTNN_ALLOCATOR=system. */
void *fnn_system_alloc(int64_t bytes);
void fnn_system_free(void *p);

#endif
