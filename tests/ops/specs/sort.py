"""Records of sorting, quantiles, sets and bins: host ops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

NAN = float("nan")
MESS = Arg((3, 4), values=[[3, 1, 2, 1], [0, -1, 5, 5], [2, 2, 2, 0]])
NANS = Arg((2, 4), values=[[3, NAN, 2, 1], [NAN, -1, NAN, 5]])
WHOLE = Arg((4, 9), -4, 4, "int64")
BITS = Arg((4, 9), 0, 2, "bool")
HOST: dict[str, Any] = {"host": True, "ulp": 4}
DIM = Error((np.zeros((2, 3), "f4"),), IndexError, "out of range", {"dim": 2})


def order(x: np.ndarray, dim: int, descending: bool = False) -> Any:
    if not descending:
        return np.argsort(x, axis=dim, kind="stable")
    if x.dtype == bool:
        x = x.astype(int)
    return np.argsort(np.where(np.isnan(x), -np.inf, -x), axis=dim, kind="stable")


def sort(x: np.ndarray, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    if x.ndim == 0:
        return x, np.int64(0)
    i = order(x, dim, descending)
    return np.take_along_axis(x, i, dim), i


def topk(x: np.ndarray, k: int, dim: int = -1, largest: bool = True, **_: Any) -> Any:
    values, i = sort(x, dim, largest)
    return np.take(values, range(k), dim), np.take(i, range(k), dim)


def kth(x: np.ndarray, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    values, i = sort(x, dim)
    pick = [k - 1] if keepdim else k - 1
    return np.take(values, pick, dim), np.take(i, pick, dim)


def median(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
    if dim is None:
        x = x.reshape(-1)
        return np.sort(x)[(x.size - 1) // 2] if not np.isnan(x).any() else np.nan
    return kth(x, (x.shape[dim] - 1) // 2 + 1, dim, keepdim)


def quantile(f: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: np.ndarray, q: Any, dim: int | None = None, keepdim: bool = False,
             interpolation: str = "linear") -> Any:
        return f(x, q, axis=dim, keepdims=keepdim, method=interpolation)
    return call


def distinct(name: str, samples: list[Sample], **options: Any) -> Spec:
    return Spec(name, name, None, samples, grad=False, host=True, views=False, **options)


RANDOM = Arg((5, 7))  # no ties: PyTorch's positions of equal elements are unspecified
SPECS = [
    Spec("sort", "sort", sort, [
        Sample((Arg(()),)), Sample((RANDOM,)), Sample((RANDOM, 0)), Sample((RANDOM, 1, True)),
        Sample((MESS,), {"stable": True}, smooth=False),
        Sample((Arg((300,)),), {"descending": True}),
        Sample((MESS,), {"dim": 0, "descending": True, "stable": True}, smooth=False)],
        errors=[DIM], **HOST),
    Spec("sort of NaN, integers, bools", "sort", sort, [
        Sample((NANS,), {"stable": True}), Sample((WHOLE,), {"stable": True}),
        Sample((BITS,), {"stable": True, "descending": True}),
        Sample((Arg((0,)),))], grad=False, **HOST),
    Spec("argsort", "argsort", lambda *a, **k: sort(*a, **k)[1],
         [Sample((RANDOM,)), Sample((RANDOM, 0, True)), Sample((MESS,), {"stable": True})],
         grad=False, **HOST),
    Spec("msort", "msort", lambda x: np.sort(x, axis=0), [Sample((RANDOM,))], **HOST),
    Spec("topk", "topk", topk, [
        Sample((RANDOM, 3)), Sample((RANDOM, 2, 0)), Sample((RANDOM, 2), {"largest": False}),
        Sample((Arg((1000,)), 5)), Sample((Arg((3, 1000)), 5), {"largest": False}),
        Sample((Arg((1000, 2)), 9, 0)), Sample((RANDOM, 0)), Sample((RANDOM, 7))],
         errors=[Error((np.zeros(3, "f4"), 4), RuntimeError, "out of range")], **HOST),
    Spec("topk of NaN", "topk", topk, [Sample((NANS, 1)), Sample((WHOLE, 9))], grad=False,
         torch=None, **HOST),
    Spec("kthvalue", "kthvalue", kth, [
        Sample((RANDOM, 1)), Sample((RANDOM, 3, 0)), Sample((RANDOM, 2, 1, True))],
         errors=[Error((np.zeros(3, "f4"), 0), RuntimeError, "out of range")], **HOST),
    Spec("median", "median", median, [
        Sample((RANDOM,)), Sample((Arg((8,)),)), Sample((RANDOM, 0)), Sample((RANDOM, 1, True))],
         errors=[DIM], **HOST),
    distinct("median", [Sample((NANS,)), Sample((WHOLE,)), Sample((Arg((0,)),))]),
    distinct("nanmedian", [Sample((NANS,)), Sample((RANDOM, 1)), Sample((NANS, 1))]),
    distinct("mode", [Sample((Arg((6,), values=[2, 1, 2, 3, 1, 5]),)),
                      Sample((Arg((2, 5), values=[[1, 1, 0, 0, 2], [4, 4, 4, 1, 1]]), 1))],
             errors=[DIM]),
    Spec("quantile", "quantile", quantile(np.quantile), [
        Sample((RANDOM, 0.3)), Sample((RANDOM, 0.5, 0)), Sample((RANDOM, 0.9, 1, True)),
        Sample((RANDOM, Arg((3,), values=[0, 0.4, 1], grad=False), 1)),
        Sample((RANDOM, Arg((2,), values=[0.1, 0.6], grad=False)), {"keepdim": True}),
        *[Sample((RANDOM, 0.35, 1), {"interpolation": m})
          for m in ("lower", "higher", "midpoint", "nearest")]], floor=4, second=False,
         errors=[Error((np.zeros(3, "f4"), 1.5), RuntimeError, r"range \[0, 1\]"),
                 Error((np.zeros(3, "i8"), 0.5), RuntimeError, "float or double")], **HOST),
    Spec("nanquantile", "nanquantile", quantile(np.nanquantile),
         [Sample((NANS, 0.3)), Sample((NANS, 0.5, 1))], grad=False, floor=4, **HOST),
    distinct("quantile", [Sample((NANS, 0.3, 1)), Sample((NANS, 0.3))]),
    distinct("unique", [
        Sample((MESS,)), Sample((MESS, True, True, True)), Sample((WHOLE,), {"dim": 1}),
        Sample((Arg((6, 2), 0, 2, "int64"), True, True, True), {"dim": 0})]),
    distinct("unique_consecutive", [
        Sample((MESS,)), Sample((MESS, True, True)),
        Sample((Arg((6, 2), 0, 2, "int64"), True, True), {"dim": 0})]),
    distinct("isin", [Sample((WHOLE, Arg((3,), -4, 4, "int64"))),
                      Sample((WHOLE, Arg((3,), -4, 4, "int64")), {"invert": True})]),
    distinct("searchsorted", [
        Sample((Arg((5,), values=[0, 1, 1, 2, 4]), Arg((3, 3), 0, 5))),
        Sample((Arg((5,), values=[0, 1, 1, 2, 4]), Arg((3,), values=[1, 4, 9])), {"right": True}),
        Sample((Arg((2, 3), values=[[0, 1, 2], [3, 4, 5]]), Arg((2, 4), 0, 5)),
               {"out_int32": True})],
        errors=[Error((np.zeros((2, 3), "f4"), np.zeros((3, 3), "f4")), RuntimeError,
                      "must match")]),
    distinct("bucketize", [Sample((Arg((4, 3), 0, 5), Arg((4,), values=[0, 1, 3, 4]))),
                           Sample((Arg((3,), values=[1, 3, 9]), Arg((4,), values=[0, 1, 3, 4])),
                                  {"right": True})]),
    distinct("histc", [Sample((RANDOM, 8, -1, 1)), Sample((RANDOM, 5)),
                       Sample((Arg((4,), values=[1, 1, 1, 1]), 3))],
             errors=[Error((np.zeros(3, "f4"), 0), RuntimeError, "bins")]),
    distinct("bincount", [
        Sample((Arg((20,), 0, 6, "int64"),)), Sample((Arg((20,), 0, 6, "int64"),),
                                                     {"minlength": 9}),
        Sample((Arg((20,), 0, 6, "int64"), Arg((20,))))],
        errors=[Error((np.array([-1]),), RuntimeError, "non-negative")]),
    distinct("isclose", [Sample((MESS, MESS)), Sample((NANS, NANS)),
                         Sample((NANS, NANS), {"equal_nan": True}), Sample((MESS, Arg((4,))))]),
    distinct("allclose", [Sample((MESS, MESS)), Sample((NANS, NANS)), Sample((WHOLE, WHOLE))]),
    distinct("equal", [Sample((MESS, MESS)), Sample((NANS, NANS)), Sample((MESS, Arg((4,))))]),
]
