/* The shared half of the allocator: blocks that no thread holds, and the system's memory. */
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "runtime/memory.h"
#include "runtime/sizes.h"

#define PAGE 4096
/* Blocks above FNN_SMALL_BYTES begin up to this far into their first page, by turns: equal
 * addresses modulo 4096 make a load wait for an unrelated store. */
#define COLOURS 8
#define COLOUR_STEP 576 /* nine lines: the eighth is still inside the page */
#define DEFAULT_LIMIT ((int64_t)8 << 30)

/* A cached block above FNN_SMALL_BYTES: on its class's list and on the list of all by age. */
typedef struct big_block {
  struct big_block *next, *prev; /* in the class, newest first */
  struct big_block *newer, *older;
  int cls;
} big_block;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static fnn_free_block *small[FNN_SMALL_CLASSES];
static big_block *big[FNN_CLASSES], *newest, *oldest;
static int64_t cached, limit = -1;
static unsigned colour;

void fnn_pool_lock(void) { pthread_mutex_lock(&mutex); }
void fnn_pool_unlock(void) { pthread_mutex_unlock(&mutex); }

__attribute__((constructor)) static void survive_fork(void) {
  pthread_atfork(fnn_pool_lock, fnn_pool_unlock, fnn_pool_unlock);
}

/* ---- the system */

void *fnn_system_alloc(int64_t bytes) {
  void *p = NULL;
  return posix_memalign(&p, FNN_ALIGN, (size_t)bytes) ? NULL : p;
}

void fnn_system_free(void *p) { free(p); }

static int64_t mapped_bytes(int cls) {
  return fnn_round_up(fnn_class_bytes(cls) + PAGE, PAGE);
}

/* Pages of our own; from 2 MB on aligned so that huge pages fit. */
static void *map(int cls) {
  int64_t n = mapped_bytes(cls), extra = n >= FNN_HUGE_BYTES ? FNN_HUGE_BYTES : 0;
  char *p = mmap(NULL, (size_t)(n + extra), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                 -1, 0);
  if (p == (char *)MAP_FAILED) return NULL;
  if (extra) {
    int64_t skip = (int64_t)(-(uintptr_t)p & (uintptr_t)(FNN_HUGE_BYTES - 1));
    if (skip) munmap(p, (size_t)skip);
    p += skip;
    if (extra > skip) munmap(p + n, (size_t)(extra - skip));
#if defined(MADV_HUGEPAGE)
    madvise(p, (size_t)n, MADV_HUGEPAGE);
#endif
  }
  return p;
}

static void *fresh(int cls) {
  if (cls < FNN_SMALL_CLASSES) return fnn_system_alloc(fnn_class_bytes(cls));
  char *p = map(cls);
  unsigned turn = __atomic_fetch_add(&colour, 1, __ATOMIC_RELAXED) % COLOURS;
  return p ? p + turn * COLOUR_STEP : NULL;
}

static void release(int cls, void *p) {
  if (cls < FNN_SMALL_CLASSES) free(p);
  else munmap((void *)((uintptr_t)p & ~(uintptr_t)(PAGE - 1)), (size_t)mapped_bytes(cls));
}

/* ---- lists of cached blocks; the lock is held */

static void push_big(int cls, big_block *b) {
  b->cls = cls;
  b->prev = NULL;
  b->next = big[cls];
  if (b->next) b->next->prev = b;
  big[cls] = b;
  b->newer = NULL;
  b->older = newest;
  if (newest) newest->newer = b;
  else oldest = b;
  newest = b;
}

static void remove_big(big_block *b) {
  if (b->prev) b->prev->next = b->next;
  else big[b->cls] = b->next;
  if (b->next) b->next->prev = b->prev;
  if (b->newer) b->newer->older = b->older;
  else newest = b->older;
  if (b->older) b->older->newer = b->newer;
  else oldest = b->newer;
}

static void *pop(int cls) {
  void *p;
  if (cls < FNN_SMALL_CLASSES) {
    if (!(p = small[cls])) return NULL;
    small[cls] = small[cls]->next;
  } else {
    if (!(p = big[cls])) return NULL;
    remove_big(big[cls]);
  }
  cached -= fnn_class_bytes(cls);
  return p;
}

static int64_t limit_now(void) {
  if (limit < 0) limit = fnn_min64(fnn_memory_total() / 4, DEFAULT_LIMIT);
  return limit;
}

/* The oldest of the big blocks go until need bytes more fit, or none is left. */
static void make_room(int64_t need) {
  while (oldest && cached + need > limit_now()) {
    big_block *b = oldest;
    remove_big(b);
    cached -= fnn_class_bytes(b->cls);
    release(b->cls, b);
  }
}

static void give_one(int cls, void *p) {
  int64_t bytes = fnn_class_bytes(cls);
  make_room(bytes);
  if (cached + bytes > limit_now()) {
    release(cls, p);
    return;
  }
  cached += bytes;
  if (cls < FNN_SMALL_CLASSES) {
    ((fnn_free_block *)p)->next = small[cls];
    small[cls] = p;
  } else {
    push_big(cls, p);
  }
}

static void empty(void) {
  for (int cls = 1; cls < FNN_SMALL_CLASSES; cls++)
    for (void *p; (p = pop(cls));) release(cls, p);
  for (big_block *b; (b = oldest);) {
    int cls = b->cls; /* pop takes the class's newest */
    release(cls, pop(cls));
  }
}

/* ---- the interface */

int fnn_pool_take(int cls, int want, fnn_free_block **chain) {
  int n = 0;
  *chain = NULL;
  fnn_pool_lock();
  for (void *p; n < want && (p = pop(cls)); n++) {
    ((fnn_free_block *)p)->next = *chain;
    *chain = p;
  }
  fnn_pool_unlock();
  if (n) return n;
  void *p = fresh(cls);
  if (!p) {
    fnn_pool_empty(); /* what is cached in other sizes may be what is missing */
    p = fresh(cls);
  }
  if (!(*chain = p)) return 0;
  (*chain)->next = NULL;
  return 1;
}

void fnn_pool_give(int cls, fnn_free_block *chain, int n) {
  fnn_pool_lock();
  while (n-- > 0) {
    fnn_free_block *next = n ? chain->next : NULL;
    give_one(cls, chain);
    chain = next;
  }
  fnn_pool_unlock();
}

void fnn_pool_empty(void) {
  fnn_pool_lock();
  empty();
  fnn_pool_unlock();
}

void fnn_pool_set_limit(int64_t bytes) {
  fnn_pool_lock();
  limit = bytes;
  make_room(0);
  if (cached > limit_now()) empty();
  fnn_pool_unlock();
}

int64_t fnn_pool_limit(void) {
  fnn_pool_lock();
  int64_t n = limit_now();
  fnn_pool_unlock();
  return n;
}

int64_t fnn_pool_cached(void) {
  return __atomic_load_n(&cached, __ATOMIC_RELAXED);
}
