from .tensor cimport Tensor

cdef Tensor from_array(object array)             # shares memory with a buffer
cdef Tensor as_tensor_like(object value, Tensor like)
