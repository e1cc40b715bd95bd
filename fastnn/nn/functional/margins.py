"""Losses that ask for a margin: between a pair, a triplet, or the classes of a row."""

from __future__ import annotations

from collections.abc import Callable

import fastnn
from fastnn._core.tensor import Tensor
from fastnn.nn.functional.distances import pairwise_distance
from fastnn.nn.functional.reduction import chosen, reduced

__all__ = ["cosine_embedding_loss", "margin_ranking_loss", "multi_margin_loss",
           "multilabel_margin_loss", "triplet_margin_loss", "triplet_margin_with_distance_loss"]


def margin_ranking_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
                        size_average: bool | None = None, reduce: bool | None = None,
                        reduction: str = "mean") -> Tensor:
    """max(0, -y (x1 - x2) + margin): x1 is to rank higher where y = 1, lower where y = -1."""
    how = chosen(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError("margin_ranking_loss : All input tensors should have same dimension but "
                           f"got sizes: input1: {tuple(input1.shape)}, input2: "
                           f"{tuple(input2.shape)}, target: {tuple(target.shape)} ")
    return reduced((margin - target * (input1 - input2)).clamp(min=0), how)


def cosine_embedding_loss(input1: Tensor, input2: Tensor, target: Tensor, margin: float = 0,
                          size_average: bool | None = None, reduce: bool | None = None,
                          reduction: str = "mean") -> Tensor:
    """1 - cos(x1, x2) where y = 1, max(0, cos(x1, x2) - margin) where y = -1.

    Shapes: x1, x2 (N, D) and y (N,), or (D,) and (). Raises RuntimeError for others.
    """
    how = chosen(reduction, size_average, reduce)
    if not (input1.ndim == input2.ndim == target.ndim + 1 and target.ndim in (0, 1)):
        raise RuntimeError(f"{target.ndim}D target tensor expects {target.ndim + 1}D input "
                           f"tensors, but found inputs with sizes {list(input1.shape)} and "
                           f"{list(input2.shape)}.")
    tiny = 1e-12  # so that the cosine with a zero vector is 0
    norms = (input1 * input1).sum(-1) + tiny, (input2 * input2).sum(-1) + tiny
    cos = (input1 * input2).sum(-1) / (norms[0] * norms[1]).sqrt()
    loss = fastnn.where(target == 1, 1 - cos, 0.0)
    return reduced(loss + fastnn.where(target == -1, (cos - margin).clamp(min=0), 0.0), how)


def _rows(input: Tensor, name: str) -> Tensor:
    """The input as (N, C), C > 0."""
    if input.ndim not in (1, 2) or input.shape[-1] == 0:
        raise RuntimeError(f"{name}: Expected non-empty vector or matrix with optional 0-dim batch "
                           f"size, but got: {list(input.shape)}")
    return input if input.ndim == 2 else input.unsqueeze(0)


def _labels(target: Tensor, name: str) -> None:
    if target.dtype != fastnn.int64:
        raise RuntimeError(f"{name}: expected scalar type Long but found {target.dtype}")


def multi_margin_loss(input: Tensor, target: Tensor, p: int = 1, margin: float = 1.0,
                      weight: Tensor | None = None, size_average: bool | None = None,
                      reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """Sum over the classes i other than y of w[y] max(0, margin - x[y] + x[i])^p / C.

    Shapes: x (N, C), y (N,) of class numbers, w (C,); or x (C,). Raises RuntimeError for a class
    that does not exist or shapes that do not fit, ValueError unless p is 1 or 2.
    """
    how = chosen(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    x = _rows(input, "multi_margin_loss")
    n, c = x.shape
    _labels(target, "multi_margin_loss")
    if target.ndim > 1 or target.numel() != n:
        raise RuntimeError("multi_margin_loss: target tensor should be 1-D with size equal to the "
                           f"number of input samples (batch size). Expected target size [{n}], but "
                           f"got {list(target.shape)}. Input has shape {list(input.shape)}.")
    if weight is not None and weight.numel() != c:
        raise RuntimeError(f"inconsistent weight size, expected {c} but got {list(weight.shape)}")
    y = target.reshape(n, 1)
    if bool(((y < 0) | (y >= c)).any()):
        raise RuntimeError(f"multi_margin_loss: target out of range for {c} classes")
    short = (margin - x.gather(1, y) + x).clamp(min=0)
    loss = short if p == 1 else short * short
    if weight is not None:
        loss = loss * weight[y]
    loss = loss.masked_fill(fastnn.arange(c) == y, 0.0).sum(1) / c
    if how == "none" and input.ndim == 1 and target.ndim == 0:
        loss = loss.squeeze(0)
    return reduced(loss, how)


def multilabel_margin_loss(input: Tensor, target: Tensor, size_average: bool | None = None,
                           reduce: bool | None = None, reduction: str = "mean") -> Tensor:
    """Sum over labels j and other classes i of max(0, 1 - x[y[j]] + x[i]) / C.

    Shapes: x and y (N, C) or (C,); a row of y holds class numbers up to the first -1. Raises
    RuntimeError for shapes or class numbers that do not fit.
    """
    how = chosen(reduction, size_average, reduce)
    x = _rows(input, "multilabel_margin_loss")
    if tuple(target.shape) != tuple(input.shape):
        raise RuntimeError(f"inconsistent target size: {list(target.shape)} for input of size: "
                           f"{list(input.shape)}")
    _labels(target, "multilabel_margin_loss")
    y = target.reshape(x.shape)
    c = x.shape[1]
    if bool(((y < -1) | (y >= c)).any()):
        raise RuntimeError("multilabel_margin_loss: argument #2 'target' is out of range")
    valid = ((y < 0).long().cumsum(1) == 0)
    at = y.clamp(min=0)
    is_label = fastnn.zeros_like(x).scatter_add(1, at, valid.to(x.dtype)) > 0
    short = (1 - x.gather(1, at).unsqueeze(2) + x.unsqueeze(1)).clamp(min=0)  # (N, label, class)
    counts = valid.unsqueeze(2) & ~is_label.unsqueeze(1)
    loss = short.masked_fill(~counts, 0.0).sum((1, 2)) / c
    return reduced(loss.squeeze(0) if input.ndim == 1 else loss, how)


def _triplet(distance: Callable[[Tensor, Tensor], Tensor], anchor: Tensor, positive: Tensor,
             negative: Tensor, margin: float, swap: bool, how: str) -> Tensor:
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError("The anchor, positive, and negative tensors are expected to have the "
                           f"same number of dimensions, but got: anchor {anchor.ndim}D, positive "
                           f"{positive.ndim}D, and negative {negative.ndim}D inputs")
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = fastnn.minimum(far, distance(positive, negative))
    return reduced((margin + near - far).clamp(min=0), how)


def triplet_margin_loss(anchor: Tensor, positive: Tensor, negative: Tensor, margin: float = 1.0,
                        p: float = 2, eps: float = 1e-6, swap: bool = False,
                        size_average: bool | None = None, reduce: bool | None = None,
                        reduction: str = "mean") -> Tensor:
    """max(0, |a - p| - |a - n| + margin) in the p-norm, over rows.

    swap: |p - n| counts where it is smaller than |a - n| (Balntas et al. 2016, Learning shallow
    convolutional feature descriptors with triplet losses).
    """
    return _triplet(lambda a, b: pairwise_distance(a, b, p, eps), anchor, positive, negative,
                    margin, swap, chosen(reduction, size_average, reduce))


def triplet_margin_with_distance_loss(
        anchor: Tensor, positive: Tensor, negative: Tensor, *,
        distance_function: Callable[[Tensor, Tensor], Tensor] | None = None, margin: float = 1.0,
        swap: bool = False, reduction: str = "mean") -> Tensor:
    """triplet_margin_loss with a distance of the caller's; pairwise_distance if it is None."""
    return _triplet(distance_function or pairwise_distance, anchor, positive, negative, margin,
                    swap, chosen(reduction))
