"""What every loader returns."""

from typing import NamedTuple

import numpy as np


class Labelled(NamedTuple):
    """data: (N, D) float32;  target: (N,) int64, an index into target_names."""

    data: np.ndarray
    target: np.ndarray
    feature_names: list[str]
    target_names: list[str]
