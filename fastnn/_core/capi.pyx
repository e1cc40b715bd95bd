"""Tensors for other Cython packages: the struct of a Tensor is private, its descriptor is not."""

from .fnn cimport fnn_tensor
from .tensor cimport Tensor


cdef const fnn_tensor *descriptor(object tensor) except NULL:
    if not isinstance(tensor, Tensor):
        raise TypeError(f"expected a fastnn.Tensor, got {type(tensor).__name__}")
    return &(<Tensor>tensor).t


cdef object from_descriptor(fnn_tensor *t):
    cdef Tensor y = Tensor.__new__(Tensor)
    y.t = t[0]
    t.storage = NULL
    return y
