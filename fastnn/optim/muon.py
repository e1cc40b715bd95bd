"""Muon: momentum whose matrices are made orthogonal before they are applied."""

from __future__ import annotations

import math
from typing import Any

import fastnn
from fastnn.optim._fused import check_lr
from fastnn.optim._tensorwise import TensorwiseOptimizer
from fastnn.optim.optimizer import check_option

__all__ = ["Muon"]


def _orthogonal(x: Any, coefficients: tuple[float, float, float], steps: int, eps: float) -> Any:
    """Newton-Schulz: x <- a x + (b s + c s s) x with s = x x^T drives singular values towards 1."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = x.size(0) > x.size(1)
    x = x.t() if tall else x
    x = x / x.norm().clamp(min=eps)
    for _ in range(steps):
        s = x @ x.t()
        x = a * x + (b * s + c * (s @ s)) @ x
    return x.t() if tall else x


class Muon(TensorwiseOptimizer):
    """b <- momentum b + (1 - momentum) g;  u = b, or with nesterov (1 - momentum) g + momentum b;

    w <- w (1 - lr weight_decay) - lr k orthogonal(u), k = sqrt(max(1, rows / columns)) or, with
    adjust_lr_fn "match_rms_adamw", 0.2 sqrt(max(rows, columns)).

    For matrices only. The iteration runs in the parameter's dtype (torch: bfloat16). State:
    ``momentum_buffer``. Source: Jordan et al., Muon: An optimizer for hidden layers, 2024.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = (3.4445, -4.775, 2.0315),
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        check_lr(lr)
        if momentum < 0.0:
            raise ValueError(f"momentum should be >= 0 but is: {momentum}")
        check_option("weight_decay value", weight_decay, 0.0 <= weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        super().__init__(
            params,
            {
                "lr": lr,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "nesterov": nesterov,
                "ns_coefficients": ns_coefficients,
                "eps": eps,
                "ns_steps": ns_steps,
                "adjust_lr_fn": adjust_lr_fn,
            },
        )
        for group in self.param_groups:
            for p in group["params"]:
                if p.dim() != 2:
                    raise ValueError(
                        "Muon only supports 2D parameters whereas we found a parameter with size: "
                        f"{tuple(p.shape)}"
                    )

    def _step_one(self, group: dict[str, Any], param: Any) -> None:
        momentum, state = group["momentum"], self.state[param]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = fastnn.zeros_like(param)
        buffer = state["momentum_buffer"].lerp_(param.grad, 1 - momentum)
        update = param.grad.lerp(buffer, momentum) if group["nesterov"] else buffer
        update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            factor = 0.2 * math.sqrt(max(rows, columns))
        else:
            factor = math.sqrt(max(1, rows / columns))
        param.mul_(1 - group["lr"] * group["weight_decay"])
        param.add_(update, alpha=-float(group["lr"]) * factor)
