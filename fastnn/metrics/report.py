"""The classification report as text."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from .confusion import paired
from .scores import precision_recall_fscore_support

COLUMNS = ("precision", "recall", "f1-score", "support")


def classification_report(
    y_true: Any,
    y_pred: Any,
    *,
    labels: Any = None,
    target_names: Sequence[str] | None = None,
    digits: int = 2,
    zero_division: float = 0.0,
) -> str:
    """One line per class, then accuracy (or the micro average, if labels omit some), averages."""
    true, pred = paired(y_true, y_pred)
    present = np.union1d(true, pred)
    wanted = present if labels is None else np.asarray(labels)
    names = [str(label) for label in wanted] if target_names is None else list(target_names)
    if len(names) != len(wanted):
        raise ValueError(f"{len(wanted)} labels but {len(names)} target_names")
    options: dict[str, Any] = {"labels": wanted, "zero_division": zero_division}
    scores = precision_recall_fscore_support(true, pred, **options)
    total = int(scores[3].sum())
    width = max(len("weighted avg"), digits, *map(len, names))

    def line(name: str, cells: Sequence[str]) -> str:
        return f"{name:>{width}} " + "".join(f" {cell:>9}" for cell in cells)

    def rounded(values: Sequence[float]) -> list[str]:
        return [f"{value:.{digits}f}" for value in values]

    lines = [line("", COLUMNS), ""]
    for name, *row, support in zip(names, *scores, strict=True):
        lines.append(line(name, [*rounded(row), str(support)]))
    lines.append("")
    micro = rounded(precision_recall_fscore_support(true, pred, average="micro", **options)[:3])
    if set(present) <= set(wanted):
        lines.append(line("accuracy", ["", "", micro[2], str(total)]))
    else:
        lines.append(line("micro avg", [*micro, str(total)]))
    for average in ("macro", "weighted"):
        means = precision_recall_fscore_support(true, pred, average=average, **options)[:3]
        lines.append(line(f"{average} avg", [*rounded(means), str(total)]))
    return "\n".join(lines) + "\n"
