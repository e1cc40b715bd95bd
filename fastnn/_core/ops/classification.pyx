"""Losses over class indices: cross_entropy and nll_loss. Signatures are torch.nn.functional's."""

__all__ = []

from libc.stdint cimport int64_t

from ..door cimport attr_f, attr_i, run_many
from ..fnn cimport FNN_U8, fnn_attr, fnn_op
from ..tape cimport Node, record, recording
from ..tensor cimport Tensor, ctx, is_float
from .loss cimport reduction_code
from .softmax cimport c_softmax, plain

cdef extern from "fastnn.h":
    enum:
        FNN_OP_cross_entropy, FNN_OP_cross_entropy_bwd, FNN_OP_nll_loss, FNN_OP_nll_loss_bwd

cdef enum:
    NONE, MEAN, SUM


cdef Tensor labels(Tensor target):
    return plain(target.long() if target.t.dtype == FNN_U8 else target)


cdef Tensor make(fnn_op op, const char *name, Tensor x, Tensor target, Tensor weight,
                 int how, int64_t ignore, double smoothing):
    """The loss; x, target, weight and the op's second output are saved."""
    cdef fnn_attr attr[3]
    cdef Tensor t = labels(target)
    cdef Node n
    attr[0], attr[1], attr[2] = attr_i(how), attr_i(ignore), attr_f(smoothing)
    cdef list out = run_many(op, [plain(x), t, weight], 2, attr)
    if recording(x):
        n = record(cross_entropy_vjp if op == FNN_OP_cross_entropy else nll_vjp, name, out[0], x)
        n.i0, n.i1, n.f0 = how, ignore, smoothing
        n.save(0, x)
        n.save(1, t)
        n.save(2, weight)
        n.save(3, out[1])
    return out[0]


cdef Tensor fused(fnn_op op, Node n, Tensor g):
    cdef fnn_attr attr[3]
    attr[0], attr[1], attr[2] = attr_i(n.i0), attr_i(n.i1), attr_f(n.f0)
    return run_many(op, [plain(g), plain(n.saved(0)), n.saved(1), n.saved(2), n.saved(3)], 1,
                    attr)[0]


cdef tuple weighted_onehot(Tensor x, Tensor t, Tensor weight, int64_t ignore):
    """(used, w, hit): 1 where a row counts, the weights along the classes, w at the target."""
    cdef int dim = x.t.ndim > 1
    import fastnn
    shape = [-1] + [1] * (x.t.ndim - 1 - dim)
    row = t.unsqueeze(dim)
    hit = (fastnn.arange(x.t.size[dim]).view(shape) == row).to(x.dtype)
    used = (row != ignore).to(x.dtype)
    w = 1 if weight is None else weight.detach().reshape(shape)
    return used, w, hit * used * w


cdef object spread(Node n, Tensor g, Tensor total):
    """The gradient of each row's loss, with a dimension of classes of size one."""
    cdef int dim = n.saved(0).t.ndim > 1
    if n.i0 == NONE:
        return g.unsqueeze(dim)
    return g / total if n.i0 == MEAN else g


cdef object cross_entropy_vjp(Node n, object g):
    """loss = -sum_c q[c] log p[c], p = softmax(x);  dx = dy (p sum_c q[c] - q)."""
    cdef Tensor x, stats
    if not ctx().grad_mode:
        return fused(FNN_OP_cross_entropy_bwd, n, g)
    x, stats = n.saved(0), n.saved(3)
    cdef int dim = x.t.ndim > 1
    used, w, q = weighted_onehot(x, n.saved(1), n.saved(2), n.i1)
    if n.f0 > 0:
        q = q * (1 - n.f0) + used * w * (n.f0 / x.t.size[dim])
        q = q.expand(x.shape)
    return (c_softmax(x, dim, False) * q.sum(dim, keepdim=True) - q) * spread(n, g, stats.select(0, stats.t.size[0] - 1))


cdef object nll_vjp(Node n, object g):
    """loss = -w[t] x[t];  dx = -dy w[t] at the target, else 0."""
    if not ctx().grad_mode:
        return fused(FNN_OP_nll_loss_bwd, n, g)
    used, w, q = weighted_onehot(n.saved(0), n.saved(1), n.saved(2), n.i1)
    return -q * spread(n, g, n.saved(3))


cdef Tensor soft_targets(Tensor x, Tensor target, Tensor weight, int how, double smoothing):
    """The mean over rows of -sum_c w[c] t[c] log p[c], t smoothed."""
    cdef int dim = x.t.ndim > 1
    if smoothing < 0 or smoothing > 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {smoothing}")
    if smoothing > 0:
        target = target * (1 - smoothing) + smoothing / x.t.size[dim]
    if weight is not None:
        target = target * weight.reshape([-1] + [1] * (x.t.ndim - 1 - dim))
    losses = -(c_softmax(x, dim, True) * target).sum(dim)
    return losses if how == NONE else losses.mean() if how == MEAN else losses.sum()


def cross_entropy(Tensor input not None, Tensor target not None, Tensor weight=None,
                  size_average=None, int64_t ignore_index=-100, reduce=None, reduction="mean",
                  double label_smoothing=0.0):
    """-log softmax(x)[t] over the classes in dimension 1 (0 where x has one dimension).

    x: (N, C), (C,) or (N, C, d1, ...). target: the same without C holding class numbers, or of x's
    shape holding probabilities. weight (C,): a factor per class; the mean is then weighted.
    Raises ValueError for shapes that do not go together, IndexError for a class out of range.
    """
    cdef int how = reduction_code(reduction, size_average, reduce)
    if is_float(target) and list(target.shape) == list(input.shape):
        return soft_targets(input, target, weight, how, label_smoothing)
    return make(FNN_OP_cross_entropy, b"cross_entropy", input, target, weight, how,
                ignore_index, label_smoothing)


def nll_loss(Tensor input not None, Tensor target not None, Tensor weight=None, size_average=None,
             int64_t ignore_index=-100, reduce=None, reduction="mean"):
    """-x[t] times weight[t], for x of log-probabilities; shapes as cross_entropy."""
    cdef int how = reduction_code(reduction, size_average, reduce)
    return make(FNN_OP_nll_loss, b"nll_loss", input, target, weight, how, ignore_index, 0)
