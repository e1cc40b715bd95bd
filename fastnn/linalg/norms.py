"""Norms of vectors and matrices, and condition numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn._core.tensor import Tensor, translate
from fastnn.linalg.decompositions import svdvals
from fastnn.linalg.solving import inv

__all__ = ["cond", "matrix_norm", "norm", "vector_norm"]


def vector_norm(x: Tensor, ord: Any = 2, dim: Any = None, keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """(sum |x|^ord)^(1/ord) over dim, or over all elements; ord inf, -inf and 0 as usual."""
    if dtype is not None:
        x = x.to(dtype=dtype)
    if dim is None:
        y = x.flatten().norm(ord, 0)
        return y.reshape([1] * x.ndim) if keepdim else y
    return x.norm(ord, dim, keepdim)


def matrix_norm(A: Tensor, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *,
                dtype: Any = None) -> Tensor:
    """Norms of matrices: "fro", "nuc", 1, -1, 2, -2, inf, -inf."""
    if dtype is not None:
        A = A.to(dtype=dtype)
    rows, cols = (d % A.ndim for d in dim)
    if ord == "fro":
        return A.norm(2, (rows, cols), keepdim)
    if ord in ("nuc", 2, -2):
        s = svdvals(A.movedim((rows, cols), (-2, -1)))
        y = s.sum(-1) if ord == "nuc" else s.amax(-1) if ord == 2 else s.amin(-1)
    elif ord in (1, -1, np.inf, -np.inf):
        down, across = (rows, cols) if abs(ord) == 1 else (cols, rows)
        sums = A.abs().sum(down, keepdim=True)
        y = (sums.amax(across, keepdim=True) if ord > 0 else sums.amin(across, keepdim=True))
        y = y.squeeze((rows, cols))
    else:
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    if keepdim:
        for d in sorted((rows, cols)):
            y = y.unsqueeze(d)
    return y


def norm(A: Tensor, ord: Any = None, dim: Any = None, keepdim: bool = False, *,
         dtype: Any = None) -> Tensor:
    """A vector norm for one dim (or ord None), a matrix norm for two."""
    if ord is None or isinstance(dim, int) or (dim is not None and len(dim) == 1) or (
            dim is None and A.ndim == 1):
        return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
    if dim is None and A.ndim != 2:
        raise RuntimeError("linalg.norm: If dim is not specified but ord is, the input must be 1D "
                           f"or 2D. Got {A.ndim}D.")
    return matrix_norm(A, ord, (0, 1) if dim is None else dim, keepdim, dtype=dtype)


def cond(A: Tensor, p: Any = None) -> Tensor:
    """norm(A, p) norm(A^-1, p); p None: the largest singular value over the smallest."""
    if p in (None, 2, -2):
        s = svdvals(A)
        return s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    return matrix_norm(A, p) * matrix_norm(inv(A), p)


for _f in (matrix_norm, norm, vector_norm):
    translate(_f)
