"""Sets, bins and comparisons of whole tensors: unique, isin, searchsorted, histc, allclose, ...

Host ops, but for the comparisons: NumPy computes, and nothing here has a gradient.
"""

__all__ = ["allclose", "bincount", "bucketize", "equal", "histc", "isclose", "isin",
           "searchsorted", "unique", "unique_consecutive"]

from ..host import host_op
from ..tensor cimport Tensor, is_float, wrap_dim
from ..tensor import register
from .dims cimport give

import numpy as np


# ------------------------------------------------------------------ unique

cdef object several(tuple got, bint inverse, bint counts):
    """The parts that were asked for: one tensor, or a tuple."""
    out = got[:1] + (got[1:2] if inverse else ()) + (got[2:] if counts else ())
    return out[0] if len(out) == 1 else out


def unique(Tensor input not None, sorted=True, bint return_inverse=False,
           bint return_counts=False, dim=None):
    """The distinct elements (or slices along dim), sorted; where each one went; how many of each.

    Every NaN is distinct.
    """
    if dim is not None:
        dim = wrap_dim(dim, input.t.ndim)
    return several(host_op("unique", _unique, input, dim), return_inverse, return_counts)


def _unique(a, dim):
    values, inverse, counts = np.unique(a, return_inverse=True, return_counts=True, axis=dim,
                                        equal_nan=False)
    return values, np.reshape(inverse, a.shape if dim is None else (a.shape[dim],)), counts


def unique_consecutive(Tensor input not None, bint return_inverse=False, bint return_counts=False,
                       dim=None):
    """As unique, but only neighbours are compared, and the order stays."""
    if dim is not None:
        dim = wrap_dim(dim, input.t.ndim)
    return several(host_op("unique_consecutive", _unique_consecutive, input, dim), return_inverse,
                   return_counts)


def _unique_consecutive(a, dim):
    rows = a.reshape(-1) if dim is None else np.moveaxis(a, dim, 0)
    n = len(rows)
    flat = rows.reshape(n, -1)
    new = np.ones(n, bool)
    new[1:] = (flat[1:] != flat[:-1]).any(1)
    start = np.flatnonzero(new)
    values = rows[start] if dim is None else np.moveaxis(rows[start], 0, dim)
    inverse = (np.cumsum(new) - 1).reshape(a.shape if dim is None else (n,))
    return values, inverse, np.diff(np.append(start, n))


def isin(elements, test_elements, *, assume_unique=False, bint invert=False):
    """Whether each element is one of test_elements."""
    if not isinstance(elements, Tensor) and not isinstance(test_elements, Tensor):
        raise TypeError("isin: at least one of elements and test_elements must be a tensor")
    return host_op("isin", _isin, elements, test_elements, invert)


def _isin(a, b, invert):
    return np.isin(np.asarray(a), np.asarray(b), invert=invert)


# ------------------------------------------------------------------ bins

cdef object search(object edges, object values, bint right):
    side = "right" if right else "left"
    if edges.ndim <= 1:
        return np.searchsorted(edges.reshape(-1), values, side)
    out = np.empty(values.shape, np.int64)
    for i in np.ndindex(*edges.shape[:-1]):
        out[i] = np.searchsorted(edges[i], values[i], side)
    return out


def searchsorted(Tensor sorted_sequence not None, input, *, bint out_int32=False,
                 bint right=False, side=None, sorter=None, out=None):
    """The first position along the last dimension where each value can stand in order.

    right: the last such position. sorted_sequence is 1-d, or has the leading sizes of input.
    """
    if side not in (None, "left", "right"):
        raise RuntimeError(f"searchsorted(): side can only be 'left' or 'right' but got {side}")
    if side == "left" and right:
        raise RuntimeError("searchsorted(): side and right can't be set to opposites")
    found = host_op("searchsorted", _searchsorted, sorted_sequence, input, sorter,
                    right or side == "right", np.int32 if out_int32 else np.int64)
    return give(found, out)


def _searchsorted(edges, values, sorter, right, dtype):
    values = np.asarray(values)
    if sorter is not None:
        edges = np.take_along_axis(edges, sorter, -1)
    if edges.ndim == 0 or edges.ndim > 1 and edges.shape[:-1] != values.shape[:-1]:
        raise RuntimeError("searchsorted(): boundaries tensor should be 1 dimension or the first "
                           "dimensions of boundaries tensor and input value tensor must match, "
                           f"but got {edges.shape} and {values.shape}")
    return np.asarray(search(edges, values, right)).astype(dtype)


def bucketize(input, Tensor boundaries not None, *, bint out_int32=False, bint right=False,
              out=None):
    """The number of the interval between boundaries (1-d, ascending) that each value is in."""
    if boundaries.t.ndim != 1:
        raise RuntimeError("bucketize(): boundaries tensor must be 1 dimension, but got dim "
                           f"{boundaries.t.ndim}")
    return searchsorted(boundaries, input, out_int32=out_int32, right=right, out=out)


def histc(Tensor input not None, int bins=100, min=0, max=0, *, out=None):
    """How many elements fall into each of `bins` equal bins of [min, max] (0, 0: the extremes)."""
    if not is_float(input):
        raise RuntimeError(f"histogram_cpu not implemented for {input.dtype}")
    if bins < 1:
        raise RuntimeError("bins must be > 0")
    return give(host_op("histc", _histc, input, bins, float(min), float(max)), out)


def _histc(a, bins, low, high):
    a = a.reshape(-1)
    if low == high and a.size:
        low, high = float(a.min()), float(a.max())
    if low == high:
        low, high = low - 1, high + 1
    if not (np.isfinite(low) and np.isfinite(high)):
        raise RuntimeError(f"range of [{low}, {high}] is not finite")
    if low > high:
        raise RuntimeError("max must be larger than min")
    return np.histogram(a, bins, (low, high))[0].astype(a.dtype)


def bincount(Tensor input not None, weights=None, int minlength=0):
    """How often each of 0, 1, 2, ... occurs (or the sum of its weights)."""
    return host_op("bincount", _bincount, input, weights, minlength)


def _bincount(a, w, minlength):
    if a.ndim != 1 or a.dtype.kind not in "iu" or (a.size and a.min() < 0):
        raise RuntimeError("bincount only supports 1-d non-negative integral inputs.")
    if minlength < 0:
        raise RuntimeError("minlength should be >= 0")
    if w is None:
        return np.bincount(a, minlength=minlength).astype(np.int64)
    if w.shape != a.shape:
        raise RuntimeError("weights should be 1-d and have the same length as input")
    return np.bincount(a, w, minlength).astype("f4" if w.dtype == np.float32 else "f8")


# ------------------------------------------------------------------ comparisons

def isclose(Tensor input not None, Tensor other not None, double rtol=1e-5, double atol=1e-8,
            bint equal_nan=False):
    """|input - other| <= atol + rtol * |other|, elementwise; infinities must be equal."""
    if input.t.dtype != other.t.dtype:
        raise RuntimeError(f"{input.dtype} did not match {other.dtype}")
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must be at least 0, got {rtol} and {atol}")
    a, b = input.detach(), other.detach()
    close = a == b
    if not is_float(a):
        if rtol == 0 and atol == 0:
            return close
        a, b = a.double(), b.double()
    elif equal_nan:
        close = close.logical_or((a != a).logical_and(b != b))
    error = (a - b).abs()
    near = (error <= atol + rtol * b.abs()).logical_and(error < float("inf"))
    return close.logical_or(near)


def allclose(Tensor input not None, Tensor other not None, double rtol=1e-5, double atol=1e-8,
             bint equal_nan=False):
    """Whether isclose holds for every element: a Python bool."""
    return bool(isclose(input, other, rtol, atol, equal_nan).all())


def equal(Tensor input not None, Tensor other not None):
    """Whether shape and every element are the same: a Python bool."""
    return input.shape == other.shape and bool((input.detach() == other.detach()).all())


for _f in (unique, unique_consecutive, isin, histc, bincount, isclose, allclose, equal, bucketize):
    register(_f.__name__, _f)
