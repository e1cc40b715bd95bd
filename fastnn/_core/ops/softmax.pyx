"""softmax, log_softmax, softmin."""

__all__ = ["log_softmax", "softmax"]

import warnings

from libc.stdint cimport int64_t

from ..door cimport attr_i, run1, run2
from ..fnn cimport fnn_attr, fnn_op, fnn_tensor_is_contiguous
from ..tape cimport Node, record, recording
from ..tensor cimport Tensor, ctx
from ..tensor import register

cdef extern from "fastnn.h":
    enum:
        FNN_OP_clone, FNN_OP_softmax, FNN_OP_log_softmax
        FNN_OP_softmax_bwd, FNN_OP_log_softmax_bwd

cdef enum:
    CONTIGUOUS = 1


cdef Tensor plain(Tensor x):
    """x, or a contiguous copy of it that is not on the tape."""
    cdef fnn_attr attr[1]
    if fnn_tensor_is_contiguous(&x.t):
        return x
    attr[0] = attr_i(CONTIGUOUS)
    return run1(FNN_OP_clone, x, attr)


cdef Tensor c_softmax(Tensor x, int64_t dim, bint log):
    cdef fnn_attr attr[1]
    cdef Tensor y
    cdef Node n
    attr[0] = attr_i(dim)
    y = run1(FNN_OP_log_softmax if log else FNN_OP_softmax, plain(x), attr)
    if recording(x):
        n = record(log_softmax_vjp if log else softmax_vjp,
                   b"log_softmax" if log else b"softmax", y, x)
        n.i0 = dim
        n.save_out(0, y)
    return y


cdef Tensor backward(fnn_op op, Tensor g, Tensor y, int64_t dim):
    cdef fnn_attr attr[1]
    attr[0] = attr_i(dim)
    return run2(op, plain(g), y, attr)


cdef object softmax_vjp(Node n, object g):
    """y = exp(x) / sum exp(x);  dx = y (dy - sum dy y)."""
    cdef Tensor y = n.saved(0)
    if ctx().grad_mode:
        return y * (g - (g * y).sum(n.i0, keepdim=True))
    return backward(FNN_OP_softmax_bwd, g, y, n.i0)


cdef object log_softmax_vjp(Node n, object g):
    """y = x - log sum exp(x);  dx = dy - exp(y) sum dy."""
    cdef Tensor y = n.saved(0)
    if ctx().grad_mode:
        return g - y.exp() * g.sum(n.i0, keepdim=True)
    return backward(FNN_OP_log_softmax_bwd, g, y, n.i0)


def _dim(name, dim, Tensor x):
    """The dimension of old programs that name none."""
    if dim is None:
        warnings.warn(f"{name}: implicit dimension choice; give dim=X as an argument",
                      stacklevel=3)
        return 0 if x.t.ndim in (0, 1, 3) else 1
    return dim


def softmax(Tensor input not None, dim=None, dtype=None, *, _stacklevel=3):
    """exp(x) / sum of exp(x) over dim.

    dtype: convert first. Raises IndexError for a dim out of range.
    """
    dim = _dim("softmax", dim, input)
    return c_softmax(input if dtype is None else input.to(dtype), dim, False)


def log_softmax(Tensor input not None, dim=None, dtype=None, *, _stacklevel=3):
    """log(softmax(x)) over dim, computed as x - max - log sum exp(x - max)."""
    dim = _dim("log_softmax", dim, input)
    return c_softmax(input if dtype is None else input.to(dtype), dim, True)


def softmin(Tensor input not None, dim=None, dtype=None, *, _stacklevel=3):
    """softmax(-x) over dim."""
    dim = _dim("softmin", dim, input)
    return c_softmax(-(input if dtype is None else input.to(dtype)), dim, False)


for _f in (softmax, log_softmax):
    register(_f.__name__, _f)
