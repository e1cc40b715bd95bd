"""The column to predict: classes, or a number."""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .column import Column
from .errors import Problem
from .table import Table

FEW, MANY, ROWS_PER_CLASS = 10, 100, 10  # distinct whole numbers that still are classes


@dataclass
class Target:
    """kind "class": an index into classes; kind "number": (y - mean) / std."""

    name: str
    kind: str
    classes: list[str] = field(default_factory=list)
    mean: float = 0.0
    std: float = 1.0

    def outputs(self) -> int:
        return len(self.classes) if self.kind == "class" else 1

    def encode(self, column: Column) -> np.ndarray:
        """int64 class numbers, -1 if missing or unknown; or float32 numbers, NaN if missing."""
        if self.kind == "number":
            return ((column.numbers() - self.mean) / self.std).astype(np.float32)
        place: dict[str | None, int] = {label: i for i, label in enumerate(self.classes)}
        return np.array([place.get(text, -1) for text in labels(column)], np.int64)

    def plain(self) -> dict[str, Any]:
        return asdict(self)


def labels(column: Column) -> list[str | None]:
    """The cells as class labels; numbers in one spelling, so that 1 and 1.0 are one class."""
    from .column import ArrayColumn

    try:
        return ArrayColumn(column.name, column.numbers()).texts()
    except Problem:
        return column.texts()


def choose_target(table: Table, name: str | None) -> str:
    names = table.names()
    if name is None:
        raise Problem(f"{table.name}: say which column to predict, --target COLUMN; it has "
                      + listing(names))  # fmt: skip
    if name not in names:
        raise Problem(f"{table.name}: no column {name!r}; it has {listing(names)}")
    return name


def listing(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


def fit_target(column: Column, task: str, categorical: bool = False) -> Target:
    """task: "classification", "regression", or "auto" (a number with many values is regression)."""
    if task == "regression" or (task == "auto" and not categorical and is_quantity(column)):
        values = column.numbers()
        if np.nanmin(values) == np.nanmax(values):
            raise Problem(f"target {column.name!r} is the same number in every row")
        return Target(column.name, "number")
    cells = labels(column)
    found = sorted({label for label in cells if label is not None}, key=natural)
    if len(found) < 2:
        held = f"one class, {found[0]!r}" if found else "no values"
        raise Problem(f"target {column.name!r} holds only {held}: nothing to learn")
    if len(found) > max(MANY, len(cells) // 2):
        raise Problem(f"target {column.name!r} has {len(found)} classes in {len(cells)} rows: "
                      "too few rows of each")  # fmt: skip
    return Target(column.name, "class", found)


def natural(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


def is_quantity(column: Column) -> bool:
    if not column.is_number():
        return False
    values = column.numbers()
    values = values[~np.isnan(values)]
    distinct = len(np.unique(values))
    if (values != np.floor(values)).any():
        return True
    return distinct > FEW and (distinct > MANY or len(values) < ROWS_PER_CLASS * distinct)


def present(target: Target, column: Column) -> np.ndarray:
    """Which rows have a value to learn from."""
    values = target.encode(column)
    return values >= 0 if target.kind == "class" else ~np.isnan(values)


def scaled(target: Target, column: Column, train: np.ndarray) -> None:
    """Takes mean and std of a number from the training rows."""
    if target.kind == "number":
        values = column.numbers()[train]
        target.mean, target.std = float(values.mean()), float(values.std()) or 1.0
