"""The gradients of convolutions as functions: what backward would give."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fastnn._core.ops import zeros
from fastnn._core.tensor import Tensor
from fastnn.autograd import enable_grad, grad
from fastnn.nn import functional as F

__all__ = ["conv1d_input", "conv1d_weight", "conv2d_input", "conv2d_weight", "conv3d_input",
           "conv3d_weight"]

Sizes = int | Sequence[int]


def _of_input(conv: Callable[..., Tensor], size: Any, weight: Tensor, dy: Tensor,
              args: tuple[Any, ...]) -> Tensor:
    with enable_grad():
        x = zeros(*size, dtype=weight.dtype, requires_grad=True)
        (dx,) = grad([conv(x, weight, None, *args)], [x], [dy], create_graph=dy.requires_grad)
    return dx


def _of_weight(conv: Callable[..., Tensor], input: Tensor, size: Any, dy: Tensor,
               args: tuple[Any, ...]) -> Tensor:
    with enable_grad():
        w = zeros(*size, dtype=input.dtype, requires_grad=True)
        (dw,) = grad([conv(input, w, None, *args)], [w], [dy], create_graph=dy.requires_grad)
    return dw


def conv1d_input(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
                 padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """The gradient of conv1d to its input, of size input_size."""
    return _of_input(F.conv1d, input_size, weight, grad_output, (stride, padding, dilation,
                                                                 groups))


def conv1d_weight(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Sizes = 1,
                  padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """The gradient of conv1d to its weight, of size weight_size."""
    return _of_weight(F.conv1d, input, weight_size, grad_output, (stride, padding, dilation,
                                                                  groups))


def conv2d_input(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
                 padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """The gradient of conv2d to its input, of size input_size."""
    return _of_input(F.conv2d, input_size, weight, grad_output, (stride, padding, dilation,
                                                                 groups))


def conv2d_weight(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Sizes = 1,
                  padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """The gradient of conv2d to its weight, of size weight_size."""
    return _of_weight(F.conv2d, input, weight_size, grad_output, (stride, padding, dilation,
                                                                  groups))


def conv3d_input(input_size: Any, weight: Tensor, grad_output: Tensor, stride: Sizes = 1,
                 padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """The gradient of conv3d to its input, of size input_size."""
    return _of_input(F.conv3d, input_size, weight, grad_output, (stride, padding, dilation,
                                                                 groups))


def conv3d_weight(input: Tensor, weight_size: Any, grad_output: Tensor, stride: Sizes = 1,
                  padding: Sizes = 0, dilation: Sizes = 1, groups: int = 1) -> Tensor:
    """The gradient of conv3d to its weight, of size weight_size."""
    return _of_weight(F.conv3d, input, weight_size, grad_output, (stride, padding, dilation,
                                                                  groups))
