"""Order: sort, topk, kthvalue, median, mode, quantile. Host ops: NumPy finds the positions.

The values are then gathered from the input, so the tape sees a gather and nothing else. NaN is
larger than every number, as in PyTorch. Equal elements keep their order.
"""

__all__ = ["argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "nanquantile",
           "quantile", "sort", "topk"]

from collections import namedtuple

from ..convert cimport from_array
from ..fnn cimport fnn_tensor_numel
from ..host import host_op
from ..tensor cimport Tensor, is_float, wrap_dim
from ..tensor import register
from .dims cimport give

import numpy as np

SortResult = namedtuple("sort", ["values", "indices"])
TopkResult = namedtuple("topk", ["values", "indices"])
KthvalueResult = namedtuple("kthvalue", ["values", "indices"])
MedianResult = namedtuple("median", ["values", "indices"])
NanmedianResult = namedtuple("nanmedian", ["values", "indices"])
ModeResult = namedtuple("mode", ["values", "indices"])


cdef Tensor first():
    """The position of the one element of a tensor without dimensions."""
    return from_array(np.zeros((), np.int64))


def _order(a, d, descending):
    """Positions that sort a along d, stably."""
    if not descending:
        return np.argsort(a, axis=d, kind="stable")
    back = np.argsort(np.flip(a, d), axis=d, kind="stable")
    return a.shape[d] - 1 - np.flip(back, d)


cdef Tensor picked(Tensor x, int d, Tensor index):
    """The values of x at index along d."""
    return x.clone() if x.t.ndim == 0 else x.gather(d, index)


cdef object ordered(Tensor x, object dim, bint descending):
    cdef int d = wrap_dim(dim, x.t.ndim)
    cdef Tensor index
    if x.t.ndim == 0:
        return x.clone(), first()
    index = host_op("sort", _order, x, d, descending)
    return x.gather(d, index), index


# ------------------------------------------------------------------ sorting

def sort(Tensor input not None, dim=-1, bint descending=False, stable=False, *, out=None):
    """(values, indices) in order along dim; NaN last (descending: first). Always stable."""
    values, index = ordered(input, dim, descending)
    if out is not None:
        values, index = give(values, out[0]), give(index, out[1])
    return SortResult(values, index)


def argsort(Tensor input not None, dim=-1, bint descending=False, stable=False):
    """The positions that sort input along dim. Always stable."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    return host_op("argsort", _order, input, d, descending) if input.t.ndim else first()


def msort(Tensor input not None, *, out=None):
    """The values in order along the first dimension."""
    return give(ordered(input, 0, False)[0], out)


def _largest(a, d, k, largest):
    """Positions of the k largest (smallest) along d, in order."""
    n = a.shape[d]
    if a.dtype == bool:
        a = a.view(np.uint8)
    if n <= 256 or 4 * k > n or k == 0:
        return np.take(_order(a, d, largest), np.arange(k), axis=d)
    part = np.argpartition(a, n - k if largest else k - 1, axis=d)
    some = np.sort(np.take(part, np.arange(n - k, n) if largest else np.arange(k), axis=d), axis=d)
    return np.take_along_axis(some, _order(np.take_along_axis(a, some, d), d, largest), d)


def topk(Tensor input not None, k, dim=-1, bint largest=True, sorted=True, *, out=None):
    """(values, indices) of the k largest (or smallest) elements along dim, in order."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    n = input.t.size[d] if input.t.ndim else 1
    if not 0 <= k <= n:
        raise RuntimeError(f"topk: selected index k out of range: k = {k}, size {n}")
    index = host_op("topk", _largest, input, d, k, largest) if input.t.ndim else first()
    values = picked(input, d, index)
    if out is not None:
        values, index = give(values, out[0]), give(index, out[1])
    return TopkResult(values, index)


cdef object at_position(Tensor x, Tensor index, int d, bint keepdim):
    """(values, indices) at one position per slice; index keeps dimension d."""
    cdef Tensor values = picked(x, d, index)
    if keepdim or x.t.ndim == 0:
        return values, index
    return values.squeeze(d), index.squeeze(d)


def _kth(a, d, k):
    return np.take(_order(a, d, False), [k - 1], axis=d)


def kthvalue(Tensor input not None, k, dim=-1, bint keepdim=False, *, out=None):
    """(values, indices) of the k-th smallest element along dim; k counts from 1."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    n = input.t.size[d] if input.t.ndim else 1
    if not 1 <= k <= n:
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {d}")
    index = host_op("kthvalue", _kth, input, d, k) if input.t.ndim else first()
    values, found = at_position(input, index, d, keepdim)
    if out is not None:
        values, found = give(values, out[0]), give(found, out[1])
    return KthvalueResult(values, found)


# ------------------------------------------------------------------ median, mode

def _median_position(a, d, skip_nan):
    """Position of the lower median along d, which is kept; of a NaN, if one counts."""
    n = a.shape[d]
    order = np.argsort(a, axis=d, kind="stable")
    if a.dtype.kind != "f":
        return np.take(order, [(n - 1) // 2], axis=d)
    nans = np.isnan(a).sum(axis=d, keepdims=True)
    if skip_nan:
        rank = np.maximum((n - nans - 1) // 2, 0)
    else:
        rank = np.where(nans > 0, n - nans, (n - 1) // 2)
    return np.take_along_axis(order, rank, d)


cdef object middle(Tensor x, object dim, bint keepdim, bint skip_nan):
    cdef int d
    if dim is None:
        if fnn_tensor_numel(&x.t) == 0:
            return x.new_full((), float("nan")) if is_float(x) else x.new_zeros(())
        flat = x.reshape(-1)
        value = flat.detach()[host_op("median", _median_position, flat, 0, skip_nan).item()]
        # all elements that equal the median share its gradient
        return flat.masked_select((flat != flat) if value != value else (flat == value)).amax()
    d = wrap_dim(dim, x.t.ndim)
    if x.t.ndim and x.t.size[d] == 0:
        raise IndexError(f"median(): expected reduction dim {d} to have non-zero size")
    index = host_op("median", _median_position, x, d, skip_nan) if x.t.ndim else first()
    return at_position(x, index, d, keepdim)


def median(Tensor input not None, dim=None, bint keepdim=False, *, out=None):
    """The lower median of everything, or (values, indices) along dim; NaN if there is one."""
    got = middle(input, dim, keepdim, False)
    if dim is not None and out is not None:
        got = give(got[0], out[0]), give(got[1], out[1])
    return got if dim is None else MedianResult(*got)


def nanmedian(Tensor input not None, dim=None, bint keepdim=False, *, out=None):
    """As median, of the elements that are no NaN."""
    got = middle(input, dim, keepdim, True)
    if dim is not None and out is not None:
        got = give(got[0], out[0]), give(got[1], out[1])
    return got if dim is None else NanmedianResult(*got)


def _mode_position(a, d):
    """Position, last axis d kept, of the last occurrence of the smallest most frequent value."""
    rows = np.moveaxis(a, d, -1)
    n = rows.shape[-1]
    order = np.argsort(rows, axis=-1, kind="stable")
    ranked = np.take_along_axis(rows, order, -1)
    new = np.ones(ranked.shape, bool)
    new[..., 1:] = ranked[..., 1:] != ranked[..., :-1]
    at = np.arange(n)
    length = at - np.maximum.accumulate(np.where(new, at, 0), axis=-1)
    last = np.argmax(length, axis=-1)[..., None]
    return np.moveaxis(np.take_along_axis(order, last, -1), -1, d)


def mode(Tensor input not None, dim=-1, bint keepdim=False, *, out=None):
    """(values, indices) of the most frequent value along dim, the smallest of several."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    if input.t.ndim and input.t.size[d] == 0:
        raise IndexError(f"mode(): expected reduction dim {d} to have non-zero size")
    index = host_op("mode", _mode_position, input, d) if input.t.ndim else first()
    values, found = at_position(input, index, d, keepdim)
    if out is not None:
        values, found = give(values, out[0]), give(found, out[1])
    return ModeResult(values, found)


# ------------------------------------------------------------------ quantiles

_METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


def _ranks(a, q, skip_nan):
    """Positions (fractional, in a's dtype) of the quantiles in the sorted last axis of a."""
    n = a.shape[-1]
    nans = np.isnan(a).sum(-1, keepdims=True)
    if skip_nan:
        rank = q * np.maximum(n - nans - 1, 0).astype(a.dtype)
    else:
        rank = np.where(nans > 0, n - 1, q * a.dtype.type(n - 1))
    return rank.astype(a.dtype)


def _quantile_positions(a, q, skip_nan, how):
    """Where to look in the sorted rows a: one position, or two and the weight of the second."""
    at = _ranks(a, q, skip_nan)
    if how == "nearest":
        return np.rint(at).astype(np.int64)
    low, high = np.floor(at), np.ceil(at)
    if how == "lower" or how == "higher":
        return (low if how == "lower" else high).astype(np.int64)
    weight = np.full_like(at, 0.5) if how == "midpoint" else at - low
    return low.astype(np.int64), high.astype(np.int64), weight


cdef object quantile_of(Tensor x, object q, object dim, bint keepdim, str interpolation,
                        bint skip_nan):
    cdef int d
    if not is_float(x):
        raise RuntimeError("quantile() input tensor must be either float or double dtype")
    if interpolation not in _METHODS:
        raise RuntimeError("quantile() interpolation must be one of linear, lower, higher, "
                           f"midpoint or nearest, but got {interpolation}")
    if fnn_tensor_numel(&x.t) == 0:
        raise RuntimeError("quantile() input tensor must be non-empty")
    if isinstance(q, Tensor) and (<Tensor>q).t.dtype != x.t.dtype:
        raise RuntimeError("quantile() q tensor must be same dtype as the input tensor")
    rank = np.asarray(q.detach().numpy() if isinstance(q, Tensor) else q, dtype=x.dtype.name)
    if rank.ndim > 1:
        raise RuntimeError("quantile() q must be a scalar or 1D tensor")
    if not ((rank >= 0) & (rank <= 1)).all():
        raise RuntimeError("quantile() q must be in the range [0, 1]")
    d = 0 if dim is None else wrap_dim(dim, x.t.ndim)
    rows = x.reshape(-1) if dim is None or x.t.ndim == 0 else x.movedim(d, -1)
    values = ordered(rows, -1, False)[0]
    at = host_op("quantile", _quantile_positions, rows, np.atleast_1d(rank), skip_nan,
                 interpolation)
    if isinstance(at, tuple):  # y: (..., number of q)
        y = values.gather(-1, at[0]).lerp(values.gather(-1, at[1]), at[2])
    else:
        y = values.gather(-1, at)
    if keepdim:
        y = y.reshape([1] * x.t.ndim + [rank.size]) if dim is None or not x.t.ndim else (
            y.unsqueeze(d))
    return y.squeeze(-1) if rank.ndim == 0 else y.movedim(-1, 0)


def quantile(Tensor input not None, q, dim=None, bint keepdim=False, *, interpolation="linear",
             out=None):
    """The q-quantiles (a number, or 1-d: first dimension of the result) along dim."""
    return give(quantile_of(input, q, dim, keepdim, interpolation, False), out)


def nanquantile(Tensor input not None, q, dim=None, bint keepdim=False, *,
                interpolation="linear", out=None):
    """The q-quantiles of the elements that are no NaN."""
    return give(quantile_of(input, q, dim, keepdim, interpolation, True), out)


for _f in (sort, argsort, msort, topk, kthvalue, median, nanmedian, mode, quantile, nanquantile):
    register(_f.__name__, _f)
