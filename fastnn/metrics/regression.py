"""Errors of predicted numbers."""

from typing import Any

import numpy as np

from .confusion import paired


def residual(y_true: Any, y_pred: Any) -> tuple[np.ndarray, np.ndarray]:
    true, pred = paired(y_true, y_pred)
    true = true.astype(np.float64)
    return true, true - pred.astype(np.float64)


def mean_squared_error(y_true: Any, y_pred: Any) -> float:
    """mean((y - p)^2)."""
    return float(np.mean(residual(y_true, y_pred)[1] ** 2))


def mean_absolute_error(y_true: Any, y_pred: Any) -> float:
    """mean(|y - p|)."""
    return float(np.mean(np.abs(residual(y_true, y_pred)[1])))


def r2_score(y_true: Any, y_pred: Any) -> float:
    """1 - sum((y - p)^2) / sum((y - mean(y))^2); for a constant y: 1 if exact, else 0."""
    true, error = residual(y_true, y_pred)
    left, whole = float(np.sum(error**2)), float(np.sum((true - true.mean()) ** 2))
    if whole == 0:
        return 1.0 if left == 0 else 0.0
    return 1 - left / whole
