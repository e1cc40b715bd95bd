"""Records of the scans."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

CASES = [((), 0), ((7,), 0), ((3, 5), 0), ((3, 5), 1), ((2, 3, 4), -2), ((30, 20), 0)]
ZEROS = Arg((2, 4), values=[[1, 0, 2, 3], [0, 2, 0, 1]])


def samples(low: float = -1.5, high: float = 1.5) -> list[Sample]:
    return [Sample((Arg(shape, low, high), dim)) for shape, dim in CASES]


def along(f: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: np.ndarray, dim: int) -> Any:
        return f(x, axis=dim) if x.ndim else f(x.reshape(1), axis=0).reshape(())
    return call


def running(f: np.ufunc, reaches: Callable[..., Any]) -> Callable[..., Any]:
    """Running extremes with the position of the last element that reached them."""
    def call(x: np.ndarray, dim: int) -> Any:
        if x.ndim == 0:
            return x, np.int64(0)
        best = f.accumulate(x, axis=dim)
        own = np.where(reaches(x, best), np.indices(x.shape)[dim], 0)
        return best, np.maximum.accumulate(own, axis=dim)
    return call


def diff(x: np.ndarray, n: int = 1, dim: int = -1, **ends: Any) -> Any:
    return np.diff(x, n, dim, **ends)


DIM = [Error((np.zeros((2, 3), "f4"), 2), IndexError, "out of range")]
WHOLE = Sample((Arg((3, 5), -3, 4, "int64"), 1))
TIES = Sample((Arg((6,), values=[1, 3, 2, 3, 3, 0]), 0), smooth=False)

SPECS = [
    Spec("cumsum", "cumsum", along(np.cumsum), samples(), ulp=8, floor=20, errors=DIM),
    Spec("cumprod", "cumprod", along(np.cumprod), [*samples(), Sample((ZEROS, 1))], ulp=40,
         errors=DIM),
    Spec("scans of integers", "cumsum", along(np.cumsum),
         [WHOLE, Sample((Arg((9,), 0, 2, "bool"), 0)), Sample((Arg((9,), 0, 9, "int32"), 0))],
         grad=False, dtypes=("float32",)),
    Spec("logcumsumexp", "logcumsumexp", along(np.logaddexp.accumulate), samples(-5, 5), ulp=8,
         floor=8, errors=DIM),
    Spec("cummax", "cummax", running(np.maximum, np.greater_equal), [*samples(), TIES], ulp=0,
         errors=DIM),
    Spec("cummin", "cummin", running(np.minimum, np.less_equal), samples(), ulp=0, errors=DIM),
    Spec("diff", "diff", diff, [
        Sample((Arg((7,)),)), Sample((Arg((3, 5)),), {"n": 2, "dim": 1}),
        Sample((Arg((3, 5)),), {"dim": 0}),
        Sample((Arg((3,)),), {"prepend": Arg((2,)), "append": Arg((1,))})], floor=8,
         errors=[Error((np.float32(1) + np.zeros((), "f4"),), RuntimeError, "one-dimensional"),
                 Error((np.zeros(3, "f4"), -1), RuntimeError, "non-negative")]),
]
