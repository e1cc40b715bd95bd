"""The confusion matrix, and the figures that read it directly."""

from typing import Any

import numpy as np


def paired(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    """Both as 1-D arrays of one length; ValueError if they are not."""
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    if true.ndim != 1 or pred.ndim != 1:
        raise ValueError(f"y_true and y_pred must be 1-D, got {true.shape} and {pred.shape}")
    if len(true) != len(pred):
        raise ValueError(f"y_true has {len(true)} entries but y_pred has {len(pred)}")
    if len(true) == 0:
        raise ValueError("y_true and y_pred are empty")
    return true, pred


def numbered(true: np.ndarray, pred: np.ndarray, labels: Any) -> tuple[np.ndarray, ...]:
    """labels (sorted union if None) and both arrays as positions in it, -1 for any other label."""
    found = np.union1d(true, pred)
    wanted = found if labels is None else np.asarray(labels)
    if wanted.ndim != 1 or len(wanted) == 0 or len(np.unique(wanted)) != len(wanted):
        raise ValueError("labels must be a non-empty 1-D sequence of different labels")
    order = np.argsort(wanted)
    ordered = wanted[order]

    def positions(values: np.ndarray) -> np.ndarray:
        at = np.minimum(np.searchsorted(ordered, values), len(ordered) - 1)
        return np.where(ordered[at] == values, order[at], -1)

    return wanted, positions(true), positions(pred)


def confusion_matrix(
    y_true: Any, y_pred: Any, *, labels: Any = None, normalize: str | None = None
) -> np.ndarray:
    """C[i, j] counts the samples of class labels[i] that were predicted as labels[j].

    Samples with a label outside of ``labels`` are left out. normalize: None, "true" (rows sum to
    1), "pred" (columns do) or "all"; a row or column without samples is 0.
    """
    if normalize not in (None, "true", "pred", "all"):
        raise ValueError(f"normalize must be None, 'true', 'pred' or 'all', got {normalize!r}")
    wanted, true, pred = numbered(*paired(y_true, y_pred), labels)
    inside = (true >= 0) & (pred >= 0)
    n = len(wanted)
    counts = np.bincount(true[inside] * n + pred[inside], minlength=n * n).reshape(n, n)
    if normalize is None:
        return counts
    axis = {"true": 1, "pred": 0, "all": None}[normalize]
    total = counts.sum(axis=axis, keepdims=True)
    return counts / np.maximum(total, 1)


def accuracy_score(y_true: Any, y_pred: Any) -> float:
    """The share of samples whose predicted label is the true one."""
    true, pred = paired(y_true, y_pred)
    return float(np.mean(true == pred))


def majority_baseline(y_true: Any) -> tuple[Any, float]:
    """The commonest label and the accuracy of always predicting it (ties: the first label)."""
    true, _ = paired(y_true, y_true)
    labels, counts = np.unique(true, return_counts=True)
    best = int(np.argmax(counts))
    return labels[best], float(counts[best] / len(true))
