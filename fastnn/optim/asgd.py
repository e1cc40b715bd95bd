"""ASGD: stochastic gradient descent with averaged weights."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn.optim._fused import check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer, scalar
from fastnn.optim.optimizer import check_option

__all__ = ["ASGD"]


class ASGD(TensorwiseOptimizer):
    """w <- w (1 - lambd eta) - eta g;  a <- a + mu (w - a);

    eta = lr / (1 + lambd lr t)**alpha, mu = 1 / max(1, t - t0).

    State: ``step``, ``eta``, ``mu``, ``ax`` (a). Source: Polyak and Juditsky, Acceleration of
    stochastic approximation by averaging, 1992.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        check_lr(lr)
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {"eta": scalar(group["lr"]), "mu": scalar(1.0), "ax": fastnn.zeros_like(param)}

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        lr, lambd = float(group["lr"]), group["lambd"]
        eta, mu, average = state["eta"].item(), state["mu"].item(), state["ax"]
        param.mul_(1 - lambd * eta).add_(grad, alpha=-eta)
        if mu == 1:
            average.copy_(param)
        else:
            average.add_(param.sub(average), alpha=mu)
        state["eta"] = scalar(lr / (1 + lambd * lr * t) ** group["alpha"])
        state["mu"] = scalar(1 / max(1, t - group["t0"]))
