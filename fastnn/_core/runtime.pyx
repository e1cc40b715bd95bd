"""The library's own settings and counters: threads, instruction set, memory, observers."""

from .fnn cimport (FNN_OK, fnn_build, fnn_call, fnn_context_current, fnn_cpu_count,
                   fnn_get_num_threads, fnn_isa, fnn_isa_best, fnn_memory_empty_cache,
                   fnn_memory_fail_at, fnn_memory_get_stats, fnn_memory_reset_peak,
                   fnn_memory_set_cache_limit, fnn_memory_set_poison, fnn_memory_stats,
                   fnn_observer, fnn_observer_pop, fnn_observer_push, fnn_op_name,
                   fnn_parallel_backend, fnn_set_isa, fnn_set_num_threads, fnn_status,
                   fnn_version)
from .status cimport raise_status


def version():
    """The library's version."""
    return fnn_version().decode()


def build():
    """The compiler that made the library, and whether OpenMP was there."""
    return fnn_build().decode()


def get_num_threads():
    """How many threads an op that is large enough uses."""
    return fnn_get_num_threads()


def set_num_threads(int n):
    """Set how many threads an op may use. Raises RuntimeError unless n is positive."""
    if n < 1:
        raise RuntimeError(f"set_num_threads expects a positive integer, got {n}")
    fnn_set_num_threads(n)


def parallel_backend():
    """What runs parallel regions."""
    return fnn_parallel_backend().decode()


def cpu_count():
    """Processors that this process may use, by affinity mask and cgroup quota."""
    return fnn_cpu_count()


def isa():
    """The instruction set whose kernels run."""
    return fnn_isa().decode()


def isa_best():
    """The best instruction set that this processor has kernels for."""
    return fnn_isa_best().decode()


def set_isa(name):
    """Run the kernels of another instruction set. Raises ValueError."""
    raise_status(fnn_set_isa(name.encode()))


def memory_stats():
    """Counts of the allocator, in bytes and blocks."""
    cdef fnn_memory_stats s
    fnn_memory_get_stats(&s)
    return {"live_bytes": s.live_bytes, "live_blocks": s.live_blocks,
            "cached_bytes": s.cached_bytes, "peak_bytes": s.peak_bytes, "requests": s.requests}


def reset_peak_memory():
    """Let peak_bytes start again from live_bytes."""
    fnn_memory_reset_peak()


def empty_cache():
    """Give the memory that is kept for reuse back to the system."""
    fnn_memory_empty_cache()


def set_cache_limit(long long nbytes):
    """Keep at most nbytes for reuse; a negative number is the default."""
    fnn_memory_set_cache_limit(nbytes)


def set_poison(bint on):
    """Fill fresh and freed memory with NaN, to find reads of it."""
    fnn_memory_set_poison(on)


def fail_at(long long n):
    """Let the n-th request for memory from now on fail, once; 0 for none."""
    fnn_memory_fail_at(n)


cdef struct Tracer:
    fnn_observer observer
    void *owner


cdef void note(fnn_observer *self, const fnn_call *call, fnn_status status) noexcept with gil:
    (<Trace><object>(<Tracer *>self).owner).ops.append(
        (fnn_op_name(call.op).decode(), status == FNN_OK))


cdef class Trace:
    """A with block that lists the instructions that this thread runs: (op, succeeded)."""
    cdef Tracer tracer
    cdef readonly list ops

    def __enter__(self):
        self.ops = []
        self.tracer.observer.before = NULL
        self.tracer.observer.after = note
        self.tracer.owner = <void *>self
        fnn_observer_push(&self.tracer.observer)
        return self

    def __exit__(self, *exc):
        fnn_observer_pop(&self.tracer.observer)
