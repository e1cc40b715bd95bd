"""Probability distributions: sampling, log-probabilities, entropies, divergences."""

from fastnn.distributions.continuous import Exponential, Laplace, LogNormal, Normal, Uniform
from fastnn.distributions.counts import Multinomial, Poisson
from fastnn.distributions.discrete import (
    Bernoulli,
    Categorical,
    Geometric,
    OneHotCategorical,
)
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.gamma import Beta, Chi2, Dirichlet, Gamma
from fastnn.distributions.kl import kl_divergence, register_kl
from fastnn.distributions.multivariate_normal import Independent, MultivariateNormal

__all__ = ["Bernoulli", "Beta", "Categorical", "Chi2", "Dirichlet", "Distribution", "Exponential",
           "Gamma", "Geometric", "Independent", "Laplace", "LogNormal", "Multinomial",
           "MultivariateNormal", "Normal", "OneHotCategorical", "Poisson", "Uniform",
           "kl_divergence", "register_kl"]
