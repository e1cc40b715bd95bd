"""layer_norm, rms_norm, batch_norm, group_norm. Signatures are torch.nn.functional's.

A derivative is one instruction; under create_graph it is composed of differentiable ops instead.
Operands that are not contiguous are copied first.
"""

__all__ = []

from libc.stdint cimport int64_t

from ..door cimport attr_f, attr_i, run_given, run_many
from ..tape cimport Node, attach, make_node, recording3, vjp_fn
from ..tensor cimport Tensor, ctx
from ..fnn cimport FNN_F32, fnn_attr
from .copy cimport c_clone, in_layout, suggests_last
from .softmax cimport plain

cdef extern from "fastnn.h":
    enum:
        FNN_OP_layer_norm, FNN_OP_rms_norm, FNN_OP_layer_norm_bwd, FNN_OP_rms_norm_bwd
        FNN_OP_batch_norm, FNN_OP_batch_norm_eval, FNN_OP_batch_norm_bwd
        FNN_OP_group_norm, FNN_OP_group_norm_bwd


cdef Tensor plain_or_none(Tensor x):
    return None if x is None else plain(x)


cdef Tensor fresh(bint wanted=True):
    return Tensor.__new__(Tensor) if wanted else None


cdef Node edges(vjp_fn vjp, const char *name, Tensor y, Tensor x, Tensor w, Tensor b):
    cdef Node n = make_node(vjp, name, 3)
    n.set_edge(0, x)
    n.set_edge(1, w)
    n.set_edge(2, b)
    attach(n, y, 0)
    return n


# ------------------------------------------------------------------ over the last dimensions

cdef int check_shape(str name, Tensor x, tuple shape) except -1:
    if not shape:
        raise RuntimeError(f"{name}: expected normalized_shape to have at least one dimension")
    if tuple(x.shape[-len(shape):]) != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape "
                           f"[*, {', '.join(map(str, shape))}], but got input of size"
                           f"{list(x.shape)}")
    return 0


cdef tuple as_shape(shape):
    return tuple(shape) if isinstance(shape, (list, tuple)) else (int(shape),)


def layer_norm(Tensor input not None, normalized_shape, Tensor weight=None, Tensor bias=None,
               double eps=1e-5):
    """(x - mean) / sqrt(var + eps) * weight + bias, over the last len(normalized_shape) dimensions.

    var is biased. Raises RuntimeError where shapes do not go together.
    """
    cdef fnn_attr attr[2]
    cdef tuple shape = as_shape(normalized_shape)
    cdef Tensor w = plain_or_none(weight)
    cdef Node n
    check_shape("layer_norm", input, shape)
    attr[0], attr[1] = attr_i(len(shape)), attr_f(eps)
    cdef list out = run_many(FNN_OP_layer_norm, [plain(input), w, plain_or_none(bias)], 3, attr)
    if recording3(input, weight, bias):
        n = edges(layer_norm_vjp, b"native_layer_norm", out[0], input, weight, bias)
        n.i0, n.i1, n.f0 = len(shape), False, eps
        n.save(0, input)
        n.save(1, weight)
        n.save(3, out[1])
        n.save(4, out[2])
    return out[0]


def rms_norm(Tensor input not None, normalized_shape, Tensor weight=None, eps=None):
    """x / sqrt(mean(x^2) + eps) * weight; eps None: the dtype's machine epsilon."""
    cdef fnn_attr attr[2]
    cdef tuple shape = as_shape(normalized_shape)
    cdef Tensor w = plain_or_none(weight)
    cdef double e = (2.0**-23 if input.t.dtype == FNN_F32 else 2.0**-52) if eps is None else eps
    cdef Node n
    check_shape("rms_norm", input, shape)
    attr[0], attr[1] = attr_i(len(shape)), attr_f(e)
    cdef list out = run_many(FNN_OP_rms_norm, [plain(input), w], 2, attr)
    if recording3(input, weight, None):
        n = edges(layer_norm_vjp, b"rms_norm", out[0], input, weight, None)
        n.i0, n.i1, n.f0 = len(shape), True, e
        n.save(0, input)
        n.save(1, weight)
        n.save(3, None)
        n.save(4, out[1])
    return out[0]


cdef object layer_norm_vjp(Node n, object g):
    """xhat = (x - mean) rstd, h = dy w;  dx = rstd (h - mean(h) - xhat mean(h xhat)),
    dw = sum dy xhat, db = sum dy; rms_norm is without the means of x and h."""
    cdef Tensor x = n.saved(0), w = n.saved(1)
    cdef bint rms = n.i1
    cdef fnn_attr attr[1]
    cdef list out
    if ctx().grad_mode:
        return composed(n, g, x, w, list(range(x.t.ndim - n.i0, x.t.ndim)),
                        list(range(x.t.ndim - n.i0)), not rms, None, None)
    attr[0] = attr_i(n.i0)
    out = [fresh(), fresh(n.needs(1))]
    if rms:
        run_given(FNN_OP_rms_norm_bwd, [plain(g), plain(x), plain_or_none(w), n.saved(4)], out,
                  attr)
        return out[0] if n.needs(0) else None, out[1], None
    out.append(fresh(n.needs(2)))
    run_given(FNN_OP_layer_norm_bwd,
              [plain(g), plain(x), plain_or_none(w), n.saved(3), n.saved(4)], out, attr)
    return out[0] if n.needs(0) else None, out[1], out[2]


cdef object composed(Node n, Tensor g, Tensor x, Tensor w, list axes, list rest, bint center,
                     Tensor mean, Tensor invstd):
    """The derivative in differentiable ops. axes: over which x is normalised; rest: over which
    weight and bias are shared; mean and invstd: where they are constants."""
    cdef bint constant = mean is not None
    cdef object c, r, h, xhat, dx
    one = [x.shape[i] if i not in rest else 1 for i in range(x.t.ndim)]
    if constant:
        c, r = x - mean.reshape(one), invstd.reshape(one)
    else:
        c = x - x.mean(axes, keepdim=True) if center else x
        r = ((c * c).mean(axes, keepdim=True) + n.f0).rsqrt()
    xhat = c * r
    h = g if w is None else g * w.reshape(one)
    dx = h
    if not constant:
        dx = dx - xhat * (h * xhat).mean(axes, keepdim=True)
        if center:
            dx = dx - h.mean(axes, keepdim=True)
    dw = db = None
    if n.needs(1):
        dw = ((g * xhat).sum(rest) if rest else g * xhat).reshape(w.shape)
    if n.needs(2):
        db = g.sum(rest) if rest else g
    return (dx * r if n.needs(0) else None), dw, db


# ------------------------------------------------------------------ over channels

def batch_norm(Tensor input not None, Tensor running_mean, Tensor running_var, Tensor weight=None,
               Tensor bias=None, bint training=False, double momentum=0.1, double eps=1e-5):
    """(x - mean) / sqrt(var + eps) * weight + bias per channel, dimension 1 of (N, C, ...).

    training: mean and biased var of the batch, and running = (1 - momentum) running + momentum
    batch, in place, with the unbiased variance; else the running statistics. Raises ValueError
    where a batch holds one value per channel.
    """
    cdef fnn_attr attr[2]
    cdef bint last = suggests_last(&input.t)
    cdef Tensor x = in_layout(input, last), w = plain_or_none(weight), b = plain_or_none(bias)
    cdef Tensor mean, invstd
    cdef list out
    cdef Node n
    if training:
        attr[0], attr[1] = attr_f(momentum), attr_f(eps)
        out = [fresh(), fresh(), fresh(), running_mean, running_var]
        run_given(FNN_OP_batch_norm, [x, w, b], out, attr)
        mean, invstd = out[1], out[2]
    else:
        if running_mean is None or running_var is None:
            raise RuntimeError("Expected running_mean and running_var to be defined when "
                               "training=False")
        attr[0] = attr_f(eps)
        mean = plain(running_mean).detach().clone() if recording3(input, weight, bias) \
            else plain(running_mean)  # training steps move the original
        out = run_many(FNN_OP_batch_norm_eval, [x, mean, plain(running_var), w, b], 2, attr)
        invstd = out[1]
    if recording3(input, weight, bias):
        n = edges(batch_norm_vjp, b"native_batch_norm", out[0], input, weight, bias)
        n.i0, n.i1, n.f0 = training, last, eps
        n.save(0, input)
        n.save(1, weight)
        n.save(3, mean)
        n.save(4, invstd)
    return out[0]


cdef object batch_norm_vjp(Node n, object g):
    """As layer_norm over the batch, per channel; in evaluation dx = dy w invstd."""
    cdef Tensor x = n.saved(0), w = n.saved(1)
    cdef fnn_attr attr[1]
    cdef list out, axes
    if ctx().grad_mode:
        axes = [0, *range(2, x.t.ndim)]
        return composed(n, g, x, w, axes, axes, True, None if n.i0 else n.saved(3),
                        None if n.i0 else n.saved(4))
    attr[0] = attr_i(n.i0)
    out = [fresh(), fresh(n.needs(1)), fresh(n.needs(2))]
    run_given(FNN_OP_batch_norm_bwd,
              [in_layout(g, n.i1), in_layout(x, n.i1), plain_or_none(w), n.saved(3), n.saved(4)],
              out, attr)
    return out[0] if n.needs(0) else None, out[1], out[2]


# ------------------------------------------------------------------ over groups of channels

def group_norm(Tensor input not None, num_groups, Tensor weight=None, Tensor bias=None,
               double eps=1e-5):
    """(x - mean) / sqrt(var + eps) * weight + bias, over each of num_groups groups of channels.

    Shapes: x (N, C, ...), weight and bias (C). var is biased. Raises RuntimeError where C is no
    multiple of num_groups.
    """
    cdef fnn_attr attr[2]
    cdef Tensor w = plain_or_none(weight), y
    cdef Node n
    attr[0], attr[1] = attr_i(num_groups), attr_f(eps)
    cdef list out = run_many(FNN_OP_group_norm, [plain(input), w, plain_or_none(bias)], 3, attr)
    if recording3(input, weight, bias):
        n = edges(group_norm_vjp, b"native_group_norm", out[0], input, weight, bias)
        n.i0, n.f0 = num_groups, eps
        n.save(0, input)
        n.save(1, weight)
        n.save(3, out[1])
        n.save(4, out[2])
    y = out[0]
    return c_clone(y, y.t.ndim - 2) if suggests_last(&input.t) else y


cdef object group_norm_vjp(Node n, object g):
    """As layer_norm over each group, with weight and bias per channel."""
    cdef Tensor x = n.saved(0), w = n.saved(1)
    cdef fnn_attr attr[1]
    cdef list out
    if ctx().grad_mode:
        return composed_groups(n, g, x, w)
    attr[0] = attr_i(n.i0)
    out = [fresh(), fresh(n.needs(1)), fresh(n.needs(2))]
    run_given(FNN_OP_group_norm_bwd,
              [plain(g), plain(x), plain_or_none(w), n.saved(3), n.saved(4)], out, attr)
    return out[0] if n.needs(0) else None, out[1], out[2]


cdef object composed_groups(Node n, Tensor g, Tensor x, Tensor w):
    """The derivative in differentiable ops."""
    one = [1, x.shape[1]] + [1] * (x.t.ndim - 2)
    rest = [0, *range(2, x.t.ndim)]
    rows = [x.shape[0], n.i0, -1]
    c = x.reshape(rows)
    c = c - c.mean(2, keepdim=True)
    r = ((c * c).mean(2, keepdim=True) + n.f0).rsqrt()
    xhat = c * r
    h = (g if w is None else g * w.reshape(one)).reshape(rows)
    dx = r * (h - h.mean(2, keepdim=True) - xhat * (h * xhat).mean(2, keepdim=True))
    dw = (g * xhat.reshape(x.shape)).sum(rest) if n.needs(1) else None
    return (dx.reshape(x.shape) if n.needs(0) else None), dw, \
        g.sum(rest) if n.needs(2) else None
