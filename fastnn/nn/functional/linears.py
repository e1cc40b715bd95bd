"""Affine and bilinear maps."""

from __future__ import annotations

from fastnn._core.ops import matmul
from fastnn._core.ops.matmul import linear
from fastnn._core.tensor import Tensor

__all__ = ["bilinear", "linear"]


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """y[..., k] = x1[..., :] A[k] x2[..., :] + b[k].

    Shapes: x1 (*, I), x2 (*, J), A (K, I, J), b (K,), y (*, K).
    """
    if input1.shape[:-1] != input2.shape[:-1]:
        raise RuntimeError(f"bilinear(): leading dimensions of {tuple(input1.shape)} and "
                           f"{tuple(input2.shape)} differ")
    k, i, j = weight.shape
    if input1.shape[-1] != i or input2.shape[-1] != j:
        raise RuntimeError(f"bilinear(): inputs {tuple(input1.shape)} and {tuple(input2.shape)} do "
                           f"not go with weight {tuple(weight.shape)}")
    # x2 A^T for all k at once, then the dot product with x1.
    through = linear(input2, weight.reshape(k * i, j)).reshape(*input2.shape[:-1], k, i)
    y = matmul(through, input1.unsqueeze(-1)).squeeze(-1)
    return y if bias is None else y + bias
