from libc.stdint cimport int64_t

cdef object size_tuple(int n, const int64_t *v)  # Size
