from ..tensor cimport Tensor

cdef Tensor default_state()   # the default generator's {seed, next counter}
