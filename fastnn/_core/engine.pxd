from .tensor cimport Tensor


cdef object run_backward(list roots, list seeds, bint retain, bint create, list inputs,
                         bint accumulate)
cdef int run_backward_of(Tensor root, object seed, bint retain, bint create) except -1
