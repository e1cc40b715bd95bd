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
from fastnn._core.ops.optim import Bucket, Plan, Plans
from fastnn.optim.optimizer import Optimizer, check_option, dense_params, evaluate

__all__ = ["FusedOptimizer"]

CELL = 6  # step, lr, weight_decay, two coefficients of the method, eps


class FusedOptimizer(Optimizer):
    """Base of SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta.

    A subclass names its instruction (``_run``) and its state tensors (``_state_names``).
    """

    _counts = True  # state["step"] exists
    _run: Callable[[Bucket, dict[str, Any]], bool]
    _plans: Plans

    def _state_replaced(self) -> None:
        self._plans = Plans()

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        """Keys of the state tensors that this group's options call for, in the op's order."""
        raise NotImplementedError

    def _fresh(self, group: dict[str, Any], param: Any) -> Any:
        """The initial value of a state tensor."""
        return fastnn.zeros_like(param)

    def _steps_taken(self, state: dict[str, Any]) -> float:
        return float(state.get("step", 0.0))

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; closure, where given, evaluates the loss again."""
        loss = None if closure is None else evaluate(closure)
        groups = self.param_groups
        done = self._plans.run(groups, self.state, self._run)
        if done < len(groups):
            self._step_from(done)
        return loss

    def _step_from(self, first: int) -> None:
        """Step the groups from this one on, looking at every gradient before."""
        plans, groups = self._plans, self.param_groups
        if (
            plans.state is not self.state
            or plans.size != len(self.state)
            or len(plans.plans) != len(groups)
        ):
            plans.plans = [Plan() for _ in groups]
        for group, plan in list(zip(groups, plans.plans, strict=True))[first:]:
            if not self._valid(group, plan):
                self._make_plan(group, plan)
            for bucket in plan.buckets:
                self._run(bucket, group)
        plans.state, plans.size = self.state, len(self.state)

    def _valid(self, group: dict[str, Any], plan: Plan) -> bool:
        return (
            plan.group is group
            and plan.params is group["params"]
            and plan.count == len(group["params"])
            and plan.names == self._state_names(group)
            and all(p.grad is None for p in plan.idle)
            and all(p.grad is not None for bucket in plan.buckets for p in bucket.params)
        )

    def _make_plan(self, group: dict[str, Any], plan: Plan) -> None:
        if group.get("differentiable"):
            raise RuntimeError("differentiable=True is not supported: the step is fused")
        names = self._state_names(group)
        by_steps: dict[float, list[Any]] = {}
        for p in dense_params(group, type(self).__name__):
            state = self.state[p] if names or self._counts else {}
            by_steps.setdefault(self._steps_taken(state), []).append(p)
        plan.buckets = [self._bucket(group, names, n, ps) for n, ps in by_steps.items()]
        plan.idle = [p for p in group["params"] if p.grad is None]
        plan.only = plan.buckets[0] if len(plan.buckets) == 1 and not plan.idle else None
        plan.group, plan.params, plan.names = group, group["params"], names
        plan.count = len(group["params"])

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
