"""libfastnn as Cython sees it: declarations of csrc/include/fastnn.h."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint32_t, uint64_t


cdef extern from "fastnn.h" nogil:
    ctypedef enum fnn_status:
        FNN_OK, FNN_EVALUE, FNN_ETYPE, FNN_ERUNTIME, FNN_EINDEX, FNN_ENOMEM, FNN_ENOTIMPL

    const char *fnn_last_error()
    int fnn_abi_version()
    const char *fnn_version()
    const char *fnn_build()
    int FNN_ABI_VERSION
    int FNN_MAX_DIMS

    ctypedef enum fnn_dtype:
        FNN_F32, FNN_F64, FNN_I64, FNN_I32, FNN_U8, FNN_BOOL
        FNN_I8, FNN_I16, FNN_F16, FNN_BF16, FNN_NUM_DTYPES

    int64_t fnn_dtype_size(fnn_dtype dtype)
    const char *fnn_dtype_name(fnn_dtype dtype)

    ctypedef struct fnn_storage:
        void *data
        int64_t nbytes
        uint64_t serial
        uint32_t version
        int32_t refcount
        int32_t writable

    fnn_storage *fnn_storage_new(int64_t nbytes)
    fnn_storage *fnn_storage_borrow(void *data, int64_t nbytes, int writable,
                                    void (*deleter)(void *) noexcept, void *ctx)
    void fnn_storage_retain(fnn_storage *s)
    void fnn_storage_release(fnn_storage *s)

    ctypedef struct fnn_tensor:
        fnn_storage *storage
        int64_t offset
        int8_t dtype
        int8_t layout
        int8_t ndim
        int64_t size[8]
        int64_t stride[8]

    fnn_status fnn_tensor_empty(fnn_tensor *t, fnn_dtype dtype, int ndim, const int64_t *size)
    fnn_status fnn_tensor_view(fnn_tensor *t, fnn_storage *storage, int64_t offset,
                               fnn_dtype dtype, int ndim, const int64_t *size,
                               const int64_t *stride)
    fnn_status fnn_tensor_borrow(fnn_tensor *t, void *data, int writable, fnn_dtype dtype,
                                 int ndim, const int64_t *size, const int64_t *stride)
    void fnn_tensor_release(fnn_tensor *t)
    void *fnn_tensor_data(const fnn_tensor *t)
    int64_t fnn_tensor_numel(const fnn_tensor *t)
    int fnn_tensor_is_contiguous(const fnn_tensor *t)

    ctypedef int fnn_op
    int FNN_NUM_OPS

    ctypedef union fnn_attr_value:
        int64_t i
        double f
        const int64_t *ints
        const double *floats

    ctypedef struct fnn_attr:
        fnn_attr_value v
        int64_t n

    ctypedef struct fnn_call:
        fnn_op op
        int nin
        int nout
        const fnn_tensor **ins "in"
        fnn_tensor **out
        const fnn_attr *attr

    fnn_status fnn_run(const fnn_call *call)
    const char *fnn_op_name(fnn_op op)
    const char *fnn_op_signature(fnn_op op)
    fnn_op fnn_op_find(const char *name)

    fnn_status fnn_raw_gemm(fnn_dtype dtype, int ta, int tb, int64_t m, int64_t n, int64_t k,
                            const void *a, int64_t lda, const void *b, int64_t ldb,
                            int accumulate, void *c, int64_t ldc)
    fnn_status fnn_raw_linear(fnn_dtype dtype, int64_t rows, int64_t in_features,
                              int64_t out_features, const void *x, const void *w,
                              const void *bias, int relu, void *y)
    fnn_status fnn_raw_conv(fnn_dtype dtype, int dims, const int64_t *x_size,
                            const int64_t *w_size, const int64_t *y_size, const int64_t *stride,
                            const int64_t *padding, const int64_t *dilation, int64_t groups,
                            const void *x, const void *w, const void *bias, int relu, void *y)
    fnn_status fnn_raw_softmax(fnn_dtype dtype, int64_t rows, int64_t n, const void *x, int log,
                               void *y)
    fnn_status fnn_raw_layer_norm(fnn_dtype dtype, int64_t rows, int64_t n, const void *x,
                                  const void *weight, const void *bias, double eps, void *y,
                                  void *mean, void *rstd)
    fnn_status fnn_raw_map(fnn_op op, fnn_dtype dtype, int64_t n, const void *a, const void *b,
                           const fnn_attr *attr, void *y)
    fnn_status fnn_raw_adam(fnn_dtype dtype, int64_t n, const void *grad, int decoupled,
                            double *cell, void *param, void *mean, void *square)

    ctypedef struct fnn_observer:
        fnn_status (*before)(fnn_observer *self, const fnn_call *call) noexcept
        void (*after)(fnn_observer *self, const fnn_call *call, fnn_status status) noexcept
        fnn_observer *next

    ctypedef struct fnn_context:
        fnn_observer *observers
        int32_t grad_mode
        int32_t inference
        int32_t num_threads

    fnn_context *fnn_context_current()
    void fnn_observer_push(fnn_observer *observer)
    void fnn_observer_pop(fnn_observer *observer)

    fnn_op fnn_host_op(const char *name)
    fnn_status fnn_host_begin(const fnn_call *call)
    void fnn_host_end(const fnn_call *call, fnn_status status)

    ctypedef struct fnn_memory_stats:
        int64_t live_bytes
        int64_t live_blocks
        int64_t cached_bytes
        int64_t peak_bytes
        int64_t requests

    void fnn_memory_get_stats(fnn_memory_stats *stats)
    void fnn_memory_reset_peak()
    void fnn_memory_empty_cache()
    void fnn_memory_set_cache_limit(int64_t bytes)
    void fnn_memory_set_poison(int on)
    void fnn_memory_fail_at(int64_t n)

    void fnn_set_num_threads(int n)
    int fnn_get_num_threads()
    const char *fnn_parallel_backend()
    ctypedef void (*fnn_range_fn)(void *ctx, int64_t begin, int64_t end, int thread) noexcept
    ctypedef void (*fnn_parallel_fn)(void *pool, int64_t n, int64_t grain, int threads,
                                     fnn_range_fn fn, void *ctx) noexcept
    void fnn_set_parallel_backend(fnn_parallel_fn fn, void *pool)
    void fnn_parallel_for(int64_t n, int64_t grain, fnn_range_fn fn, void *ctx)

    const char *fnn_isa()
    const char *fnn_isa_best()
    fnn_status fnn_set_isa(const char *name)
    int fnn_cpu_count()
    fnn_status fnn_check_environment()
