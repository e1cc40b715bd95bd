"""Convolutions over one to three dimensions, and their transposes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastnn._core.ops import empty
from fastnn._core.tensor import Tensor
from fastnn.nn import functional as F
from fastnn.nn import init
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter

__all__ = ["Conv1d", "Conv2d", "Conv3d", "ConvTranspose1d", "ConvTranspose2d", "ConvTranspose3d"]

Sizes = int | tuple[int, ...]
MODES = ("zeros", "reflect", "replicate", "circular")


def _each(value: Sizes, nd: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * nd


class _ConvNd(Module):
    _nd: int
    _transposed = False

    in_channels: int
    out_channels: int
    weight: Parameter
    bias: Parameter | None

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes,
                 padding: str | Sizes, dilation: Sizes, output_padding: Sizes, groups: int,
                 bias: bool, padding_mode: str, device: Any, dtype: Any) -> None:
        super().__init__()
        nd = self._nd
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size = _each(kernel_size, nd)
        self.stride = _each(stride, nd)
        self.padding = padding if isinstance(padding, str) else _each(padding, nd)
        self.dilation = _each(dilation, nd)
        self.transposed = self._transposed
        self.output_padding = _each(output_padding, nd)
        self.groups = groups
        self.padding_mode = padding_mode
        self._check()
        self._reversed_padding_repeated_twice = self._border()
        first, second = in_channels, out_channels
        if not self.transposed:
            first, second = second, first
        made = {"device": device, "dtype": dtype}
        self.weight = Parameter(empty(first, second // groups, *self.kernel_size, **made))
        self.register_parameter("bias", Parameter(empty(out_channels, **made)) if bias else None)
        self.reset_parameters()

    def _check(self) -> None:
        if self.groups <= 0:
            raise ValueError("groups must be a positive integer")
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        if self.out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(self.padding, str):
            if self.padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {self.padding!r}, should be one of "
                                 "'same', 'valid'")
            if self.padding == "same" and any(s != 1 for s in self.stride):
                raise ValueError("padding='same' is not supported for strided convolutions")
        if self.padding_mode not in MODES:
            raise ValueError(f"padding_mode must be one of {MODES}, but got "
                             f"padding_mode='{self.padding_mode}'")

    def _border(self) -> list[int]:
        """The padding as F.pad takes it: before and after, the last dimension first."""
        border: list[int] = []
        for d in reversed(range(self._nd)):
            if self.padding == "same":
                total = self.dilation[d] * (self.kernel_size[d] - 1)
                border += [total // 2, total - total // 2]
            else:
                border += [0, 0] if isinstance(self.padding, str) else [self.padding[d]] * 2
        return border

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        conv = (F.conv1d, F.conv2d, F.conv3d)[self._nd - 1]
        if self.padding_mode == "zeros":
            return conv(input, weight, bias, self.stride, self.padding, self.dilation, self.groups)
        padded = F.pad(input, self._reversed_padding_repeated_twice, mode=self.padding_mode)
        return conv(padded, weight, bias, self.stride, 0, self.dilation, self.groups)

    def forward(self, input: Tensor) -> Tensor:
        return self._conv_forward(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        parts = [f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
                 f"stride={self.stride}"]
        zeros, ones = (0,) * len(self.padding), (1,) * self._nd
        parts += [f"padding={self.padding}"] * (self.padding != zeros)
        parts += [f"dilation={self.dilation}"] * (self.dilation != ones)
        parts += [f"output_padding={self.output_padding}"] * (any(self.output_padding))
        parts += [f"groups={self.groups}"] * (self.groups != 1)
        parts += ["bias=False"] * (self.bias is None)
        parts += [f"padding_mode={self.padding_mode}"] * (self.padding_mode != "zeros")
        return ", ".join(parts)


class _Conv(_ConvNd):
    def __init__(self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
                 padding: str | Sizes = 0, dilation: Sizes = 1, groups: int = 1,
                 bias: bool = True, padding_mode: str = "zeros", device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, 0,
                         groups, bias, padding_mode, device, dtype)


class Conv1d(_Conv):
    """y[n, o, q] = b[o] + sum over c, t of w[o, c, t] x[n, c, q*stride - padding + t*dilation].

    Shapes: x (N, C, L) or (C, L), y (N, O, L'), weight (O, C/groups, K), bias (O,), with
    L' = (L + 2 padding - dilation (K - 1) - 1) / stride + 1, rounded down. padding may be "same"
    (L' = L) or "valid" (none); padding_mode says what is put there: "zeros", "reflect",
    "replicate" or "circular". Weight and bias start uniform in +-1/sqrt(C/groups * K). Raises
    ValueError for settings that do not go together, RuntimeError for inputs that do not fit.
    """

    _nd = 1


class Conv2d(_Conv):
    """Conv1d over two dimensions: x (N, C, H, W) or (C, H, W), weight (O, C/groups, KH, KW)."""

    _nd = 2


class Conv3d(_Conv):
    """Conv1d over three dimensions: x (N, C, D, H, W), weight (O, C/groups, KD, KH, KW)."""

    _nd = 3


class _ConvTransposeNd(_ConvNd):
    _transposed = True

    def __init__(self, in_channels: int, out_channels: int, kernel_size: Sizes, stride: Sizes = 1,
                 padding: Sizes = 0, output_padding: Sizes = 0, groups: int = 1,
                 bias: bool = True, dilation: Sizes = 1, padding_mode: str = "zeros",
                 device: Any = None, dtype: Any = None) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation,
                         output_padding, groups, bias, padding_mode, device, dtype)

    def _output_padding(self, input: Tensor, output_size: Sequence[int]) -> list[int]:
        nd, lead = self._nd, input.ndim - self._nd
        wanted = list(output_size)[lead:] if len(output_size) == lead + nd else list(output_size)
        if len(wanted) != nd:
            raise ValueError(f"ConvTranspose{nd}D: for {input.ndim}D input, output_size must have "
                             f"{nd} or {lead + nd} elements (got {len(output_size)})")
        least = [(input.size(lead + d) - 1) * self.stride[d] - 2 * int(self.padding[d])
                 + self.dilation[d] * (self.kernel_size[d] - 1) + 1 for d in range(nd)]
        most = [n + s - 1 for n, s in zip(least, self.stride, strict=True)]
        if any(not a <= n <= b for a, n, b in zip(least, wanted, most, strict=True)):
            raise ValueError(f"requested an output size of {wanted}, but valid sizes range from "
                             f"{least} to {most} (for an input of {input.shape[lead:]})")
        return [n - a for n, a in zip(wanted, least, strict=True)]

    def forward(self, input: Tensor, output_size: Sequence[int] | None = None) -> Tensor:
        """output_size: spatial sizes (or the whole shape) of y, where stride leaves a choice."""
        conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._nd - 1]
        more = self.output_padding if output_size is None else self._output_padding(
            input, output_size)
        return conv(input, self.weight, self.bias, self.stride, self.padding, more, self.groups,
                    self.dilation)


class ConvTranspose1d(_ConvTransposeNd):
    """Conv1d's derivative to its input, as a layer: pixel r adds w x[r] to outputs
    r*stride - padding + t*dilation.

    Shapes: x (N, C, L) or (C, L), y (N, O, L'), weight (C, O/groups, K), bias (O,), with
    L' = (L - 1) stride - 2 padding + dilation (K - 1) + 1 + output_padding. Weight and bias start
    uniform in +-1/sqrt(O/groups * K). Raises ValueError for settings or an output_size that do
    not go together, RuntimeError for inputs that do not fit.
    """

    _nd = 1


class ConvTranspose2d(_ConvTransposeNd):
    """ConvTranspose1d over two dimensions: weight (C, O/groups, KH, KW)."""

    _nd = 2


class ConvTranspose3d(_ConvTransposeNd):
    """ConvTranspose1d over three dimensions: weight (C, O/groups, KD, KH, KW)."""

    _nd = 3
