"""Covariances, histograms, sums over grids, and other figures of tensors."""

from __future__ import annotations

import itertools
from collections import namedtuple
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor, register, translate
from fastnn._elementwise import inplace
from fastnn._info import is_nonzero

__all__ = ["combinations", "corrcoef", "cov", "cumulative_trapezoid", "dist",
           "frobenius_norm", "gradient", "histogram", "nuclear_norm",
           "is_same_size", "is_signed", "renorm", "trapezoid", "trapz", "vander"]

range_ = range  # which histogram has as an argument
HistogramResult = namedtuple("HistogramResult", ["hist", "bin_edges"])


def cov(input: Tensor, *, correction: int = 1, fweights: Tensor | None = None,
        aweights: Tensor | None = None) -> Tensor:
    """The covariances of the rows, whose columns are observations.

    fweights: how often each observation counts (integers); aweights: how much.
    """
    if input.ndim > 2:
        raise RuntimeError(f"cov(): expected input to have two or fewer dimensions but got an input"
                           f" with {input.ndim} dimensions")
    x = (input if input.is_floating_point() else input.float()).reshape(-1, input.shape[-1]) \
        if input.ndim else input.reshape(1, 1)
    if fweights is not None and fweights.is_floating_point():
        raise RuntimeError(f"cov(): expected fweights to have integral dtype, got {fweights.dtype}")
    w: Any = None
    for given in (fweights, aweights):
        if given is not None:
            if given.shape != x.shape[1:] or bool((given < 0).any()):
                raise RuntimeError(f"cov(): expected {x.shape[1]} weights that are not negative, "
                                   f"got {given}")
            w = given.to(x.dtype) if w is None else w * given.to(x.dtype)
    if w is None:
        total: Any = x.shape[1]
        x = x - x.mean(1, keepdim=True)
        product = x @ x.mT
        norm = total - correction
    else:
        total = w.sum()
        x = x - (x * w).sum(1, keepdim=True) / total
        product = (x * w) @ x.mT
        both = aweights is not None
        norm = total - correction * ((w * aweights).sum() / total if both else 1)
    return (product / (norm if isinstance(norm, Tensor) else max(norm, 0))).squeeze()


def corrcoef(input: Tensor) -> Tensor:
    """The correlations of the rows, whose columns are observations."""
    c = cov(input)
    if c.ndim == 0:
        return c / c
    spread = c.diagonal().sqrt()
    return (c / spread.unsqueeze(1) / spread).clamp(-1, 1)


def dist(input: Tensor, other: Tensor, p: float = 2) -> Tensor:
    """The p-norm of x - y over all elements."""
    return (input - other).flatten().norm(p)


def renorm(input: Tensor, p: float, dim: int, maxnorm: float) -> Tensor:
    """Every slice along dim whose p-norm exceeds maxnorm, scaled down to it."""
    if input.ndim < 2:
        raise RuntimeError("renorm: input needs at least 2 dimensions, got "
                           f"{input.ndim} dimensions")
    norm = input.norm(p, [d for d in range(input.ndim) if d != dim % input.ndim], keepdim=True)
    return input * ops.where(norm > maxnorm, maxnorm / (norm + 1e-7), ops.ones_like(norm))


def histogram(input: Tensor, bins: Any, *, range: Any = None, weight: Tensor | None = None,
              density: bool = False) -> Any:
    """(how many elements lie in each bin, the bins' edges); bins: a number, or the edges."""
    def count(x: Any, *more: Any) -> Any:
        edges, w = (more[0] if isinstance(bins, Tensor) else bins), (more[-1] if weighted else None)
        hist, at = np.histogram(x.reshape(-1), edges, range, density or None,
                                None if w is None else w.reshape(-1))
        return hist.astype(x.dtype), at.astype(x.dtype)

    weighted = weight is not None
    more = ([bins.detach()] if isinstance(bins, Tensor) else []) + (
        [weight.detach()] if weight is not None else [])
    return HistogramResult(*host_op("histogram", count, input.detach(), *more))


def _panels(y: Tensor, x: Tensor | None, dx: float, dim: int) -> Tensor:
    n = y.shape[dim]
    pairs = y.narrow(dim, 1, n - 1) + y.narrow(dim, 0, n - 1)
    if x is None:
        return pairs * (dx / 2)
    if x.ndim == 1:
        shape = [1] * y.ndim
        shape[dim] = -1
        return pairs * x.diff().reshape(shape) / 2
    return pairs * x.diff(dim=dim) / 2


def trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1, dim: int = -1) -> Tensor:
    """The integral along dim by trapezoids, over places x or with steps dx."""
    return _panels(y, x, dx, dim).sum(dim)


def cumulative_trapezoid(y: Tensor, x: Tensor | None = None, *, dx: float = 1,
                         dim: int = -1) -> Tensor:
    """The integrals up to each place along dim by trapezoids."""
    return _panels(y, x, dx, dim).cumsum(dim)


def combinations(input: Tensor, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All choices of r elements of a vector, as rows."""
    if input.ndim != 1:
        raise RuntimeError(f"Expect a 1D vector, but got shape {list(input.shape)}")
    choose: Any = (itertools.combinations_with_replacement if with_replacement
                   else itertools.combinations)
    rows = list(choose(range(input.shape[0]), r))
    places = ops.zeros(0, r, dtype=ops.argsort(input).dtype) if not rows or not r else (
        ops.argsort(input).new_tensor(rows))
    return input[places]


def vander(x: Tensor, N: int | None = None, increasing: bool = False) -> Tensor:
    """The powers of a vector's elements as columns, falling unless increasing."""
    n = x.shape[0] if N is None else N
    powers = ops.arange(n)
    return x.unsqueeze(-1) ** (powers if increasing else powers.flip(0))


def frobenius_norm(input: Tensor, dim: Any, keepdim: bool = False) -> Tensor:
    """The root of the sum of squares over dim."""
    return input.norm(2, dim, keepdim)


def nuclear_norm(input: Tensor, dim: Any = (-2, -1), keepdim: bool = False) -> Tensor:
    """The sum of the singular values of matrices."""
    from fastnn import linalg  # loaded on first use
    return linalg.matrix_norm(input, "nuc", dim, keepdim)


def _slope(x: Tensor, step: Any, dim: int, order: int) -> Tensor:
    """The derivative along dim; step: a number, or the places as a vector."""
    n = x.shape[dim]
    if n <= order:
        raise RuntimeError(f"gradient expected each dimension size to be at least {order + 1}")

    def at(i: int, j: int | None) -> Tensor:
        return x.narrow(dim, i, (n if j is None else j % n) - i)

    shape = [1] * x.ndim
    shape[dim] = -1
    gaps = step.diff().reshape(shape) if isinstance(step, Tensor) else x.new_full(
        [n - 1 if d == dim else 1 for d in range_(x.ndim)], step)
    a, b = gaps.narrow(dim, 0, n - 2), gaps.narrow(dim, 1, n - 2)
    left, mid, right = at(0, -2), at(1, -1), at(2, None)
    inner = (a * a * right + (b * b - a * a) * mid - b * b * left) / (a * b * (a + b))
    rise = (x.narrow(dim, 1, n - 1) - x.narrow(dim, 0, n - 1)) / gaps
    ends = rise.narrow(dim, 0, 1), rise.narrow(dim, n - 2, 1)
    if order == 2:  # the parabola through the three outermost
        bend = (rise.narrow(dim, 1, n - 2) - rise.narrow(dim, 0, n - 2)) / (a + b)
        first, last = (t.narrow(dim, 0, 1) for t in (a, bend)), (
            t.narrow(dim, n - 3, 1) for t in (b, bend))
        (h, c), (k, d) = first, last
        ends = ends[0] - h * c, ends[1] + k * d
    return ops.cat([ends[0], inner, ends[1]], dim)


def gradient(input: Tensor, *, spacing: Any = None, dim: Any = None, edge_order: int = 1) -> Any:
    """The derivatives along each of dim (all, if None), by central differences; a tuple.

    spacing: the step, or one for each dimension, or the places as vectors. edge_order: 1 or 2.
    """
    dims = list(range_(input.ndim)) if dim is None else [dim] if isinstance(dim, int) else list(dim)
    if not all(-input.ndim <= d < input.ndim for d in dims):
        raise IndexError(f"gradient: dim {dim} is out of range for {input.ndim} dimensions")
    if len({d % input.ndim for d in dims}) != len(dims):
        raise RuntimeError(f"gradient: a dim appears multiple times in {dim}")
    spacing = 1 if spacing is None else spacing
    steps = list(spacing) if isinstance(spacing, (tuple, list)) else [spacing] * len(dims)
    if len(steps) != len(dims):
        raise RuntimeError(f"gradient: {len(steps)} spacings for {len(dims)} dimensions")
    return tuple(_slope(input, s, d % input.ndim, edge_order)
                 for s, d in zip(steps, dims, strict=True))


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether both have the same shape."""
    return input.shape == other.shape


def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers."""
    return str(input.dtype).rpartition(".")[2] not in ("bool", "uint8", "uint16", "uint32",
                                                       "uint64")


for _name in ("corrcoef", "cov", "dist", "histogram", "is_same_size", "is_signed",
              "renorm"):
    register(_name, globals()[_name])
register("is_nonzero", is_nonzero)
register("renorm_", inplace(renorm))
for _f in (cumulative_trapezoid, frobenius_norm, gradient, trapezoid):
    translate(_f)
trapz = trapezoid
