"""Which rows train, which choose the best epoch, which are only looked at in the end."""

from typing import NamedTuple

import numpy as np

from .errors import Problem


class Split(NamedTuple):
    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_rows(
    groups: np.ndarray, validation: float, test: float, seed: int, minimum: int = 2
) -> Split:
    """Row numbers of the three parts, each with its share of every group (class), shuffled.

    Shares are rounded so that their sum over the groups is right to one row; a group of one row
    stays in the training part.
    """
    rng = np.random.default_rng(seed)
    parts: tuple[list, list, list] = ([], [], [])
    owed_test = owed_validation = 0.0
    for group in np.unique(groups):
        rows = rng.permutation(np.flatnonzero(groups == group))
        spare = len(rows) - 1
        owed_test += len(rows) * test
        owed_validation += len(rows) * validation
        n_test = min(spare, max(0, round(owed_test)))
        n_validation = min(spare - n_test, max(0, round(owed_validation)))
        owed_test -= n_test
        owed_validation -= n_validation
        parts[0].append(rows[n_test + n_validation :])
        parts[1].append(rows[n_test : n_test + n_validation])
        parts[2].append(rows[:n_test])
    train, val, held = (rng.permutation(np.concatenate(part)) for part in parts)
    if len(train) < minimum or (validation and not len(val)) or (test and not len(held)):
        raise Problem(f"{len(groups)} rows are too few to split into training and test parts")
    return Split(train, val, held)
