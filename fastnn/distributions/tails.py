"""Ratios of normal and gamma numbers, and angles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor
from fastnn._info import finfo
from fastnn._sampling import _generator
from fastnn._special import i0e, i1e
from fastnn.distributions import constraints
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.gamma import Chi2, Gamma
from fastnn.distributions.utils import broadcast_all

__all__ = ["FisherSnedecor", "StudentT", "VonMises"]


class StudentT(Distribution):
    """loc + scale z sqrt(df / c), z standard normal, c from Chi2(df)."""

    has_rsample = True
    arg_constraints = {"df": constraints.positive, "loc": constraints.real,
                       "scale": constraints.positive}

    def __init__(self, df: Any, loc: Any = 0.0, scale: Any = 1.0,
                 validate_args: bool | None = None) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df)
        super().__init__(self.df.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.where(self.df > 1, self.loc, math.nan)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        spread = self.scale ** 2 * self.df / (self.df - 2)
        spread = spread.masked_fill(self.df <= 2, math.inf)
        return spread.masked_fill(self.df <= 1, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        z = ops.randn(self._extended_shape(sample_shape), dtype=self.df.dtype)
        return self.loc + self.scale * z * (self._chi2.rsample(sample_shape) / self.df).rsqrt()

    def _log_scale(self) -> Tensor:
        return (self.scale.log() + 0.5 * self.df.log() + 0.5 * math.log(math.pi)
                + (0.5 * self.df).lgamma() - (0.5 * (self.df + 1)).lgamma())

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        y = (value - self.loc) / self.scale
        return -0.5 * (self.df + 1) * (y ** 2 / self.df).log1p() - self._log_scale()

    def entropy(self) -> Tensor:
        half = 0.5 * (self.df + 1)
        return self._log_scale() + half * (half.digamma() - (0.5 * self.df).digamma())


class FisherSnedecor(Distribution):
    """(a / df1) / (b / df2), a from Chi2(df1), b from Chi2(df2)."""

    has_rsample = True
    arg_constraints = {"df1": constraints.positive, "df2": constraints.positive}
    support = constraints.positive

    def __init__(self, df1: Any, df2: Any, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        self._gamma1 = Gamma(self.df1 * 0.5, self.df1)
        self._gamma2 = Gamma(self.df2 * 0.5, self.df2)
        super().__init__(self.df1.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return ops.where(self.df2 > 2, self.df2 / (self.df2 - 2), math.nan)

    @property
    def mode(self) -> Tensor:
        mode = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return ops.where(self.df1 > 2, mode, math.nan)

    @property
    def variance(self) -> Tensor:
        a, b = self.df1, self.df2
        spread = 2 * b ** 2 * (a + b - 2) / (a * (b - 2) ** 2 * (b - 4))
        return ops.where(b > 4, spread, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        below = self._gamma2.rsample(sample_shape).clamp(min=finfo(self.df2.dtype).tiny)
        return self._gamma1.rsample(sample_shape) / below

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.df1 * 0.5, self.df2 * 0.5
        ratio = self.df1 / self.df2
        return ((a + b).lgamma() - a.lgamma() - b.lgamma() + a * ratio.log()
                + (a - 1) * value.log() - (a + b) * (ratio * value).log1p())


class VonMises(Distribution):
    """exp(k cos(x - loc)) / (2 pi i0(k)), k = concentration: of angles in [-pi, pi)."""

    arg_constraints = {"loc": constraints.real, "concentration": constraints.positive}

    def __init__(self, loc: Any, concentration: Any, validate_args: bool | None = None) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        return 1 - i1e(self.concentration) / i0e(self.concentration)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        rng = _generator(None)

        def draw(loc: Any, k: Any) -> Any:
            x = np.asarray(rng.vonmises(0.0, k)) + loc
            return ((x + np.pi) % (2 * np.pi) - np.pi).astype(loc.dtype)

        shape = list(self._extended_shape(sample_shape))
        return host_op("von_mises", draw, self.loc.detach().expand(shape).contiguous(),
                       self.concentration.detach().expand(shape).contiguous())

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        k = self.concentration
        return k * ((value - self.loc).cos() - 1) - (2 * math.pi * i0e(k)).log()
