from ..fnn cimport fnn_tensor
from ..tensor cimport Tensor

cdef Tensor c_clone(Tensor x, int format)
cdef Tensor c_cast(Tensor x, int code)
cdef Tensor c_copy_(Tensor x, Tensor src)
cdef Tensor c_fill_(Tensor x, object value)
cdef bint suggests_last(const fnn_tensor *t) noexcept
cdef Tensor in_layout(Tensor x, bint last)
