"""Resizing images, and trading channels for space. Composed of gathers, one dimension at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import fastnn
from fastnn._core.ops.pool import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from fastnn._core.tensor import Tensor

__all__ = ["channel_shuffle", "interpolate", "pixel_shuffle", "pixel_unshuffle", "upsample",
           "upsample_bilinear", "upsample_nearest"]

_SMOOTH = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
_FORMATS = {4: "channels_last", 5: "channels_last_3d"}


def _like(y: Tensor, x: Tensor) -> Tensor:
    """y in channels-last order where x is."""
    if x.ndim not in _FORMATS or x.is_contiguous():
        return y.contiguous()
    last = getattr(fastnn, _FORMATS[x.ndim])
    return y.contiguous(memory_format=last) if x.is_contiguous(memory_format=last) \
        else y.contiguous()


# ------------------------------------------------------------------ resizing

def _scale(size: int, out: int, factor: float | None, align: bool, real: Any) -> Any:
    """Input steps per output step, in the precision of the elements."""
    if align:
        return real(size - 1) / real(out - 1) if out > 1 else real(0)
    return real(1 / factor) if factor is not None and factor > 0 else real(size) / real(out)


def _nearest(x: Tensor, dim: int, out: int, factor: float | None, exact: bool) -> Tensor:
    size = x.shape[dim]
    at = np.arange(out, dtype=np.float32)
    if exact:
        at = at + np.float32(0.5)
    source = np.floor(at * _scale(size, out, factor, False, np.float32)).astype(np.int64)
    return x.index_select(dim, fastnn.from_numpy(np.minimum(source, size - 1)))


def _weighted(x: Tensor, dim: int, taps: list[tuple[np.ndarray, np.ndarray]]) -> Tensor:
    """Sum of weight * x[place] over the taps, along dim."""
    shape = [-1 if d == dim else 1 for d in range(x.ndim)]
    total: Any = None
    for place, weight in taps:
        part = x.index_select(dim, fastnn.from_numpy(place)) * fastnn.from_numpy(
            weight.reshape(shape))
        total = part if total is None else total + part
    return total


def _source(size: int, out: int, factor: float | None, align: bool, real: Any) -> np.ndarray:
    scale = _scale(size, out, factor, align, real)
    at = np.arange(out, dtype=real)
    return at * scale if align else (at + real(0.5)) * scale - real(0.5)


def _linear(x: Tensor, dim: int, out: int, factor: float | None, align: bool,
            real: Any) -> Tensor:
    size = x.shape[dim]
    at = np.maximum(_source(size, out, factor, align, real), real(0))
    low = np.minimum(at.astype(np.int64), size - 1)
    weight = np.clip(at - low, 0, 1).astype(real)
    high = low + (low < size - 1)
    return _weighted(x, dim, [(low, real(1) - weight), (high, weight)])


def _cubic(x: Tensor, dim: int, out: int, factor: float | None, align: bool, real: Any) -> Tensor:
    """Keys' cubic convolution with a = -0.75, borders repeated."""
    size, a = x.shape[dim], real(-0.75)
    at = _source(size, out, factor, align, real)
    low = np.floor(at).astype(np.int64)
    t = np.clip(at - low, 0, 1).astype(real)

    def near(d: np.ndarray) -> np.ndarray:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: np.ndarray) -> np.ndarray:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    weights = [far(t + 1), near(t), near(1 - t), far(2 - t)]
    return _weighted(x, dim, [(np.clip(low + k - 1, 0, size - 1), w.astype(real))
                              for k, w in enumerate(weights)])


def _sizes(input: Tensor, size: Any, scale_factor: Any,
           recompute: bool | None) -> tuple[list[int], list[float | None]]:
    """The output's sizes, and the factors that coordinates follow (None: the sizes' quotient)."""
    dims = input.ndim - 2
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is not None:
        if recompute:
            raise ValueError("recompute_scale_factor is not meaningful with an explicit size.")
        out = list(size) if isinstance(size, (tuple, list)) else [size] * dims
        if len(out) != dims:
            raise ValueError("Input and output must have the same number of spatial dimensions, "
                             f"but got input with spatial dimensions of {list(input.shape[2:])} "
                             f"and output size of {size}.")
        return [int(s) for s in out], [None] * dims
    if scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    factors = list(scale_factor) if isinstance(scale_factor, (tuple, list)) \
        else [scale_factor] * dims
    if len(factors) != dims:
        raise ValueError("Input and scale_factor must have the same number of spatial dimensions, "
                         f"but got input with spatial dimensions of {list(input.shape[2:])} and "
                         f"scale_factor of shape {scale_factor}.")
    out = [int(math.floor(float(s) * f)) for s, f in zip(input.shape[2:], factors, strict=True)]
    return out, [None] * dims if recompute else [float(f) for f in factors]


def interpolate(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
                align_corners: bool | None = None, recompute_scale_factor: bool | None = None,
                antialias: bool = False) -> Tensor:
    """x resized over its spatial dimensions to `size`, or by scale_factor.

    Shapes: (N, C, L), (N, C, H, W) or (N, C, D, H, W). mode: nearest, nearest-exact, area; linear,
    bilinear, bicubic, trilinear for one, two, two and three dimensions, where align_corners says
    whether the corners' centres or edges coincide. Raises ValueError for arguments that do not go
    together, NotImplementedError for another mode or number of dimensions, and for antialias.
    """
    if mode in ("nearest", "area", "nearest-exact"):
        if align_corners is not None:
            raise ValueError("align_corners option can only be set with the interpolating modes: "
                             "linear | bilinear | bicubic | trilinear")
    elif mode not in _SMOOTH or input.ndim not in (3, 4, 5):
        raise NotImplementedError("Input Error: Only 3D, 4D and 5D input Tensors supported (got "
                                  f"{input.ndim}D) for the modes: nearest | linear | bilinear | "
                                  f"bicubic | trilinear | area | nearest-exact (got {mode})")
    out, factors = _sizes(input, size, scale_factor, recompute_scale_factor)
    if antialias:
        if mode not in ("bilinear", "bicubic") or input.ndim != 4:
            raise ValueError("Anti-alias option is restricted to bilinear and bicubic modes and "
                             "requires a 4-D tensor as input")
        raise NotImplementedError("interpolate: antialias=True is not implemented")
    dims = input.ndim - 2
    if dims not in (1, 2, 3):
        raise NotImplementedError(f"Input Error: Only 3D, 4D and 5D input Tensors supported (got "
                                  f"{input.ndim}D)")
    if _SMOOTH.get(mode, dims) != dims:
        raise NotImplementedError(f"Got {input.ndim}D input, but {mode} mode needs "
                                  f"{_SMOOTH[mode] + 2}D input")
    if min(out) < 1 or min(input.shape[1:]) < 1:
        raise RuntimeError(f"Input and output sizes should be greater than 0, but got input "
                           f"{list(input.shape)} and output {out}")
    if mode == "area":
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, out)
    real = np.float32 if input.dtype == fastnn.float32 else np.float64
    y = input
    for d in range(dims):
        if mode.startswith("nearest"):
            y = _nearest(y, 2 + d, out[d], factors[d], mode == "nearest-exact")
        elif mode == "bicubic":
            y = _cubic(y, 2 + d, out[d], factors[d], bool(align_corners), real)
        else:
            y = _linear(y, 2 + d, out[d], factors[d], bool(align_corners), real)
    return _like(y, input)


def upsample(input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest",
             align_corners: bool | None = None) -> Tensor:
    """interpolate under its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate by the nearest element."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """interpolate bilinearly with aligned corners."""
    return interpolate(input, size, scale_factor, "bilinear", True)


# ------------------------------------------------------------------ channels and space

def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r^2, H, W) to (*, C, H r, W r), r = upscale_factor (https://arxiv.org/abs/1609.05158)."""
    r = upscale_factor
    if input.ndim < 3:
        raise RuntimeError("pixel_shuffle expects input to have at least 3 dimensions, but got "
                           f"input with {input.ndim} dimension(s)")
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    if c % (r * r):
        raise RuntimeError("pixel_shuffle expects its input's 'channel' dimension to be divisible "
                           f"by the square of upscale_factor, but input.size(-3)={c} is not "
                           f"divisible by {r * r}")
    n = len(lead)
    split = input.reshape([*lead, c // (r * r), r, r, h, w])
    order = [*range(n), n, n + 3, n + 1, n + 4, n + 2]
    return _like(split.permute(order).reshape([*lead, c // (r * r), h * r, w * r]), input)


def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) to (*, C r^2, H, W): pixel_shuffle undone."""
    r = downscale_factor
    if input.ndim < 3:
        raise RuntimeError("pixel_unshuffle expects input to have at least 3 dimensions, but got "
                           f"input with {input.ndim} dimension(s)")
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    *lead, c, h, w = input.shape
    if h % r or w % r:
        raise RuntimeError(f"pixel_unshuffle expects height and width to be divisible by "
                           f"downscale_factor, but ({h}, {w}) is not divisible by {r}")
    n = len(lead)
    split = input.reshape([*lead, c, h // r, r, w // r, r])
    order = [*range(n), n, n + 2, n + 4, n + 1, n + 3]
    return _like(split.permute(order).reshape([*lead, c * r * r, h // r, w // r]), input)


def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Channels of (N, C, ...) dealt out over groups: (N, g, C / g, ...) transposed."""
    if input.ndim <= 2:
        raise RuntimeError("channel_shuffle expects input with > 2 dims, but got input with sizes "
                           f"{list(input.shape)}")
    if groups <= 0:
        raise RuntimeError(f"Number of groups to divide channels in must be positive. Value of "
                           f"groups:{groups}")
    n, c = input.shape[:2]
    if c % groups:
        raise RuntimeError(f"Number of channels must be divisible by groups. Got {c} channels and "
                           f"{groups} groups.")
    split = input.reshape([n, groups, c // groups, *input.shape[2:]])
    return _like(split.transpose(1, 2).reshape(input.shape), input)
