from libc.stdint cimport int64_t

from .fnn cimport fnn_attr, fnn_call, fnn_op
from .tensor cimport Tensor

# Build the operands, go through the door, raise on failure.
cdef fnn_attr attr_i(int64_t v) noexcept
cdef fnn_attr attr_f(double v) noexcept
cdef fnn_attr attr_ints(const int64_t *v, int64_t n) noexcept
cdef fnn_attr attr_scalar(object v) except *
cdef int door(fnn_call *c, bint release_gil) except -1
cdef Tensor run1(fnn_op op, Tensor a, const fnn_attr *attr=*)
cdef Tensor run2(fnn_op op, Tensor a, Tensor b, const fnn_attr *attr=*)
cdef Tensor run3(fnn_op op, Tensor a, Tensor b, Tensor d, const fnn_attr *attr=*)
cdef Tensor run_into(fnn_op op, Tensor out, Tensor a, Tensor b=*, Tensor d=*,
                     const fnn_attr *attr=*)
cdef list run_many(fnn_op op, list ins, int nout, const fnn_attr *attr=*)
cdef int run_given(fnn_op op, list ins, list outs, const fnn_attr *attr=*) except -1
