"""The optimizers whose step is written in tensor operations, parameter by parameter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastnn
from fastnn.optim.optimizer import Optimizer, dense_params, evaluate

__all__ = ["TensorwiseOptimizer", "scalar"]


def scalar(value: float) -> Any:
    """A number of the state: a 0-d tensor of the default dtype."""
    return fastnn.tensor(float(value), dtype=fastnn.get_default_dtype())


class TensorwiseOptimizer(Optimizer):
    """A subclass gives a parameter's first state (``_start``) and one step (``_update``)."""

    _decays_itself = False  # _update applies weight decay

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        """The state before the first step, without ``step``."""
        raise NotImplementedError

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        """Step number t (from 1); weight decay is done, or in grad, unless _decays_itself."""
        raise NotImplementedError

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; closure, where given, evaluates the loss again."""
        loss = evaluate(closure)
        with fastnn.no_grad():
            for group in self.param_groups:
                if group.get("differentiable"):
                    raise RuntimeError("differentiable=True is not supported")
                for param in dense_params(group, type(self).__name__):
                    self._step_one(group, param)
        return loss

    def _step_one(self, group: dict[str, Any], param: Any) -> None:
        state = self.state[param]
        if not state:
            state["step"] = scalar(0.0)
            state.update(self._start(group, param))
        state["step"] += 1
        grad = -param.grad if group.get("maximize") else param.grad
        decay = group.get("weight_decay", 0)
        if decay and group.get("decoupled_weight_decay"):
            param.mul_(1 - group["lr"] * decay)
        elif decay and not self._decays_itself:
            grad = grad.add(param, alpha=decay)
        self._update(group, param, grad, state, int(state["step"].item()))
