"""Distributions that are transforms of normal, Cauchy and uniform numbers."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn._info import finfo
from fastnn.distributions import constraints
from fastnn.distributions.continuous import Cauchy, Normal, Uniform
from fastnn.distributions.transformed_distribution import TransformedDistribution
from fastnn.distributions.transforms import (
    AbsTransform,
    AffineTransform,
    ExpTransform,
    StickBreakingTransform,
)
from fastnn.distributions.utils import broadcast_all, euler_constant

__all__ = ["Gumbel", "HalfCauchy", "HalfNormal", "LogNormal", "LogisticNormal"]


class _OfBase(TransformedDistribution):
    """One whose parameters loc and scale are those of its base distribution."""

    @property
    def loc(self) -> Tensor:
        """The base distribution's."""
        return self._base.loc

    @property
    def scale(self) -> Tensor:
        """The base distribution's."""
        return self._base.scale

    @property
    def _base(self) -> Any:
        return self.base_dist


class LogNormal(_OfBase):
    """The exponential of a Normal(loc, scale)."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.positive

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Normal(loc, scale, validate_args), ExpTransform(), validate_args)

    @property
    def mean(self) -> Tensor:
        return (self.loc + self.scale ** 2 / 2).exp()

    @property
    def mode(self) -> Tensor:
        return (self.loc - self.scale ** 2).exp()

    @property
    def variance(self) -> Tensor:
        s = self.scale ** 2
        return s.expm1() * (2 * self.loc + s).exp()

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() + self.loc


class LogisticNormal(_OfBase):
    """A Normal(loc, scale) vector of K - 1 numbers as K that sum to 1."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.simplex

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        base = Normal(loc, scale, validate_args)
        if not base.batch_shape:
            base = base.expand([1])
        super().__init__(base, StickBreakingTransform(), validate_args)

    @property
    def _base(self) -> Any:
        return self.base_dist.base_dist


class _Half(_OfBase):
    """|x| of a distribution that is symmetric around 0."""

    arg_constraints = {"scale": constraints.positive}
    support = constraints.nonnegative
    _of: Any

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(self._of(0, scale, validate_args=False), AbsTransform(), validate_args)

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.scale)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        twice = self.base_dist.log_prob(value) + math.log(2)
        return ops.where(ops.ge(value, 0), twice, -math.inf)

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return 2 * self.base_dist.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self.base_dist.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self.base_dist.entropy() - math.log(2)


class HalfNormal(_Half):
    """|x| of x from Normal(0, scale)."""

    _of = Normal

    @property
    def mean(self) -> Tensor:
        return self.scale * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> Tensor:
        return self.scale ** 2 * (1 - 2 / math.pi)


class HalfCauchy(_Half):
    """|x| of x from Cauchy(0, scale)."""

    _of = Cauchy

    @property
    def mean(self) -> Tensor:
        return ops.full_like(self.scale, math.inf)

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance


class Gumbel(TransformedDistribution):
    """exp(-z - exp(-z)) / scale, z = (x - loc) / scale: of the largest of many numbers."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True  # type: ignore[assignment]

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        info = finfo(self.loc.dtype)
        zero = ops.zeros_like(self.loc)
        base = Uniform(zero + info.tiny, zero + (1 - info.eps), validate_args=validate_args)
        super().__init__(base, [  # -scale log(-log(u)) + loc
            ExpTransform().inv, AffineTransform(0, -ops.ones_like(self.scale)),
            ExpTransform().inv, AffineTransform(self.loc, -self.scale)], validate_args)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        z = (self.loc - value) / self.scale
        return z - z.exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        return (-((self.loc - value) / self.scale).exp()).exp()

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return math.pi / math.sqrt(6) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev ** 2

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return Gumbel(self.loc.expand(list(batch_shape)), self.scale.expand(list(batch_shape)),
                      validate_args=False)
