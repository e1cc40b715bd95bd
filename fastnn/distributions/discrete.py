"""Distributions of bits, of classes, and of trials up to a success."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.ops.loss import binary_cross_entropy_with_logits
from fastnn._core.tensor import Tensor
from fastnn.distributions.distribution import Distribution, tensors

__all__ = ["Bernoulli", "Categorical", "Geometric", "OneHotCategorical"]


def _one_of(probs: Any, logits: Any) -> None:
    if (probs is None) == (logits is None):
        raise ValueError("Either `probs` or `logits` must be specified, but not both.")


def _inside(p: Tensor) -> Tensor:
    """p, away from 0 and 1 by an epsilon, so that its logarithms are finite."""
    eps = 2.0**-23 if str(p.dtype).endswith("float32") else 2.0**-52
    return p.clamp(eps, 1 - eps)


class _OfProbability(Distribution):
    """Parameters probs or logits = log(probs / (1 - probs)); the other one follows."""

    arg_constraints = {"probs": "unit interval", "logits": "real"}

    def __init__(self, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        _one_of(probs, logits)
        if probs is not None:
            (self.probs,) = tensors(probs)
        else:
            (self.logits,) = tensors(logits)
        super().__init__((self.logits if probs is None else self.probs).shape, (), validate_args)

    def __getattr__(self, name: str) -> Any:
        if name == "probs":
            self.probs = self.__dict__["logits"].sigmoid()
            return self.probs
        if name == "logits":
            p = _inside(self.__dict__["probs"])
            self.logits = p.log() - (-p).log1p()
            return self.logits
        raise AttributeError(name)


class Bernoulli(_OfProbability):
    """1 with probability probs, else 0."""

    support = "boolean"  # type: ignore[assignment]

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        return ops.where(self.probs == 0.5, math.nan * self.probs,
                         (self.probs >= 0.5).to(self.probs.dtype))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return ops.bernoulli(self.probs.detach().expand(list(shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        logits, value = ops.broadcast_tensors(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = ops.arange(2, dtype=self.probs.dtype).reshape(
            [2] + [1] * len(self._batch_shape))
        return values.expand([2, *self._batch_shape]) if expand else values


class Geometric(_OfProbability):
    """The number of failures before a success of probability probs."""

    support = "nonnegative integer"  # type: ignore[assignment]

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return ops.zeros_like(self.probs)

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        p = self.probs.detach()
        u = ops.rand(self._extended_shape(sample_shape), dtype=p.dtype)
        return ((-u).log1p() / (-p).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        return value * (-_inside(self.probs)).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs,
                                                reduction="none") / self.probs


class Categorical(Distribution):
    """Integers below K with the probabilities probs (*, K), which are normalised, or logits."""

    arg_constraints = {"probs": "simplex", "logits": "real vector"}
    support = "nonnegative integer"  # type: ignore[assignment]

    def __init__(self, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        _one_of(probs, logits)
        given = logits if probs is None else probs
        if given.ndim < 1:
            raise ValueError("`probs` or `logits` parameter must be at least one-dimensional.")
        if probs is not None:
            self.probs = probs / probs.sum(-1, keepdim=True)
        else:
            self.logits = logits - logits.logsumexp(-1, keepdim=True)
        self._num_events = given.shape[-1]
        super().__init__(given.shape[:-1], (), validate_args)

    def __getattr__(self, name: str) -> Any:
        if name == "probs":
            self.probs = self.__dict__["logits"].softmax(-1)
            return self.probs
        if name == "logits":
            self.logits = _inside(self.__dict__["probs"]).log()
            return self.logits
        raise AttributeError(name)

    @property
    def param_shape(self) -> Any:
        """The shape of probs."""
        return self.probs.shape

    @property
    def mean(self) -> Tensor:
        return ops.full(tuple(self._batch_shape), math.nan, dtype=self.probs.dtype)

    variance = mean

    @property
    def mode(self) -> Tensor:
        return self.probs.argmax(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        count = 1
        for n in sample_shape:
            count *= n
        rows = self.probs.detach().reshape(-1, self._num_events)
        drawn = ops.multinomial(rows, max(count, 1), True)[:, :count]
        return drawn.t().reshape(shape)

    def _check(self, value: Tensor) -> None:
        super()._check(value)
        if self._validate_args and not bool((value < self._num_events).all()):
            raise ValueError(f"Expected value argument to be within the support of {self!r}, but "
                             f"found invalid values:\n{value}")

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        index, logits = ops.broadcast_tensors(value.long().unsqueeze(-1), self.logits)
        return logits.gather(-1, index[..., :1]).squeeze(-1)

    def entropy(self) -> Tensor:
        logits = self.logits.clamp(min=-3.4e38)
        return -(logits * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        values = ops.arange(self._num_events).reshape([-1] + [1] * len(self._batch_shape))
        return values.expand([-1, *self._batch_shape]) if expand else values

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return type(self)(logits=self.logits.expand([*batch_shape, self._num_events]),
                          validate_args=False)


class OneHotCategorical(Distribution):
    """Categorical, its values as one-hot vectors."""

    arg_constraints = {"probs": "simplex", "logits": "real vector"}
    support = "simplex"  # type: ignore[assignment]

    def __init__(self, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
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
        return self.probs

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        from fastnn._core.ops.index import one_hot
        drawn = self._categorical.sample(sample_shape)
        return one_hot(drawn, self._categorical._num_events).to(self.probs.dtype)

    def log_prob(self, value: Tensor) -> Tensor:
        self._check(value)
        return self._categorical.log_prob(value.argmax(-1))

    def entropy(self) -> Tensor:
        return self._categorical.entropy()
