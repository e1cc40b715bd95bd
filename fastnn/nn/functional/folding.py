"""Windows of an image as columns (im2col), columns added back up (col2im), conv_tbc."""

from __future__ import annotations

from collections.abc import Sequence

from fastnn._core.ops import arange, constant_pad_nd, zeros
from fastnn._core.ops.conv import conv1d
from fastnn._core.tensor import Tensor

__all__ = ["conv_tbc", "fold", "unfold"]

Pair = int | Sequence[int]


def _pair(value: Pair, name: str, least: int) -> tuple[int, int]:
    a, b = (value, value) if isinstance(value, int) else value
    if min(a, b) < least:
        raise RuntimeError(f"{name} should be at least {least}, but got ({a}, {b})")
    return a, b


def _windows(size: int, kernel: int, dilation: int, padding: int, stride: int) -> int:
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


def unfold(input: Tensor, kernel_size: Pair, dilation: Pair = 1, padding: Pair = 0,
           stride: Pair = 1) -> Tensor:
    """Every window of an image as a column: (N, C, H, W) to (N, C*KH*KW, L), or without N.

    A column holds the window's channels, and in each its KH x KW elements. Raises RuntimeError
    where no window fits.
    """
    (kh, kw), (dh, dw) = _pair(kernel_size, "kernel_size", 1), _pair(dilation, "dilation", 1)
    (ph, pw), (sh, sw) = _pair(padding, "padding", 0), _pair(stride, "stride", 1)
    if input.ndim == 3:
        return unfold(input.unsqueeze(0), (kh, kw), (dh, dw), (ph, pw), (sh, sw)).squeeze(0)
    if input.ndim != 4:
        raise RuntimeError("Expected 3D or 4D (batch mode) tensor for input, but got input of "
                           f"size: {list(input.shape)}")
    n, c, h, w = input.shape
    oh, ow = _windows(h, kh, dh, ph, sh), _windows(w, kw, dw, pw, sw)
    if oh < 1 or ow < 1:
        raise RuntimeError(f"unfold: input of size {list(input.shape)} has {oh} x {ow} windows of "
                           f"({kh}, {kw}), dilation ({dh}, {dw}), padding ({ph}, {pw})")
    x = constant_pad_nd(input, [pw, pw, ph, ph]) if ph or pw else input
    x = x.unfold(2, dh * (kh - 1) + 1, sh)[..., ::dh].unfold(3, dw * (kw - 1) + 1, sw)[..., ::dw]
    return x.permute(0, 1, 4, 5, 2, 3).reshape(n, c * kh * kw, oh * ow)


def fold(input: Tensor, output_size: Pair, kernel_size: Pair, dilation: Pair = 1,
         padding: Pair = 0, stride: Pair = 1) -> Tensor:
    """unfold's transpose: columns (N, C*KH*KW, L), or without N, added to an image (N, C, H, W).

    Raises RuntimeError where the columns are not those of an image of output_size.
    """
    h, w = _pair(output_size, "output_size", 1)
    (kh, kw), (dh, dw) = _pair(kernel_size, "kernel_size", 1), _pair(dilation, "dilation", 1)
    (ph, pw), (sh, sw) = _pair(padding, "padding", 0), _pair(stride, "stride", 1)
    if input.ndim == 2:
        return fold(input.unsqueeze(0), (h, w), (kh, kw), (dh, dw), (ph, pw), (sh, sw)).squeeze(0)
    if input.ndim != 3 or input.size(1) % (kh * kw):
        raise RuntimeError("Expected size of input's dimension 1 to be divisible by the product of "
                           f"kernel_size ({kh}, {kw}), but got input of size {list(input.shape)}")
    n, c = input.size(0), input.size(1) // (kh * kw)
    oh, ow = _windows(h, kh, dh, ph, sh), _windows(w, kw, dw, pw, sw)
    if min(oh, ow) < 1 or input.size(2) != oh * ow:
        raise RuntimeError(f"Given output_size=({h}, {w}), expected size of input's dimension 2 to "
                           f"match the calculated number of sliding blocks {oh} * {ow}, but got "
                           f"input.size(2)={input.size(2)}")
    x = input.reshape(n, c, kh, kw, oh, ow).permute(0, 1, 4, 2, 5, 3).flatten(4, 5)
    x = _add(x, 4, w + 2 * pw, ow, sw, kw, dw)
    x = _add(x.flatten(2, 3), 2, h + 2 * ph, oh, sh, kh, dh)
    return constant_pad_nd(x, [-pw, -pw, -ph, -ph]) if ph or pw else x


def _add(x: Tensor, dim: int, size: int, windows: int, stride: int, kernel: int,
         dilation: int) -> Tensor:
    """Elements (window, tap) of dim added where they come from, in a dimension of `size`."""
    places = (arange(windows) * stride).unsqueeze(1) + arange(kernel) * dilation
    shape = list(x.shape)
    shape[dim] = size
    return zeros(*shape, dtype=x.dtype).index_add(dim, places.reshape(-1), x)


def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """conv1d of (T, N, C) with weight (K, C, O): time first."""
    y = conv1d(input.permute(1, 2, 0), weight.permute(2, 1, 0), bias, padding=pad)
    return y.permute(2, 0, 1).contiguous()
