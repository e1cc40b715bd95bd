"""Adamax: Adam by the infinity norm."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn.optim._fused import check_betas, check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer
from fastnn.optim.optimizer import check_option

__all__ = ["Adamax"]


class Adamax(TensorwiseOptimizer):
    """m <- b1 m + (1 - b1) g;  u <- max(b2 u, abs(g) + eps);  w <- w - lr / (1 - b1**t) m / u.

    State: ``step``, ``exp_avg``, ``exp_inf``. Source: Kingma and Ba, Adam, 2015, section 7.1.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_option("epsilon value", eps, 0.0 <= eps)
        check_betas(betas)
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {"exp_avg": fastnn.zeros_like(param), "exp_inf": fastnn.zeros_like(param)}

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        beta1, beta2 = group["betas"]
        mean, largest = state["exp_avg"], state["exp_inf"]
        mean.lerp_(grad, 1 - beta1)
        largest.copy_(fastnn.maximum(largest * beta2, grad.abs().add_(group["eps"])))
        param.addcdiv_(mean, largest, value=-float(group["lr"]) / (1 - beta1**t))
