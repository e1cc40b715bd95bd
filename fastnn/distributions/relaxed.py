"""Continuous relaxations of bits and classes, whose samples are differentiable.

Maddison, Mnih, Teh 2017, https://arxiv.org/abs/1611.00712; Jang, Gu, Poole 2017,
https://arxiv.org/abs/1611.01144.
"""

from __future__ import annotations

from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn.distributions import constraints
from fastnn.distributions.discrete import Categorical, _OfProbability
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.transformed_distribution import TransformedDistribution
from fastnn.distributions.transforms import ExpTransform, SigmoidTransform
from fastnn.distributions.utils import clamp_probs

__all__ = ["ExpRelaxedCategorical", "LogitRelaxedBernoulli", "RelaxedBernoulli",
           "RelaxedOneHotCategorical"]


class LogitRelaxedBernoulli(_OfProbability):
    """The log-odds of a RelaxedBernoulli: (logits + logistic noise) / temperature."""

    support = constraints.real
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        self.temperature = temperature
        super().__init__(probs, logits, validate_args)

    def _settings(self) -> dict[str, Any]:
        return {"temperature": self.temperature}

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = clamp_probs(ops.rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        return (u.log() - (-u).log1p() + self.logits) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        d = self.logits - value * self.temperature
        t = self.temperature
        log_t = t.log() if isinstance(t, Tensor) else ops.full((), float(t), dtype=d.dtype).log()
        return log_t + d - 2 * d.exp().log1p()


class _Relaxed(TransformedDistribution):
    """One whose parameters are those of the distribution before the transform."""

    @property
    def temperature(self) -> Any:
        """How far from discrete the values are."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log-odds, or the logarithms of the probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self.base_dist.probs


class RelaxedBernoulli(_Relaxed):
    """Values in (0, 1), near 0 or 1 where the temperature is low."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        super().__init__(LogitRelaxedBernoulli(temperature, probs, logits), SigmoidTransform(),
                         validate_args)


class ExpRelaxedCategorical(Distribution):
    """The logarithms of a RelaxedOneHotCategorical."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.real_vector  # the true one is the submanifold whose exp sums to 1
    has_rsample = True

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        super().__init__(self._categorical.batch_shape, (self._categorical._num_events,),
                         validate_args)

    @property
    def param_shape(self) -> Any:
        """The shape of probs."""
        return self._categorical.param_shape

    @property
    def logits(self) -> Tensor:
        """The logarithms of the probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The probabilities."""
        return self._categorical.probs

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = clamp_probs(ops.rand(self._extended_shape(sample_shape), dtype=self.logits.dtype))
        scores = (self.logits - (-u.log()).log()) / self.temperature
        return scores - scores.logsumexp(-1, keepdim=True)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        k = self._categorical._num_events
        logits, value = ops.broadcast_tensors(self.logits, value)
        t = self.temperature
        t = t if isinstance(t, Tensor) else ops.full((), float(t), dtype=logits.dtype)
        log_scale = ops.full((), float(k), dtype=logits.dtype).lgamma() + (k - 1) * t.log()
        score = logits - value * t
        return (score - score.logsumexp(-1, keepdim=True)).sum(-1) + log_scale

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        logits = self.logits.expand([*batch_shape, self._categorical._num_events])
        return ExpRelaxedCategorical(self.temperature, logits=logits, validate_args=False)


class RelaxedOneHotCategorical(_Relaxed):
    """Vectors that sum to 1, near one-hot where the temperature is low (Gumbel softmax)."""

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    support = constraints.simplex

    def __init__(self, temperature: Any, probs: Any = None, logits: Any = None,
                 validate_args: bool | None = None) -> None:
        super().__init__(ExpRelaxedCategorical(temperature, probs, logits, validate_args),
                         ExpTransform(), validate_args)
