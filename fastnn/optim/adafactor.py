"""Adafactor: second moments of matrices kept as a row and a column."""

from __future__ import annotations

import math
from typing import Any

import fastnn
from fastnn.optim._fused import check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer
from fastnn.optim.optimizer import check_option

__all__ = ["Adafactor"]


class Adafactor(TensorwiseOptimizer):
    """u = g / sqrt(v), v for matrices the outer product of row means r and column means c of

    g**2 (running, with weight t**beta2_decay for the newest) over mean(r);

    w <- w (1 - lr weight_decay) - a u / max(1, rms(u) / d),
    a = max(eps[1], rms(w)) min(lr, 1 / sqrt(t)).

    State: ``step``, ``row_var`` and ``col_var``, or ``variance`` for vectors. Source: Shazeer and
    Stern, Adafactor: Adaptive learning rates with sublinear memory cost, 2018.
    """

    def __init__(
        self,
        params: Any,
        lr: Any = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        check_lr(lr)
        if beta2_decay > 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None and eps[0] < 0:
            raise ValueError(f"epsilon1 should be >= 0 but is: {eps[0]}")
        if eps[1] < 0:
            raise ValueError(f"epsilon2 should be >= 0 but is: {eps[1]}")
        if d < 1.0:
            raise ValueError(f"Clipping threshold d should be >= 1 but is: {d}")
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        super().__init__(
            params,
            {
                "lr": lr,
                "beta2_decay": beta2_decay,
                "eps": eps,
                "d": d,
                "weight_decay": weight_decay,
                "foreach": foreach,
                "maximize": maximize,
            },
        )

    _decays_itself = True

    def _start(self, group: dict[str, Any], param: Any) -> dict[str, Any]:
        shape = list(param.shape)
        if len(shape) < 2:
            return {"variance": fastnn.zeros_like(param)}
        rows, columns = [*shape[:-1], 1], [*shape[:-2], 1, shape[-1]]
        return {
            "row_var": fastnn.zeros(rows, dtype=param.dtype),
            "col_var": fastnn.zeros(columns, dtype=param.dtype),
        }

    def _variance(self, grad: Any, state: dict[str, Any], newest: float, eps: float) -> Any:
        square = grad * grad
        if "variance" in state:
            return state["variance"].lerp_(square, newest).clone()
        rows, columns = state["row_var"], state["col_var"]
        rows.lerp_(square.mean(-1, keepdim=True), newest)
        columns.lerp_(square.mean(-2, keepdim=True), newest)
        return (rows * columns).div_(rows.mean(-2, keepdim=True).clamp_(min=eps))

    def _update(
        self, group: dict[str, Any], param: Any, grad: Any, state: dict[str, Any], t: int
    ) -> None:
        eps1, eps2 = group["eps"]
        if eps1 is None:
            eps1 = fastnn.finfo(param.dtype).eps
        root = math.sqrt(param.numel())
        lr = float(group["lr"])
        rate = max(eps2, param.norm(2).item() / root) * min(lr, 1 / math.sqrt(t))
        param.mul_(1 - lr * group["weight_decay"])
        variance = self._variance(grad, state, t ** group["beta2_decay"], eps1)
        update = variance.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        clip = max(1.0, update.norm(2).item() / (root * group["d"]))
        param.add_(update, alpha=-rate / clip)
