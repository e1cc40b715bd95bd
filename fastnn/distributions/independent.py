"""Batches of distributions as one event, and mixtures of them."""

from __future__ import annotations

from typing import Any

from fastnn._core.tensor import Tensor
from fastnn.distributions import constraints
from fastnn.distributions.discrete import Categorical
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.utils import _sum_rightmost

__all__ = ["Independent", "MixtureSameFamily"]


class Independent(Distribution):
    """The last dimensions of a distribution's batch as dimensions of its events."""

    arg_constraints: dict[str, Any] = {}

    def __init__(self, base_distribution: Distribution, reinterpreted_batch_ndims: int,
                 validate_args: bool | None = None) -> None:
        n, shape = reinterpreted_batch_ndims, base_distribution.batch_shape
        if n > len(shape):
            raise ValueError("Expected reinterpreted_batch_ndims <= len(base_distribution."
                             f"batch_shape), actual {n} vs {len(shape)}")
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = n
        cut = len(shape) - n
        super().__init__(shape[:cut], shape[cut:] + base_distribution.event_shape, validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution has it."""
        return self.base_dist.has_rsample

    @property
    def has_enumerate_support(self) -> bool:  # type: ignore[override]
        """Whether the base distribution has it, and events are its own."""
        return self.base_dist.has_enumerate_support and not self.reinterpreted_batch_ndims

    @constraints.dependent_property
    def support(self) -> Any:  # type: ignore[override]
        """The base distribution's, of larger events."""
        base, n = self.base_dist.support, self.reinterpreted_batch_ndims
        return constraints.independent(base, n) if n else base

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        return _sum_rightmost(self.base_dist.log_prob(value), self.reinterpreted_batch_ndims)

    def entropy(self) -> Tensor:
        return _sum_rightmost(self.base_dist.entropy(), self.reinterpreted_batch_ndims)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        if self.reinterpreted_batch_ndims:
            raise NotImplementedError("Enumeration over cartesian product is not implemented")
        return self.base_dist.enumerate_support(expand)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        own = self.event_shape[:self.reinterpreted_batch_ndims]
        return Independent(self.base_dist.expand([*batch_shape, *own]),
                           self.reinterpreted_batch_ndims, validate_args=False)

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamily(Distribution):
    """sum_k w_k p_k(x): the last batch dimension of p are the components, mixed with weights w."""

    arg_constraints: dict[str, Any] = {}

    def __init__(self, mixture_distribution: Categorical, component_distribution: Distribution,
                 validate_args: bool | None = None) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("The Mixture distribution needs to be an instance of "
                             "torch.distributions.Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution need to be an instance of "
                             "torch.distributions.Distribution")
        shape = component_distribution.batch_shape
        if not shape or shape[-1] != mixture_distribution._num_events:
            raise ValueError(f"{mixture_distribution._num_events} components of the mixture do not "
                             f"equal component_distribution.batch_shape[-1] of {shape}")
        for m, c in zip(reversed(mixture_distribution.batch_shape), reversed(shape[:-1]),
                        strict=False):
            if m != 1 and c != 1 and m != c:
                raise ValueError("`mixture_distribution.batch_shape` is not compatible with "
                                 f"`component_distribution.batch_shape` ({shape})")
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        super().__init__(shape[:-1], component_distribution.event_shape, validate_args)

    @property
    def mixture_distribution(self) -> Categorical:
        """The weights."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    @constraints.dependent_property
    def support(self) -> Any:  # type: ignore[override]
        """The components'."""
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    def _mixed(self, x: Tensor) -> Tensor:
        """The mean over components of what each of them has."""
        weights = self._mixture_distribution.probs
        at = -1 - len(self._event_shape)
        return (weights.reshape([*weights.shape, *[1] * len(self._event_shape)]) * x).sum(at)

    @property
    def mean(self) -> Tensor:
        return self._mixed(self._component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        each = self._component_distribution
        away = each.mean - self.mean.unsqueeze(-1 - len(self._event_shape))
        return self._mixed(each.variance) + self._mixed(away ** 2)

    def cdf(self, value: Tensor) -> Tensor:
        return (self._component_distribution.cdf(value.unsqueeze(-1))
                * self._mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        each = self._component_distribution.log_prob(
            value.unsqueeze(-1 - len(self._event_shape)))
        return (each + self._mixture_distribution.logits.log_softmax(-1)).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        which = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
        values = self._component_distribution.sample(sample_shape)
        events = len(self._event_shape)
        which = which.reshape([*which.shape, *[1] * (events + 1)])
        which = which.expand([*which.shape[:which.ndim - events - 1], 1, *self._event_shape])
        return values.gather(which.ndim - events - 1, which).squeeze(-1 - events)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        n = self._mixture_distribution._num_events
        return MixtureSameFamily(self._mixture_distribution.expand(batch_shape),
                                 self._component_distribution.expand([*batch_shape, n]),
                                 validate_args=False)

    def __repr__(self) -> str:
        return (f"MixtureSameFamily(\n  {self._mixture_distribution!r},\n  "
                f"{self._component_distribution!r})")
