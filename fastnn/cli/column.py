"""One column of the user's table: as numbers, or as texts."""

import math
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from .errors import Problem

MISSING = {"", "?", "na", "n/a", "nan", "null"}


class Column(Protocol):
    name: str

    def is_number(self) -> bool:
        """Whether it holds numbers; Problem if it holds both numbers and a few texts."""

    def numbers(self) -> np.ndarray:
        """float64, NaN where missing; Problem at the first cell that is no finite number."""

    def texts(self) -> list[str | None]:
        """The cells as text, None where missing."""

    def take(self, rows: np.ndarray) -> "Column":
        """The column of these rows alone."""


class TextColumn:
    """Cells of a CSV file, with the line that each stands on."""

    def __init__(self, name: str, cells: list[str], lines: Sequence[int], decimal_comma: bool):
        self.name, self.cells, self.lines = name, cells, lines
        self.decimal_comma = decimal_comma

    def is_number(self) -> bool:
        present = [i for i, cell in enumerate(self.cells) if not is_missing(cell)]
        wrong = [i for i in present if self.parse(self.cells[i]) is None]
        numeric = len(present) - len(wrong)
        if wrong and numeric >= len(wrong):
            raise Problem(
                f"{self.place(wrong[0])}: {short(self.cells[wrong[0]])} is not a number "
                f"(for a column of names, say --categorical {self.name})"
            )
        return not wrong

    def numbers(self) -> np.ndarray:
        return np.fromiter(self.parsed(), np.float64, len(self.cells))

    def parsed(self) -> Iterator[float]:
        for i, cell in enumerate(self.cells):
            if is_missing(cell):
                yield math.nan
                continue
            value = self.parse(cell)
            if value is None:
                raise Problem(f"{self.place(i)}: {short(cell)} is not a number")
            if not math.isfinite(value):
                raise Problem(f"{self.place(i)}: {short(cell)} is not a finite number")
            yield value

    def texts(self) -> list[str | None]:
        return [None if is_missing(cell) else cell.strip() for cell in self.cells]

    def take(self, rows: np.ndarray) -> "TextColumn":
        cells, lines = [self.cells[i] for i in rows], [self.lines[i] for i in rows]
        return TextColumn(self.name, cells, lines, self.decimal_comma)

    def parse(self, cell: str) -> float | None:
        if "_" in cell:  # Python's own digit grouping is no data format
            return None
        try:
            return float(cell.replace(",", ".") if self.decimal_comma else cell)
        except ValueError:
            return None

    def place(self, i: int) -> str:
        return f"line {self.lines[i]}, column {self.name!r}"


class ArrayColumn:
    """One-dimensional values of an NPZ file or of a shipped data set."""

    def __init__(self, name: str, values: np.ndarray):
        self.name, self.values = name, values

    def is_number(self) -> bool:
        return self.values.dtype.kind in "biuf"

    def numbers(self) -> np.ndarray:
        if not self.is_number():
            raise Problem(f"array {self.name!r} holds text where numbers belong")
        values = self.values.astype(np.float64)
        wrong = np.flatnonzero(np.isinf(values))
        if len(wrong):
            raise Problem(f"array {self.name!r}, row {wrong[0]}: infinite")
        return values

    def texts(self) -> list[str | None]:
        if self.is_number():
            return [None if math.isnan(v) else number_text(v) for v in self.values.tolist()]
        return [None if is_missing(str(v)) else str(v) for v in self.values.tolist()]

    def take(self, rows: np.ndarray) -> "ArrayColumn":
        return ArrayColumn(self.name, self.values[rows])


def is_missing(cell: str) -> bool:
    return cell.strip().lower() in MISSING


def number_text(value: float) -> str:
    """1 for 1.0, and the shortest form that reads back as value otherwise."""
    if isinstance(value, bool) or value == int(value):
        return str(int(value))
    return repr(value)


def short(cell: str) -> str:
    return repr(cell if len(cell) <= 40 else cell[:37] + "...")
