"""pad: borders of constants, or of the tensor's own elements."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fastnn._core.convert import from_numpy
from fastnn._core.ops import constant_pad_nd
from fastnn._core.tensor import Tensor

__all__ = ["pad"]


def _sources(size: int, before: int, after: int, mode: str) -> np.ndarray:
    """Which of `size` elements stands at each place of the padded dimension."""
    at = np.arange(-before, size + after)
    if mode == "replicate":
        return at.clip(0, size - 1)
    if mode == "circular":  # of what is left where a border is cut off
        first, last = max(-before, 0), size - max(-after, 0)
        return first + (at - first) % (last - first)
    at = np.abs(at)
    return np.where(at < size, at, 2 * (size - 1) - at)


def _check(input: Tensor, size: int, before: int, after: int, mode: str) -> None:
    most = {"reflect": size - 1, "circular": size}.get(mode)
    if most is not None and max(before, after) > most:
        raise RuntimeError(f"pad: {mode} padding ({before}, {after}) of a dimension of {size}: at "
                           f"most {most} elements can be taken, input {tuple(input.shape)}")
    if size < 1 or size + before + after < 1:
        raise RuntimeError(f"pad: padding ({before}, {after}) leaves nothing of a dimension of "
                           f"{size}, input {tuple(input.shape)}")


def pad(input: Tensor, pad: Sequence[int], mode: str = "constant",
        value: float | None = None) -> Tensor:
    """Borders around the last dimensions: (before, after) of the last one, of the one before, ....

    Negative numbers cut off. mode: "constant" (of value, default 0), "reflect" (without repeating
    the edge), "replicate" (the edge) or "circular"; the latter three pad the last one, two or
    three dimensions of (N, C, ...) or (C, ...). Raises RuntimeError where the padding does not
    fit, NotImplementedError for other modes or dimensions.
    """
    if mode == "constant":
        return constant_pad_nd(input, pad, value)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None and value != 0:
        raise ValueError(f"Padding mode '{mode}' doesn't take in value argument")
    dims = len(pad) // 2
    if len(pad) % 2 or not 1 <= dims <= 3 or input.ndim - dims not in (1, 2):
        raise NotImplementedError(f"{mode} padding of {len(pad)} numbers of an input of "
                                  f"{input.ndim} dimensions")
    for i in range(dims):
        before, after, dim = int(pad[2 * i]), int(pad[2 * i + 1]), input.ndim - 1 - i
        if before == after == 0:
            continue
        size = input.size(dim)
        _check(input, size, before, after, mode)
        input = input.index_select(dim, from_numpy(_sources(size, before, after, mode)))
    return input
