"""Layouts of the weights of convolutions."""

from __future__ import annotations

from typing import Any, TypeVar

from fastnn.nn.modules.conv import Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from fastnn.nn.modules.module import Module

__all__ = ["convert_conv2d_weight_memory_format", "convert_conv3d_weight_memory_format"]

T = TypeVar("T", bound=Module)


def _convert(module: Any, kinds: tuple[type, ...], memory_format: Any) -> None:
    found: list[Any] = [m for m in module.modules() if isinstance(m, kinds)]
    for m in found:
        m.weight.data = m.weight.detach().clone(memory_format=memory_format)


def convert_conv2d_weight_memory_format(module: T, memory_format: Any) -> T:
    """Lay out the weights of every Conv2d and ConvTranspose2d anew. Returns the module."""
    _convert(module, (Conv2d, ConvTranspose2d), memory_format)
    return module


def convert_conv3d_weight_memory_format(module: T, memory_format: Any) -> T:
    """Lay out the weights of every Conv3d and ConvTranspose3d anew. Returns the module."""
    _convert(module, (Conv3d, ConvTranspose3d), memory_format)
    return module
