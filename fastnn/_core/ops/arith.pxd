from ..tensor cimport Tensor

# Operands are tensors or numbers, one a tensor at least; promoted, broadcast, on the tape.
cdef object c_add(object a, object b)
cdef object c_sub(object a, object b)
cdef object c_mul(object a, object b)
cdef object c_div(object a, object b)
cdef object c_pow(object a, object b)
cdef object c_neg(Tensor a)
