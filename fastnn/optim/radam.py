"""RAdam: Adam that waits until its second moment can be trusted."""

from __future__ import annotations

import math
from typing import Any

import fastnn
from fastnn.optim._fused import check_betas, check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer
from fastnn.optim.optimizer import check_option

__all__ = ["RAdam"]


class RAdam(TensorwiseOptimizer):
    """With R = 2 / (1 - b2) - 1 and r = R - 2 t b2**t / (1 - b2**t):

    r > 5: w <- w - lr q m / (1 - b1**t) sqrt(1 - b2**t) / (sqrt(v) + eps), where
    q**2 = (r - 4)(r - 2) R / ((R - 4)(R - 2) r); else w <- w - lr m / (1 - b1**t).

    State: ``step``, ``exp_avg`` (m), ``exp_avg_sq`` (v). Source: Liu et al., On the variance of
    the adaptive learning rate and beyond, 2020.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
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
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "decoupled_weight_decay": decoupled_weight_decay,
                "differentiable": differentiable,
            },
        )

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {"exp_avg": fastnn.zeros_like(param), "exp_avg_sq": fastnn.zeros_like(param)}

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        beta1, beta2 = group["betas"]
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        rate = float(group["lr"]) / (1 - beta1**t)
        left = 1 - beta2**t
        longest = 2 / (1 - beta2) - 1
        length = longest - 2 * t * beta2**t / left
        if length <= 5.0:
            param.add_(mean, alpha=-rate)
            return
        trust = (length - 4) * (length - 2) * longest
        trust /= (longest - 4) * (longest - 2) * length
        size = square.sqrt().add_(group["eps"])
        param.addcdiv_(mean, size, value=-rate * math.sqrt(trust) * math.sqrt(left))
