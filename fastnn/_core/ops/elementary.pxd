from ..tensor cimport Tensor

cdef Tensor c_exp(Tensor x)
cdef Tensor c_log(Tensor x)
cdef Tensor c_sigmoid(Tensor x)
cdef Tensor c_tanh(Tensor x)
cdef Tensor c_floor(Tensor x)
cdef Tensor c_trunc(Tensor x)
cdef Tensor c_abs(Tensor x)
cdef Tensor c_erf(Tensor x)
