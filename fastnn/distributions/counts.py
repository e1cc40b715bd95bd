"""Distributions of counts."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn._sampling import poisson
from fastnn.distributions.discrete import Categorical
from fastnn.distributions.distribution import Distribution, tensors

__all__ = ["Multinomial", "Poisson"]


class Multinomial(Distribution):
    """How often each of K outcomes comes in total_count draws. Shapes: probs (*, K)."""

    arg_constraints = {"probs": "simplex", "logits": "real vector"}
    support = "nonnegative integer"  # type: ignore[assignment]

    def __init__(self, total_count: int = 1, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits, validate_args)
        super().__init__(self._categorical.batch_shape, (self._categorical._num_events,),
                         validate_args)

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """Their logarithms."""
        return self._categorical.logits

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        drawn = self._categorical.sample((self.total_count, *sample_shape))
        counts = self.probs.detach().new_zeros(tuple(self._extended_shape(sample_shape)))
        places = drawn.movedim(0, -1)
        return counts.scatter_add(-1, places, ops.ones_like(places, dtype=counts.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        logits, value = ops.broadcast_tensors(self.logits, value)
        logits = logits.masked_fill((value == 0) & (logits == -math.inf), 0.0)
        return (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1) + (
            logits * value).sum(-1)


class Poisson(Distribution):
    """rate^k exp(-rate) / k!."""

    arg_constraints = {"rate": "nonnegative"}
    support = "nonnegative integer"  # type: ignore[assignment]

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = tensors(rate)
        super().__init__(self.rate.shape, (), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    variance = mean

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return poisson(self.rate.detach().expand(list(self._extended_shape(sample_shape))))

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        return ops.xlogy(value, self.rate) - self.rate - (value + 1).lgamma()
