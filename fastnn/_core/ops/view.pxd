from libc.stdint cimport int64_t

from ..tensor cimport Tensor

cdef Tensor c_reshape(Tensor x, object args, bint view_only)
cdef Tensor c_permute(Tensor x, list dims)
cdef Tensor c_transpose(Tensor x, int a, int b)
cdef Tensor c_slice(Tensor x, int dim, int64_t start, int64_t length, int64_t step)
cdef Tensor c_select(Tensor x, int dim, int64_t at)
