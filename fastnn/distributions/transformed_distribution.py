"""A distribution whose values go through transforms."""

from __future__ import annotations

from typing import Any

from fastnn._core.size import Size
from fastnn._core.tensor import Tensor
from fastnn.distributions import constraints
from fastnn.distributions.distribution import Distribution
from fastnn.distributions.independent import Independent
from fastnn.distributions.transforms import ComposeTransform, Transform
from fastnn.distributions.utils import _sum_rightmost

__all__ = ["TransformedDistribution"]


class TransformedDistribution(Distribution):
    """y = t(x) for x of base_distribution: log p(y) = log p(x) - log |det dy/dx|.

    transforms is one transform or a list of them, applied in order.
    """

    arg_constraints: dict[str, Any] = {}

    def __init__(self, base_distribution: Distribution, transforms: Any,
                 validate_args: bool | None = None) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError("transforms must be a Transform or a list of Transforms")
        whole = ComposeTransform(self.transforms)
        base = base_distribution
        shape = Size([*base.batch_shape, *base.event_shape])
        if len(shape) < whole.domain.event_dim:
            raise ValueError(f"base_distribution needs to have shape with size at least "
                             f"{whole.domain.event_dim}, but got {shape}.")
        after = whole.forward_shape(shape)
        base = base.expand(whole.inverse_shape(after)[:len(after) - len(base.event_shape)]
                           if len(after) != len(shape) else base.batch_shape)
        missing = whole.domain.event_dim - len(base.event_shape)
        self.base_dist: Any = Independent(base, missing) if missing > 0 else base
        events = whole.codomain.event_dim + max(
            len(base.event_shape) - whole.domain.event_dim, 0)
        cut = len(after) - events
        super().__init__(after[:cut], after[cut:], validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution has it."""
        return self.base_dist.has_rsample

    @constraints.dependent_property
    def support(self) -> Any:  # type: ignore[override]
        """The last transform's codomain."""
        if not self.transforms:
            return self.base_dist.support
        last = self.transforms[-1].codomain
        more = len(self._event_shape) - last.event_dim
        return constraints.independent(last, more) if more > 0 else last

    def _through(self, x: Tensor) -> Tensor:
        for t in self.transforms:
            x = t(x)
        return x

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self._through(self.base_dist.sample(sample_shape)).detach()

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self._through(self.base_dist.rsample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        total: Any = 0.0
        events = len(self._event_shape)
        y = value
        for t in reversed(self.transforms):
            x = t.inv(y)
            events += t.domain.event_dim - t.codomain.event_dim
            total = total - _sum_rightmost(t.log_abs_det_jacobian(x, y),
                                           events - t.domain.event_dim)
            y = x
        return total + _sum_rightmost(self.base_dist.log_prob(y),
                                      events - len(self.base_dist.event_shape))

    def _sign(self) -> Any:
        sign: Any = 1
        for t in self.transforms:
            sign = sign * t.sign
        return sign

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        for t in reversed(self.transforms):
            value = t.inv(value)
        return self._turned(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._through(self.base_dist.icdf(self._turned(value)))

    def _turned(self, p: Tensor) -> Tensor:
        """p, or 1 - p where the transforms decrease."""
        sign = self._sign()
        return p if isinstance(sign, int) and sign == 1 else sign * (p - 0.5) + 0.5

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        made = _instance or object.__new__(type(self))
        made.__dict__.update(self.__dict__)
        whole = ComposeTransform(self.transforms)
        shape = whole.inverse_shape(Size([*batch_shape, *self._event_shape]))
        made.base_dist = self.base_dist.expand(shape[:len(shape) - len(
            self.base_dist.event_shape)])
        made._batch_shape = Size(batch_shape)
        return made
