/* The bounded pool: regions that never wait for a thread that has not come.
 *
 * A region is cut into chunks, a segment of them for each thread. Every thread works through its
 * own segment and then through the others', so that a worker which the system has put aside costs
 * its help and no more: whoever started the region does the work itself. A thread waits only for
 * chunks that have begun elsewhere. Idle workers look for work for a moment, giving way to other
 * processes while they do, and then sleep. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "runtime/pool.h"

#if defined(__linux__)
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/sizes.h"

#define CHUNKS 4 /* per thread, where the grain allows */
#define IDLE_NS 200000 /* how long an idle worker looks for work before it sleeps */
#define PAUSES 64 /* between two looks at the clock, or two offers to give way */

#if defined(__x86_64__)
#define PAUSE() __builtin_ia32_pause()
#else
#define PAUSE() __asm__ volatile("yield")
#endif
#define GET(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define SET(x, v) __atomic_store_n(&(x), v, __ATOMIC_RELAXED)

/* One thread's share of the region in force: the region's number in the upper half, chunks not
 * yet begun in the lower. Both change in one exchange, so that a late worker takes nothing of a
 * region that is over. */
typedef struct slot {
  _Alignas(64) uint64_t state;
  _Alignas(64) uint32_t ticket; /* number of the last region that this worker was called to */
  uint32_t asleep;
} slot;

static slot slots[FNN_MAX_THREADS];
static struct {
  fnn_range_fn fn;
  void *ctx;
  int64_t n, length, chunks;
  int threads;
} job;
static _Alignas(64) uint32_t left; /* chunks of the region in force that are not finished */
static uint32_t waiting;           /* whoever started it sleeps until left is 0 */
static uint32_t region;
static int workers; /* started, the caller not counted */
static pthread_mutex_t busy = PTHREAD_MUTEX_INITIALIZER;

static void sleep_on(uint32_t *word, uint32_t value) {
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static void wake(uint32_t *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }

static int64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t first_chunk(int64_t chunks, int threads, int t) { return chunks * t / threads; }

/* Work through segment s of region r, as thread me. The job is read before the exchange, which
 * succeeds only while the region still has chunks to begin, and so while the job stands. */
static void work_on(int s, uint32_t r, int me) {
  for (;;) {
    uint64_t was = __atomic_load_n(&slots[s].state, __ATOMIC_ACQUIRE);
    if ((uint32_t)(was >> 32) != r || (uint32_t)was == 0) return;
    fnn_range_fn fn = GET(job.fn);
    void *ctx = GET(job.ctx);
    int64_t n = GET(job.n), length = GET(job.length);
    int64_t end = first_chunk(GET(job.chunks), GET(job.threads), s + 1);
    if (!__atomic_compare_exchange_n(&slots[s].state, &was, was - 1, 0, __ATOMIC_ACQ_REL,
                                     __ATOMIC_RELAXED))
      continue;
    int64_t begin = (end - (uint32_t)was) * length;
    fn(ctx, begin, fnn_min64(n, begin + length), me);
    if (__atomic_sub_fetch(&left, 1, __ATOMIC_SEQ_CST) == 0 &&
        __atomic_load_n(&waiting, __ATOMIC_SEQ_CST))
      wake(&left);
  }
}

static void take_part(uint32_t r, int me, int threads) {
  for (int i = 0; i < threads; i++) work_on((me + i) % threads, r, me);
}

/* ---- workers */

static uint32_t next_ticket(slot *mine, uint32_t last) {
  int64_t until = clock_ns() + IDLE_NS;
  for (;;) {
    for (int i = 0; i < PAUSES; i++) {
      uint32_t t = __atomic_load_n(&mine->ticket, __ATOMIC_ACQUIRE);
      if (t != last) return t;
      PAUSE();
    }
    if (clock_ns() < until) {
      sched_yield();
      continue;
    }
    __atomic_store_n(&mine->asleep, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&mine->ticket, __ATOMIC_SEQ_CST) == last) sleep_on(&mine->ticket, last);
    __atomic_store_n(&mine->asleep, 0, __ATOMIC_RELAXED);
    until = clock_ns() + IDLE_NS;
  }
}

static void *worker(void *arg) {
  int me = (int)(intptr_t)arg;
  uint32_t last = 0;
  fnn_pool_worker();
  for (;;) {
    last = next_ticket(&slots[me], last);
    int threads = GET(job.threads);
    if (me < threads) take_part(last, me, threads);
  }
  return NULL;
}

/* Signals are the host's: its own threads receive them. */
static void start_workers(int wanted) {
  sigset_t all, before;
  pthread_attr_t attr;
  if (workers >= wanted || pthread_attr_init(&attr)) return;
  pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t id;
  while (workers < wanted) {
    slots[workers + 1].ticket = 0;
    if (pthread_create(&id, &attr, worker, (void *)(intptr_t)(workers + 1))) break;
    workers++;
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attr);
}

/* ---- the thread that starts a region */

static void post(int64_t n, int64_t grain, int threads, fnn_range_fn fn, void *ctx) {
  int64_t length = fnn_max64(grain, fnn_ceil_div(n, (int64_t)threads * CHUNKS));
  int64_t chunks = fnn_ceil_div(n, length);
  SET(job.fn, fn);
  SET(job.ctx, ctx);
  SET(job.n, n);
  SET(job.length, length);
  SET(job.chunks, chunks);
  SET(job.threads, threads);
  SET(left, (uint32_t)chunks);
  if (++region == 0) region = 1; /* 0 is a new worker's last ticket */
  for (int t = 0; t < threads; t++) {
    int64_t count = first_chunk(chunks, threads, t + 1) - first_chunk(chunks, threads, t);
    __atomic_store_n(&slots[t].state, (uint64_t)region << 32 | (uint64_t)count, __ATOMIC_RELEASE);
  }
  for (int t = 1; t < threads; t++) {
    __atomic_store_n(&slots[t].ticket, region, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&slots[t].asleep, __ATOMIC_SEQ_CST)) wake(&slots[t].ticket);
  }
}

static void finish(void) {
  uint32_t n;
  for (int i = 0; i < PAUSES * 4; i++) {
    if (!__atomic_load_n(&left, __ATOMIC_ACQUIRE)) return;
    PAUSE();
  }
  for (int i = 0; i < 20; i++) {
    if (!__atomic_load_n(&left, __ATOMIC_ACQUIRE)) return;
    sched_yield();
  }
  __atomic_store_n(&waiting, 1, __ATOMIC_SEQ_CST);
  while ((n = __atomic_load_n(&left, __ATOMIC_SEQ_CST))) sleep_on(&left, n);
  SET(waiting, 0);
}

int fnn_pool_run(int64_t n, int64_t grain, int threads, fnn_range_fn fn, void *ctx) {
  if (pthread_mutex_trylock(&busy)) return 0;
  if (workers < threads - 1) start_workers(threads - 1);
  if (threads > workers + 1) threads = workers + 1;
  if (threads > 1) {
    post(n, grain, threads, fn, ctx);
    take_part(region, 0, threads);
    finish();
  }
  pthread_mutex_unlock(&busy);
  return threads > 1;
}

/* A forked child has no workers: it begins with an empty pool, and the lock as it was before. */
void fnn_pool_after_fork(void) {
  pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  busy = fresh;
  workers = 0;
  waiting = 0;
}

#else
int fnn_pool_run(int64_t n, int64_t grain, int threads, fnn_range_fn fn, void *ctx) {
  (void)n, (void)grain, (void)threads, (void)fn, (void)ctx;
  return 0;
}
void fnn_pool_after_fork(void) {}
#endif
