"""Covariances, histograms, sums over grids, and other figures of tensors."""

from __future__ import annotations

import itertools
from collections import namedtuple
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor, register
from fastnn._elementwise import inplace
from fastnn._info import is_nonzero

__all__ = ["combinations", "corrcoef", "cov", "cumulative_trapezoid", "dist", "histogram",
           "is_same_size", "is_signed", "renorm", "trapezoid", "trapz", "vander"]

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
    w: Any = None
    for given in (fweights, aweights):
        if given is not None:
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


trapz = trapezoid


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
