"""Losses over pairs of elements that are composed of other functions."""

from __future__ import annotations

import math
import warnings
from typing import Any

from fastnn._core.ops import full, where
from fastnn._core.ops.classification import cross_entropy
from fastnn._core.ops.matmul import linear
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad
from fastnn.nn.functional.activations import logsigmoid
from fastnn.nn.functional.reduction import chosen, reduced

__all__ = ["gaussian_nll_loss", "hinge_embedding_loss", "linear_cross_entropy",
           "multilabel_soft_margin_loss", "poisson_nll_loss", "soft_margin_loss"]


def poisson_nll_loss(input: Tensor, target: Tensor, log_input: bool = True, full: bool = False,
                     size_average: bool | None = None, eps: float = 1e-8,
                     reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """exp(x) - y x, or x - y log(x + eps) where x is no logarithm.

    full: add Stirling's y log y - y + log(2 pi y) / 2 where y > 1.
    """
    how = chosen(reduction, size_average, reduce)
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + where(target > 1, stirling, 0.0)
    return reduced(loss, how)


def _variance(input: Tensor, var: Tensor | float) -> Tensor:
    """var in a shape that broadcasts with the input's."""
    if not isinstance(var, Tensor):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        return full(tuple(input.shape), float(var), dtype=input.dtype)
    if var.shape != input.shape:
        if tuple(input.shape[:-1]) == tuple(var.shape):
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or [b for a, b in zip(input.shape, var.shape, strict=True)
                                        if a != b] != [1]:  # the same along one dimension
            raise ValueError("var is of incorrect size")
    if bool((var < 0).any()):
        raise ValueError("var has negative entry/entries")
    return var


def gaussian_nll_loss(input: Tensor, target: Tensor, var: Tensor | float, full: bool = False,
                      eps: float = 1e-6, reduction: str = "mean") -> Tensor:
    """(log v + (x - y)^2 / v) / 2 with v = max(var, eps); full: plus log(2 pi) / 2.

    var is of the input's shape, without its last dimension, with 1 there, or a number; eps has no
    part in its gradient. Raises ValueError for a var that is negative or does not fit.
    """
    v = _variance(input, var)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    v = v.clone()
    with no_grad():
        v.clamp_(min=eps)
    loss = 0.5 * (v.log() + (input - target) ** 2 / v)
    return reduced(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def soft_margin_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
                     reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-y x)), for y in {-1, 1}."""
    how = chosen(reduction, size_average, reduce)
    return reduced(-logsigmoid(target * input), how)


def hinge_embedding_loss(input: Tensor, target: Tensor, margin: float = 1.0,
                         size_average: bool | None = None, reduce: bool | None = None,
                         reduction: str = "mean") -> Tensor:
    """x where y = 1, max(0, margin - x) where y = -1."""
    how = chosen(reduction, size_average, reduce)
    apart = where(target != 1, (margin - input).clamp(min=0), 0.0)
    return reduced(apart + where(target != -1, input, 0.0), how)


def multilabel_soft_margin_loss(input: Tensor, target: Tensor, weight: Tensor | None = None,
                                size_average: bool | None = None, reduce: bool | None = None,
                                reduction: str = "mean") -> Tensor:
    """-mean over classes of w (y log sigmoid(x) + (1 - y) log sigmoid(-x)): one loss a row."""
    how = chosen(reduction, size_average, reduce)
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    return reduced((loss if weight is None else loss * weight).mean(-1), how)


def linear_cross_entropy(input: Tensor, linear_weight: Tensor, target: Tensor, *,
                         linear_bias: Tensor | None = None, weight: Tensor | None = None,
                         reduction: str = "mean", ignore_index: int | None = None,
                         label_smoothing: float = 0.0, options: Any = None) -> Tensor:
    """cross_entropy of linear(input, linear_weight, linear_bias).

    Shapes: input (N, I) or (I,), linear_weight (C, d1, ..., I), linear_bias (C, d1, ...), target
    as cross_entropy's for logits (N, C, d1, ...). options is accepted and changes nothing. Raises
    RuntimeError for what does not fit.
    """
    if input.ndim not in (1, 2):
        raise RuntimeError(f"expected input with dimensionality 1 or 2, got {input.ndim}")
    if linear_weight.ndim < 2:
        raise RuntimeError("expected linear_weight with dimensionality at least 2, got "
                           f"{linear_weight.ndim}")
    *classes, inner = linear_weight.shape
    if input.shape[-1] != inner:
        raise RuntimeError("linear_cross_entropy: input and linear_weight differ in their last "
                           f"dimension: {tuple(input.shape)} and {tuple(linear_weight.shape)}")
    if linear_bias is not None and list(linear_bias.shape) != classes:
        raise RuntimeError(f"expected linear_bias shape {tuple(classes)}, got "
                           f"{tuple(linear_bias.shape)}")
    if len(classes) > 1 and input.ndim == 1:
        raise RuntimeError(f"linear_cross_entropy: a loss of shape {tuple(classes)} needs batched "
                           f"input (N, {inner}), got {tuple(input.shape)}")
    shape = [*input.shape[:-1], *classes]
    if list(target.shape) == shape and ignore_index is not None:
        raise RuntimeError("ignore_index cannot be specified when target contains probabilities")
    if options is not None and (len(classes) > 1 or label_smoothing):
        warnings.warn("linear_cross_entropy: options are ignored", stacklevel=2)
    flat = linear_bias if linear_bias is None else linear_bias.reshape(-1)
    logits = linear(input, linear_weight.reshape(-1, inner), flat).reshape(shape)
    return cross_entropy(logits, target, weight=weight, reduction=reduction,
                         ignore_index=-100 if ignore_index is None else ignore_index,
                         label_smoothing=label_smoothing)
