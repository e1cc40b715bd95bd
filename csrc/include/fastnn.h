/* fastnn.h: the C interface of libfastnn, a neural-network engine for CPUs.
 *
 * Everything that computes is an instruction: an opcode, operand descriptors, attributes.
 * There is one door, fnn_run. Functions return a status; the message of the last failure on
 * this thread is fnn_last_error(). Nothing here aborts, prints, exits, or touches the
 * floating-point environment, signals or locale of the host process.
 *
 * C99 and C++11 clean. Structs that the library fills only grow at their end; fnn_tensor, fnn_attr
 * and fnn_call keep their size; enums only gain values, functions are only added. What would break
 * that raises FNN_ABI_VERSION: a program that compares it with fnn_abi_version() at its start knows
 * that the library goes with the header it was compiled with.
 *
 * Functions may be called from any thread. Two threads may read one tensor at once; where one
 * writes, the caller keeps the others away.
 */
#ifndef FASTNN_H
#define FASTNN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define FNN_API __attribute__((visibility("default")))
#else
#define FNN_API
#endif

#define FNN_ABI_VERSION 1
#define FNN_MAX_DIMS 8

/* ------------------------------------------------------------------ status */

typedef enum fnn_status {
  FNN_OK = 0,
  FNN_EVALUE = 1,   /* a value or shape that the op refuses */
  FNN_ETYPE = 2,    /* a dtype or layout that the op refuses */
  FNN_ERUNTIME = 3, /* everything else, overlap of operands included */
  FNN_EINDEX = 4,   /* an index or dimension out of range */
  FNN_ENOMEM = 5,   /* the allocator said no; nothing was written */
  FNN_ENOTIMPL = 6  /* known, but not for these arguments */
} fnn_status;

/* The message of the last failure on this thread; empty if none. Valid until the next call. */
FNN_API const char *fnn_last_error(void);
FNN_API int fnn_abi_version(void);
FNN_API const char *fnn_version(void);
FNN_API const char *fnn_build(void); /* by what, with what: "gcc 12.2.0, OpenMP" */

/* ------------------------------------------------------------------ dtypes */

typedef enum fnn_dtype {
  FNN_F32 = 0,
  FNN_F64 = 1,
  FNN_I64 = 2,
  FNN_I32 = 3,
  FNN_U8 = 4,
  FNN_BOOL = 5,
  /* stored, converted and indexed, not computed with */
  FNN_I8 = 6,
  FNN_I16 = 7,
  FNN_F16 = 8,
  FNN_BF16 = 9,
  FNN_NUM_DTYPES = 10
} fnn_dtype;

FNN_API int64_t fnn_dtype_size(fnn_dtype dtype);
FNN_API const char *fnn_dtype_name(fnn_dtype dtype);

/* ------------------------------------------------------------------ storage */

/* A block of memory with an atomic reference count, a serial number that is never reused and a
 * version that counts in-place writes. The fields are readable; only libfastnn writes them. */
typedef struct fnn_storage {
  void *data;
  int64_t nbytes;
  uint64_t serial;
  uint32_t version;
  int32_t refcount; /* atomic */
  void (*deleter)(void *ctx); /* NULL: owned, the block came from the allocator */
  void *ctx;
  int32_t writable;
  int32_t reserved;
} fnn_storage;

/* New storage of nbytes (>= 0) uninitialised bytes, 64-byte aligned. NULL: out of memory. */
FNN_API fnn_storage *fnn_storage_new(int64_t nbytes);
/* Storage over the caller's memory; deleter(ctx) is called once when the last reference goes
 * (NULL: nothing is). NULL: out of memory or a refused extent; deleter is not called. */
FNN_API fnn_storage *fnn_storage_borrow(void *data, int64_t nbytes, int writable,
                                        void (*deleter)(void *ctx), void *ctx);
FNN_API void fnn_storage_retain(fnn_storage *s);
FNN_API void fnn_storage_release(fnn_storage *s); /* NULL is allowed */

/* ------------------------------------------------------------------ tensors */

typedef enum fnn_layout { FNN_STRIDED = 0 } fnn_layout;

/* A view of a storage. Strides are in elements, offset in bytes. A descriptor made by
 * fnn_tensor_view or fnn_run is valid: every reachable element lies inside its storage. */
typedef struct fnn_tensor {
  fnn_storage *storage;
  int64_t offset;
  int8_t dtype;
  int8_t layout;
  int8_t ndim;
  int8_t reserved[5];
  int64_t size[FNN_MAX_DIMS];
  int64_t stride[FNN_MAX_DIMS];
} fnn_tensor;

/* Fill *t: a new contiguous tensor (owns one reference to its storage). */
FNN_API fnn_status fnn_tensor_empty(fnn_tensor *t, fnn_dtype dtype, int ndim, const int64_t *size);
/* Fill *t: a checked view of storage (adds one reference). */
FNN_API fnn_status fnn_tensor_view(fnn_tensor *t, fnn_storage *storage, int64_t offset,
                                   fnn_dtype dtype, int ndim, const int64_t *size,
                                   const int64_t *stride);
/* Fill *t: a tensor over the caller's memory, which must stay where it is until *t, and whatever
 * else was given its storage, is released. Strides (NULL: contiguous) are at least 0 and say how
 * far the memory reaches. Where writable is 0 no op writes there. */
FNN_API fnn_status fnn_tensor_borrow(fnn_tensor *t, void *data, int writable, fnn_dtype dtype,
                                     int ndim, const int64_t *size, const int64_t *stride);
/* Drop the descriptor's reference and set storage to NULL. */
FNN_API void fnn_tensor_release(fnn_tensor *t);
static inline void *fnn_tensor_data(const fnn_tensor *t) {
  return (char *)t->storage->data + t->offset;
}
FNN_API int64_t fnn_tensor_numel(const fnn_tensor *t);
FNN_API int fnn_tensor_is_contiguous(const fnn_tensor *t);

/* ------------------------------------------------------------------ instructions */

typedef enum fnn_op {
#define FNN_OP(name, signature, family, kernel, flags) FNN_OP_##name,
#include "fastnn_ops.def"
#undef FNN_OP
  FNN_NUM_OPS,
  FNN_HOST_OPS = 1 << 20 /* host ops are numbered from here on; see fnn_host_op */
} fnn_op;

/* One attribute. Which member counts follows from the op's signature: i, b: v.i; f: v.f;
 * I: v.ints and n; F: v.floats and n; s (a scalar operand): n says which, 0 v.i, 1 v.f, 2 bool. */
typedef struct fnn_attr {
  union {
    int64_t i;
    double f;
    const int64_t *ints;
    const double *floats;
  } v;
  int64_t n;
} fnn_attr;

/* An instruction. in[i] may be NULL, or lie beyond nin, where the signature marks the operand
 * optional ("x?"); so may out[i].
 * out[i] NULL: an optional ("y?") output that is not wanted. out[i]->storage NULL: fnn_run
 * fills the descriptor and allocates it; otherwise the op writes into it (and, for "+x"
 * operands, reads it first), after checking shape, dtype and overlap. */
typedef struct fnn_call {
  fnn_op op;
  int nin;
  int nout;
  const fnn_tensor *const *in;
  fnn_tensor *const *out;
  const fnn_attr *attr;
} fnn_call;

/* The door. Either the whole instruction happened, or nothing was written or allocated. */
FNN_API fnn_status fnn_run(const fnn_call *call);

FNN_API const char *fnn_op_name(fnn_op op);
/* "x, w, b? -> y, aux?; alpha:f, dim:i"; "+x" is read and written, "x*" is any number. */
FNN_API const char *fnn_op_signature(fnn_op op);
FNN_API fnn_op fnn_op_find(const char *name); /* FNN_NUM_OPS: no such op */

/* ------------------------------------------------------------------ raw pointers */

/* Single ops on the caller's memory, float32 or float64, rows contiguous: shorthand for tensors
 * over it and fnn_run, with the same checks, bits, threads and observers. Each needs 64 bytes of
 * the allocator for an operand, and the op's scratch (FNN_ENOMEM: nothing was written). Pointers
 * are aligned as their elements; an output shares memory with no other operand, but as said. */

/* C (m x n) = A B, or C += A B where accumulate is set. A is m x k with rows lda apart; ta: k x m.
 * B is k x n with rows ldb apart; tb: n x k. C's rows are ldc apart, and what is between them is
 * not touched. */
FNN_API fnn_status fnn_raw_gemm(fnn_dtype dtype, int ta, int tb, int64_t m, int64_t n, int64_t k,
                                const void *a, int64_t lda, const void *b, int64_t ldb,
                                int accumulate, void *c, int64_t ldc);
/* y = x w^T + bias: x (rows, in_features), w (out_features, in_features), bias (out_features) or
 * NULL, y (rows, out_features). relu: max(y, 0). */
FNN_API fnn_status fnn_raw_linear(fnn_dtype dtype, int64_t rows, int64_t in_features,
                                  int64_t out_features, const void *x, const void *w,
                                  const void *bias, int relu, void *y);
/* Convolution over one to three dimensions. Sizes hold dims + 2 numbers: x (N, C, ...), w (O,
 * C / groups, ...), y (N, O, ...), which must be what x, w, stride, padding and dilation (dims
 * numbers each) give. bias (O) or NULL. */
FNN_API fnn_status fnn_raw_conv(fnn_dtype dtype, int dims, const int64_t *x_size,
                                const int64_t *w_size, const int64_t *y_size,
                                const int64_t *stride, const int64_t *padding,
                                const int64_t *dilation, int64_t groups, const void *x,
                                const void *w, const void *bias, int relu, void *y);
/* y = exp(x) / sum exp(x) over each row of n, or its logarithm. */
FNN_API fnn_status fnn_raw_softmax(fnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                                   int log, void *y);
/* y = (x - mean) rstd weight + bias over each row of n, rstd = 1 / sqrt(var + eps). weight and bias
 * (n), mean and rstd (rows) may be NULL. */
FNN_API fnn_status fnn_raw_layer_norm(fnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                                      const void *weight, const void *bias, double eps, void *y,
                                      void *mean, void *rstd);
/* Any pointwise op on n elements: activations ("x -> y"), their derivatives ("dy, x -> dx"),
 * arithmetic. b NULL: there is one operand. y may be a or b. attr: the op's numbers, or NULL. */
FNN_API fnn_status fnn_raw_map(fnn_op op, fnn_dtype dtype, int64_t n, const void *a, const void *b,
                               const fnn_attr *attr, void *y);
/* One step of Adam on n parameters (decoupled: AdamW). cell: {steps made, learning rate, weight
 * decay, beta1, beta2, eps}; the call counts the step. mean and square start as zeros. */
FNN_API fnn_status fnn_raw_adam(fnn_dtype dtype, int64_t n, const void *grad, int decoupled,
                                double *cell, void *param, void *mean, void *square);

/* ------------------------------------------------------------------ observers */

/* An observer sees every instruction of the thread that installed it, host ops included. before
 * may veto by returning a status other than FNN_OK. Observers nest: next is called by the door. */
typedef struct fnn_observer {
  fnn_status (*before)(struct fnn_observer *self, const fnn_call *call);
  void (*after)(struct fnn_observer *self, const fnn_call *call, fnn_status status);
  struct fnn_observer *next;
} fnn_observer;

/* Per-thread state. grad_mode and inference belong to the tape; they are here because a
 * thread-local must live in one library. num_threads may be set at any time: how many threads the
 * instructions of this one use; 0 (at thread start): as many as fnn_set_num_threads says. */
typedef struct fnn_context {
  fnn_observer *observers;
  int32_t grad_mode; /* 1 at thread start */
  int32_t inference;
  int32_t num_threads;
  int32_t reserved;
} fnn_context;

FNN_API fnn_context *fnn_context_current(void);
FNN_API void fnn_observer_push(fnn_observer *observer);
FNN_API void fnn_observer_pop(fnn_observer *observer);

/* Host ops: what a binding computes outside of this library (sorting, linear algebra). It tells
 * the observers, so that they see everything, and may refuse. fnn_run does not know these ops.
 * The op of a name, made when first asked for; the name must live as long as the process.
 * FNN_NUM_OPS where there are too many. */
FNN_API fnn_op fnn_host_op(const char *name);
/* Before the work: in and attr may be looked at, out holds no tensors yet. Unless FNN_OK is
 * returned the work must not be done, and fnn_host_end not be called. */
FNN_API fnn_status fnn_host_begin(const fnn_call *call);
/* After it: out as well, where status is FNN_OK. */
FNN_API void fnn_host_end(const fnn_call *call, fnn_status status);

/* ------------------------------------------------------------------ memory */

/* The caching allocator. Counts are of this process. */
typedef struct fnn_memory_stats {
  int64_t live_bytes;   /* handed out and not yet given back */
  int64_t live_blocks;
  int64_t cached_bytes; /* kept for reuse */
  int64_t peak_bytes;   /* of live_bytes, since the last reset */
  int64_t requests;     /* since process start */
} fnn_memory_stats;

FNN_API void fnn_memory_get_stats(fnn_memory_stats *stats);
FNN_API void fnn_memory_reset_peak(void);
FNN_API void fnn_memory_empty_cache(void);
FNN_API void fnn_memory_set_cache_limit(int64_t bytes); /* of cached_bytes; < 0: default */
FNN_API void fnn_memory_set_poison(int on);   /* fill fresh and freed blocks with a NaN pattern */
FNN_API void fnn_memory_fail_at(int64_t n);   /* the n-th request from now fails once; 0: never */

/* ------------------------------------------------------------------ threads */

/* Work on [begin, end). thread < fnn_max_threads() names the worker, for scratch. */
typedef void (*fnn_range_fn)(void *ctx, int64_t begin, int64_t end, int thread);
/* A host's own pool: call fn so that [0, n) is covered once, in chunks >= grain. */
typedef void (*fnn_parallel_fn)(void *pool, int64_t n, int64_t grain, int threads,
                                fnn_range_fn fn, void *ctx);

FNN_API void fnn_set_num_threads(int n); /* of the process; < 1: back to the default */
FNN_API int fnn_get_num_threads(void);   /* what a region started now would use */
FNN_API void fnn_set_parallel_backend(fnn_parallel_fn fn, void *pool); /* NULL: ours */
FNN_API const char *fnn_parallel_backend(void); /* "pool", "openmp", "serial" or "host" */
/* Calls fn on disjoint ranges that cover [0, n), none shorter than grain but the last. Serial
 * where n <= grain, inside a region, or with one thread. */
FNN_API void fnn_parallel_for(int64_t n, int64_t grain, fnn_range_fn fn, void *ctx);

/* ------------------------------------------------------------------ processor */

FNN_API const char *fnn_isa(void);        /* "avx512", "avx2", "neon" or "base" */
FNN_API const char *fnn_isa_best(void);   /* the best one that this machine runs */
FNN_API fnn_status fnn_set_isa(const char *name);
FNN_API int fnn_cpu_count(void);          /* by affinity mask and cgroup quota */
/* FNN_EVALUE and a message if a FASTNN_* variable that was read at load holds nonsense (it was
 * then ignored): what wraps this library calls it once and refuses to start. */
FNN_API fnn_status fnn_check_environment(void);

#ifdef __cplusplus
}
#endif
#endif
