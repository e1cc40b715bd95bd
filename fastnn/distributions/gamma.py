"""Gamma, and what is made of it: Beta, Dirichlet, Chi2."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.host import host_op
from fastnn._core.ops.index import one_hot
from fastnn._core.tensor import Tensor
from fastnn._sampling import _generator
from fastnn._special import igamma
from fastnn.autograd import Function, is_grad_enabled
from fastnn.distributions import constraints
from fastnn.distributions.distribution import ExponentialFamily
from fastnn.distributions.utils import broadcast_all

__all__ = ["Beta", "Chi2", "Dirichlet", "Gamma"]

LARGE = 500.0  # above it a gamma is nearly the cube of a normal (Wilson and Hilferty)
_lgamma = np.vectorize(math.lgamma, otypes=[np.float64])


def _slope(a: Any, x: Any) -> Any:
    """dx/da of a gamma sample at a fixed probability P: -dP/da / p.

    P = sum of t_n, t_n = x^(a + n) e^-x / Gamma(a + n + 1), and dt_n/da = t_n (log x - psi(a + n
    + 1)), whose psi grows by 1 / (a + n + 1) from term to term.
    """
    a, x = a.astype(np.float64), np.maximum(x.astype(np.float64), 1e-300)
    small = np.minimum(a, LARGE)
    log_x = np.log(x)
    log_t = small * log_x - x - _lgamma(small + 1)
    t = np.exp(log_t)
    q = small + 1
    psi = np.log(q + 12) - 0.5 / (q + 12) - 1 / (12 * (q + 12) ** 2) + 1 / (
        120 * (q + 12) ** 4) - 1 / (252 * (q + 12) ** 6)
    for k in range(12):
        psi = psi - 1 / (q + k)
    total = t * (log_x - psi)
    reach = np.where(a > LARGE, 0.0, x)
    for _ in range(int(reach.max(initial=0.0) + 12 * math.sqrt(reach.max(initial=0.0)) + 60)):
        t = t * x / q
        psi = psi + 1 / q
        q = q + 1
        total = total + t * (log_x - psi)
    density = np.exp(log_t) * small / x
    with np.errstate(all="ignore"):
        exact = -total / density
        root = np.cbrt(x / np.maximum(a, 1.0))  # x = a root^3, root = 1 - 1/(9a) + z/(3 sqrt a)
        z = (root - 1 + 1 / (9 * a)) * 3 * np.sqrt(a)
        bent = root ** 3 + 3 * a * root ** 2 * (1 / (9 * a ** 2) - z / (6 * a ** 1.5))
        return np.where(a > LARGE, bent, np.where(density > 0, exact, 0.0))


class _StandardGamma(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        rng = _generator(None)
        tiny = 2.0**-126 if str(a.dtype).endswith("float32") else 2.0**-1022
        x = host_op("standard_gamma", lambda v: np.maximum(
            np.asarray(rng.standard_gamma(v)).astype(v.dtype), tiny), a)
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        a, x = ctx.saved_tensors
        if is_grad_enabled() and g.requires_grad:
            raise NotImplementedError("the samples of Gamma, Beta and Dirichlet have no second "
                                      "derivative")
        return g * host_op("standard_gamma_bwd", lambda p, q: _slope(p, q).astype(p.dtype),
                           a.detach(), x.detach())


class Gamma(ExponentialFamily):
    """rate^a x^(a - 1) exp(-rate x) / Gamma(a), a = concentration.

    rsample's gradient is that of the sample at a fixed probability (Figurnov et al. 2018,
    https://arxiv.org/abs/1805.08498); it has no second derivative.
    """

    has_rsample = True
    arg_constraints = {"concentration": constraints.positive, "rate": constraints.positive}
    support = constraints.nonnegative

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate ** 2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = list(self._extended_shape(sample_shape))
        return _StandardGamma.apply(self.concentration.expand(shape)) / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a = self.concentration
        return (ops.xlogy(a, self.rate) + ops.xlogy(a - 1, value) - self.rate * value
                - a.lgamma())

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return igamma(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()


class Chi2(Gamma):
    """The sum of the squares of df standard normal numbers: Gamma(df / 2, 1 / 2)."""

    arg_constraints = {"df": constraints.positive}

    def __init__(self, df: Any, validate_args: bool | None = None) -> None:
        (self.df,) = broadcast_all(df)
        super().__init__(0.5 * self.df, 0.5, validate_args)


class Dirichlet(ExponentialFamily):
    """Points of the simplex with density prod x^(a - 1) / B(a). Shapes: concentration (*, K)."""

    has_rsample = True
    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        super().__init__(concentration.shape[:-1], concentration.shape[-1:], validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        less = (self.concentration - 1).clamp(min=0.0)
        mode = less / less.sum(-1, True)
        outside = (self.concentration < 1).all(-1)  # then a corner
        corner = one_hot(mode.argmax(-1), less.shape[-1]).to(mode.dtype)
        return ops.where(outside.unsqueeze(-1), corner, mode)

    @property
    def variance(self) -> Tensor:
        total = self.concentration.sum(-1, keepdim=True)
        return self.concentration * (total - self.concentration) / (total ** 2 * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = list(self._extended_shape(sample_shape))
        x = _StandardGamma.apply(self.concentration.expand(shape))
        return x / x.sum(-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a = self.concentration
        return (ops.xlogy(a - 1, value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1))

    def entropy(self) -> Tensor:
        a, k = self.concentration, self.concentration.shape[-1]
        total = a.sum(-1)
        return (a.lgamma().sum(-1) - total.lgamma() - (k - total) * total.digamma()
                - ((a - 1) * a.digamma()).sum(-1))


class Beta(ExponentialFamily):
    """x^(a - 1) (1 - x)^(b - 1) / B(a, b), a = concentration1, b = concentration0."""

    has_rsample = True
    arg_constraints = {"concentration1": constraints.positive,
                       "concentration0": constraints.positive}
    support = constraints.unit_interval

    def __init__(self, concentration1: Any, concentration0: Any,
                 validate_args: bool | None = None) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        self._dirichlet = Dirichlet(ops.stack([self.concentration1, self.concentration0], -1),
                                    validate_args)
        super().__init__(self.concentration1.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / (self.concentration1 + self.concentration0)

    @property
    def mode(self) -> Tensor:
        return self._dirichlet.mode[..., 0]

    @property
    def variance(self) -> Tensor:
        total = self.concentration1 + self.concentration0
        return self.concentration1 * self.concentration0 / (total ** 2 * (total + 1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._dirichlet.rsample(sample_shape).select(-1, 0)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        return (ops.xlogy(a - 1, value) + ops.xlogy(b - 1, 1 - value) + (a + b).lgamma()
                - a.lgamma() - b.lgamma())

    def entropy(self) -> Tensor:
        return self._dirichlet.entropy()
