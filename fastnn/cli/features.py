"""From the user's columns to the numbers of a net, by figures of the training part alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from .column import Column
from .errors import Problem
from .table import Table

MAX_CATEGORIES = 100


@dataclass
class Feature:
    """One column: a number x becomes (x - mean) / std, a category one 0 or 1 per known value."""

    name: str
    kind: str  # "number" or "category"
    position: int  # among all columns of the training file
    mean: float = 0.0
    std: float = 1.0
    fill: Any = None  # what stands for a missing value; None: there must be none
    values: list[str] = field(default_factory=list)

    def width(self) -> int:
        return 1 if self.kind == "number" else len(self.values)

    def write(self, column: Column, out: np.ndarray) -> None:
        """Encodes the column's rows into out, (rows, width)."""
        if self.kind == "number":
            values = column.numbers()
            self.refuse_missing(int(np.isnan(values).sum()))
            if self.fill is not None:
                values = np.where(np.isnan(values), self.fill, values)
            out[:, 0] = (values - self.mean) / self.std
            return
        texts = [self.fill if text is None else text for text in column.texts()]
        self.refuse_missing(texts.count(None))
        place = {value: i for i, value in enumerate(self.values)}
        for row, text in enumerate(texts):
            if text in place:
                out[row, place[text]] = 1

    def refuse_missing(self, count: int) -> None:
        if count and self.fill is None:
            raise Problem(f"column {self.name!r} misses {count} value{'s' * (count > 1)}, and the "
                          "model was trained without --impute")  # fmt: skip


@dataclass
class Features:
    items: list[Feature]
    columns: int  # of the training file, the target among them
    named: bool = True

    def width(self) -> int:
        return sum(item.width() for item in self.items)

    def encode(self, table: Table) -> np.ndarray:
        """(rows, width) float32; columns are matched by name, or by position without names."""
        out = np.zeros((table.rows, self.width()), np.float32)
        at = 0
        for item, column in zip(self.items, self.matched(table), strict=True):
            with np.errstate(over="ignore", invalid="ignore"):
                item.write(column, out[:, at : at + item.width()])
            at += item.width()
        if not np.isfinite(out).all():
            raise Problem("a number is too large to be normalised")
        return out

    def matched(self, table: Table) -> Sequence[Column]:
        if not (self.named and table.named):
            if len(table.columns) == self.columns:
                return [table.columns[item.position] for item in self.items]
            if len(table.columns) == len(self.items):
                return table.columns
            raise Problem(f"{table.name}: {len(table.columns)} columns without names, the model "
                          f"needs {len(self.items)}")  # fmt: skip
        found = {column.name: column for column in table.columns}
        absent = [item.name for item in self.items if item.name not in found]
        if absent:
            more = f" and {len(absent) - 3} more" if len(absent) > 3 else ""
            raise Problem(f"{table.name}: no column {', '.join(map(repr, absent[:3]))}{more}")
        return [found[item.name] for item in self.items]

    def plain(self) -> dict[str, Any]:
        return {**asdict(self), "items": [asdict(item) for item in self.items]}

    @classmethod
    def from_plain(cls, value: dict[str, Any]) -> "Features":
        return cls(**{**value, "items": [Feature(**item) for item in value["items"]]})


def fit_features(
    table: Table,
    target: str,
    train: np.ndarray,
    *,
    impute: str | None = None,
    categorical: Sequence[str] = (),
    common: bool = False,
    note: Callable[[str], None] = print,
) -> Features:
    """The encoding of every column but the target.

    common: one mean and std for all numbers together, as pixels want it.
    """
    for name in categorical:
        if table.find(name) is None:
            raise Problem(f"--categorical {name}: no such column")
    items, missing = [], {}
    for position, column in enumerate(table.columns):
        if column.name == target:
            continue
        fit = fit_category if column.name in categorical or not column.is_number() else fit_number
        item, absent = fit(column, position, train, impute)
        if absent == table.rows:
            note(f"column {column.name!r} is empty: left out")
        elif item.kind == "category" and len(item.values) > MAX_CATEGORIES:
            note(f"column {column.name!r} has {len(item.values)} different texts: left out")
        else:
            items.append(item)
            if absent:
                missing[column.name] = absent
    report_missing(missing, impute, note)
    if not items:
        raise Problem(f"{table.name}: no column is left to learn from")
    if common:
        share_scale(items, table, train)
    return Features(items, len(table.columns), table.named)


def fit_number(
    column: Column, position: int, train: np.ndarray, impute: str | None
) -> tuple[Feature, int]:
    values = column.numbers()
    absent = np.isnan(values)
    known = values[train][~absent[train]]
    item = Feature(column.name, "number", position)
    if impute is not None:
        item.fill = float(FILLS[impute](known)) if len(known) else 0.0
    filled = np.where(np.isnan(values[train]), item.fill or 0.0, values[train])
    with np.errstate(over="ignore", invalid="ignore"):
        item.mean, item.std = float(filled.mean()), float(filled.std()) or 1.0
    if not np.isfinite(item.mean + item.std):
        raise Problem(f"column {column.name!r}: its numbers are too large")
    return item, int(absent.sum())


def most_frequent(values: np.ndarray) -> float:
    distinct, counts = np.unique(values, return_counts=True)
    return distinct[np.argmax(counts)]


FILLS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": np.mean, "median": np.median, "mode": most_frequent,
}  # fmt: skip


def fit_category(
    column: Column, position: int, train: np.ndarray, impute: str | None
) -> tuple[Feature, int]:
    texts = column.texts()
    counts = Counter(texts[i] for i in train if texts[i] is not None)
    item = Feature(column.name, "category", position, values=sorted(counts))
    if impute is not None:
        item.fill = min(counts, key=lambda value: (-counts[value], value), default="")
    return item, texts.count(None)


def report_missing(missing: dict[str, int], impute: str | None, note: Callable) -> None:
    if not missing:
        return
    listed = [f"{name} ({count})" for name, count in missing.items()]
    text = ", ".join(listed[:8]) + (f" and {len(listed) - 8} more columns" if listed[8:] else "")
    if impute is None:
        raise Problem(f"missing values in {text}: choose --impute mean, median or mode")
    note(f"missing values filled by the training part's {impute} (categories by mode): {text}")


def share_scale(items: list[Feature], table: Table, train: np.ndarray) -> None:
    """Var = mean of the columns' variances + variance of their means."""
    numbers = [item for item in items if item.kind == "number"]
    means = np.array([item.mean for item in numbers])
    variances = [table.columns[item.position].numbers()[train].var() for item in numbers]
    std = float(np.sqrt(np.mean(variances) + means.var())) or 1.0
    for item in numbers:
        item.mean, item.std = float(means.mean()), std
