"""Dropout of elements and of whole channels, and the kinds that keep mean and variance."""

from __future__ import annotations

import warnings

import fastnn
from fastnn._core.tensor import Tensor

__all__ = ["alpha_dropout", "dropout", "dropout1d", "dropout2d", "dropout3d",
           "feature_alpha_dropout"]


def _check(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """In training, zero each element with probability p and divide the others by 1 - p."""
    _check(p)
    return fastnn.dropout_(input, p, training) if inplace else fastnn.dropout(input, p, training)


def _channels(input: Tensor, p: float, training: bool, inplace: bool, batched: bool) -> Tensor:
    if inplace:
        whole = input if batched else input.unsqueeze(0)
        fastnn.feature_dropout_(whole, p, training)
        return input
    if batched:
        return fastnn.feature_dropout(input, p, training)
    return fastnn.feature_dropout(input.unsqueeze(0), p, training).squeeze(0)


def dropout1d(input: Tensor, p: float = 0.5, training: bool = True,
              inplace: bool = False) -> Tensor:
    """In training, zero each channel of (N, C, L) or (C, L) with probability p."""
    _check(p)
    if input.ndim not in (2, 3):
        raise RuntimeError("dropout1d: Expected 2D or 3D input, but received a "
                           f"{input.ndim}D input; its channels have one spatial dimension")
    return _channels(input, p, training, inplace, input.ndim == 3)


def dropout2d(input: Tensor, p: float = 0.5, training: bool = True,
              inplace: bool = False) -> Tensor:
    """In training, zero each channel of (N, C, H, W) with probability p; of 3D input (N, C, L)."""
    _check(p)
    if input.ndim not in (3, 4):
        warnings.warn(f"dropout2d: Received a {input.ndim}-D input to dropout2d, which is "
                      "deprecated and will result in an error in a future release; use dropout "
                      "instead", stacklevel=2)
    elif input.ndim == 3:
        warnings.warn("dropout2d: Received a 3D input to dropout2d and assuming that channel-wise "
                      "1D dropout behavior is desired; use dropout1d instead", stacklevel=2)
    return _channels(input, p, training, inplace, True)


def dropout3d(input: Tensor, p: float = 0.5, training: bool = True,
              inplace: bool = False) -> Tensor:
    """In training, zero each channel of (N, C, D, H, W) or (C, D, H, W) with probability p."""
    _check(p)
    if input.ndim not in (4, 5):
        warnings.warn(f"dropout3d: Received a {input.ndim}-D input to dropout3d, which is "
                      "deprecated and will result in an error in a future release; use dropout "
                      "instead", stacklevel=2)
    return _channels(input, p, training, inplace, input.ndim == 5)


def alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                  inplace: bool = False) -> Tensor:
    """Dropout to SELU's negative limit, scaled so that mean 0 and variance 1 stay."""
    _check(p)
    return (fastnn.alpha_dropout_ if inplace else fastnn.alpha_dropout)(input, p, training)


def feature_alpha_dropout(input: Tensor, p: float = 0.5, training: bool = False,
                          inplace: bool = False) -> Tensor:
    """alpha_dropout of whole channels."""
    _check(p)
    return (fastnn.feature_alpha_dropout_ if inplace
            else fastnn.feature_alpha_dropout)(input, p, training)
