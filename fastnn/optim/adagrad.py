"""Adagrad: steps scaled by the root of the summed squared gradients."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn._core.ops import optim as ops
from fastnn.optim._fused import FusedOptimizer, check_fused, check_lr
from fastnn.optim.optimizer import check_option

__all__ = ["Adagrad"]


class Adagrad(FusedOptimizer):
    """s <- s + g**2;  w <- w - lr / (1 + (t - 1) lr_decay) * g / (sqrt(s) + eps)

    with g = dw + weight_decay * w; s starts at initial_accumulator_value. State: ``step``,
    ``sum``. Source: Duchi, Hazan and Singer, Adaptive subgradient methods, 2011.
    """

    _run = staticmethod(ops.adagrad)

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr)
        check_option("lr_decay value", lr_decay, 0.0 <= lr_decay)
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        check_option(
            "initial_accumulator_value value",
            initial_accumulator_value,
            0.0 <= initial_accumulator_value,
        )
        check_option("epsilon value", eps, 0.0 <= eps)
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "eps": eps,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "fused": fused,
            },
        )
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = {"step": fastnn.tensor(0.0), "sum": self._fresh(group, p)}

    def share_memory(self) -> None:
        """Put the sums in shared memory, for training by several processes."""
        for state in self.state.values():
            state["sum"].share_memory_()

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("sum",)

    def _fresh(self, group: dict[str, Any], param: Any) -> Any:
        return fastnn.full_like(param, group["initial_accumulator_value"], requires_grad=False)
