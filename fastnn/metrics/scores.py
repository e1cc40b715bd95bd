"""Precision, recall and F1, per class and averaged.

precision = TP / (TP + FP);  recall = TP / (TP + FN);
F_beta = (1 + beta^2) TP / ((1 + beta^2) TP + FP + beta^2 FN).
A quotient whose denominator is 0 is ``zero_division``.
"""

from typing import Any

import numpy as np

from .confusion import numbered, paired

AVERAGES = (None, "binary", "micro", "macro", "weighted")


def ratio(top: np.ndarray, bottom: np.ndarray, zero_division: float) -> np.ndarray:
    safe = np.where(bottom == 0, 1, bottom)
    return np.where(bottom == 0, zero_division, top / safe)


def counted(y_true: Any, y_pred: Any, labels: Any) -> tuple[np.ndarray, ...]:
    """Labels and, for each, true positives, predicted count, true count."""
    wanted, true, pred = numbered(*paired(y_true, y_pred), labels)
    n = len(wanted)
    hits = np.bincount(true[(true == pred) & (true >= 0)], minlength=n)
    return (
        wanted,
        hits,
        np.bincount(pred[pred >= 0], minlength=n),
        np.bincount(true[true >= 0], minlength=n),
    )


def averaged(values: np.ndarray, weights: np.ndarray | None) -> float:
    """The mean over the defined entries, plain where their weights are all 0; NaN if none is."""
    defined = ~np.isnan(values)
    if not defined.any():
        return float("nan")
    if weights is None or not weights[defined].any():
        return float(np.mean(values[defined]))
    return float(np.average(values[defined], weights=weights[defined]))


def precision_recall_fscore_support(
    y_true: Any,
    y_pred: Any,
    *,
    beta: float = 1.0,
    labels: Any = None,
    pos_label: Any = 1,
    average: str | None = None,
    zero_division: float = 0.0,
) -> tuple[Any, Any, Any, Any]:
    """(precision, recall, F_beta, support): arrays over the labels, or averages with support None.

    average: None, "binary" (the class pos_label alone), "micro" (of the summed counts), "macro"
    (plain mean), "weighted" (mean by true count). zero_division: 0, 1 or NaN.
    """
    if average not in AVERAGES:
        raise ValueError(f"average must be one of {AVERAGES}, got {average!r}")
    if not beta >= 0:
        raise ValueError(f"beta must not be negative, got {beta}")
    if average == "binary":
        labels = [binary_label(y_true, y_pred, pos_label)]
    _, hits, predicted, support = counted(y_true, y_pred, labels)
    if average == "micro":
        hits, predicted, support = (np.array([v.sum()]) for v in (hits, predicted, support))
    square = beta * beta
    precision = ratio(hits, predicted, zero_division)
    recall = ratio(hits, support, zero_division)
    fscore = ratio((1 + square) * hits, predicted + square * support, zero_division)
    if average is None:
        return precision, recall, fscore, support
    weights = support if average == "weighted" else None
    means = [averaged(v, weights) for v in (precision, recall, fscore)]
    return means[0], means[1], means[2], None


def binary_label(y_true: Any, y_pred: Any, pos_label: Any) -> Any:
    present = np.union1d(*paired(y_true, y_pred))
    if len(present) > 2:
        raise ValueError(f"average='binary' needs two classes, found {len(present)}")
    if pos_label not in present and len(present) == 2:
        raise ValueError(f"pos_label {pos_label!r} is none of {present.tolist()}")
    return pos_label


def precision_score(y_true: Any, y_pred: Any, *, average: str | None = "binary", **options) -> Any:
    """TP / (TP + FP); options as for precision_recall_fscore_support."""
    return precision_recall_fscore_support(y_true, y_pred, average=average, **options)[0]


def recall_score(y_true: Any, y_pred: Any, *, average: str | None = "binary", **options) -> Any:
    """TP / (TP + FN); options as for precision_recall_fscore_support."""
    return precision_recall_fscore_support(y_true, y_pred, average=average, **options)[1]


def f1_score(y_true: Any, y_pred: Any, *, average: str | None = "binary", **options) -> Any:
    """2 TP / (2 TP + FP + FN); options as for precision_recall_fscore_support."""
    return precision_recall_fscore_support(y_true, y_pred, average=average, **options)[2]
