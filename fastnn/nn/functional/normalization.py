"""Normalisations that are composed of others: instance and local response."""

from __future__ import annotations

import fastnn
from fastnn._core.ops.norm import batch_norm, group_norm
from fastnn._core.ops.pool import avg_pool1d
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad

__all__ = ["instance_norm", "local_response_norm", "normalize"]


def instance_norm(input: Tensor, running_mean: Tensor | None = None,
                  running_var: Tensor | None = None, weight: Tensor | None = None,
                  bias: Tensor | None = None, use_input_stats: bool = True, momentum: float = 0.1,
                  eps: float = 1e-5) -> Tensor:
    """(x - mean) / sqrt(var + eps) * weight + bias per sample and channel of (N, C, ...).

    use_input_stats: mean and biased var of each channel, and running statistics, where given,
    move towards their averages over the batch; else the running statistics. Raises ValueError
    where a channel holds one element.
    """
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    n, c = input.shape[:2]
    elements = 1
    for size in input.shape[2:]:
        elements *= size
    if elements == 1:
        raise ValueError("Expected more than 1 spatial element when training, got input size "
                         f"{list(input.shape)}")
    if running_mean is not None and running_var is not None and input.numel():
        with no_grad():
            var, mean = fastnn.var_mean(input.detach().flatten(2), 2)
            running_mean.lerp_(mean.mean(0), momentum)
            running_var.lerp_(var.mean(0), momentum)
    return group_norm(input, c, weight, bias, eps)


def local_response_norm(input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75,
                        k: float = 1.0) -> Tensor:
    """x / (k + alpha * mean of x^2 over `size` neighbouring channels)^beta; zeros beyond the ends.

    Shapes: (N, C, ...). Raises ValueError below three dimensions.
    """
    if input.ndim < 3:
        raise ValueError("Expected 3D or higher dimensionality input "
                         f"(got {input.ndim} dimensions)")
    if input.numel() == 0:
        return input
    n, c = input.shape[:2]
    square = (input * input).reshape(n, c, -1).transpose(1, 2)  # channels last, to be averaged
    wide = fastnn.constant_pad_nd(square, (size // 2, (size - 1) // 2))
    mean = avg_pool1d(wide, size, 1).transpose(1, 2).reshape(input.shape)
    return input / (mean * alpha + k).pow(beta)


def normalize(input: Tensor, p: float = 2.0, dim: int = 1, eps: float = 1e-12,
              out: Tensor | None = None) -> Tensor:
    """x / max(norm_p(x), eps) along dim."""
    return fastnn.div(input, input.norm(p, dim, keepdim=True).clamp(min=eps), out=out)
