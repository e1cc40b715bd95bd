"""SparseAdam: Adam for the rows that a step has used."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn.optim._fused import check_betas
from fastnn.optim._tensorwise import TensorwiseOptimizer
from fastnn.optim.optimizer import check_option

__all__ = ["SparseAdam"]


class SparseAdam(TensorwiseOptimizer):
    """Adam, whose averages and steps are only those of rows that have a gradient.

    Gradients are dense here, of embeddings as well: a row whose gradient is zero counts as one that
    was not used. State: ``step``, ``exp_avg``, ``exp_avg_sq``.
    """

    def __init__(self, params: Any, lr: Any = 1e-3, betas: tuple[float, float] = (0.9, 0.999),
                 eps: float = 1e-8, maximize: bool = False) -> None:
        check_option("learning rate", lr, 0.0 < lr)
        check_option("epsilon value", eps, 0.0 < eps)
        check_betas(betas)
        super().__init__(params, {"lr": lr, "betas": betas, "eps": eps, "maximize": maximize})

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {"exp_avg": fastnn.zeros_like(param), "exp_avg_sq": fastnn.zeros_like(param)}

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        beta1, beta2 = group["betas"]
        rows = (grad.reshape(grad.shape[0], -1) != 0).any(1).nonzero().squeeze(1)
        g = grad.index_select(0, rows)
        mean = state["exp_avg"].index_select(0, rows).lerp_(g, 1 - beta1)
        square = state["exp_avg_sq"].index_select(0, rows).mul_(beta2).addcmul_(
            g, g, value=1 - beta2)
        state["exp_avg"].index_copy_(0, rows, mean)
        state["exp_avg_sq"].index_copy_(0, rows, square)
        size = float(group["lr"]) * (1 - beta2**t) ** 0.5 / (1 - beta1**t)
        param.index_add_(0, rows, mean / square.sqrt().add_(group["eps"]), alpha=-size)
