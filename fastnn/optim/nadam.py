"""NAdam: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn.optim._fused import check_betas, check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer, scalar
from fastnn.optim.optimizer import check_option

__all__ = ["NAdam"]


class NAdam(TensorwiseOptimizer):
    """Adam's moments m, v, with a momentum that warms up, k(t) = b1 (1 - 0.96**(t decay) / 2):

    w <- w - lr ((1 - k(t)) / (1 - K) g + k(t+1) / (1 - K k(t+1)) m) / (sqrt(v / (1 - b2**t)) + eps)

    where K is the product of k(1)..k(t). State: ``step``, ``mu_product`` (K), ``exp_avg``,
    ``exp_avg_sq``. Source: Dozat, Incorporating Nesterov momentum into Adam, 2016.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
        check_option("momentum_decay value", momentum_decay, 0.0 <= momentum_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
                "foreach": foreach,
                "capturable": capturable,
                "differentiable": differentiable,
            },
        )

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {
            "mu_product": scalar(1.0),
            "exp_avg": fastnn.zeros_like(param),
            "exp_avg_sq": fastnn.zeros_like(param),
        }

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        lr, (beta1, beta2) = float(group["lr"]), group["betas"]
        mean, square = state["exp_avg"], state["exp_avg_sq"]
        now, following = (
            beta1 * (1.0 - 0.5 * 0.96 ** (n * group["momentum_decay"])) for n in (t, t + 1)
        )
        state["mu_product"] *= now
        product = state["mu_product"].item()
        mean.lerp_(grad, 1 - beta1)
        square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        size = square.div(1 - beta2**t).sqrt_().add_(group["eps"])
        param.addcdiv_(grad, size, value=-lr * (1.0 - now) / (1.0 - product))
        param.addcdiv_(mean, size, value=-lr * following / (1.0 - product * following))
