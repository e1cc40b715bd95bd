"""Adadelta: steps in units of the running size of past steps."""

from __future__ import annotations

from typing import Any

from fastnn._core.ops import optim as ops
from fastnn.optim._fused import FusedOptimizer, check_lr
from fastnn.optim.optimizer import check_option

__all__ = ["Adadelta"]


class Adadelta(FusedOptimizer):
    """v <- rho v + (1 - rho) g**2;  d = g sqrt(u + eps) / sqrt(v + eps);

    u <- rho u + (1 - rho) d**2;  w <- w - lr d, with g = dw + weight_decay * w.

    State: ``step``, ``square_avg`` (v), ``acc_delta`` (u). Source: Zeiler, ADADELTA: an adaptive
    learning rate method, 2012.
    """

    _run = staticmethod(ops.adadelta)

    def __init__(
        self,
        params: Any,
        lr: Any = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_option("rho value", rho, 0.0 <= rho <= 1.0)
        check_option("epsilon value", eps, 0.0 <= eps)
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "rho": rho,
                "eps": eps,
                "weight_decay": weight_decay,
                "maximize": maximize,
                "capturable": capturable,
                "foreach": foreach,
                "differentiable": differentiable,
            },
        )

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        return ("square_avg", "acc_delta")
