from ..fnn cimport fnn_attr, fnn_op
from ..tape cimport Node, vjp_fn
from ..tensor cimport Tensor

cdef enum:
    SAVE_A = 1   # the first (or only) operand
    SAVE_B = 2
    SAVE_Y = 4   # the result

cdef bint is_fp(int code) noexcept
cdef int promote(int a, int b) noexcept
cdef int pair_code(Tensor a, Tensor b) noexcept
cdef object operand(object v)
cdef int code_with(object v, int code) except -1
cdef Tensor to_code(Tensor x, int code)
cdef Tensor to_float(Tensor x)
cdef Tensor deliver(Tensor y, Tensor out)
cdef Tensor run_pair(fnn_op op, object a, object b, bint floating)
cdef int write_into(fnn_op op, Tensor out, int nin, Tensor a, Tensor b, Tensor c,
                    const fnn_attr *attr) except -1
cdef object lhs(Node n)
cdef object rhs(Node n)


cdef class Unary:
    cdef fnn_op op
    cdef vjp_fn vjp
    cdef const char *label
    cdef int save
    cdef bint floating     # integers become the default dtype
    cdef Tensor apply(self, Tensor x)
    cdef Tensor apply_(self, Tensor x)


cdef class Binary:
    cdef fnn_op op
    cdef vjp_fn vjp
    cdef const char *label
    cdef int need_a, need_b   # what the derivative to a and to b reads
    cdef bint floating
    cdef object apply(self, object a, object b)
    cdef object apply_(self, Tensor a, object b)
    cdef Tensor call(self, object a, object b, Tensor out)

cdef Unary unary(fnn_op op, const char *label, vjp_fn vjp, int save, bint floating=*)
cdef Binary binary(fnn_op op, const char *label, vjp_fn vjp, int need_a, int need_b,
                   bint floating=*)
