"""Distances and similarities of vectors."""

from __future__ import annotations

from fastnn._core.ops import broadcast_tensors, promote_types, triu_indices
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad

__all__ = ["cosine_similarity", "pairwise_distance", "pdist"]


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 . x2 / (max(|x1|, eps) max(|x2|, eps)) along dim of the shape both broadcast to."""
    common = promote_types(x1.dtype, x2.dtype)
    if not common.is_floating_point:
        raise RuntimeError("expected common dtype to be floating point, yet common dtype is "
                           f"{common}")
    if x1.ndim != x2.ndim:  # dim counts in the common shape
        n = max(x1.ndim, x2.ndim)
        x1, x2 = (x.reshape([1] * (n - x.ndim) + list(x.shape)) for x in (x1, x2))
    if x1.ndim and x1.shape[dim] != x2.shape[dim]:
        x1, x2 = broadcast_tensors(x1, x2)
    return (_unit(x1.to(common), dim, eps) * _unit(x2.to(common), dim, eps)).sum(dim)


def _unit(x: Tensor, dim: int, eps: float) -> Tensor:
    """x / max(|x|, eps); eps has no part in the gradient."""
    norm = x.norm(2, dim, keepdim=True).clone()
    with no_grad():
        norm.clamp_(min=eps)
    return x / norm


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6,
                      keepdim: bool = False) -> Tensor:
    """|x1 - x2 + eps| in the p-norm over the last dimension."""
    return (x1 - x2 + eps).norm(p, -1, keepdim)


def pdist(input: Tensor, p: float = 2) -> Tensor:
    """The distances |x[i] - x[j]| in the p-norm of all pairs of rows i < j, in that order."""
    if input.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input.ndim}D")
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    i, j = triu_indices(input.shape[0], input.shape[0], 1)
    return (input.index_select(0, i) - input.index_select(0, j)).norm(p, -1)
