"""Higher derivatives of the logarithm of the gamma function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.dtypes import get_default_dtype
from fastnn._core.host import host_op
from fastnn._core.ops.elementary import use_polygamma
from fastnn._core.tensor import Tensor, register
from fastnn.autograd import Function

__all__ = ["polygamma"]

# Bernoulli numbers B2, B4, ... over (2j)!, of the Euler-Maclaurin formula.
CORRECTIONS = [1 / 12, -1 / 720, 1 / 30240, -1 / 1209600, 1 / 47900160, -691 / 1307674368000,
               1 / 74724249600, -3617 / 10670622842880000]


def _zeta(s: int, q: Any) -> Any:
    """Sum over k >= 0 of (q + k)^-s, in float64."""
    q = q.astype(np.float64)
    total = np.zeros_like(q)
    with np.errstate(all="ignore"):
        for _ in range(400):
            small = q < 12  # the series converges above
            if not small.any():
                break
            total = np.where(small, total + q ** -s, total)
            q = np.where(small, q + 1, q)
        total += q ** (1 - s) / (s - 1) + 0.5 * q ** -s
        rising = float(s)
        for j, b in enumerate(CORRECTIONS):
            total += b * rising * q ** (-s - 2 * j - 1)
            rising *= (s + 2 * j + 1) * (s + 2 * j + 2)
    return total


class _Polygamma(Function):
    @staticmethod
    def forward(ctx: Any, n: int, x: Tensor) -> Tensor:
        ctx.n = n
        ctx.save_for_backward(x)
        factor = (-1.0) ** (n + 1) * math.factorial(n)
        return host_op("polygamma", lambda a: (factor * _zeta(n + 1, a)).astype(a.dtype), x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        return None, g * polygamma(ctx.n + 1, x)


def polygamma(n: int, input: Tensor) -> Tensor:
    """The n-th derivative of digamma.  dx = dy polygamma(n + 1, x). Raises RuntimeError if n < 0.
    """
    if n < 0:
        raise RuntimeError(f"polygamma(n, x) does not support negative n, but got {n}")
    x = input if input.is_floating_point() else input.to(get_default_dtype())
    return ops.digamma(x) if n == 0 else _Polygamma.apply(n, x)


use_polygamma(polygamma)


def _polygamma(input: Tensor, n: int) -> Tensor:
    """polygamma(n, input)."""
    return polygamma(n, input)


register("polygamma", _polygamma)
