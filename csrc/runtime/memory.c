/* The allocator's front: fnn_alloc and fnn_free.
 *
 * Each thread keeps short free lists of small blocks and touches no lock and no atomic while they
 * last. Everything rare (a full or empty list, a big block, poison, fault injection, a changed
 * setting) takes the slow path. The two meet in one word: a thread may take the fast path only
 * while its epoch equals the process's, and every change of settings moves the latter. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/memory.h"
#include "runtime/sizes.h"

#define LIST_BYTES (64 * 1024) /* per thread and class, */
#define LIST_MIN 4             /* but at least this many blocks, */
#define LIST_MAX 128           /* and at most so many */
#define LOW_LIMIT ((int64_t)64 << 20) /* below this cache limit threads keep nothing */

typedef struct thread_cache {
  uint64_t epoch;
  int64_t pending; /* live bytes not yet added to the process's count, */
  int64_t highest; /* and the most that they have been since */
  int64_t allocs, frees;
  struct { fnn_free_block *head; int32_t count, max; } list[FNN_SMALL_CLASSES];
  struct thread_cache *next, *prev;
  fnn_text text;
} thread_cache;

FNN_THREAD thread_cache *mine; /* NULL: none yet, or no more */
FNN_THREAD int finished;

static uint64_t epoch = 2; /* odd: the fast path is closed to all */
static int use_system, poison;
static int64_t fail_in;
static int64_t live, peak; /* atomic; live lacks what is pending */
static int64_t refused;
static thread_cache *caches; /* all threads', under the pool's lock */
static thread_cache past;    /* allocs and frees of threads that have ended */
static pthread_key_t at_exit;
static int have_key;

/* ---- counts */

static void raise_peak(int64_t to) {
  int64_t now = __atomic_load_n(&peak, __ATOMIC_RELAXED);
  while (to > now && !__atomic_compare_exchange_n(&peak, &now, to, 1, __ATOMIC_RELAXED,
                                                  __ATOMIC_RELAXED)) {}
}

static void publish(thread_cache *t) {
  int64_t before = __atomic_fetch_add(&live, t->pending, __ATOMIC_RELAXED);
  raise_peak(before + t->highest);
  t->pending = t->highest = 0;
}

static inline void count_alloc(thread_cache *t, int64_t bytes) {
  t->allocs++;
  t->pending += bytes;
  if (t->pending > t->highest) t->highest = t->pending;
}

static inline void count_free(thread_cache *t, int64_t bytes) {
  t->frees++;
  t->pending -= bytes;
}

/* ---- a thread's cache */

static void flush(thread_cache *t) {
  for (int c = 1; c < FNN_SMALL_CLASSES; c++) {
    if (t->list[c].count) fnn_pool_give(c, t->list[c].head, t->list[c].count);
    t->list[c].head = NULL;
    t->list[c].count = 0;
  }
}

static void finish(void *p) {
  thread_cache *t = p;
  mine = NULL;
  finished = 1;
  flush(t);
  publish(t);
  fnn_pool_lock();
  past.allocs += t->allocs;
  past.frees += t->frees;
  if (t->next) t->next->prev = t->prev;
  if (t->prev) t->prev->next = t->next;
  else caches = t->next;
  fnn_pool_unlock();
  free(t);
}

/* This thread's cache, brought up to date with the settings; NULL where there can be none. */
static thread_cache *current(void) {
  thread_cache *t = mine;
  uint64_t now = __atomic_load_n(&epoch, __ATOMIC_ACQUIRE);
  if (!t) {
    if (finished || !have_key || !(t = calloc(1, sizeof *t))) return NULL;
    if (pthread_setspecific(at_exit, t)) {
      free(t);
      return NULL;
    }
    for (int c = 1; c < FNN_SMALL_CLASSES; c++) {
      int64_t n = LIST_BYTES / fnn_class_bytes(c);
      t->list[c].max = (int32_t)(n < LIST_MIN ? LIST_MIN : n > LIST_MAX ? LIST_MAX : n);
    }
    fnn_pool_lock();
    if ((t->next = caches)) caches->prev = t;
    caches = t;
    fnn_pool_unlock();
    mine = t;
  }
  if (t->epoch != now) {
    flush(t);
    t->epoch = now & 1 ? 0 : now;
  }
  return t;
}

fnn_text *fnn_thread_text(void) {
  static fnn_text shared;
  thread_cache *t = mine ? mine : current();
  return t ? &t->text : &shared;
}

/* ---- the slow path */

static void settle(void);

static int injected(void) {
  if (__atomic_load_n(&fail_in, __ATOMIC_RELAXED) <= 0) return 0;
  if (__atomic_sub_fetch(&fail_in, 1, __ATOMIC_RELAXED) != 0) return 0;
  settle(); /* the fast path opens again */
  return 1;
}

static void *refuse(int64_t bytes, const char *why) {
  __atomic_add_fetch(&refused, 1, __ATOMIC_RELAXED);
  fnn_fail(FNN_ENOMEM, "%s: %lld bytes", why, (long long)bytes);
  return NULL;
}

static void *obtain(thread_cache *t, int64_t bytes) {
  if (use_system) return fnn_system_alloc(bytes ? bytes : 1);
  int c = fnn_size_class(bytes);
  int keep = t && t->epoch && c < FNN_SMALL_CLASSES;
  if (keep && t->list[c].head) { /* the settings had changed, or this thread is new */
    fnn_free_block *b = t->list[c].head;
    t->list[c].head = b->next;
    t->list[c].count--;
    return b;
  }
  fnn_free_block *chain;
  int n = fnn_pool_take(c, keep ? t->list[c].max / 2 : 1, &chain);
  if (n > 1) {
    t->list[c].head = chain->next;
    t->list[c].count = n - 1;
  }
  return chain;
}

__attribute__((noinline)) static void *alloc_slow(int64_t bytes) {
  if (bytes < 0 || bytes > FNN_MAX_BLOCK) return refuse(bytes, "cannot allocate so much memory");
  if (injected()) return refuse(bytes, "out of memory (fnn_memory_fail_at)");
  thread_cache *t = current();
  void *p = obtain(t, bytes);
  if (!p) return refuse(bytes, "out of memory");
  if (t) {
    count_alloc(t, bytes);
    publish(t);
  } else {
    __atomic_add_fetch(&past.allocs, 1, __ATOMIC_RELAXED);
    raise_peak(__atomic_add_fetch(&live, bytes, __ATOMIC_RELAXED));
  }
  if (__atomic_load_n(&poison, __ATOMIC_RELAXED)) memset(p, 0xFF, (size_t)bytes);
  return p;
}

static void give_back(thread_cache *t, void *p, int64_t bytes) {
  if (use_system) {
    fnn_system_free(p);
    return;
  }
  int c = fnn_size_class(bytes);
  fnn_free_block *b = p;
  if (!t || !t->epoch || c >= FNN_SMALL_CLASSES) {
    fnn_pool_give(c, b, 1);
    return;
  }
  if (t->list[c].count >= t->list[c].max) { /* the older half goes; the warm blocks stay */
    int stay = t->list[c].max / 2;
    fnn_free_block *last = t->list[c].head;
    for (int i = 1; i < stay; i++) last = last->next;
    fnn_pool_give(c, last->next, t->list[c].count - stay);
    last->next = NULL;
    t->list[c].count = stay;
  }
  b->next = t->list[c].head;
  t->list[c].head = b;
  t->list[c].count++;
}

__attribute__((noinline)) static void free_slow(void *p, int64_t bytes) {
  if (!p) return;
  if (__atomic_load_n(&poison, __ATOMIC_RELAXED)) memset(p, 0xFF, (size_t)bytes);
  thread_cache *t = current();
  if (t) {
    count_free(t, bytes);
    publish(t);
  } else {
    __atomic_add_fetch(&past.frees, 1, __ATOMIC_RELAXED);
    __atomic_sub_fetch(&live, bytes, __ATOMIC_RELAXED);
  }
  give_back(t, p, bytes);
}

/* ---- the fast path */

void *fnn_alloc(int64_t bytes) {
  thread_cache *t = mine;
  if (__builtin_expect((uint64_t)bytes <= FNN_SMALL_BYTES && t &&
                       t->epoch == __atomic_load_n(&epoch, __ATOMIC_RELAXED), 1)) {
    int c = fnn_size_class(bytes);
    fnn_free_block *b = t->list[c].head;
    if (__builtin_expect(b != NULL, 1)) {
      t->list[c].head = b->next;
      t->list[c].count--;
      count_alloc(t, bytes);
      return b;
    }
  }
  return alloc_slow(bytes);
}

void fnn_free(void *p, int64_t bytes) {
  thread_cache *t = mine;
  if (__builtin_expect(p && (uint64_t)bytes <= FNN_SMALL_BYTES && t &&
                       t->epoch == __atomic_load_n(&epoch, __ATOMIC_RELAXED), 1)) {
    int c = fnn_size_class(bytes);
    if (__builtin_expect(t->list[c].count < t->list[c].max, 1)) {
      fnn_free_block *b = p;
      b->next = t->list[c].head;
      t->list[c].head = b;
      t->list[c].count++;
      count_free(t, bytes);
      return;
    }
  }
  free_slow(p, bytes);
}

/* ---- settings */

/* A new epoch: every thread empties its cache before it allocates again. */
static void settle(void) {
  int slow = use_system || __atomic_load_n(&poison, __ATOMIC_RELAXED) ||
             __atomic_load_n(&fail_in, __ATOMIC_RELAXED) || fnn_pool_limit() < LOW_LIMIT;
  fnn_pool_lock();
  uint64_t next = (epoch | 1) + (slow ? 2 : 1);
  __atomic_store_n(&epoch, next, __ATOMIC_RELEASE);
  fnn_pool_unlock();
  current();
}

__attribute__((constructor)) static void start(void) {
  const char *name = getenv("FASTNN_ALLOCATOR");
  use_system = name && strcmp(name, "system") == 0;
  if (name && *name && !use_system && strcmp(name, "pool") != 0)
    fnn_bad_environment("FASTNN_ALLOCATOR: expected pool or system");
  have_key = pthread_key_create(&at_exit, finish) == 0;
  if (use_system) epoch |= 1;
}

void fnn_memory_get_stats(fnn_memory_stats *s) {
  thread_cache *t = mine;
  if (t) publish(t);
  fnn_pool_lock();
  int64_t allocs = past.allocs, frees = past.frees, bytes = live, kept = fnn_pool_cached();
  for (t = caches; t; t = t->next) {
    allocs += t->allocs;
    frees += t->frees;
    bytes += t->pending;
    for (int c = 1; c < FNN_SMALL_CLASSES; c++)
      kept += t->list[c].count * fnn_class_bytes(c);
  }
  fnn_pool_unlock();
  raise_peak(bytes);
  s->live_bytes = bytes;
  s->live_blocks = allocs - frees;
  s->cached_bytes = kept;
  s->peak_bytes = peak;
  s->requests = allocs + refused;
}

void fnn_memory_reset_peak(void) {
  fnn_memory_stats s;
  fnn_memory_get_stats(&s);
  __atomic_store_n(&peak, s.live_bytes, __ATOMIC_RELAXED);
}

void fnn_memory_empty_cache(void) {
  settle();
  fnn_pool_empty();
}

void fnn_memory_set_cache_limit(int64_t bytes) {
  fnn_pool_set_limit(bytes < 0 ? -1 : bytes);
  settle();
}

void fnn_memory_set_poison(int on) {
  __atomic_store_n(&poison, on != 0, __ATOMIC_RELAXED);
  settle();
}

void fnn_memory_fail_at(int64_t n) {
  __atomic_store_n(&fail_in, n > 0 ? n : 0, __ATOMIC_RELAXED);
  settle();
}
