/* Threads: how many, which backend, and the only OpenMP of the library. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/pool.h"
#include "runtime/sizes.h"
#ifdef _OPENMP
#include <omp.h>
#endif

static int own;              /* fnn_set_num_threads; 0: the default */
static int omp_at_load;      /* omp_get_max_threads() when the library was loaded */
static fnn_parallel_fn host; /* a host program's pool */
static void *host_pool;
enum { POOL, OPENMP, SERIAL };
#if defined(__linux__)
static int backend = POOL; /* docs/adr/0001-parallel-backend.md */
#elif defined(_OPENMP)
static int backend = OPENMP;
#else
static int backend = SERIAL;
#endif
static const char *const names[] = {"pool", "openmp", "serial"};
FNN_THREAD int inside;   /* this thread runs a range: regions that it starts are serial */
FNN_THREAD int promised; /* what fnn_max_threads told the running op; 0: nothing */

/* ---- how many */

static int clamp(int64_t n) { return n < 1 ? 1 : n > FNN_MAX_THREADS ? FNN_MAX_THREADS : (int)n; }

#ifdef _OPENMP
int fnn_openmp_procs(void) { return omp_get_num_procs(); }
static int omp_threads(void) { return omp_get_max_threads(); }
static int in_foreign_region(void) { return omp_in_parallel(); }
#else
int fnn_openmp_procs(void) { return 0; }
static int omp_threads(void) { return FNN_MAX_THREADS; }
static int in_foreign_region(void) { return 0; }
#endif

/* An own setting may exceed the processors, and OMP_NUM_THREADS; but a limit that was put on
 * OpenMP since (threadpoolctl, omp_set_num_threads) shows as less than there was at load, and
 * holds for every setting. */
int fnn_get_num_threads(void) {
  int set = fnn_context_current()->num_threads, omp = omp_threads();
  if (set < 1) set = __atomic_load_n(&own, __ATOMIC_RELAXED);
  if (set) return clamp(omp < omp_at_load ? fnn_min64(set, omp) : set);
  return clamp(fnn_min64(fnn_cpu_count(), omp));
}

void fnn_set_num_threads(int n) {
  __atomic_store_n(&own, n < 1 ? 0 : clamp(n), __ATOMIC_RELAXED);
  promised = 0;
}

int fnn_max_threads(void) {
  if (!promised) promised = fnn_get_num_threads();
  return promised;
}
void fnn_max_threads_end(void) { promised = 0; }

/* ---- the OpenMP backend */

#ifdef _OPENMP
/* Ranges of equal length, one per thread, however many threads OpenMP grants. */
static void openmp(int64_t n, int64_t grain, int threads, fnn_range_fn fn, void *ctx) {
#pragma omp parallel num_threads(threads)
  {
    int me = omp_get_thread_num();
    int64_t chunk = fnn_max64(grain, fnn_ceil_div(n, omp_get_num_threads()));
    int64_t begin = me * chunk, end = fnn_min64(n, begin + chunk);
    inside++;
    if (begin < end) fn(ctx, begin, end, me);
    inside--;
  }
}

#endif

/* ---- the door to all of them */

void fnn_set_parallel_backend(fnn_parallel_fn fn, void *pool) {
  host_pool = pool;
  host = fn;
}

const char *fnn_parallel_backend(void) { return host ? "host" : names[backend]; }

static void serial(int64_t n, fnn_range_fn fn, void *ctx) {
  inside++;
  fn(ctx, 0, n, 0);
  inside--;
}

/* A host's threads are strangers: mark them while they run a range of ours. */
typedef struct marked_range {
  fnn_range_fn fn;
  void *ctx;
} marked_range;

static void marked(void *ctx, int64_t begin, int64_t end, int thread) {
  marked_range *range = ctx;
  int before = inside;
  inside = 1;
  range->fn(range->ctx, begin, end, thread);
  inside = before;
}

void fnn_parallel_for(int64_t n, int64_t grain, fnn_range_fn fn, void *ctx) {
  if (n <= 0) return;
  if (grain < 1) grain = 1;
  if (n <= grain || inside || in_foreign_region()) {
    serial(n, fn, ctx);
    return;
  }
  int64_t threads = fnn_min64(fnn_get_num_threads(), fnn_ceil_div(n, grain));
  if (promised) threads = fnn_min64(threads, promised);
  if (threads < 2) {
    serial(n, fn, ctx);
    return;
  }
  if (host) {
    marked_range range = {fn, ctx};
    host(host_pool, n, grain, (int)threads, marked, &range);
    return;
  }
#ifdef _OPENMP
  if (backend == OPENMP) {
    openmp(n, grain, (int)threads, fn, ctx);
    return;
  }
#endif
  inside++;
  int done = backend == POOL && fnn_pool_run(n, grain, (int)threads, fn, ctx);
  inside--;
  if (!done) serial(n, fn, ctx);
}

void fnn_pool_worker(void) { inside = 1; }

/* ---- start and fork */

/* A child that inherits a used libgomp hangs in its first region: give its threads back first. */
static void before_fork(void) {
#ifdef _OPENMP
  if (backend == OPENMP && !inside && !omp_in_parallel()) omp_pause_resource_all(omp_pause_hard);
#endif
}

static void read_backend(const char *name) {
  int i = 0;
  while (i < 3 && strcmp(name, names[i]) != 0) i++;
#ifndef _OPENMP
  if (i == OPENMP) {
    fnn_bad_environment("FASTNN_PARALLEL: this build has no OpenMP");
    return;
  }
#endif
  if (i == 3) fnn_bad_environment("FASTNN_PARALLEL: expected pool, openmp or serial");
  else backend = i;
}

__attribute__((constructor)) static void start(void) {
  omp_at_load = omp_threads();
  pthread_atfork(before_fork, NULL, fnn_pool_after_fork);
  const char *value = getenv("FASTNN_PARALLEL");
  if (value && *value) read_backend(value);
  value = getenv("FASTNN_NUM_THREADS");
  if (!value || !*value) return;
  char *end;
  long n = strtol(value, &end, 10);
  if (*end || n < 1) fnn_bad_environment("FASTNN_NUM_THREADS: expected a number of threads");
  else own = clamp(n);
}
