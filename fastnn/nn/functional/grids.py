"""Sampling an image at given places, and the places of an affine map."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import fastnn
from fastnn._core.tensor import Tensor

__all__ = ["affine_grid", "grid_sample"]


def _axis(n: int, align: bool, like: Tensor) -> Tensor:
    """n places from -1 to 1: of the corners, or of the centres of n cells."""
    if n <= 1:
        return like.new_zeros((n,))
    steps = fastnn.linspace(-1.0, 1.0, n, dtype=like.dtype)
    return steps if align else steps * ((n - 1) / n)


def affine_grid(theta: Tensor, size: Sequence[int], align_corners: bool | None = None) -> Tensor:
    """The places theta (x, y, 1) for every pixel (x, y) of an image of `size`, in [-1, 1].

    Shapes: theta (N, 2, 3) and size (N, C, H, W) give (N, H, W, 2); theta (N, 3, 4) and size
    (N, C, D, H, W) give (N, D, H, W, 3). align_corners: -1 and 1 are the centres of the corner
    pixels instead of their outer edges. Raises ValueError or NotImplementedError for other shapes.
    """
    if not theta.is_floating_point():
        raise ValueError(f"Expected theta to have floating point type, but got {theta.dtype}")
    dims = len(size) - 2
    if dims not in (2, 3):
        raise NotImplementedError("affine_grid only supports 4D and 5D sizes, for 2D and 3D affine "
                                  f"transforms, respectively. Got size {tuple(size)}.")
    if tuple(theta.shape[1:]) != (dims, dims + 1):
        raise ValueError(f"Expected a batch of {dims}D affine matrices of shape Nx{dims}x{dims + 1}"
                         f" for size {tuple(size)}. Got {tuple(theta.shape)}.")
    if min(size) <= 0:
        raise ValueError(f"Expected non-zero, positive output size. Got {tuple(size)}")
    if theta.shape[0] != size[0]:
        raise RuntimeError(f"affine_grid: {theta.shape[0]} matrices for a batch of {size[0]}")
    axes = [_axis(n, bool(align_corners), theta) for n in size[2:]]
    places = [*reversed(fastnn.meshgrid(*axes, indexing="ij")), theta.new_ones(tuple(size[2:]))]
    base = fastnn.stack(places, -1).reshape(-1, dims + 1)
    return fastnn.matmul(base, theta.mT).reshape([size[0], *size[2:], dims])


def _clipped(x: Tensor, size: int) -> Tensor:
    """x in [0, size - 1]; no gradient where it is at an end or beyond."""
    inside = (x > 0) & (x < size - 1)
    return fastnn.where(inside, x, x.detach().clamp(0, size - 1))


def _reflected(x: Tensor, size: int, align: bool) -> Tensor:
    """x mirrored at the borders until it lies between them."""
    low, span = (0.0, float(size - 1)) if align else (-0.5, float(size))
    if span == 0:
        return x * 0
    far = (x - low).abs()
    flips = (far.detach() / span).floor()
    rest = far - flips * span
    return fastnn.where(flips % 2 == 0, rest, span - rest) + low


def _placed(x: Tensor, size: int, padding: str, align: bool) -> Tensor:
    if padding == "reflection":
        x = _reflected(x, size, align)
    return x if padding == "zeros" else _clipped(x, size)


Taps = list[tuple[Sequence[Tensor], Tensor]]


def _weighted(input: Tensor, taps: Taps) -> Tensor:
    """Sum over taps of weight (N, P) times the pixels at whole places (N, P), the slowest dimension
    first; what is outside counts 0. Pixels are fetched as rows of channels, all taps at once."""
    n, c, *sizes = input.shape
    index, weights = [], []
    first = fastnn.arange(n).unsqueeze(1)
    for places, weight in taps:
        row, inside = first, None
        for x, size in zip(places, sizes, strict=True):
            within = (x >= 0) & (x < size)
            inside = within if inside is None else inside & within
            row = row * size + x.nan_to_num(0.0).clamp(0, size - 1).long()
        index.append(row)
        weights.append(weight.masked_fill(~inside, 0.0))  # type: ignore[operator]
    rows = input.flatten(2).transpose(1, 2).reshape(-1, c)
    values = rows.index_select(0, fastnn.stack(index).reshape(-1)).reshape(len(taps), -1, c)
    w = fastnn.stack(weights).reshape(len(taps), -1, 1)
    if not bool(input.detach().sum().isfinite()):  # 0 times infinity is no 0
        values = values.masked_fill(w == 0, 0.0)
    return (values * w).sum(0).reshape(n, -1, c).transpose(1, 2)


def _nearest(places: list[Tensor]) -> Taps:
    at = [x.detach().round() for x in places]
    one = fastnn.ones_like(at[0])
    for x in places:
        if x.requires_grad:  # a step function: the gradient is 0, not absent
            one = one + x.masked_fill(fastnn.ones_like(x, dtype=fastnn.bool), 0.0)
    return [(at, one)]


def _linear(places: list[Tensor]) -> Taps:
    """The corners around each place, weighted by how near they are."""
    low = [x.detach().floor() for x in places]
    up = [x - a for x, a in zip(places, low, strict=True)]
    sides = [(1 - u, u) for u in up]
    taps: Taps = []
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight = sides[0][corner[0]]
        for side, pair in zip(corner[1:], sides[1:], strict=True):
            weight = weight * pair[side]
        taps.append(([a + side for a, side in zip(low, corner, strict=True)], weight))
    return taps


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Keys' cubic convolution with a = -0.75, for the four taps around t in [0, 1)."""
    a = -0.75

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic(places: list[Tensor], sizes: list[int], padding: str, align: bool) -> Taps:
    y, x = places
    y0, x0 = y.detach().floor(), x.detach().floor()
    down, across = _cubic_weights(y - y0), _cubic_weights(x - x0)
    rows = [_placed(y0 + (k - 1), sizes[0], padding, align) for k in range(4)]
    columns = [_placed(x0 + (k - 1), sizes[1], padding, align) for k in range(4)]
    return [((rows[i], columns[j]), down[i] * across[j]) for i in range(4) for j in range(4)]


def _check(input: Tensor, grid: Tensor, mode: str, padding_mode: str) -> None:
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError("nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' "
                         f"or 'bicubic', but got: '{mode}'")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError("nn.functional.grid_sample(): expected padding_mode to be 'zeros', "
                         f"'border', or 'reflection', but got: '{padding_mode}'")
    dims, shapes = input.ndim - 2, f"input {tuple(input.shape)} and grid {tuple(grid.shape)}"
    if dims not in (2, 3) or grid.ndim != input.ndim:
        raise RuntimeError("grid_sampler(): expected 4D or 5D input and grid with same number of "
                           f"dimensions, but got {shapes}")
    if grid.shape[0] != input.shape[0] or grid.shape[-1] != dims:
        raise RuntimeError(f"grid_sampler(): expected grid of {input.shape[0]} samples and size "
                           f"{dims} in its last dimension, but got {shapes}")
    if grid.dtype != input.dtype:
        raise RuntimeError(f"grid_sampler(): expected input and grid to have same dtype, but input "
                           f"has {input.dtype} and grid has {grid.dtype}")
    if min(input.shape[2:]) == 0:
        raise RuntimeError("grid_sampler(): expected input to have non-empty spatial dimensions, "
                           f"but got {shapes}")
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sampler(): bicubic interpolation only supports 4D input")


def grid_sample(input: Tensor, grid: Tensor, mode: str = "bilinear", padding_mode: str = "zeros",
                align_corners: bool | None = None) -> Tensor:
    """x at the places of a grid; its last dimension holds (x, y) or (x, y, z) in [-1, 1].

    Shapes: input (N, C, H, W) and grid (N, H', W', 2) give (N, C, H', W'); with one dimension more
    (N, C, D, H, W) and (N, D', H', W', 3). mode: "bilinear", "nearest", "bicubic" (4D only).
    padding_mode: what lies outside is 0 ("zeros"), the nearest border, or the mirror image
    ("reflection"). align_corners: -1 and 1 are the centres of the corner pixels instead of their
    outer edges. Raises ValueError for other modes, RuntimeError for what does not fit. Source:
    Jaderberg et al. 2015, https://arxiv.org/abs/1506.02025.
    """
    _check(input, grid, mode, padding_mode)
    n, c, *sizes = input.shape
    align, dims = bool(align_corners), len(sizes)
    places = []
    for d in range(dims):
        x, size = grid[..., dims - 1 - d].reshape(n, -1), sizes[d]
        x = (x + 1) * ((size - 1) / 2) if align else ((x + 1) * size - 1) / 2
        places.append(x if mode == "bicubic" else _placed(x, size, padding_mode, align))
    taps = (_nearest(places) if mode == "nearest" else _linear(places) if mode == "bilinear"
            else _cubic(places, sizes, padding_mode, align))
    return _weighted(input, taps).reshape([n, c, *grid.shape[1:-1]]).contiguous()
