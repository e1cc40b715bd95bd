"""Scans along one dimension: cumsum, cumprod, cummax, cummin, logcumsumexp.

The derivatives of products and of log-sums are linear recurrences, y_i = b_i + a_i y_(i-1), an
instruction of its own whose adjoint is the same instruction run backwards: no division, no
overflow, and twice differentiable.
"""

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]

cimport cython
from collections import namedtuple

from ..door cimport attr_i, run1, run2, run_many
from ..dtypes cimport as_dtype
from ..fnn cimport FNN_I64, fnn_attr, fnn_op
from ..tape cimport Node, record, record_many, recording, recording2
from ..tensor cimport Tensor, is_float, wrap_dim
from ..tensor import register
from .dims cimport give

cdef extern from "fastnn.h":
    enum:
        FNN_OP_cumsum, FNN_OP_cumprod, FNN_OP_cummax, FNN_OP_cummin, FNN_OP_logcumsumexp
        FNN_OP_linrec

CummaxResult = namedtuple("cummax", ["values", "indices"])
CumminResult = namedtuple("cummin", ["values", "indices"])


cdef Tensor directed(fnn_op op, Tensor x, int dim, bint reverse):
    cdef fnn_attr attr[2]
    attr[0] = attr_i(dim)
    attr[1] = attr_i(reverse)
    return run1(op, x, attr)


cdef Tensor prepared(Tensor x, object dtype):
    """x in the dtype that a running sum is returned in: integers in int64."""
    if dtype is not None:
        return x.to(as_dtype(dtype))
    return x if is_float(x) or x.t.dtype == FNN_I64 else x.long()


# ------------------------------------------------------------------ sums

cdef Tensor c_cumsum(Tensor x, int dim, bint reverse):
    cdef Tensor y = directed(FNN_OP_cumsum, x, dim, reverse)
    cdef Node n
    if recording(x):
        n = record(cumsum_vjp, b"cumsum", y, x)
        n.i0 = dim
        n.i1 = reverse
    return y


cdef object cumsum_vjp(Node n, object g):
    """y_i = sum of x_j, j <= i;  dx_i = sum of dy_j, j >= i."""
    return c_cumsum(<Tensor>g, <int>n.i0, not n.i1)


def cumsum(Tensor input not None, dim, *, dtype=None, out=None):
    """Running sums along dim; of integers in int64."""
    cdef Tensor x = prepared(input, dtype)
    return give(c_cumsum(x, wrap_dim(dim, x.t.ndim), False), out)


# ------------------------------------------------------------------ recurrences

cdef Tensor c_linrec(Tensor a, Tensor b, int dim, bint reverse):
    """y_i = b_i + a_i y_(i-1);  reverse: y_i = b_i + a_(i+1) y_(i+1)."""
    cdef fnn_attr attr[2]
    cdef Node n
    cdef Tensor y
    attr[0] = attr_i(dim)
    attr[1] = attr_i(reverse)
    y = run2(FNN_OP_linrec, a, b, attr)
    if recording2(a, b):
        n = record(linrec_vjp, b"linrec", y, a, b)
        n.i0 = dim
        n.i1 = reverse
        n.save(0, a)
        n.save_out(1, y)
    return y


cdef object linrec_vjp(Node n, object g):
    """db is dy run the other way;  da_i = db_i y_(i-1), reversed: da_i = db_(i-1) y_i."""
    cdef int dim = <int>n.i0
    cdef Tensor db = c_linrec(n.saved(0), <Tensor>g, dim, not n.i1), da = None, y
    if n.needs(0):
        y = n.saved(1)
        da = shifted(db, dim) * y if n.i1 else db * shifted(y, dim)
    return da, db


cdef Tensor shifted(Tensor x, int dim, double first=0):
    """x moved by one along dim, its last element lost, `first` in front."""
    from fastnn._core.ops import cat
    if x.t.ndim == 0 or x.t.size[dim] == 0:
        return x * 0 + first
    shape = list(x.shape)
    shape[dim] = 1
    return cat([x.new_full(shape, first), x.narrow(dim, 0, x.t.size[dim] - 1)], dim)


cdef object cumprod_vjp(Node n, object g):
    """y_i = product of x_j, j <= i;  dx_i = y_(i-1) s_i with s_i = dy_i + x_(i+1) s_(i+1)."""
    cdef int dim = <int>n.i0
    cdef Tensor x = n.saved(0), y = n.saved(1)
    if x.t.ndim == 0:
        return g
    return shifted(y, dim, 1) * c_linrec(x, <Tensor>g, dim, True)


def cumprod(Tensor input not None, dim, *, dtype=None, out=None):
    """Running products along dim; of integers in int64."""
    cdef Tensor x = prepared(input, dtype), y
    cdef Node n
    cdef int d = wrap_dim(dim, x.t.ndim)
    y = directed(FNN_OP_cumprod, x, d, False)
    if recording(x):
        n = record(cumprod_vjp, b"cumprod", y, x)
        n.i0 = d
        n.save(0, x)
        n.save_out(1, y)
    return give(y, out)


cdef object logcumsumexp_vjp(Node n, object g):
    """y_i = log sum exp(x_j), j <= i;  dx_i = exp(x_i - y_i) s_i,
    s_i = dy_i + exp(y_i - y_(i+1)) s_(i+1): no exponent is positive."""
    cdef int dim = <int>n.i0
    cdef Tensor x = n.saved(0), y = n.saved(1)
    if x.t.ndim == 0:
        return g
    steps = (shifted(y, dim) - y).exp()
    return (x - y).exp() * c_linrec(steps, <Tensor>g, dim, True)


def logcumsumexp(Tensor input not None, dim, *, out=None):
    """log of the running sums of exp(input) along dim."""
    cdef Tensor y
    cdef Node n
    cdef fnn_attr attr[1]
    cdef int d = wrap_dim(dim, input.t.ndim)
    attr[0] = attr_i(d)
    y = run1(FNN_OP_logcumsumexp, input, attr)
    if recording(input):
        n = record(logcumsumexp_vjp, b"logcumsumexp", y, input)
        n.i0 = d
        n.save(0, input)
        n.save_out(1, y)
    return give(y, out)


# ------------------------------------------------------------------ extremes

cdef object cum_extreme_vjp(Node n, object g):
    """y_i = x at index_i;  dx is the sum of dy_i over the i that name it."""
    cdef Tensor dy = g[0] if type(g) is list else g
    if dy is None or dy.t.ndim == 0:
        return dy
    return dy.new_zeros(dy.shape).scatter_add(<int>n.i0, n.saved(0), dy)


cdef object cum_extreme(fnn_op op, const char *name, Tensor x, object dim, object out):
    cdef fnn_attr attr[1]
    cdef Node n
    cdef int d = wrap_dim(dim, x.t.ndim)
    attr[0] = attr_i(d)
    values, indices = run_many(op, [x], 2, attr)
    if recording(x):
        n = record(cum_extreme_vjp, name, values, x)
        n.i0 = d
        n.save(0, indices)
    if out is not None:
        values, indices = give(values, out[0]), give(indices, out[1])
    return values, indices


def cummax(Tensor input not None, dim, *, out=None):
    """(values, indices) of the running maximum along dim; the last of equals, NaN wins."""
    return CummaxResult(*cum_extreme(FNN_OP_cummax, b"cummax", input, dim, out))


def cummin(Tensor input not None, dim, *, out=None):
    """(values, indices) of the running minimum along dim; the last of equals, NaN wins."""
    return CumminResult(*cum_extreme(FNN_OP_cummin, b"cummin", input, dim, out))


# ------------------------------------------------------------------ differences

def diff(Tensor input not None, int n=1, dim=-1, prepend=None, append=None, *, out=None):
    """x[i + 1] - x[i] along dim, n times over; prepend and append are put at the ends first."""
    from fastnn._core.ops import cat
    cdef Tensor x = input
    if x.t.ndim == 0:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"diff: order must be non-negative but got {n}")
    cdef int d = wrap_dim(dim, x.t.ndim)
    parts = [p for p in (prepend, x, append) if p is not None] if n else [x]
    if len(parts) > 1:
        x = cat(parts, d)
    for _ in range(n):
        if x.t.size[d] == 0:
            break
        later, earlier = x.narrow(d, 1, x.t.size[d] - 1), x.narrow(d, 0, x.t.size[d] - 1)
        x = later != earlier if str(x.dtype).endswith("bool") else later - earlier
    return give(x if x is not input else x.clone(), out)


for _f in (cumsum, cumprod, logcumsumexp, cummax, cummin, diff):
    register(_f.__name__, _f)


def _in_place(function):
    @cython.binding(True)
    def method(self, dim, *, dtype=None):
        return self.copy_(function(self, dim, dtype=dtype))
    method.__name__ = method.__qualname__ = function.__name__ + "_"
    method.__doc__ = f"{function.__name__} in place."
    return method


for _f in (cumsum, cumprod):
    register(_f.__name__ + "_", _in_place(_f))
