"""Poolings that are composed of others: Lp, fractional, and the inverse of max_pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import fastnn
from fastnn._core.ops.pool import (
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
)
from fastnn._core.tensor import Tensor

__all__ = ["adaptive_max_pool1d_with_indices", "adaptive_max_pool2d_with_indices",
           "adaptive_max_pool3d_with_indices", "fractional_max_pool2d",
           "fractional_max_pool2d_with_indices", "fractional_max_pool3d",
           "fractional_max_pool3d_with_indices", "lp_pool1d", "lp_pool2d", "lp_pool3d",
           "max_unpool1d", "max_unpool2d", "max_unpool3d"]

Ints = int | Sequence[int]


def _tuple(value: Any, n: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * n


# ------------------------------------------------------------------ Lp

def _lp_pool(input: Tensor, norm_type: float, n: int, kernel_size: Ints,
             stride: Ints | None, ceil_mode: bool) -> Tensor:
    kernel = _tuple(kernel_size, n)
    count = 1
    for k in kernel:
        count *= k
    average = (avg_pool1d, avg_pool2d, avg_pool3d)[n - 1]
    mean = average(input.pow(norm_type), kernel, stride, 0, ceil_mode)
    # sums of odd powers may be negative: they count as zero, keeping their sign
    return (mean.sign() * mean.abs().relu()).mul(count).pow(1.0 / norm_type)


def lp_pool1d(input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
              ceil_mode: bool = False) -> Tensor:
    """(sum of x^p over each window)^(1/p), p = norm_type. Shapes as avg_pool1d's."""
    return _lp_pool(input, norm_type, 1, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
              ceil_mode: bool = False) -> Tensor:
    """As lp_pool1d over (N, C, H, W) or (C, H, W)."""
    return _lp_pool(input, norm_type, 2, kernel_size, stride, ceil_mode)


def lp_pool3d(input: Tensor, norm_type: float, kernel_size: Ints, stride: Ints | None = None,
              ceil_mode: bool = False) -> Tensor:
    """As lp_pool1d over (N, C, D, H, W) or (C, D, H, W)."""
    return _lp_pool(input, norm_type, 3, kernel_size, stride, ceil_mode)


# ------------------------------------------------------------------ the inverse of max_pool

def _unpool_size(input: Tensor, kernel: tuple[int, ...], stride: tuple[int, ...],
                 padding: tuple[int, ...], output_size: Sequence[int] | None) -> list[int]:
    n = len(kernel)
    own = input.shape[-n:]
    default = [(own[d] - 1) * stride[d] + kernel[d] - 2 * padding[d] for d in range(n)]
    if output_size is None:
        return default
    size = list(output_size)
    if len(size) == n + 2:
        size = size[2:]
    if len(size) != n:
        raise ValueError(f"output_size should be a sequence containing {n} or {n + 2} elements, "
                         f"but it has a length of '{len(size)}'")
    for d in range(n):
        low, high = default[d] - stride[d], default[d] + stride[d]
        if not low < size[d] < high:
            raise ValueError(f"invalid output_size '{size}' (dim {d} must be between {low} and "
                             f"{high})")
    return size


def _unpool(input: Tensor, indices: Tensor, n: int, kernel_size: Ints, stride: Ints | None,
            padding: Ints, output_size: Sequence[int] | None) -> Tensor:
    kernel = _tuple(kernel_size, n)
    step = kernel if stride is None else _tuple(stride, n)
    size = _unpool_size(input, kernel, step, _tuple(padding, n), output_size)
    name = f"max_unpool{n}d"
    if indices.dtype != fastnn.int64:
        raise RuntimeError(f"{name}: elements in indices should be type int64 but got: "
                           f"{indices.dtype}")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{name}: input must be a {n + 1}d or {n + 2}d tensor, got "
                           f"{input.ndim} dimensions")
    if input.shape != indices.shape:
        raise RuntimeError(f"{name}: expected shape of indices to be that of input "
                           f"{list(input.shape)}, but got {list(indices.shape)}")
    lead, plane = list(input.shape[:-n]), 1
    for s in size:
        plane *= s
    if indices.numel() and not 0 <= int(indices.min()) <= int(indices.max()) < plane:
        raise RuntimeError(f"{name}: found an invalid index: output volumes are of size "
                           f"{'x'.join(map(str, size))}")
    first = len(lead)
    flat = input.new_zeros([*lead, plane]).scatter(first, indices.flatten(first),
                                                   input.flatten(first))
    return flat.reshape([*lead, *size])


def max_unpool1d(input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None,
                 padding: Ints = 0, output_size: Sequence[int] | None = None) -> Tensor:
    """Zeros with x at the places that max_pool1d named: y[indices] = x.

    Shapes: (N, C, L) or (C, L) to L = (L - 1) stride - 2 padding + kernel_size, or output_size.
    Raises ValueError for an output_size that no such pooling has, RuntimeError for an index
    outside.
    """
    return _unpool(input, indices, 1, kernel_size, stride, padding, output_size)


def max_unpool2d(input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None,
                 padding: Ints = 0, output_size: Sequence[int] | None = None) -> Tensor:
    """As max_unpool1d over (N, C, H, W) or (C, H, W)."""
    return _unpool(input, indices, 2, kernel_size, stride, padding, output_size)


def max_unpool3d(input: Tensor, indices: Tensor, kernel_size: Ints, stride: Ints | None = None,
                 padding: Ints = 0, output_size: Sequence[int] | None = None) -> Tensor:
    """As max_unpool1d over (N, C, D, H, W) or (C, D, H, W)."""
    return _unpool(input, indices, 3, kernel_size, stride, padding, output_size)


# ------------------------------------------------------------------ fractional

def _starts(sample: Tensor, size: int, out: int, pool: int) -> Tensor:
    """Where the windows of one dimension begin: (N, C, out) from the random numbers (N, C)."""
    if out == 1:
        return fastnn.full((*sample.shape, 1), size - pool, dtype=fastnn.int64)
    alpha = (size - pool) / (out - 1)
    steps = fastnn.arange(out, dtype=sample.dtype)
    u = sample.unsqueeze(-1)
    begin = ((steps + u) * alpha).long() - (u * alpha).long()
    last = fastnn.arange(out) == out - 1
    return fastnn.where(last, fastnn.full_like(begin, size - pool), begin)


def _fractional(input: Tensor, n: int, kernel_size: Ints, output_size: Any, output_ratio: Any,
                return_indices: bool, samples: Tensor | None) -> Any:
    name = f"fractional_max_pool{n}d"
    if output_size is None and output_ratio is None:
        raise ValueError(f"{name} requires specifying either an output_size or an output_ratio")
    if input.ndim not in (n + 1, n + 2):
        raise RuntimeError(f"{name}: Expected {n + 1}D or {n + 2}D tensor, but got: "
                           f"{list(input.shape)}")
    sizes, kernel = input.shape[-n:], _tuple(kernel_size, n)
    if output_size is None:
        ratio = _tuple(output_ratio, n)
        out = tuple(int(s * r) for s, r in zip(sizes, ratio, strict=True))
    else:
        out = _tuple(output_size, n)
    for d in range(n):
        if out[d] + kernel[d] - 1 > sizes[d]:
            raise RuntimeError(f"{name}: pool size {kernel[d]} too large relative to input size "
                               f"{sizes[d]}")
    x = input.unsqueeze(0) if input.ndim == n + 1 else input
    if samples is None:
        samples = fastnn.rand(x.shape[0], x.shape[1], n, dtype=x.dtype)
    place = _window_places(samples, sizes, out, kernel)
    places = place.flatten(2)
    found = x.flatten(2).gather(2, places).reshape(place.shape)
    y, which = found.max(-1)
    index = place.gather(-1, which.unsqueeze(-1)).squeeze(-1)
    if input.ndim == n + 1:
        y, index = y.squeeze(0), index.squeeze(0)
    return (y, index) if return_indices else y


def _window_places(samples: Tensor, sizes: Sequence[int], out: tuple[int, ...],
                   kernel: tuple[int, ...]) -> Tensor:
    """(N, C, *out, volume): the places in the plane of each window's elements.

    The first random number belongs to the last dimension, as in PyTorch.
    """
    n = len(out)
    place: Any = 0
    for d in range(n):
        column = samples[..., n - 1 - d] if n == 2 else samples[..., d]
        begin = _starts(column, sizes[d], out[d], kernel[d])
        own = begin.unsqueeze(-1) + fastnn.arange(kernel[d])  # (N, C, out_d, kernel_d)
        shape = [*own.shape[:2], *[1] * (2 * n)]
        shape[2 + d], shape[2 + n + d] = out[d], kernel[d]
        place = place * sizes[d] + own.reshape(shape)
    return place.flatten(2 + n)


def fractional_max_pool2d(input: Tensor, kernel_size: Ints, output_size: Any = None,
                          output_ratio: Any = None, return_indices: bool = False,
                          _random_samples: Tensor | None = None) -> Any:
    """Largest elements of windows whose places are drawn at random, in order.

    Shapes: (N, C, H, W) or (C, H, W) to output_size, or output_ratio times the input's.
    _random_samples: (N, C, 2) numbers in [0, 1). Graham 2014, https://arxiv.org/abs/1412.6071.
    """
    return _fractional(input, 2, kernel_size, output_size, output_ratio, return_indices,
                       _random_samples)


def fractional_max_pool3d(input: Tensor, kernel_size: Ints, output_size: Any = None,
                          output_ratio: Any = None, return_indices: bool = False,
                          _random_samples: Tensor | None = None) -> Any:
    """As fractional_max_pool2d over (N, C, T, H, W) or (C, T, H, W); samples are (N, C, 3)."""
    return _fractional(input, 3, kernel_size, output_size, output_ratio, return_indices,
                       _random_samples)


def _with_indices(function: Any, name: str) -> Any:
    def f(input: Tensor, kernel_size: Ints, output_size: Any = None, output_ratio: Any = None,
          return_indices: bool = False, _random_samples: Tensor | None = None) -> Any:
        return function(input, kernel_size, output_size, output_ratio, True, _random_samples)
    f.__name__ = f.__qualname__ = name
    f.__doc__ = f"{function.__name__} and the winners' places."
    return f


fractional_max_pool2d_with_indices = _with_indices(fractional_max_pool2d,
                                                   "fractional_max_pool2d_with_indices")
fractional_max_pool3d_with_indices = _with_indices(fractional_max_pool3d,
                                                   "fractional_max_pool3d_with_indices")


def _indexed(pool: Any, dims: int) -> Any:
    def function(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        return pool(input, output_size, True)

    function.__name__ = function.__qualname__ = f"adaptive_max_pool{dims}d_with_indices"
    function.__doc__ = f"adaptive_max_pool{dims}d with the index of each maximum."
    return function


adaptive_max_pool1d_with_indices = _indexed(adaptive_max_pool1d, 1)
adaptive_max_pool2d_with_indices = _indexed(adaptive_max_pool2d, 2)
adaptive_max_pool3d_with_indices = _indexed(adaptive_max_pool3d, 3)
