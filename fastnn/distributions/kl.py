"""Kullback-Leibler divergences, by the classes of both distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnn._core import ops
from fastnn._core.ops.activation import softplus
from fastnn._core.tensor import Tensor
from fastnn.distributions.continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from fastnn.distributions.counts import Binomial, Poisson
from fastnn.distributions.derived import Gumbel, HalfNormal
from fastnn.distributions.discrete import (
    Bernoulli,
    Categorical,
    Geometric,
    OneHotCategorical,
)
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.gamma import Beta, Dirichlet, Gamma
from fastnn.distributions.independent import Independent
from fastnn.distributions.multivariate_normal import MultivariateNormal
from fastnn.distributions.powers import Pareto
from fastnn.distributions.transformed_distribution import TransformedDistribution
from fastnn.distributions.utils import _sum_rightmost, euler_constant

__all__ = ["kl_divergence", "register_kl"]

_known: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}


def register_kl(type_p: type, type_q: type) -> Callable[[Any], Any]:
    """A decorator: the function gives KL(p, q) for these classes and those below them."""
    if not issubclass(type_p, Distribution) or not issubclass(type_q, Distribution):
        raise TypeError("Expected type_p and type_q to be Distribution subclasses")

    def keep(function: Any) -> Any:
        _known[type_p, type_q] = function
        return function
    return keep


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p, q) = E_p[log p(x) - log q(x)]. Raises NotImplementedError for pairs without a form."""
    for a in type(p).__mro__:
        for b in type(q).__mro__:
            if (a, b) in _known:
                return _known[a, b](p, q)
    raise NotImplementedError(f"No KL(p || q) is implemented for p type {type(p).__name__} and q "
                              f"type {type(q).__name__}")


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    y = ((q.high - q.low) / (p.high - p.low)).log()
    return y.masked_fill((q.low > p.low) | (q.high < p.high), math.inf)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    ratio, d = p.scale / q.scale, (p.loc - q.loc).abs()
    return -ratio.log() + d / q.scale + ratio * (-d / p.scale).exp() - 1


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    hit = p.probs * (softplus(-q.logits) - softplus(-p.logits))
    hit = hit.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0.0)
    miss = (1 - p.probs) * (softplus(q.logits) - softplus(p.logits))
    return hit + miss.masked_fill(q.probs == 1, math.inf).masked_fill(p.probs == 1, 0.0)


@register_kl(Categorical, Categorical)
def _categorical(p: Any, q: Any) -> Tensor:
    t = p.probs * (p.logits - q.logits)
    return t.masked_fill(q.probs == 0, math.inf).masked_fill(p.probs == 0, 0.0).sum(-1)


register_kl(OneHotCategorical, OneHotCategorical)(_categorical)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    return (q.concentration * (p.rate / q.rate).log() + q.concentration.lgamma()
            - p.concentration.lgamma() + (p.concentration - q.concentration)
            * p.concentration.digamma() + (q.rate - p.rate) * (p.concentration / p.rate))


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    return (total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
            + ((a - b) * (a.digamma() - total.digamma().unsqueeze(-1))).sum(-1))


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError("KL-divergence between two Multivariate Normals with different event "
                         "shapes cannot be computed")
    from fastnn import linalg
    n = p.event_shape[0]
    low, other = ops.broadcast_tensors(q.scale_tril, p.scale_tril)
    spread = linalg.solve_triangular(low, other, upper=False).pow(2).sum((-2, -1))
    d = (q.loc - p.loc).unsqueeze(-1)
    away = linalg.solve_triangular(low, d.expand([*low.shape[:-1], 1]), upper=False)
    return (q._half_log_det() - p._half_log_det()
            + 0.5 * (spread + away.squeeze(-1).pow(2).sum(-1) - n))


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL between Independents of different dimensions")
    return _sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL between distributions of different transforms")
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    """Chyzak and Nielsen 2019, https://arxiv.org/abs/1905.10965."""
    return (((p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2).log()
            - (4 * p.scale * q.scale).log())


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, away = p.scale / q.scale, (p.loc - q.loc) / q.scale
    return (-ratio.log() + away + ratio * euler_constant + ((1 + ratio).lgamma() - away).exp()
            - (1 + euler_constant))


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    y = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return y.masked_fill(p.scale < q.scale, math.inf)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if bool((p.total_count < q.total_count).any()):
        raise NotImplementedError("KL between Binomials where q.total_count > p.total_count is not "
                                  "implemented")
    kl = p.total_count * (p.probs * (p.logits - q.logits) + (-p.probs).log1p()
                          - (-q.probs).log1p())
    return kl.masked_fill(p.total_count > q.total_count, math.inf)


# ------------------------------------------------------------------ of different families


def _from_normal(p: Any, q: Normal) -> Tensor:
    """-H(p) + E_p[(x - loc)^2] / (2 scale^2) + log(scale sqrt(2 pi))."""
    away = p.variance + (p.mean - q.loc) ** 2
    return (-p.entropy() + away / (2 * q.scale ** 2)
            + (q.scale * math.sqrt(2 * math.pi)).log())


def _from_exponential(p: Any, q: Exponential) -> Tensor:
    """-H(p) + rate E_p[x] - log(rate)."""
    return -p.entropy() + q.rate * p.mean - q.rate.log()


def _infinite(p: Any, q: Any) -> Tensor:
    """p has values that q has not."""
    shape = ops.broadcast_shapes(p.batch_shape, q.batch_shape)
    return ops.full(shape, math.inf, dtype=p.mean.dtype)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    d = p.loc - q.loc
    z = d / p.scale
    away = math.sqrt(2 / math.pi) * p.scale * (-0.5 * z ** 2).exp() + d * (math.sqrt(0.5) * z).erf()
    return -p.entropy() + away / q.scale + (2 * q.scale).log()


_p: type
for _p in (Beta, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform):
    register_kl(_p, Normal)(_from_normal)
for _p in (Beta, Gamma, Pareto):
    register_kl(_p, Exponential)(_from_exponential)
for _p, _them in {Normal: (Beta, Exponential, Gamma, Pareto, Uniform),
                  Laplace: (Beta, Exponential, Gamma, Pareto, Uniform),
                  Gumbel: (Beta, Exponential, Gamma, Pareto, Uniform),
                  Exponential: (Beta, Pareto, Uniform), Gamma: (Beta, Pareto, Uniform),
                  Pareto: (Beta, Uniform), Beta: (Pareto,),
                  Poisson: (Bernoulli, Binomial)}.items():
    for _q in _them:
        register_kl(_p, _q)(_infinite)
