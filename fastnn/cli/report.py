"""What the test part says about a trained net, as text."""

import numpy as np

from fastnn import metrics

from .target import Target

CORNER = "true \\ predicted"
WIDEST = 30  # classes beyond which the confusion matrix is left out


def class_report(target: Target, truth: np.ndarray, guess: np.ndarray) -> str:
    """Scores per class, confusion matrix, majority baseline, and the accuracy as the last line."""
    seen = np.union1d(truth, guess)
    names = [target.classes[i] for i in seen]
    label, baseline = metrics.majority_baseline(truth)
    parts = [metrics.classification_report(truth, guess, labels=seen, target_names=names, digits=3)]
    if len(seen) <= WIDEST:
        parts.append(confusion_text(metrics.confusion_matrix(truth, guess, labels=seen), names))
    parts.append(
        f"always answering {target.classes[label]!r} (majority class): {100 * baseline:.1f} %\n"
        f"test accuracy: {100 * metrics.accuracy_score(truth, guess):.1f} %"
    )
    return "\n".join(parts)


def confusion_text(matrix: np.ndarray, names: list[str]) -> str:
    """Rows are the true classes, columns the predicted ones."""
    short = [name if len(name) <= 12 else name[:11] + "~" for name in names]
    first = max(len(CORNER), *map(len, short))
    width = max(len(str(matrix.max())), *map(len, short)) + 1
    lines = [f"{CORNER.rjust(first)} " + "".join(n.rjust(width) for n in short)]
    for name, row in zip(short, matrix, strict=True):
        lines.append(f"{name.rjust(first)} " + "".join(str(n).rjust(width) for n in row))
    return "\n".join(lines) + "\n"


def number_report(target: Target, truth: np.ndarray, guess: np.ndarray) -> str:
    """Errors of a predicted number in its own unit, beside those of always saying the mean."""
    mean = np.full_like(truth, target.mean)
    rows = [("net", guess), ("training mean", mean)]
    lines = [f"{'':>14}  {'root mean square error':>22}  {'mean absolute error':>20}"]
    for name, values in rows:
        root = metrics.mean_squared_error(truth, values) ** 0.5
        mean_error = metrics.mean_absolute_error(truth, values)
        lines.append(f"{name:>14}  {root:22.6g}  {mean_error:20.6g}")
    return "\n".join(lines) + f"\ntest R2: {metrics.r2_score(truth, guess):.3f}"
