"""Stochastic gradient descent."""

from __future__ import annotations

from typing import Any

from fastnn._core.ops import optim as ops
from fastnn.optim._fused import FusedOptimizer, check_fused, check_lr
from fastnn.optim.optimizer import check_option

__all__ = ["SGD"]


class SGD(FusedOptimizer):
    """w <- w - lr * d, with g = dw + weight_decay * w and, with momentum m,

    b <- m * b + (1 - dampening) * g (first step: b = g);  d = g + m * b with nesterov, else b.

    maximize ascends. State: ``momentum_buffer``. Errors: ValueError for negative options, or
    nesterov without momentum or with dampening. Source: Sutskever et al., On the importance of
    initialization and momentum in deep learning, 2013 (in torch's form).
    """

    _run = staticmethod(ops.sgd)
    _counts = False

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: Any = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        check_lr(lr, foreach)
        check_option("momentum value", momentum, momentum >= 0.0)
        check_option("weight_decay value", weight_decay, weight_decay >= 0.0)
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
                "foreach": foreach,
                "differentiable": differentiable,
                "fused": fused,
            },
        )

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def _steps_taken(self, state: dict[str, Any]) -> float:
        return 0.0 if state.get("momentum_buffer") is None else 1.0
