from .fnn cimport fnn_dtype


cdef class dtype:
    cdef readonly fnn_dtype code
    cdef readonly str name
    cdef readonly int itemsize
    cdef readonly bint is_floating_point
    cdef readonly bint is_signed
    cdef readonly bint is_complex

cdef class memory_format:
    cdef readonly str name

cdef class device:
    cdef readonly str type
    cdef readonly object index

cdef dtype dtype_of(int code)
cdef dtype as_dtype(object value)
cdef int default_code()
