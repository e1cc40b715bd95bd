"""From a constraint to a transform whose values fulfil it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn._core.tensor import Tensor
from fastnn.distributions import constraints, transforms

__all__ = ["ConstraintRegistry", "biject_to", "transform_to"]


class ConstraintRegistry:
    """Called with a constraint, gives a transform of real numbers to such that fulfil it."""

    def __init__(self) -> None:
        self._registry: dict[type, Callable[[Any], Any]] = {}

    def register(self, constraint: Any, factory: Any = None) -> Any:
        """Let factory(constraint) make the transform, for a class or the class of an instance."""
        if factory is None:
            return lambda factory: self.register(constraint, factory)
        kind = constraint if isinstance(constraint, type) else type(constraint)
        if not issubclass(kind, constraints.Constraint):
            raise TypeError("Expected constraint to be either a Constraint subclass or instance, "
                            f"but got {constraint}")
        self._registry[kind] = factory
        return factory

    def __call__(self, constraint: Any) -> Any:
        factory = self._registry.get(type(constraint))
        if factory is None:
            raise NotImplementedError(f"Cannot transform {type(constraint).__name__} constraints")
        return factory(constraint)


biject_to = ConstraintRegistry()
transform_to = ConstraintRegistry()


def _interval(c: Any) -> Any:
    width = c.upper_bound - c.lower_bound
    if not isinstance(width, Tensor) and (c.lower_bound, width) == (0, 1):
        return transforms.SigmoidTransform()
    return transforms.ComposeTransform([transforms.SigmoidTransform(),
                                        transforms.AffineTransform(c.lower_bound, width)])


def _beyond(bound: str, sign: int) -> Callable[[Any], Any]:
    return lambda c: transforms.ComposeTransform([
        transforms.ExpTransform(), transforms.AffineTransform(getattr(c, bound), sign)])


for _registry in (biject_to, transform_to):
    _registry.register(constraints.real, lambda c: transforms.identity_transform)
    _registry.register(constraints.independent, lambda c, to=_registry: (
        transforms.IndependentTransform(to(c.base_constraint), c.reinterpreted_batch_ndims)))
    _registry.register(constraints.greater_than, _beyond("lower_bound", 1))
    _registry.register(constraints.greater_than_eq, _beyond("lower_bound", 1))
    _registry.register(constraints.less_than, _beyond("upper_bound", -1))
    _registry.register(constraints.interval, _interval)
    _registry.register(constraints.half_open_interval, _interval)
    _registry.register(constraints.corr_cholesky, lambda c: transforms.CorrCholeskyTransform())
    _registry.register(constraints.cat, lambda c, to=_registry: transforms.CatTransform(
        [to(part) for part in c.cseq], c.dim, c.lengths))
    _registry.register(constraints.stack, lambda c, to=_registry: transforms.StackTransform(
        [to(part) for part in c.cseq], c.dim))
biject_to.register(constraints.simplex, lambda c: transforms.StickBreakingTransform())
transform_to.register(constraints.simplex, lambda c: transforms.SoftmaxTransform())
transform_to.register(constraints.lower_cholesky, lambda c: transforms.LowerCholeskyTransform())
for _kind in (constraints.positive_definite, constraints.positive_semidefinite):
    transform_to.register(_kind, lambda c: transforms.PositiveDefiniteTransform())
