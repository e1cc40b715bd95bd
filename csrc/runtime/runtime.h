/* What the drivers and the door use of the runtime. */
#ifndef FNN_RUNTIME_H
#define FNN_RUNTIME_H

#include "fastnn.h"

/* Variables of a thread. initial-exec: reached without a call; dlopen finds little room for such,
 * so there must be few of them. */
#if defined(__ELF__)
#define FNN_THREAD static __thread __attribute__((tls_model("initial-exec")))
#else
#define FNN_THREAD static __thread
#endif

/* ---- status.c */
#if defined(__GNUC__)
#define FNN_PRINTF(a, b) __attribute__((format(printf, a, b)))
#else
#define FNN_PRINTF(a, b)
#endif
/* Sets this thread's message and returns status. */
fnn_status fnn_fail(fnn_status status, const char *format, ...) FNN_PRINTF(2, 3);
/* "(2, 3)" and "float32(2, 3)" in a rotating thread-local buffer: for messages. */
const char *fnn_shape_str(int ndim, const int64_t *size);
const char *fnn_tensor_str(const fnn_tensor *t);

/* Remembers the first bad FASTNN_* variable for fnn_check_environment. */
void fnn_bad_environment(const char *message);

/* ---- memory.c, memory_pool.c: the only malloc */
#define FNN_ALIGN 64
/* 64-byte aligned block, or NULL. bytes must be given back to fnn_free unchanged. */
void *fnn_alloc(int64_t bytes);
void fnn_free(void *p, int64_t bytes);
/* The last message of this thread, and the words that messages are made of, by turns. Threads
 * for which there is no memory share one. */
typedef struct fnn_text {
  char message[512];
  char words[8][160];
  int turn;
} fnn_text;
fnn_text *fnn_thread_text(void);

/* ---- parallel.c: the only OpenMP */
#define FNN_MAX_THREADS 256
/* Upper bound of a worker's number + 1, for scratch. It binds the regions that this thread starts
 * until fnn_max_threads_end, whatever other threads set meanwhile; the door ends it. */
int fnn_max_threads(void);
void fnn_max_threads_end(void);
int fnn_openmp_procs(void); /* processors by OpenMP's count; 0 without OpenMP */

/* ---- cpu.c */
int64_t fnn_l2_bytes(void);
int64_t fnn_memory_total(void); /* of the machine, or of the cgroup where that is less */

/* ---- random.c: Philox 4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3,
 * SC 2011). A generator is an int64 tensor of two elements, {seed, offset}. */
/* Reserve n counters (of four 32-bit numbers each); the first one's number is returned. Ranges of
 * calls that race do not overlap. */
uint64_t fnn_random_reserve(int64_t *generator, uint64_t n);

#endif
