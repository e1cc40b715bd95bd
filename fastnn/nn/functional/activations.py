"""Activations: most are the ops themselves; those ending in _ work in place."""

from __future__ import annotations

from fastnn._core.ops import empty_like, sigmoid, tanh, where, zeros_like
from fastnn._core.ops.activation import (
    celu,
    elu,
    gelu,
    hardshrink,
    hardsigmoid,
    hardswish,
    hardtanh,
    leaky_relu,
    logsigmoid,
    mish,
    prelu,
    relu,
    relu6,
    relu_,
    selu,
    silu,
    softplus,
    softshrink,
    softsign,
    tanhshrink,
    threshold,
)
from fastnn._core.ops.softmax import log_softmax, softmax, softmin
from fastnn._core.tensor import Tensor

__all__ = ["celu", "celu_", "elu", "elu_", "gelu", "glu", "gumbel_softmax", "hardshrink",
           "hardsigmoid", "hardswish", "hardtanh", "hardtanh_", "leaky_relu", "leaky_relu_",
           "log_softmax", "logsigmoid", "mish", "prelu", "relu", "relu6", "relu_", "rrelu",
           "rrelu_", "selu", "selu_", "sigmoid", "silu", "softmax", "softmin", "softplus",
           "softshrink", "softsign", "tanh", "tanhshrink", "threshold", "threshold_"]

_threshold = threshold  # the name is an argument of its in-place form


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), with a and b the halves of x along dim. Raises RuntimeError if odd."""
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    if input.size(dim) % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size "
                           f"{input.size(dim)}")
    a, b = input.chunk(2, dim)
    return a * b.sigmoid()


def gumbel_softmax(logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10,
                   dim: int = -1) -> Tensor:
    """softmax((x + g) / tau), g drawn from the Gumbel distribution; differentiable samples.

    hard: one-hot in the forward, the soft sample's derivative in the backward. eps is ignored.
    Jang et al. 2016, https://arxiv.org/abs/1611.01144.
    """
    noise = -empty_like(logits).exponential_().log()
    soft = softmax((logits + noise) / tau, dim)
    if not hard:
        return soft
    index = soft.detach().argmax(dim, keepdim=True)
    return zeros_like(logits).scatter(dim, index, 1.0) - soft.detach() + soft


def rrelu(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False,
          inplace: bool = False) -> Tensor:
    """x above 0, else a x: a uniform in [lower, upper] in training, else their mean.

    Xu et al. 2015, https://arxiv.org/abs/1505.00853. Raises RuntimeError if lower > upper.
    """
    if lower > upper:
        raise RuntimeError("rrelu: lower bound should be less than or equal to the upper bound, "
                           f"got [{lower}, {upper}]")
    if not training:
        return leaky_relu(input, (lower + upper) / 2, inplace)
    slope = where(input.detach() <= 0, empty_like(input).uniform_(lower, upper), 1.0)
    return input.mul_(slope) if inplace else input * slope


def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """celu in place."""
    return celu(input, alpha, True)


def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """elu in place."""
    return elu(input, alpha, True)


def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """hardtanh in place."""
    return hardtanh(input, min_val, max_val, True)


def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """leaky_relu in place."""
    return leaky_relu(input, negative_slope, True)


def rrelu_(input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3,
           training: bool = False) -> Tensor:
    """rrelu in place."""
    return rrelu(input, lower, upper, training, True)


def selu_(input: Tensor) -> Tensor:
    """selu in place."""
    return selu(input, True)


def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """threshold in place."""
    return _threshold(input, threshold, value, True)
