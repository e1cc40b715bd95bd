"""The optimizers whose step is one instruction per group: planning of its operand lists.

Parameters of a group that have taken the same number of steps form a bucket. A bucket's cell is
a float64 tensor in memory with what changes between steps; its first number is the step count,
and ``state[p]["step"]`` of its parameters is a view of it. Lists are built once and used until
the group's parameters, the state, or which gradients are there change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastnn
from fastnn.optim.optimizer import Optimizer, check_option, dense_params, evaluate

__all__ = ["Bucket", "FusedOptimizer"]

CELL = 6  # step, lr, weight_decay, two coefficients of the method, eps


class Bucket:
    """Parameters with the same step count, their state tensors by name, and their cell."""

    __slots__ = ("params", "states", "cell")

    def __init__(self, params: list[Any], states: list[list[Any]], cell: Any) -> None:
        self.params, self.states, self.cell = params, states, cell


class _Plan:
    """The buckets of one group, and all that they depend on."""

    __slots__ = ("group", "params", "count", "names", "buckets", "idle")

    def __init__(self) -> None:
        self.group: Any = None
        self.params: Any = None
        self.count = -1
        self.names: Any = None
        self.buckets: list[Bucket] = []
        self.idle: list[Any] = []


class FusedOptimizer(Optimizer):
    """Base of SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta.

    A subclass names its state tensors (``_state_names``) and calls its instruction (``_update``).
    """

    _counts = True  # state["step"] exists
    _plans: list[_Plan]
    _state_size = -1  # of the state that the plans were made for
    _state_seen: Any = None

    def _state_replaced(self) -> None:
        self._plans = []

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Keys of the state tensors that this group's options call for, in the op's order."""
        raise NotImplementedError

    def _update(self, group: dict[str, Any], bucket: Bucket, grads: list[Any]) -> None:
        """Run the instruction for one bucket."""
        raise NotImplementedError

    def _fresh(self, group: dict[str, Any], param: Any) -> Any:
        """The initial value of a state tensor."""
        return fastnn.zeros_like(param)

    def _steps_taken(self, state: dict[str, Any]) -> float:
        return float(state.get("step", 0.0))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; closure, where given, evaluates the loss again."""
        loss = None if closure is None else evaluate(closure)
        groups, state = self.param_groups, self.state
        if (
            len(self._plans) != len(groups)
            or self._state_size != len(state)
            or self._state_seen is not state
        ):
            self._plans = [_Plan() for _ in groups]
        for group, plan in zip(groups, self._plans, strict=True):
            self._step_group(group, plan)
        self._state_seen, self._state_size = state, len(state)
        return loss

    def _step_group(self, group: dict[str, Any], plan: _Plan) -> None:
        if not self._valid(group, plan):
            self._make_plan(group, plan)
        work = []
        for bucket in plan.buckets:
            grads = [g for p in bucket.params if (g := p.grad) is not None]
            if len(grads) != len(bucket.params):
                self._make_plan(group, plan)
                return self._step_group(group, plan)
            work.append(grads)
        for bucket, grads in zip(plan.buckets, work, strict=True):
            self._update(group, bucket, grads)
        return None

    def _valid(self, group: dict[str, Any], plan: _Plan) -> bool:
        params = group["params"]
        if plan.group is not group or plan.params is not params or plan.count != len(params):
            return False
        if plan.names != self._state_names(group):
            return False
        for p in plan.idle:
            if p.grad is not None:
                return False
        return True

    def _make_plan(self, group: dict[str, Any], plan: _Plan) -> None:
        if group.get("differentiable"):
            raise RuntimeError("differentiable=True is not supported: the step is fused")
        names = self._state_names(group)
        by_steps: dict[float, list[Any]] = {}
        for p in dense_params(group, type(self).__name__):
            state = self.state[p] if names or self._counts else {}
            by_steps.setdefault(self._steps_taken(state), []).append(p)
        plan.buckets = [self._bucket(group, names, n, ps) for n, ps in by_steps.items()]
        plan.idle = [p for p in group["params"] if p.grad is None]
        plan.group, plan.params, plan.names = group, group["params"], names
        plan.count = len(plan.params)

    def _bucket(
        self, group: dict[str, Any], names: tuple[str, ...], steps: float, params: list[Any]
    ) -> Bucket:
        cell = fastnn.tensor([steps] + [0.0] * (CELL - 1), dtype=fastnn.float64)
        for p in params:
            if self._counts:
                self.state[p]["step"] = cell.select(0, 0)
            for name in names:
                if self.state[p].get(name) is None:
                    self.state[p][name] = self._fresh(group, p)
        return Bucket(params, [[self.state[p][name] for p in params] for name in names], cell)

    def _saved(self, state: Any) -> Any:
        if "step" not in state:
            return state
        kind = fastnn.float64 if fastnn.get_default_dtype() is fastnn.float64 else fastnn.float32
        return {**state, "step": fastnn.tensor(float(state["step"]), dtype=kind)}


def check_lr(lr: Any, foreach: bool | None = None) -> None:
    """Errors: ValueError for a negative learning rate, or a tensor of several elements."""
    if isinstance(lr, fastnn.Tensor):
        if foreach:
            raise ValueError("lr as a Tensor is not supported with foreach=True")
        if lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
    check_option("learning rate", lr, bool(0.0 <= lr))


def check_betas(betas: Any) -> None:
    """Errors: ValueError for a beta outside [0, 1)."""
    for i, beta in enumerate(betas[:2]):
        check_option(f"beta parameter at index {i}", beta, bool(0.0 <= beta < 1.0))


def check_fused(fused: bool | None, foreach: bool | None, differentiable: bool) -> None:
    """Errors: RuntimeError for combinations that torch refuses."""
    if fused and differentiable:
        raise RuntimeError("`fused` does not support `differentiable`")
    if fused and foreach:
        raise RuntimeError("`fused` and `foreach` cannot be `True` together.")
