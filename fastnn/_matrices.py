"""Functions of matrices that are composed of products and of what fastnn.linalg has."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor

__all__ = ["householder_product", "matrix_exp"]

TERMS = {"float32": 12, "float64": 18}  # of the series, where the 1-norm is at most a half


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of square matrices: the series of A / 2^s, squared s times."""
    if input.ndim < 2 or input.shape[-1] != input.shape[-2] or not input.is_floating_point():
        raise RuntimeError("linalg.matrix_exp: A must be batches of square floating matrices, but "
                           f"got {input.dtype} of shape {tuple(input.shape)}")
    largest = float(input.detach().abs().sum(-2).max()) if input.numel() else 0.0
    if not math.isfinite(largest):
        return input * math.nan
    times = max(0, math.ceil(math.log2(largest)) + 1) if largest > 0 else 0
    a = input / 2.0**times
    eye = ops.eye(input.shape[-1], dtype=input.dtype).expand(input.shape)
    terms = TERMS[str(input.dtype).rpartition(".")[2]]
    y = eye + a / terms
    for k in range(terms - 1, 0, -1):  # Horner
        y = eye + (a @ y) / k
    for _ in range(times):
        y = y @ y
    return y


def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of H1 H2 ..., H = 1 - tau v v^T; v below the diagonal of each column."""
    n, k = input.shape[-2:]
    if n < k or tau.shape[-1] > k:
        raise RuntimeError("linalg.householder_product: input.shape[-2] must be greater than or "
                           "equal to input.shape[-1], which must be at least tau.shape[-1], but got"
                           f" {tuple(input.shape)} and {tuple(tau.shape)}")
    vectors = input.tril(-1) + ops.eye(n, k, dtype=input.dtype)
    q: Any = ops.eye(n, k, dtype=input.dtype).expand(input.shape)
    for i in reversed(range(tau.shape[-1])):
        v = vectors[..., i:i + 1]
        q = q - tau[..., i:i + 1].unsqueeze(-1) * (v @ (v.mT @ q))
    return q
