"""Adam: steps scaled by running moments of the gradient."""

from __future__ import annotations

from typing import Any

from fastnn._core.ops import optim as ops
from fastnn.optim._fused import FusedOptimizer, check_betas, check_fused, check_lr
from fastnn.optim.optimizer import check_option

__all__ = ["Adam"]


class Adam(FusedOptimizer):
    """m <- b1 m + (1 - b1) g;  v <- b2 v + (1 - b2) g**2;

    w <- w - lr * (m / (1 - b1**t)) / (sqrt(v / (1 - b2**t)) + eps)

    with g = dw + weight_decay * w, or, with decoupled_weight_decay, w <- w (1 - lr weight_decay)
    first. amsgrad uses the largest v so far. State: ``step``, ``exp_avg``, ``exp_avg_sq``,
    ``max_exp_avg_sq``. Errors: ValueError for options out of range. Source: Kingma and Ba, Adam:
    A method for stochastic optimization, 2015; Reddi et al., On the convergence of Adam and
    beyond, 2018.
    """

    _run = staticmethod(ops.adam)

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[Any, Any] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        check_lr(lr, foreach and not capturable)
        check_option("epsilon value", eps, 0.0 <= eps)
        check_betas(betas)
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        check_fused(fused, foreach, differentiable)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "amsgrad": amsgrad,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
                "fused": fused,
                "decoupled_weight_decay": decoupled_weight_decay,
            },
        )

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        if group["amsgrad"]:
            return ("exp_avg", "exp_avg_sq", "max_exp_avg_sq")
        return ("exp_avg", "exp_avg_sq")
