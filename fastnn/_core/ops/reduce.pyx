"""Reductions by one pass: sum, mean, prod, extremes, any, all, count_nonzero, nansum."""

__all__ = ["all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "max",
           "mean", "min", "nanmean", "nansum", "prod", "sum"]

from collections import namedtuple

from ..door cimport run1, run_given, run_many
from ..dtypes cimport as_dtype
from ..fnn cimport FNN_BOOL, FNN_I64, fnn_attr, fnn_op, fnn_tensor_numel
from ..tape cimport Node, record, record_many, recording
from ..tensor cimport Tensor, is_float, wrap_dim
from ..tensor import register
from .dims cimport (Dims, fill_attrs, give, keep, parse_dims, reduced_count, reduced_dims, remember,
                    spread)

cdef extern from "fastnn.h":
    enum:
        FNN_OP_sum, FNN_OP_prod, FNN_OP_mean, FNN_OP_amax, FNN_OP_amin, FNN_OP_nansum
        FNN_OP_count_nonzero, FNN_OP_any, FNN_OP_all, FNN_OP_max_dim, FNN_OP_min_dim

MaxResult = namedtuple("max", ["values", "indices"])
MinResult = namedtuple("min", ["values", "indices"])
AminmaxResult = namedtuple("aminmax", ["min", "max"])


cdef Tensor fold(fnn_op op, Tensor x, const Dims *d):
    cdef fnn_attr attr[2]
    fill_attrs(d, attr)
    return run1(op, x, attr)


cdef Tensor as_type(Tensor x, object dtype):
    return x if dtype is None else x.to(as_dtype(dtype))


# ------------------------------------------------------------------ sums

cdef object sum_vjp(Node n, object g):
    """y = sum of x;  dx = dy everywhere."""
    return spread(n, <Tensor>g)


def sum(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, out=None):
    """The sum over dim (an int, ints, or None: everything); of integers in int64."""
    cdef Dims d
    cdef Tensor x = as_type(input, dtype), y
    parse_dims(x, dim, keepdim, &d)
    y = fold(FNN_OP_sum, x, &d)
    if dtype is not None and y.t.dtype != x.t.dtype:
        y = y.to(as_dtype(dtype))
    if recording(x):
        remember(record(sum_vjp, b"sum", y, x), &d)
    return give(y, out)


cdef object mean_vjp(Node n, object g):
    """y = sum of x / count;  dx = dy / count."""
    return spread(n, <Tensor>g / reduced_count(n))


def mean(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, out=None):
    """The mean over dim. Raises RuntimeError for integers without a floating dtype."""
    cdef Dims d
    cdef Tensor x = as_type(input, dtype), y
    parse_dims(x, dim, keepdim, &d)
    y = fold(FNN_OP_mean, x, &d)
    if recording(x):
        remember(record(mean_vjp, b"mean", y, x), &d)
    return give(y, out)


cdef object nansum_vjp(Node n, object g):
    """y = sum of x that are no NaN;  dx = dy there, else 0."""
    x = n.saved(0)
    return spread(n, <Tensor>g) * (x == x)


def nansum(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, out=None):
    """The sum over dim with NaN counted as 0."""
    cdef Dims d
    cdef Node n
    cdef Tensor x = as_type(input, dtype), y
    if not is_float(x):
        return sum(x, dim, keepdim, out=out)
    parse_dims(x, dim, keepdim, &d)
    y = fold(FNN_OP_nansum, x, &d)
    if recording(x):
        n = record(nansum_vjp, b"nansum", y, x)
        remember(n, &d)
        n.save(0, x)
    return give(y, out)


def nanmean(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, out=None):
    """The mean over dim of the elements that are no NaN."""
    x = as_type(input, dtype)
    return give(nansum(x, dim, keepdim) / (x == x).sum(dim, keepdim), out)


# ------------------------------------------------------------------ product

cdef object prod_vjp(Node n, object g):
    """y = product of x;  dx_i = dy * (product of the others), zeros or not.

    The product of the others is that of those before times that of those after.
    """
    cdef Tensor x = n.saved(0)
    if n.i2 < 0:
        return (<Tensor>g * others(x.reshape(-1), 0)).reshape(x.shape)
    return spread(n, <Tensor>g) * others(x, <int>n.i2)


cdef Tensor others(Tensor x, int d):
    """The product of all elements along d but each one's own."""
    if x.t.ndim == 0:
        return x.new_ones(x.shape)
    if x.t.size[d] < 2:
        return x.new_ones(x.shape)
    return before(x, d) * before(x.flip(d), d).flip(d)


cdef Tensor before(Tensor x, int d):
    """Products of the elements before each one along d."""
    from fastnn._core.ops import cat, cumprod
    shape = list(x.shape)
    shape[d] = 1
    return cat([x.new_ones(shape), cumprod(x.narrow(d, 0, x.t.size[d] - 1), d)], d)


def prod(Tensor input not None, dim=None, bint keepdim=False, *, dtype=None, out=None):
    """The product over dim (one dimension, or None: everything); of integers in int64."""
    cdef Dims d
    cdef Node n
    cdef Tensor x = as_type(input, dtype), y
    if dim is not None and not hasattr(dim, "__index__"):
        raise TypeError(f"prod: dim must be an int, not {type(dim).__name__}")
    parse_dims(x, dim, keepdim, &d)
    y = fold(FNN_OP_prod, x, &d)
    if dtype is not None and y.t.dtype != x.t.dtype:
        y = y.to(as_dtype(dtype))
    if recording(x):
        n = record(prod_vjp, b"prod", y, x)
        remember(n, &d)
        n.i2 = -1 if dim is None else wrap_dim(dim, x.t.ndim)
        n.save(0, x)
    return give(y, out)


# ------------------------------------------------------------------ extremes

cdef object even_vjp(Node n, object g):
    """y = an extreme of x;  dx = dy, shared evenly among the elements that equal it."""
    cdef Tensor hit = n.saved(0) == keep(n, n.saved(1))
    return spread(n, <Tensor>g) * (hit / hit.sum(reduced_dims(n), True)).to(g.dtype)


cdef Tensor extreme(fnn_op op, const char *name, Tensor x, object dim, bint keepdim):
    cdef Dims d
    cdef Node n
    cdef Tensor y
    parse_dims(x, dim, keepdim, &d)
    y = fold(op, x, &d)
    if recording(x):
        n = record(even_vjp, name, y, x)
        remember(n, &d)
        n.save(0, x)
        n.save_out(1, y)
    return y


def amax(Tensor input not None, dim=(), bint keepdim=False, *, out=None):
    """The maximum over dim; equal ones share the gradient. NaN wins. IndexError where empty."""
    return give(extreme(FNN_OP_amax, b"amax", input, dim, keepdim), out)


def amin(Tensor input not None, dim=(), bint keepdim=False, *, out=None):
    """The minimum over dim; equal ones share the gradient. NaN wins. IndexError where empty."""
    return give(extreme(FNN_OP_amin, b"amin", input, dim, keepdim), out)


def aminmax(Tensor input not None, *, dim=None, bint keepdim=False, out=None):
    """(min, max) over dim, or of everything."""
    if out is None:
        return AminmaxResult(amin(input, () if dim is None else dim, keepdim),
                             amax(input, () if dim is None else dim, keepdim))
    return AminmaxResult(amin(input, () if dim is None else dim, keepdim, out=out[0]),
                         amax(input, () if dim is None else dim, keepdim, out=out[1]))


cdef object pick_vjp(Node n, object g):
    """y = x at index;  dx = dy at index, 0 elsewhere."""
    cdef Tensor part = g[0] if type(g) is list else g
    cdef Tensor index = n.saved(0), zeros
    if part is None:
        return None
    shape = n.extra
    zeros = part.new_zeros(shape)
    if len(shape) == 0:
        return part
    return zeros.scatter_add(<int>n.i2, keep(n, index), keep(n, part))


cdef object along(fnn_op op, const char *name, Tensor x, object dim, bint keepdim):
    """(values, indices) along one dimension."""
    cdef Dims d
    cdef Node n
    cdef fnn_attr attr[2]
    parse_dims(x, dim, keepdim, &d)
    if d.n != 1:
        raise TypeError(f"{name.decode()}: dim must be one int, got {dim!r}")
    fill_attrs(&d, attr)
    values, indices = run_many(op, [x], 2, attr)
    if recording(x):
        n = record(pick_vjp, name, values, x)
        remember(n, &d)
        n.i2 = d.dim[0]
        n.extra = x.shape
        n.save(0, indices)
    return values, indices


cdef object extreme_of(bint largest, Tensor x, object other, object dim, bint keepdim, object out):
    """The three forms of max and min: of everything, along a dimension, of two tensors."""
    cdef bint pair = isinstance(other, Tensor)
    if pair:
        import fastnn
        return (fastnn.maximum if largest else fastnn.minimum)(x, other)
    if other is not None:
        if dim is not None:
            raise TypeError("dim is given twice")
        dim = other
    if dim is None:
        if fnn_tensor_numel(&x.t) == 0:
            raise RuntimeError(f"{'max' if largest else 'min'}(): expected reduction dim to be "
                               "specified for input.numel() == 0")
        if largest:
            return give(extreme(FNN_OP_amax, b"max", x, None, False), out)
        return give(extreme(FNN_OP_amin, b"min", x, None, False), out)
    if largest:
        values, indices = along(FNN_OP_max_dim, b"max", x, dim, keepdim)
    else:
        values, indices = along(FNN_OP_min_dim, b"min", x, dim, keepdim)
    if out is not None:
        values, indices = give(values, out[0]), give(indices, out[1])
    return (MaxResult if largest else MinResult)(values, indices)


def max(Tensor input not None, other=None, bint keepdim=False, *, dim=None, out=None):
    """max(x): the largest element. max(x, dim): (values, indices). max(x, y): elementwise.

    The index is that of the first of equals; NaN is larger than everything.
    """
    return extreme_of(True, input, other, dim, keepdim, out)


def min(Tensor input not None, other=None, bint keepdim=False, *, dim=None, out=None):
    """min(x): the smallest element. min(x, dim): (values, indices). min(x, y): elementwise.

    The index is that of the first of equals; NaN is smaller than everything.
    """
    return extreme_of(False, input, other, dim, keepdim, out)


cdef Tensor position(fnn_op op, str name, Tensor x, object dim, bint keepdim):
    cdef Dims d
    cdef fnn_attr attr[2]
    cdef Tensor y = Tensor.__new__(Tensor)
    parse_dims(x, dim, keepdim, &d)
    if d.n > 1:
        raise TypeError(f"{name}: dim must be one int, got {dim!r}")
    if fnn_tensor_numel(&x.t) == 0 and d.n == 0:
        raise IndexError(f"{name}(): expected reduction dim to be specified for "
                         "input.numel() == 0")
    fill_attrs(&d, attr)
    run_given(op, [x], [None, y], attr)
    return y


def argmax(Tensor input not None, dim=None, bint keepdim=False, *, out=None):
    """The int64 position of the (first) maximum along dim, or in the flattened input."""
    return give(position(FNN_OP_max_dim, "argmax", input, dim, keepdim), out)


def argmin(Tensor input not None, dim=None, bint keepdim=False, *, out=None):
    """The int64 position of the (first) minimum along dim, or in the flattened input."""
    return give(position(FNN_OP_min_dim, "argmin", input, dim, keepdim), out)


# ------------------------------------------------------------------ truth

cdef Tensor truth(fnn_op op, Tensor x, object dim, bint keepdim):
    cdef Dims d
    parse_dims(x, dim, keepdim, &d)
    return fold(op, x, &d)


def any(Tensor input not None, dim=None, bint keepdim=False, *, out=None):
    """Whether any element along dim is not zero."""
    return give(truth(FNN_OP_any, input, dim, keepdim), out)


def all(Tensor input not None, dim=None, bint keepdim=False, *, out=None):
    """Whether every element along dim is not zero."""
    return give(truth(FNN_OP_all, input, dim, keepdim), out)


def count_nonzero(Tensor input not None, dim=None):
    """How many elements along dim are not zero."""
    return truth(FNN_OP_count_nonzero, input, dim, False)


for _f in (sum, mean, nansum, nanmean, prod, amax, amin, aminmax, max, min, argmax, argmin, any,
           all, count_nonzero):
    register(_f.__name__, _f)
