from libc.stdint cimport int64_t

from ..tensor cimport Tensor

cdef Tensor plain(Tensor x)
cdef Tensor c_softmax(Tensor x, int64_t dim, bint log)
