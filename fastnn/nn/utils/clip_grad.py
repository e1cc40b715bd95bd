"""Clipping of gradients, by their norm or by value."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable

from fastnn._core.ops.clipping import grad_clamp, grad_norm, grad_scale
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad

__all__ = ["clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
           "get_total_norm"]


def _listed(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def _grads(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [p.grad for p in _listed(parameters) if p.grad is not None]


def get_total_norm(tensors: Tensor | Iterable[Tensor], norm_type: float = 2.0,
                   error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """(sum |x|^p)^(1/p) over the elements of all tensors; p = inf: the largest |x|.

    Errors: RuntimeError for a norm that is not finite, where error_if_nonfinite.
    """
    norm = grad_norm(_listed(tensors), float(norm_type))
    if error_if_nonfinite and not math.isfinite(float(norm)):
        raise RuntimeError(
            f"The total norm of order {norm_type} for gradients from `parameters` is non-finite, "
            "so it cannot be clipped. To disable this error and scale the gradients by the "
            "non-finite norm anyway, set `error_if_nonfinite=False`"
        )
    return norm


def clip_grads_with_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float,
                          total_norm: Tensor, foreach: bool | None = None) -> None:
    """Multiply the gradients by min(1, max_norm / (total_norm + 1e-6)), in place."""
    with no_grad():
        grad_scale(_grads(parameters), total_norm, float(max_norm))


def clip_grad_norm_(parameters: Tensor | Iterable[Tensor], max_norm: float,
                    norm_type: float = 2.0, error_if_nonfinite: bool = False,
                    foreach: bool | None = None) -> Tensor:
    """Scale the gradients, in place, so that their total norm is at most max_norm.

    Returns the total norm before. Errors: RuntimeError as get_total_norm. Source: Pascanu et al.,
    On the difficulty of training recurrent neural networks, 2013.
    """
    grads = _grads(parameters)
    with no_grad():
        norm = get_total_norm(grads, norm_type, error_if_nonfinite)
        grad_scale(grads, norm, float(max_norm))
    return norm


def clip_grad_norm(parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0,
                   error_if_nonfinite: bool = False, foreach: bool | None = None) -> Tensor:
    """clip_grad_norm_ under its old name."""
    warnings.warn("`fastnn.nn.utils.clip_grad_norm` is now deprecated in favor of "
                  "`fastnn.nn.utils.clip_grad_norm_`.", FutureWarning, stacklevel=2)
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float,
                     foreach: bool | None = None) -> None:
    """Clamp every gradient to [-clip_value, clip_value], in place."""
    with no_grad():
        grad_clamp(_grads(parameters), -float(clip_value), float(clip_value))
