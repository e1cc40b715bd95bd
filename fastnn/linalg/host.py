"""What all of linear algebra has in common: its checks, and NumPy as a host op."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor


class LinAlgError(RuntimeError):
    """LAPACK refused a matrix: it is singular, or not positive definite."""


def check(name: str, a: Tensor, square: bool = False) -> None:
    """Refuse what is no floating matrix, or batch of them; square: no square one."""
    if not isinstance(a, Tensor):
        raise TypeError(f"linalg.{name}: expected a Tensor, got {type(a).__name__}")
    if a.ndim < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    if square and a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"linalg.{name}: A must be batches of square matrices, but they are "
                           f"{a.shape[-2]} by {a.shape[-1]} matrices")
    if not a.is_floating_point():
        raise RuntimeError(f"linalg.{name}: Expected a floating point tensor as input. Got "
                           f"{a.dtype}")


def host(name: str, function: Callable[..., Any], *tensors: Tensor) -> Any:
    """function of the tensors' arrays as a host op; LAPACK's refusals become LinAlgError."""
    try:
        return host_op(f"linalg.{name}", function, *tensors)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg: {error}") from None
