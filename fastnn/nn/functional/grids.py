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


def _fetch(flat: Tensor, places: Sequence[Tensor], sizes: Sequence[int]) -> Tensor:
    """flat (N, C, D*H*W) at whole places (N, P), the slowest dimension first; outside is 0."""
    index: Tensor | None = None
    inside: Tensor | None = None
    for x, size in zip(places, sizes, strict=True):
        within = (x >= 0) & (x < size)
        at = x.nan_to_num(0.0).clamp(0, max(size - 1, 0)).long()
        index = at if index is None else index * size + at
        inside = within if inside is None else inside & within
    assert index is not None and inside is not None
    n, c, _ = flat.shape
    values = flat.gather(2, index.unsqueeze(1).expand(n, c, index.shape[1]))
    return values if bool(inside.all()) else values.masked_fill(~inside.unsqueeze(1), 0.0)


def _nearest(flat: Tensor, places: list[Tensor], sizes: list[int]) -> Tensor:
    y = _fetch(flat, [x.detach().round() for x in places], sizes)
    for x in places:
        if x.requires_grad:  # a step function: the gradient is 0, not absent
            y = y + x.masked_fill(fastnn.ones_like(x, dtype=fastnn.bool), 0.0).unsqueeze(1)
    return y


def _linear(flat: Tensor, places: list[Tensor], sizes: list[int]) -> Tensor:
    """The corners around each place, weighted by how near they are."""
    low = [x.detach().floor() for x in places]
    up = [x - a for x, a in zip(places, low, strict=True)]
    total: Tensor | None = None
    for corner in itertools.product((0, 1), repeat=len(places)):
        weight: Tensor | None = None
        for side, u in zip(corner, up, strict=True):
            part = u if side else 1 - u
            weight = part if weight is None else weight * part
        assert weight is not None
        at = [a + side for a, side in zip(low, corner, strict=True)]
        term = _fetch(flat, at, sizes) * weight.unsqueeze(1)
        total = term if total is None else total + term
    assert total is not None
    return total


def _cubic_weights(t: Tensor) -> list[Tensor]:
    """Keys' cubic convolution with a = -0.75, for the four taps around t in [0, 1)."""
    a = -0.75

    def near(d: Tensor) -> Tensor:
        return ((a + 2) * d - (a + 3)) * d * d + 1

    def far(d: Tensor) -> Tensor:
        return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a

    return [far(t + 1), near(t), near(1 - t), far(2 - t)]


def _cubic(flat: Tensor, places: list[Tensor], sizes: list[int], padding: str,
           align: bool) -> Tensor:
    y, x = places
    y0, x0 = y.detach().floor(), x.detach().floor()
    down, across = _cubic_weights(y - y0), _cubic_weights(x - x0)
    rows: Tensor | None = None
    for i in range(4):
        row: Tensor | None = None
        for j in range(4):
            at = [_placed(p, size, padding, align) for p, size in
                  zip((y0 + (i - 1), x0 + (j - 1)), sizes, strict=True)]
            term = _fetch(flat, at, sizes) * across[j].unsqueeze(1)
            row = term if row is None else row + term
        assert row is not None
        rows = row * down[i].unsqueeze(1) if rows is None else rows + row * down[i].unsqueeze(1)
    assert rows is not None
    return rows


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
    flat = input.flatten(2)
    if mode == "nearest":
        y = _nearest(flat, places, sizes)
    elif mode == "bilinear":
        y = _linear(flat, places, sizes)
    else:
        y = _cubic(flat, places, sizes, padding_mode, align)
    return y.reshape([n, c, *grid.shape[1:-1]])
