"""Activations: pointwise maps with one saved value."""

__all__ = ["relu"]

from ..tape cimport Node, record, recording
from ..tensor cimport Tensor, fnn_op, run1, run2
from ..tensor import register

cdef extern from "fastnn.h":
    enum:
        FNN_OP_relu


cdef Tensor c_relu(Tensor x):
    cdef Tensor y = run1(FNN_OP_relu, x)
    if recording(x):
        record(relu_vjp, b"relu", y, x).save_out(0, y)
    return y


cdef object relu_vjp(Node n, object g):
    """y = max(x, 0);  dx = dy where y > 0, else 0."""
    return <Tensor>g * (n.saved(0) > 0)


def relu(Tensor input not None):
    """max(x, 0), elementwise; NaN stays NaN."""
    return c_relu(input)


register("relu", relu)
