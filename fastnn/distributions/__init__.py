"""Probability distributions: sampling, log-probabilities, entropies, divergences."""

from fastnn._dotted import attach as _attach
from fastnn.distributions.constraint_registry import biject_to, transform_to
from fastnn.distributions.continuous import Cauchy, Exponential, Laplace, Normal, Uniform
from fastnn.distributions.counts import Binomial, Multinomial, NegativeBinomial, Poisson
from fastnn.distributions.derived import (
    Gumbel,
    HalfCauchy,
    HalfNormal,
    LogisticNormal,
    LogNormal,
)
from fastnn.distributions.discrete import (
    Bernoulli,
    Categorical,
    Geometric,
    OneHotCategorical,
    OneHotCategoricalStraightThrough,
)
from fastnn.distributions.distribution import Distribution, ExponentialFamily
from fastnn.distributions.gamma import Beta, Chi2, Dirichlet, Gamma
from fastnn.distributions.independent import Independent, MixtureSameFamily
from fastnn.distributions.kl import kl_divergence, register_kl
from fastnn.distributions.multivariate_normal import LowRankMultivariateNormal, MultivariateNormal
from fastnn.distributions.powers import InverseGamma, Kumaraswamy, Pareto, Weibull
from fastnn.distributions.relaxed import RelaxedBernoulli, RelaxedOneHotCategorical
from fastnn.distributions.tails import FisherSnedecor, StudentT, VonMises
from fastnn.distributions.transformed_distribution import TransformedDistribution
from fastnn.distributions.transforms import *
from fastnn.distributions.transforms import __all__ as _transforms

__all__ = ["Bernoulli", "Beta", "Binomial", "Categorical", "Cauchy", "Chi2", "Dirichlet",
           "Distribution", "Exponential", "ExponentialFamily", "FisherSnedecor", "Gamma",
           "Geometric", "Gumbel", "HalfCauchy", "HalfNormal", "Independent", "InverseGamma",
           "Kumaraswamy", "Laplace", "LogNormal", "LogisticNormal", "LowRankMultivariateNormal",
           "MixtureSameFamily", "Multinomial", "MultivariateNormal", "NegativeBinomial", "Normal",
           "OneHotCategorical", "OneHotCategoricalStraightThrough", "Pareto", "Poisson",
           "RelaxedBernoulli", "RelaxedOneHotCategorical", "StudentT", "TransformedDistribution",
           "Uniform", "VonMises", "Weibull", "biject_to", "kl_divergence", "register_kl",
           "transform_to", *_transforms]

_attach(__name__)
