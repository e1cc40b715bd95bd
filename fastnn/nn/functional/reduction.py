"""What losses do with the loss of each element."""

from __future__ import annotations

from fastnn._core.tensor import Tensor


def chosen(reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """The reduction; the arguments of old programs override it. Raises ValueError."""
    if size_average is not None or reduce is not None:
        return "none" if reduce is False else "sum" if size_average is False else "mean"
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(loss: Tensor, reduction: str) -> Tensor:
    """The losses themselves, their mean, or their sum."""
    return loss if reduction == "none" else loss.mean() if reduction == "mean" else loss.sum()
