/* Planted faults, one for each detector: tests/build/test_planted.py expects every one of them to be
 * found. Compiled into a build with FASTNN_PLANT=1 alone, which nobody ships. */
#ifdef FNN_PLANT
#include <string.h>

#include "kernels/table.h"
#include "runtime/runtime.h"

FNN_API double fnn_plant(const char *fault, int64_t n);

/* A kernel reads one element too many. */
static double read_beyond(int64_t n) {
  int64_t bytes = n * (int64_t)sizeof(float), more = bytes + (int64_t)sizeof(float);
  float *x = fnn_alloc(bytes), *y = fnn_alloc(more);
  memset(x, 0, (size_t)bytes);
  fnn_k->copy->strided[2](n + 1, (const char *)x, sizeof(float), (char *)y, sizeof(float));
  double last = y[n];
  fnn_free(x, bytes);
  fnn_free(y, more);
  return last;
}

/* An element that is read was never written. */
static double read_unwritten(int64_t n) {
  int64_t bytes = n * (int64_t)sizeof(float);
  float *x = fnn_alloc(bytes);
  memset(x, 0, (size_t)bytes - sizeof(float));
  double last = x[n - 1];
  fnn_free(x, bytes);
  return last;
}

/* A block that is not given back where the second allocation fails. */
static double leak_on_failure(int64_t n) {
  void *x = fnn_alloc(n);
  void *y = fnn_alloc(n);
  if (!y) return -1;
  fnn_free(y, n);
  fnn_free(x, n);
  return 0;
}

/* A sum whose order is that of the threads' ranges. */
typedef struct parts {
  double of[FNN_MAX_THREADS];
} parts;

static void add(void *ctx, int64_t begin, int64_t end, int thread) {
  parts *sums = ctx;
  for (int64_t i = begin; i < end; i++) sums->of[thread] += 1.0 / (double)(i + 1);
}

static double sum_by_thread(int64_t n) {
  parts sums = {{0}};
  fnn_parallel_for(n, 1, add, &sums);
  for (int i = 1; i < FNN_MAX_THREADS; i++) sums.of[0] += sums.of[i];
  return sums.of[0];
}

double fnn_plant(const char *fault, int64_t n) {
  if (strcmp(fault, "read beyond") == 0) return read_beyond(n);
  if (strcmp(fault, "overflow") == 0) return (double)(n * INT64_MAX);
  if (strcmp(fault, "read unwritten") == 0) return read_unwritten(n);
  if (strcmp(fault, "leak on failure") == 0) return leak_on_failure(n);
  if (strcmp(fault, "sum by thread") == 0) return sum_by_thread(n);
  return 0;
}
#endif
