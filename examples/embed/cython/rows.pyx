"""A Cython module over libfastnn: it takes and makes fastnn tensors, and uses the same threads."""

from libc.stdint cimport int64_t

from fastnn cimport (FNN_F32, FNN_OK, descriptor, fnn_get_num_threads, fnn_last_error,
                     fnn_parallel_for, fnn_status, fnn_tensor, fnn_tensor_data, fnn_tensor_empty,
                     fnn_tensor_is_contiguous, from_descriptor)


cdef struct Job:
    const float *x
    float *y
    int64_t n


cdef void largest(void *ctx, int64_t begin, int64_t end, int thread) noexcept nogil:
    cdef Job *job = <Job *>ctx
    cdef int64_t i, j
    for i in range(begin, end):
        job.y[i] = job.x[i * job.n]
        for j in range(1, job.n):
            job.y[i] = max(job.y[i], job.x[i * job.n + j])


def row_max(tensor):
    """The largest element of each row of a contiguous float32 matrix, as a new tensor."""
    cdef const fnn_tensor *x = descriptor(tensor)  # valid while tensor lives
    cdef fnn_tensor y
    cdef Job job
    if x.dtype != FNN_F32 or x.ndim != 2 or not fnn_tensor_is_contiguous(x) or x.size[1] < 1:
        raise ValueError("row_max: expected a contiguous float32 matrix with columns")
    if fnn_tensor_empty(&y, FNN_F32, 1, x.size) != FNN_OK:
        raise MemoryError(fnn_last_error().decode())
    job.x = <const float *>fnn_tensor_data(x)
    job.y = <float *>fnn_tensor_data(&y)
    job.n = x.size[1]
    with nogil:
        fnn_parallel_for(x.size[0], max(1, 65536 // job.n), largest, &job)
    return from_descriptor(&y)  # takes the reference over


def threads():
    """What fastnn.set_num_threads said: there is one engine in the process."""
    return fnn_get_num_threads()
