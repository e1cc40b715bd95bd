"""Variance, standard deviation, norms and log-sums over any dimensions."""

__all__ = ["logsumexp", "norm", "std", "std_mean", "var", "var_mean"]

from ..door cimport attr_f, attr_i, attr_ints, run1, run_many
from ..dtypes cimport as_dtype
from ..fnn cimport fnn_attr, fnn_op
from ..tape cimport Node, record, record_many, recording
from ..tensor cimport Tensor, is_float
from ..tensor import register
from .dims cimport (Dims, fill_attrs, give, keep, parse_dims, reduced_count, reduced_dims, remember,
                    spread)

cdef extern from "fastnn.h":
    enum:
        FNN_OP_var, FNN_OP_std, FNN_OP_norm1, FNN_OP_norm2, FNN_OP_normmax, FNN_OP_normmin
        FNN_OP_logsumexp


# ------------------------------------------------------------------ variance

cdef Tensor deviation(Node n):
    """x - mean, over the count that the variance is divided by."""
    x = n.saved(0)
    count = reduced_count(n) - n.f0
    return (x - x.mean(reduced_dims(n), True)) / (count if count > 0 else 0.0)


cdef object moments_vjp(Node n, object g):
    """y = sum (x - m)^2 / c;  dx = 2 dy (x - m) / c. m = mean of x;  dx += dm / count.

    The standard deviation y = sqrt of that:  dx = dy (x - m) / (c y), 0 where y is 0.
    """
    cdef Tensor dy = g[0] if type(g) is list else g
    cdef Tensor dm = g[1] if type(g) is list else None
    dx = None
    if dy is not None:
        if n.i2:
            y = n.saved(1)
            dy = (dy / y).masked_fill(y == 0, 0)
        else:
            dy = dy * 2
        dx = spread(n, dy) * deviation(n)
    if dm is not None:
        part = spread(n, dm / reduced_count(n))
        dx = part if dx is None else dx + part
    return dx


cdef object moments(fnn_op op, const char *name, Tensor x, object dim, object unbiased,
                    object correction, bint keepdim, bint want_mean):
    """var or std, with the mean or without. dim may be the old first argument, unbiased."""
    cdef Dims d
    cdef Node n
    cdef fnn_attr attr[3]
    cdef Tensor y, m
    if isinstance(dim, bool):
        unbiased, dim = dim, None
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name.decode()}: give either unbiased or correction")
    c = correction
    if c is None:
        c = 0 if unbiased is not None and not unbiased else 1
    if not is_float(x):
        raise RuntimeError(f"{name.decode()}: only floating point dtypes are supported, got "
                           f"{x.dtype}")
    parse_dims(x, dim, keepdim, &d)
    attr[0] = attr_ints(d.dim, d.n)
    attr[1] = attr_f(c)
    attr[2] = attr_i(keepdim)
    if want_mean:
        y, m = run_many(op, [x], 2, attr)
    else:
        y = run1(op, x, attr)
    if recording(x):
        n = record_many(moments_vjp, name, [y, m], [x]) if want_mean else record(
            moments_vjp, name, y, x)
        remember(n, &d)
        n.f0 = c
        n.i2 = op == FNN_OP_std
        n.save(0, x)
        if n.i2:
            n.save_out(1, y)
    return (y, m) if want_mean else y


def var(Tensor input not None, dim=None, unbiased=None, bint keepdim=False, *, correction=None,
        out=None):
    """sum (x - mean)^2 / (count - correction) over dim; correction is 1 unless given."""
    return give(moments(FNN_OP_var, b"var", input, dim, unbiased, correction, keepdim, False), out)


def std(Tensor input not None, dim=None, unbiased=None, bint keepdim=False, *, correction=None,
        out=None):
    """The square root of var."""
    return give(moments(FNN_OP_std, b"std", input, dim, unbiased, correction, keepdim, False), out)


def var_mean(Tensor input not None, dim=None, unbiased=None, bint keepdim=False, *,
             correction=None):
    """(var, mean) over dim."""
    return moments(FNN_OP_var, b"var_mean", input, dim, unbiased, correction, keepdim, True)


def std_mean(Tensor input not None, dim=None, unbiased=None, bint keepdim=False, *,
             correction=None):
    """(std, mean) over dim."""
    return moments(FNN_OP_std, b"std_mean", input, dim, unbiased, correction, keepdim, True)


# ------------------------------------------------------------------ norms

cdef object norm_vjp(Node n, object g):
    """y = (sum |x|^p)^(1/p);  dx = dy sign(x) (|x| / y)^(p - 1), 0 where y is 0.

    p = 1: dy sign(x). p = 2: dy x / y. p = inf, -inf: dy sign(x), shared evenly among the
    elements whose magnitude is the extreme.
    """
    cdef Tensor x = n.saved(0), y, share
    cdef double p = n.f0
    if p == 1:
        return spread(n, <Tensor>g) * x.sign()
    y = n.saved(1)
    if p == 2:
        return spread(n, (<Tensor>g / y).masked_fill(y == 0, 0)) * x
    hit = x.abs() == keep(n, y)
    share = (hit / hit.sum(reduced_dims(n), True)).to(x.dtype)
    return spread(n, <Tensor>g) * (x.sign() * share)


cdef Tensor norm_kernel(fnn_op op, Tensor x, double p, object dim, bint keepdim):
    cdef Dims d
    cdef Node n
    cdef fnn_attr attr[2]
    cdef Tensor y
    parse_dims(x, dim, keepdim, &d)
    if op in (FNN_OP_normmax, FNN_OP_normmin):
        for i in range(x.t.ndim):
            if x.t.size[i] == 0 and d.mask >> i & 1:
                raise RuntimeError("norm cannot compute the infinity norm on an empty dimension")
    fill_attrs(&d, attr)
    y = run1(op, x, attr)
    if recording(x):
        n = record(norm_vjp, b"norm", y, x)
        remember(n, &d)
        n.f0 = p
        n.save(0, x)
        if p != 1:
            n.save_out(1, y)
    return y


cdef Tensor general_norm(Tensor x, double p, object dim, bint keepdim):
    """Any other p, composed: zeros are kept out of the powers, whose slope there is infinite."""
    zero = x == 0
    powers = x.abs().masked_fill(zero, 1).pow(p).masked_fill(zero, 0 if p > 0 else float("inf"))
    total = powers.sum(dim, keepdim)
    none = total == 0
    return total.masked_fill(none, 1).pow(1 / p).masked_fill(none, 0)


def norm(Tensor input not None, p="fro", dim=None, bint keepdim=False, out=None, dtype=None):
    """The p-norm of the elements over dim (of all by default): (sum |x|^p)^(1/p).

    p: a number, inf, -inf, 0 (how many are not zero), "fro" (2). RuntimeError for integers.
    """
    cdef Tensor x = input if dtype is None else input.to(as_dtype(dtype)), y
    if not is_float(x):
        raise RuntimeError(f"norm: expected a floating point dtype, got {x.dtype}")
    if p is None or p == "fro":
        p = 2
    if isinstance(p, Tensor):
        p = p.item()
    if p == "nuc" and (x.t.ndim == 2 or dim is not None):
        from fastnn.linalg import matrix_norm
        return matrix_norm(x, p, (0, 1) if dim is None else dim, keepdim)
    if not isinstance(p, (int, float)):
        raise RuntimeError(f"norm: p must be a number or 'fro', not {p!r}")
    if p == 2:
        y = norm_kernel(FNN_OP_norm2, x, p, dim, keepdim)
    elif p == 1:
        y = norm_kernel(FNN_OP_norm1, x, p, dim, keepdim)
    elif p == float("inf"):
        y = norm_kernel(FNN_OP_normmax, x, p, dim, keepdim)
    elif p == -float("inf"):
        y = norm_kernel(FNN_OP_normmin, x, p, dim, keepdim)
    elif p == 0:
        y = (x != 0).sum(dim, keepdim).to(x.dtype)
    else:
        y = general_norm(x, p, dim, keepdim)
    return give(y, out)


# ------------------------------------------------------------------ log-sums

cdef object logsumexp_vjp(Node n, object g):
    """y = log sum exp(x);  dx = dy exp(x - y)."""
    cdef Tensor x = n.saved(0), y = keep(n, n.saved(1))
    return spread(n, <Tensor>g) * (x - y.masked_fill(y.abs() == float("inf"), 0)).exp()


def logsumexp(Tensor input not None, dim, bint keepdim=False, *, out=None):
    """log(sum exp(input)) over dim, without overflow; of integers in the default dtype."""
    cdef Dims d
    cdef Node n
    cdef fnn_attr attr[2]
    cdef Tensor x = input if is_float(input) else input.float(), y
    parse_dims(x, dim, keepdim, &d)
    fill_attrs(&d, attr)
    y = run1(FNN_OP_logsumexp, x, attr)
    if recording(x):
        n = record(logsumexp_vjp, b"logsumexp", y, x)
        remember(n, &d)
        n.save(0, x)
        n.save_out(1, y)
    return give(y, out)


for _f in (var, std, norm, logsumexp):
    register(_f.__name__, _f)
