"""What ``fastnn train`` learns from: a data set that fastnn knows, or the user's file."""

import os
from dataclasses import dataclass

import numpy as np

from .errors import Problem
from .table import Table, base_name, from_arrays, read_table
from .target import Target, choose_target, fit_target, present

KNOWN = ("digits", "fashion-mnist")


@dataclass
class Source:
    """Columns, which of them is the target, and the rows of a test part that is given, if any."""

    name: str
    table: Table
    target: Target
    given_test: np.ndarray | None = None
    pixels: bool = False

    def encoded_target(self) -> np.ndarray:
        return self.target.encode(self.table.column(self.target.name))


def open_source(
    what: str, target: str | None, task: str, categorical: list[str], impute: str | None
) -> Source:
    """A file is taken before a known name only if the name has a folder or an ending."""
    if what in KNOWN:
        if target not in (None, "target"):
            raise Problem(f"{what} has its own target: leave out --target {target}")
        return digits() if what == "digits" else fashion_mnist()
    if not os.path.exists(what) and not os.path.splitext(what)[1] and os.sep not in what:
        raise Problem(f"{what}: no such file, and none of {', '.join(KNOWN)}")
    table = read_table(what, target)
    name = choose_target(table, target)
    fitted = fit_target(table.column(name), task, name in categorical)
    table = without_missing(table, fitted, impute)
    return Source(base_name(what), table, fitted)


def without_missing(table: Table, target: Target, impute: str | None) -> Table:
    """The table without the rows that have no target; Problem unless imputing was asked for."""
    kept = present(target, table.column(target.name))
    absent = int((~kept).sum())
    if not absent:
        return table
    if impute is None:
        raise Problem(f"target {target.name!r} misses {absent} values: with --impute those rows "
                      "are left out")  # fmt: skip
    print(f"{absent} rows without a value of {target.name!r} left out")
    return table.take(np.flatnonzero(kept))


def digits() -> Source:
    from fastnn.datasets import load_digits

    data, target, features, classes = load_digits()
    table = from_arrays("digits", data, features, target)
    return Source("digits", table, Target("target", "class", classes), pixels=True)


def fashion_mnist() -> Source:
    from fastnn.datasets import load_fashion_mnist

    try:
        train, test = load_fashion_mnist("train"), load_fashion_mnist("test")
    except (OSError, ValueError) as error:
        raise Problem(str(error)) from None
    data = np.concatenate([train.data, test.data])
    names = np.array(train.target_names)[np.concatenate([train.target, test.target])]
    table = from_arrays("fashion-mnist", data, train.feature_names, names)
    held = np.arange(len(train.target), len(names))
    return Source("fashion-mnist", table, Target("target", "class", train.target_names), held, True)
