"""Norms and clipping of lists of gradients, each one instruction over the whole list.

The writes are not recorded; the versions of what is written move.
"""

__all__ = []

from ..door cimport attr_f, run_given
from ..fnn cimport FNN_F32, FNN_F64, fnn_attr, fnn_tensor_is_contiguous
from ..tensor cimport Tensor, empty_tensor
from .softmax cimport plain

cdef extern from "fastnn.h":
    enum:
        FNN_OP_grad_norm, FNN_OP_grad_scale, FNN_OP_grad_clamp


def grad_norm(list grads not None, double p):
    """(sum |x|^p)^(1/p) over all elements; p inf: the largest |x|. 0-d, of the first's dtype."""
    cdef fnn_attr attr[1]
    cdef int dtype = FNN_F32 if not grads else (<Tensor?>grads[0]).t.dtype
    cdef Tensor y = empty_tensor(dtype if dtype == FNN_F64 else FNN_F32, 0, NULL)
    attr[0] = attr_f(p)
    run_given(FNN_OP_grad_norm, [plain(g) for g in grads], [y], attr)
    return y


cdef tuple by_layout(list grads):
    """(those that an instruction takes, the others)"""
    cdef list flat = [], rest = []
    for g in grads:
        (flat if fnn_tensor_is_contiguous(&(<Tensor?>g).t) else rest).append(g)
    return flat, rest


def grad_scale(list grads not None, Tensor norm not None, double max_norm):
    """x <- x min(1, max_norm / (norm + 1e-6))."""
    cdef fnn_attr attr[1]
    flat, rest = by_layout(grads)
    attr[0] = attr_f(max_norm)
    run_given(FNN_OP_grad_scale, [norm], flat, attr)
    for g in rest:
        g.mul_((max_norm / (norm + 1e-6)).clamp(max=1.0).to(g.dtype))


def grad_clamp(list grads not None, double low, double high):
    """x <- x clamped to [low, high]."""
    cdef fnn_attr attr[2]
    flat, rest = by_layout(grads)
    attr[0], attr[1] = attr_f(low), attr_f(high)
    run_given(FNN_OP_grad_clamp, [], flat, attr)
    for g in rest:
        g.clamp_(low, high)
