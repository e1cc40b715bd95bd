"""Kullback-Leibler divergences, by the classes of both distributions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fastnn._core import ops
from fastnn._core.ops.activation import softplus
from fastnn._core.tensor import Tensor
from fastnn.distributions.continuous import Exponential, Laplace, LogNormal, Normal, Uniform
from fastnn.distributions.counts import Poisson
from fastnn.distributions.discrete import (
    Bernoulli,
    Categorical,
    Geometric,
    OneHotCategorical,
)
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.gamma import Beta, Dirichlet, Gamma
from fastnn.distributions.multivariate_normal import Independent, MultivariateNormal

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


@register_kl(LogNormal, LogNormal)
def _log_normal(p: LogNormal, q: LogNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


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
    return p._total(kl_divergence(p.base_dist, q.base_dist))
