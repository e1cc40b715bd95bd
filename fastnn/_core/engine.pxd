cdef object run_backward(list roots, list seeds, bint retain, bint create, list inputs,
                         bint accumulate)
