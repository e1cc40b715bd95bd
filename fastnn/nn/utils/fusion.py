"""Folding a batch normalisation in evaluation into the layer before it."""

from __future__ import annotations

import copy
from typing import Any

from fastnn._core.ops import ones_like, zeros_like
from fastnn._core.tensor import Tensor
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter

__all__ = ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval",
           "fuse_linear_bn_weights"]


def _folded(weight: Any, bias: Tensor | None, mean: Tensor, var: Tensor, eps: float,
            bn_weight: Tensor | None, bn_bias: Tensor | None,
            dim: int) -> tuple[Parameter, Parameter]:
    """W' = W g / sqrt(var + eps) and b' = (b - mean) g / sqrt(var + eps) + beta."""
    bias = zeros_like(mean) if bias is None else bias
    scale = (ones_like(mean) if bn_weight is None else bn_weight) * (var + eps).rsqrt()
    shift = zeros_like(mean) if bn_bias is None else bn_bias
    shape = [1] * weight.ndim
    shape[dim] = -1
    w = (weight * scale.reshape(shape)).detach().to(weight.dtype)
    b = ((bias - mean) * scale + shift).detach().to(bias.dtype)
    return Parameter(w, weight.requires_grad), Parameter(b, bias.requires_grad)


def fuse_conv_bn_weights(conv_w: Tensor, conv_b: Tensor | None, bn_rm: Tensor, bn_rv: Tensor,
                         bn_eps: float, bn_w: Tensor | None, bn_b: Tensor | None,
                         transpose: bool = False) -> tuple[Parameter, Parameter]:
    """Weight and bias of the convolution that does both; transpose: of a transposed one."""
    return _folded(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 1 if transpose else 0)


def fuse_linear_bn_weights(linear_w: Tensor, linear_b: Tensor | None, bn_rm: Tensor,
                           bn_rv: Tensor, bn_eps: float, bn_w: Tensor | None,
                           bn_b: Tensor | None) -> tuple[Parameter, Parameter]:
    """Weight and bias of the linear layer that does both."""
    return _folded(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, 0)


def _fused(layer: Any, bn: Any, dim: int) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("the batch normalisation has no running statistics")
    made = copy.deepcopy(layer)
    made.weight, made.bias = _folded(made.weight, made.bias, bn.running_mean, bn.running_var,
                                     bn.eps, bn.weight, bn.bias, dim)
    return made


def fuse_conv_bn_eval(conv: Module, bn: Module, transpose: bool = False) -> Any:
    """A copy of the convolution that also does what bn would. Both must be in evaluation."""
    return _fused(conv, bn, 1 if transpose else 0)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A copy of the linear layer that also does what bn would. Both must be in evaluation.

    bn has as many features as the layer, or one.
    """
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features "
                             "== 1")
    return _fused(linear, bn, 0)
