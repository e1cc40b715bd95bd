"""What distributions are written with: broadcasting, logits and probabilities, lazy values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn._core import ops
from fastnn._core.ops.loss import binary_cross_entropy_with_logits
from fastnn._core.tensor import Tensor
from fastnn._info import finfo
from fastnn.autograd import enable_grad

__all__ = ["broadcast_all", "clamp_probs", "lazy_property", "logits_to_probs", "probs_to_logits"]

euler_constant = 0.5772156649015329


def broadcast_all(*values: Any) -> list[Tensor]:
    """Numbers and tensors as tensors of one shape; numbers get the tensors' dtype."""
    dtypes = [v.dtype for v in values if isinstance(v, Tensor)]
    made = [v if isinstance(v, Tensor) else ops.full((), float(v), dtype=dtypes[0] if dtypes
                                                     else None) for v in values]
    return list(ops.broadcast_tensors(*made))


def clamp_probs(probs: Tensor) -> Tensor:
    """probs, away from 0 and 1 by an epsilon, so that its logarithms are finite."""
    eps = finfo(probs.dtype).eps
    return probs.clamp(eps, 1 - eps)


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """sigmoid(logits) where binary, else softmax over the last dimension."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """log(probs), or log(probs / (1 - probs)) where binary."""
    probs = clamp_probs(probs)
    return probs.log() - (-probs).log1p() if is_binary else probs.log()


def entropy_of_bits(logits: Tensor, probs: Tensor) -> Tensor:
    """-p log p - (1 - p) log (1 - p)."""
    return binary_cross_entropy_with_logits(logits, probs, reduction="none")


def _standard_normal(shape: Any, dtype: Any, device: Any = None) -> Tensor:
    return ops.randn(shape, dtype=dtype)


def _sum_rightmost(value: Tensor, dim: int) -> Tensor:
    """The sum over the last dim dimensions."""
    return value.flatten(-dim).sum(-1) if dim else value


class lazy_property:
    """A property that is computed when first asked for, with its gradient, and then kept."""

    def __init__(self, wrapped: Callable[[Any], Any]) -> None:
        self.wrapped = wrapped
        self.__doc__ = wrapped.__doc__

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        with enable_grad():
            value = self.wrapped(instance)
        setattr(instance, self.wrapped.__name__, value)
        return value
