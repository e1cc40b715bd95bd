"""RMSprop: steps scaled by a running root mean square of the gradient."""

from __future__ import annotations

from typing import Any

from fastnn._core.ops import optim as ops
from fastnn.optim._fused import FusedOptimizer, check_lr
from fastnn.optim.optimizer import check_option

__all__ = ["RMSprop"]


class RMSprop(FusedOptimizer):
    """v <- alpha v + (1 - alpha) g**2;  d = g / (sqrt(v) + eps);  w <- w - lr d

    with g = dw + weight_decay * w. centered subtracts the squared running mean of g from v
    (state ``grad_avg``); with momentum, b <- momentum b + d and w <- w - lr b. State: ``step``,
    ``square_avg``, ``grad_avg``, ``momentum_buffer``. Source: Tieleman and Hinton, lecture 6.5,
    2012; Graves, Generating sequences with recurrent neural networks, 2013 (centered).
    """

    _run = staticmethod(ops.rmsprop)

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        check_option("epsilon value", eps, 0.0 <= eps)
        check_option("momentum value", momentum, 0.0 <= momentum)
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        check_option("alpha value", alpha, 0.0 <= alpha)
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "alpha": alpha,
                "eps": eps,
                "centered": centered,
                "weight_decay": weight_decay,
                "capturable": capturable,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
            },
        )

    def _state_names(self, group: dict[str, Any]) -> tuple[str, ...]:
        names = ("square_avg", "grad_avg") if group["centered"] else ("square_avg",)
        return (*names, "momentum_buffer") if group["momentum"] > 0 else names
