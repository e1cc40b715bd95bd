from ..tensor cimport Tensor

cdef object c_eq(object a, object b)
cdef object c_ne(object a, object b)
cdef object c_lt(object a, object b)
cdef object c_le(object a, object b)
cdef object c_gt(object a, object b)
cdef object c_ge(object a, object b)
cdef object c_and(object a, object b)   # logical
cdef object c_or(object a, object b)
cdef object c_isnan(Tensor x)
cdef object c_where(object c, object a, object b)  # numbers or tensors, a or b a tensor
