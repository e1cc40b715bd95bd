"""Special functions under the names that torch.special gives them."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.ops import (
    digamma,
    erf,
    erfc,
    erfinv,
    exp2,
    expm1,
    lgamma,
    log1p,
    log_softmax,
    logsumexp,
    round,
    sigmoid,
    softmax,
    xlogy,
)
from fastnn._core.tensor import Tensor
from fastnn._elementwise import logit, mvlgamma, sinc
from fastnn._special import i0, i0e, i1, i1e, igamma, igammac, polygamma

__all__ = ["digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammainc",
           "gammaincc", "gammaln", "i0", "i0e", "i1", "i1e", "log1p", "log_ndtr", "log_softmax",
           "logit", "logsumexp", "multigammaln", "ndtr", "ndtri", "polygamma", "psi", "round",
           "sinc", "softmax", "xlog1py", "xlogy"]

expit, gammaln, psi, multigammaln = sigmoid, lgamma, digamma, mvlgamma
gammainc, gammaincc = igamma, igammac


def entr(input: Tensor) -> Tensor:
    """-x log x; 0 at 0, -inf below."""
    return (-ops.xlogy(input, input)).masked_fill(input < 0, -math.inf)


def ndtr(input: Tensor) -> Tensor:
    """The normal distribution function."""
    return 0.5 * (input * -math.sqrt(0.5)).erfc()


def log_ndtr(input: Tensor) -> Tensor:
    """log(ndtr(x)), also far below 0, where it is by its asymptotic series."""
    far = input < -10
    x: Any = input.masked_fill(~far, -10.0)
    z = x ** -2
    series = 1 - z * (1 - z * (3 - z * (15 - z * (105 - z * (945 - z * 10395)))))
    tail = -0.5 * x * x - (-x).log() - 0.5 * math.log(2 * math.pi) + series.log()
    return ops.where(far, tail, ndtr(input.masked_fill(far, 0.0)).log())


def ndtri(input: Tensor) -> Tensor:
    """The inverse of ndtr."""
    return math.sqrt(2) * (2 * input - 1).erfinv()


def xlog1py(input: Any, other: Any) -> Tensor:
    """x log(1 + y), 0 where x is 0."""
    if not isinstance(other, Tensor):
        return ops.xlogy(input, 1 + other)
    x = input if isinstance(input, Tensor) else ops.full((), float(input), dtype=other.dtype)
    zero = (x == 0) & ~other.isnan()
    return (x * other.masked_fill(zero, 0.0).log1p())
