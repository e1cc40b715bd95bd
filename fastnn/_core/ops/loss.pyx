"""Losses over pairs of elements, their reduction fused. Signatures are torch.nn.functional's.

A derivative is one instruction; under create_graph it is composed of differentiable ops instead.
"""

__all__ = []

import warnings

from libc.stdint cimport int64_t

from ..door cimport attr_f, attr_i, door
from ..fnn cimport fnn_attr, fnn_call, fnn_op, fnn_tensor, fnn_tensor_numel
from ..tape cimport Node, make_node, attach, recording3
from ..tensor cimport Tensor, ctx, is_float
from .softmax cimport plain

cdef extern from "fastnn.h":
    enum:
        FNN_OP_mse_loss, FNN_OP_l1_loss, FNN_OP_smooth_l1_loss, FNN_OP_huber_loss
        FNN_OP_bce, FNN_OP_bce_logits, FNN_OP_kl_div, FNN_OP_kl_div_log
        FNN_OP_mse_loss_bwd, FNN_OP_l1_loss_bwd, FNN_OP_smooth_l1_loss_bwd, FNN_OP_huber_loss_bwd
        FNN_OP_bce_bwd, FNN_OP_bce_logits_bwd, FNN_OP_kl_div_bwd, FNN_OP_kl_div_log_bwd

cdef enum:
    NONE, MEAN, SUM
    RELEASE_ABOVE = 20000  # elements: some 10 us of work


cdef int reduction_code(object reduction, object size_average, object reduce) except -1:
    """The attribute of a reduction; the arguments of old programs override it."""
    if size_average is not None or reduce is not None:
        return NONE if reduce is False else SUM if size_average is False else MEAN
    if reduction == "mean":
        return MEAN
    if reduction == "sum":
        return SUM
    if reduction == "none":
        return NONE
    raise ValueError(f"{reduction} is not a valid value for reduction")


# ------------------------------------------------------------------ one pair

cdef Tensor run_pair(fnn_op op, Tensor dy, Tensor x, Tensor t, Tensor w, Tensor pw, int reduction,
                     double param):
    """The instruction: a loss, or with dy its derivative by x."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[5]
    cdef fnn_tensor *outs[1]
    cdef fnn_attr attr[2]
    cdef fnn_call c
    cdef int n = 0
    x, t = plain(x), plain(t)
    if dy is not None:
        dy = plain(dy)
        ins[0] = &dy.t
        n = 1
    ins[n] = &x.t
    ins[n + 1] = &t.t
    n += 2
    if w is not None or pw is not None:
        if w is not None:
            w = plain(w)
        ins[n] = NULL if w is None else &w.t
        n += 1
    if pw is not None:
        pw = plain(pw)
        ins[n] = &pw.t
        n += 1
    outs[0] = &y.t
    attr[0] = attr_i(reduction)
    attr[1] = attr_f(param)
    c.op = op; c.nin = n; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, fnn_tensor_numel(&x.t) > RELEASE_ABOVE)
    return y


cdef Tensor c_pair(fnn_op op, const char *name, Tensor x, Tensor t, Tensor w, Tensor pw,
                   int reduction, double param):
    """x and t of one shape and dtype; w and pw of that shape, or None."""
    cdef Tensor y = run_pair(op, None, x, t, w, pw, reduction, param)
    cdef Node n
    if recording3(x, t, w):
        n = make_node(pair_vjp, name, 2)
        n.set_edge(0, x)
        n.set_edge(1, t)
        if n.needs(0) or n.needs(1):
            attach(n, y, 0)
            n.i0, n.i1, n.f0 = op, reduction, param
            n.save(0, x)
            n.save(1, t)
            n.save(2, w)
            n.save(3, pw)
    return y


cdef fnn_op derivative(fnn_op op) noexcept:
    if op == FNN_OP_mse_loss: return FNN_OP_mse_loss_bwd
    if op == FNN_OP_l1_loss: return FNN_OP_l1_loss_bwd
    if op == FNN_OP_smooth_l1_loss: return FNN_OP_smooth_l1_loss_bwd
    if op == FNN_OP_huber_loss: return FNN_OP_huber_loss_bwd
    if op == FNN_OP_bce: return FNN_OP_bce_bwd
    if op == FNN_OP_bce_logits: return FNN_OP_bce_logits_bwd
    if op == FNN_OP_kl_div: return FNN_OP_kl_div_bwd
    return FNN_OP_kl_div_log_bwd


cdef object pair_vjp(Node n, object g):
    """dx = dy dloss/dx (over N for a mean), dt = dy dloss/dt; see by_x and by_target."""
    cdef Tensor x = n.saved(0), t = n.saved(1), w = n.saved(2), pw = n.saved(3)
    cdef fnn_op op = <fnn_op>n.i0
    cdef object dx = None, dt = None, scale
    cdef bint odd = op in (FNN_OP_mse_loss, FNN_OP_l1_loss, FNN_OP_smooth_l1_loss,
                           FNN_OP_huber_loss)  # functions of x - t: dt = -dx
    if not ctx().grad_mode and (odd or not n.needs(1)):
        dx = run_pair(derivative(op), g, x, t, w, pw, <int>n.i1, n.f0)
        return (dx if n.needs(0) else None), (-dx if n.needs(1) else None)
    scale = g / fnn_tensor_numel(&x.t) if n.i1 == MEAN else g
    if w is not None:
        scale = scale * w
    if n.needs(0) or odd:
        dx = scale * by_x(op, x, t, pw, n.f0)
    if n.needs(1):
        dt = -dx if odd else scale * by_target(op, x, t, pw)
    return (dx if n.needs(0) else None), dt


cdef object by_x(fnn_op op, Tensor x, Tensor t, Tensor pw, double p):
    """dloss/dx in differentiable ops."""
    cdef object positive
    if op == FNN_OP_mse_loss:
        return 2 * (x - t)
    if op == FNN_OP_l1_loss:
        return (x - t).sign()
    if op == FNN_OP_smooth_l1_loss:
        return ((x - t) / p).clamp(-1, 1) if p > 0 else (x - t).sign()
    if op == FNN_OP_huber_loss:
        return (x - t).clamp(-p, p)
    if op == FNN_OP_bce:
        return (x - t) / ((1 - x) * x).clamp(min=1e-12)
    if op == FNN_OP_bce_logits:
        positive = t if pw is None else pw * t
        return (positive + 1 - t) * x.sigmoid() - positive
    return -t + 0 * x if op == FNN_OP_kl_div else -t.exp() + 0 * x


cdef object by_target(fnn_op op, Tensor x, Tensor t, Tensor pw):
    """dloss/dt in differentiable ops, for the losses that are no function of x - t."""
    if op == FNN_OP_bce:
        return (1 - x).log().clamp(min=-100) - x.log().clamp(min=-100)
    if op == FNN_OP_bce_logits:
        return -x if pw is None else -x - (pw - 1) * x.sigmoid().log()
    if op == FNN_OP_kl_div:
        return t.log() + 1 - x
    return t.exp() * (t - x + 1)


# ------------------------------------------------------------------ what the functions prepare

cdef bint same_shape(Tensor a, Tensor b) noexcept:
    cdef int i
    if a.t.ndim != b.t.ndim:
        return False
    for i in range(a.t.ndim):
        if a.t.size[i] != b.t.size[i]:
            return False
    return True


cdef tuple paired(str name, Tensor x, Tensor t):
    """x and t broadcast to one shape, in one floating dtype."""
    if x.t.dtype != t.t.dtype:
        if is_float(x) and is_float(t):
            x, t = x.double(), t.double()
        elif is_float(x):
            t = t.to(x.dtype)
        else:
            x = x.to(t.dtype)
    if not same_shape(x, t):
        warnings.warn(f"{name}: using a target size ({tuple(t.shape)}) that is different to the "
                      f"input size ({tuple(x.shape)}): they are broadcast, which is rarely meant",
                      stacklevel=3)
        both = x + t * 0
        x, t = x.expand(both.shape), t.expand(both.shape)
    return x, t


cdef Tensor factor(Tensor w, Tensor x):
    """A weight, broadcast to x's shape."""
    if w is None:
        return None
    if w.t.dtype != x.t.dtype:
        w = w.to(x.dtype)
    return w if same_shape(w, x) else w.expand(x.shape)


cdef Tensor difference_loss(fnn_op op, const char *name, str shown, Tensor x, Tensor t,
                            object reduction, object size_average, object reduce, Tensor weight,
                            double param):
    cdef int how = reduction_code(reduction, size_average, reduce)
    cdef Tensor losses
    if not (x.t.dtype == t.t.dtype and same_shape(x, t)):
        x, t = paired(shown, x, t)
    if weight is None:
        return c_pair(op, name, x, t, None, None, how, param)
    weight = factor(weight, x)
    losses = c_pair(op, name, x, t, weight, None, NONE if how == MEAN else how, param)
    return losses.sum() / weight.sum() if how == MEAN else losses


# ------------------------------------------------------------------ functions

def mse_loss(Tensor input not None, Tensor target not None, size_average=None, reduce=None,
             reduction="mean", Tensor weight=None):
    """(x - t)^2. reduction: "mean", "sum" or "none"; with weight a weighted mean."""
    return difference_loss(FNN_OP_mse_loss, b"mse_loss", "mse_loss", input, target, reduction,
                           size_average, reduce, weight, 0)


def l1_loss(Tensor input not None, Tensor target not None, size_average=None, reduce=None,
            reduction="mean", Tensor weight=None):
    """|x - t|; the derivative at 0 is 0."""
    return difference_loss(FNN_OP_l1_loss, b"l1_loss", "l1_loss", input, target, reduction,
                           size_average, reduce, weight, 0)


def smooth_l1_loss(Tensor input not None, Tensor target not None, size_average=None, reduce=None,
                   reduction="mean", double beta=1.0):
    """(x - t)^2 / (2 beta) where |x - t| < beta, else |x - t| - beta / 2."""
    if beta < 0:
        raise RuntimeError("smooth_l1_loss does not support negative values for beta.")
    return difference_loss(FNN_OP_smooth_l1_loss, b"smooth_l1_loss", "smooth_l1_loss", input,
                           target, reduction, size_average, reduce, None, beta)


def huber_loss(Tensor input not None, Tensor target not None, reduction="mean", double delta=1.0,
               Tensor weight=None):
    """(x - t)^2 / 2 where |x - t| < delta, else delta (|x - t| - delta / 2)."""
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    return difference_loss(FNN_OP_huber_loss, b"huber_loss", "huber_loss", input, target,
                           reduction, None, None, weight, delta)


def binary_cross_entropy(Tensor input not None, Tensor target not None, Tensor weight=None,
                         size_average=None, reduce=None, reduction="mean"):
    """-(t log x + (1 - t) log(1 - x)), the logarithms at least -100; times weight.

    Raises ValueError where the shapes differ, RuntimeError where x is outside [0, 1].
    """
    cdef int how = reduction_code(reduction, size_average, reduce)
    return c_pair(FNN_OP_bce, b"binary_cross_entropy", input, target, factor(weight, input), None,
                  how, 0)


def binary_cross_entropy_with_logits(Tensor input not None, Tensor target not None,
                                     Tensor weight=None, size_average=None, reduce=None,
                                     reduction="mean", Tensor pos_weight=None):
    """binary_cross_entropy of sigmoid(x), without overflow:

    (1 - t) x + (1 + (pos_weight - 1) t) (log(1 + exp(-|x|)) + max(-x, 0)), times weight.
    """
    cdef int how = reduction_code(reduction, size_average, reduce)
    if not same_shape(input, target):
        raise ValueError(f"Target size ({tuple(target.shape)}) must be the same as input size "
                         f"({tuple(input.shape)})")
    if input.t.dtype != target.t.dtype:
        input, target = paired("binary_cross_entropy_with_logits", input, target)
    return c_pair(FNN_OP_bce_logits, b"binary_cross_entropy_with_logits", input, target,
                  factor(weight, input), factor(pos_weight, input), how, 0)


def kl_div(Tensor input not None, Tensor target not None, size_average=None, reduce=None,
           reduction="mean", bint log_target=False):
    """t (log t - x), 0 where t is 0; with log_target exp(t) (t - x). x holds log-probabilities.

    reduction "batchmean" divides the sum by the first size.
    """
    cdef bint batch = reduction == "batchmean"
    cdef int how = SUM if batch else reduction_code(reduction, size_average, reduce)
    cdef Tensor y
    if not (input.t.dtype == target.t.dtype and same_shape(input, target)):
        input, target = paired("kl_div", input, target)
    y = c_pair(FNN_OP_kl_div_log if log_target else FNN_OP_kl_div, b"kl_div", input, target,
               None, None, how, 0)
    return y / input.shape[0] if batch and input.t.ndim else y
