"""Derivatives of log gamma, its incomplete integrals, modified Bessel functions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.dtypes import get_default_dtype
from fastnn._core.host import host_op
from fastnn._core.ops.elementary import use_polygamma
from fastnn._core.tensor import Tensor, register
from fastnn._elementwise import inplace, only_tensors
from fastnn.autograd import Function

__all__ = ["i0", "igamma", "igammac", "polygamma"]

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
register("polygamma_", inplace(_polygamma))


# ------------------------------------------------------------------ incomplete gamma functions

_lgamma = np.vectorize(math.lgamma, otypes=[np.float64])


def _below(a: Any, x: Any) -> Any:
    """P(a, x) by its series x^a e^-x / Gamma(a + 1) (1 + x / (a + 1) + ...), for x < a + 1."""
    term = total = np.ones_like(x)
    n = 0
    while n < 100000 and (term > 1e-17 * total).any():
        n += 1
        term = term * x / (a + n)
        total = total + term
    return total * np.exp(a * np.log(x) - x - _lgamma(a + 1))


def _above(a: Any, x: Any) -> Any:
    """1 - P(a, x) by Lentz's continued fraction, for x >= a + 1."""
    b = x + 1 - a
    d = 1 / b
    c, h = np.full_like(b, 1e300), d
    for n in range(1, 100000):
        b = b + 2
        d = 1 / (b - n * (n - a) * d)
        c = b - n * (n - a) / c
        h = h * c * d
        if (np.abs(c * d - 1) < 1e-16).all():
            break
    return h * np.exp(a * np.log(x) - x - _lgamma(a))


def _incomplete(upper: bool) -> Any:
    def integral(a: Any, x: Any) -> Any:
        kind = np.result_type(a, x)
        a, x = np.broadcast_arrays(a.astype(np.float64), x.astype(np.float64))
        below = np.where(x == 0, 0.0, np.where(a == 0, 1.0, np.nan))
        below = np.where((a > 0) & (x == np.inf), 1.0, below)
        below = np.where((a < 0) | (x < 0) | ((a == 0) & (x == 0)), np.nan, below)
        y = 1 - below if upper else below
        inside = (a > 0) & (x > 0) & (x < np.inf)
        for part, f, above in ((inside & (x < a + 1), _below, False),
                               (inside & (x >= a + 1), _above, True)):
            if part.any():
                value = f(a[part], x[part])
                y[part] = value if above == upper else 1 - value
        return y.astype(kind)
    return integral


class _Incomplete(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, x: Tensor, upper: bool) -> Tensor:
        ctx.save_for_backward(a, x)
        ctx.upper = upper
        return host_op("igammac" if upper else "igamma", _incomplete(upper), a, x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        if ctx.needs_input_grad[0]:
            raise NotImplementedError("the derivative of igamma and igammac with respect to input, "
                                      "the shape of the gamma function, is not implemented")
        a, x = ctx.saved_tensors
        density = (ops.xlogy(a - 1, x) - x - a.lgamma()).exp()
        gx = g * (-density if ctx.upper else density)
        return None, gx.sum_to_size(x.shape), None


def igamma(input: Tensor, other: Tensor) -> Tensor:
    """P(a, x) = integral of t^(a - 1) e^-t from 0 to x, over Gamma(a); a = input, x = other.

    dx = dy x^(a - 1) e^-x / Gamma(a). There is no derivative with respect to a.
    """
    only_tensors("igamma", input, other)
    return _Incomplete.apply(input, other, False)


def igammac(input: Tensor, other: Tensor) -> Tensor:
    """1 - igamma(input, other), also where that is tiny."""
    only_tensors("igammac", input, other)
    return _Incomplete.apply(input, other, True)


for _f in (igamma, igammac):
    register(_f.__name__, _f)
    register(_f.__name__ + "_", inplace(_f))


# ------------------------------------------------------------------ modified Bessel functions


def _scaled_bessel(n: int, x: Any) -> Any:
    """exp(-|x|) I_n(x) for n 0 or 1: by its power series up to 30, by Hankel's expansion above."""
    a = np.abs(x.astype(np.float64))
    small, large = np.minimum(a, 30.0), np.maximum(a, 30.0)
    term = total = (small / 2) ** n * np.exp(-small)
    for k in range(1, 80):
        term = term * (small / 2) ** 2 / (k * (k + n))
        total = total + term
    part = far = np.ones_like(large)
    for k in range(1, 25):
        part = part * -(4 * n * n - (2 * k - 1) ** 2) / (8 * k * large)
        far = far + part
    y = np.where(a > 30, far / np.sqrt(2 * np.pi * large), total)
    return (np.sign(x) * y if n else y).astype(x.dtype)


class _ScaledBessel(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, n: int) -> Tensor:
        ctx.save_for_backward(x)
        ctx.n = n
        return host_op(f"i{n}e", lambda a: _scaled_bessel(n, a), x)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        (x,) = ctx.saved_tensors
        if ctx.n == 0:
            return g * (i1e(x) - x.sign() * i0e(x)), None
        ratio = ops.where(x == 0, ops.full_like(x, 0.5), i1e(x) / x)  # I_1(x) / x at 0 is 1/2
        return g * (i0e(x) - x.sign() * i1e(x) - ratio), None


def _bessel(n: int, input: Tensor) -> Tensor:
    x = input if input.is_floating_point() else input.to(get_default_dtype())
    return _ScaledBessel.apply(x, n)


def i0e(input: Tensor) -> Tensor:
    """exp(-|x|) i0(x).  dx = dy (i1e(x) - sign(x) i0e(x))."""
    return _bessel(0, input)


def i1e(input: Tensor) -> Tensor:
    """exp(-|x|) i1(x).  dx = dy (i0e(x) - i1e(x) (sign(x) + 1 / x))."""
    return _bessel(1, input)


def i0(input: Tensor) -> Tensor:
    """The modified Bessel function of order 0: sum of (x / 2)^(2k) / k!^2."""
    return i0e(input) * input.abs().exp()


def i1(input: Tensor) -> Tensor:
    """The modified Bessel function of order 1: sum of (x / 2)^(2k + 1) / (k! (k + 1)!)."""
    return i1e(input) * input.abs().exp()


register("i0", i0)
register("i0_", inplace(i0))
