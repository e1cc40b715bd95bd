"""Rprop: steps by the gradient's sign, of sizes that adapt."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn.optim._fused import check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer

__all__ = ["Rprop"]


class Rprop(TensorwiseOptimizer):
    """w <- w - sign(g) s; s grows by etas[1] where g kept its sign, and shrinks by etas[0]

    where it changed; there the step is left out once. s stays within step_sizes, and starts at
    lr. For full batches. State: ``step``, ``prev``, ``step_size``. Source: Riedmiller and Braun,
    RPROP, 1993.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(
            params,
            {
                "lr": lr,
                "etas": etas,
                "step_sizes": step_sizes,
                "foreach": foreach,
                "maximize": maximize,
                "differentiable": differentiable,
                "capturable": capturable,
            },
        )

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        return {
            "prev": fastnn.zeros_like(param),
            "step_size": fastnn.full_like(param, float(group["lr"]), requires_grad=False),
        }

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        (shrink, grow), (smallest, largest) = group["etas"], group["step_sizes"]
        kept = grad * state["prev"]
        factor = fastnn.ones_like(kept)
        factor.masked_fill_(kept > 0, grow).masked_fill_(kept < 0, shrink)
        state["step_size"].mul_(factor).clamp_(smallest, largest)
        grad = grad.masked_fill(kept < 0, 0.0)
        param.addcmul_(grad.sign(), state["step_size"], value=-1.0)
        state["prev"].copy_(grad)
