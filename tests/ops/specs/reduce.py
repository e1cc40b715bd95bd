"""Records of the reductions by one pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

SHAPES: list[tuple[tuple[int, ...], tuple[Any, ...]]] = [
    ((), (None,)), ((7,), (None, 0)), ((3, 5), (None, 0, 1, (0, 1), -1)),
    ((2, 3, 4), (None, 1, (0, 2), (1, -1))), ((67,), (0,)), ((40, 33), (0, 1)),
]


def axis(dim: Any) -> Any:
    return None if dim is None or dim == () else dim


def over_dims(low: float = -2, high: float = 2, single: bool = False,
              **kwargs: Any) -> list[Sample]:
    """Samples over every kind of dim, with keepdim on every second one. single: ints only."""
    out: list[Sample] = []
    for shape, dims in SHAPES:
        for dim in dims:
            if single and (isinstance(dim, tuple) or dim is None):
                continue
            args = {} if dim is None else {"dim": dim}
            if dim is not None and len(out) % 2:
                args["keepdim"] = True
            out.append(Sample((Arg(shape, low, high),), {**args, **kwargs}))
    return out


def reference(f: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: np.ndarray, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
        return f(x, axis=axis(dim), keepdims=keepdim, **kwargs)
    return call


def both(values: Callable[..., Any], indices: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return values(x)
        if x.ndim == 0:
            return values(x), np.int64(0)
        return values(x, axis=dim, keepdims=keepdim), indices(x, axis=dim, keepdims=keepdim)
    return call


def position(f: Callable[..., Any]) -> Callable[..., Any]:
    def call(x: np.ndarray, dim: int | None = None, keepdim: bool = False) -> Any:
        return f(x, axis=dim, keepdims=keepdim)
    return call


BAD_DIMS = [
    Error((np.zeros((2, 3), "f4"),), IndexError, "out of range", {"dim": 2}),
    Error((np.zeros((2, 3), "f4"),), RuntimeError, "multiple times", {"dim": (1, -1)}),
]
SUM = {"ulp": 8.0, "floor": 100.0}
INTS = Arg((3, 4), 0, 5, dtype="int64")
TIES = Arg((6,), values=[1, 3, 2, 3, 3, 0])
NANS = Arg((2, 3), values=[[1, float("nan"), 2], [3, 4, 5]])
NOTHING = [Sample((Arg((0, 3)),), d) for d in ({"dim": 0}, {"dim": 1}, {})]
OF_NANS = [Sample((NANS,)), Sample((NANS,), {"dim": 1})]

SPECS = [
    Spec("sum", "sum", reference(np.sum), over_dims(), errors=BAD_DIMS, **SUM),
    Spec("sum of integers", "sum", reference(np.sum), [
        Sample((INTS,)), Sample((INTS,), {"dim": 1}), Sample((Arg((9,), 0, 2, "bool"),)),
        Sample((Arg((300,), 0, 255, "uint8"),)), Sample((Arg((3, 4), 0, 9, "int32"),), {"dim": 0})],
        dtypes=("float32",), grad=False),
    *[Spec(f"{f} of nothing", f, reference(getattr(np, f)), NOTHING, grad=False)
      for f in ("sum", "prod", "nansum", "any", "all")],
    Spec("mean", "mean", reference(np.mean), over_dims(), errors=[
        *BAD_DIMS, Error((np.zeros(3, "i8"),), RuntimeError, "floating point")], **SUM),
    Spec("nansum", "nansum", reference(np.nansum), over_dims(), **SUM),
    Spec("nansum of NaN", "nansum", reference(np.nansum), OF_NANS, grad=False),
    Spec("nanmean", "nanmean", reference(np.nanmean), over_dims(), **SUM),
    Spec("nanmean of NaN", "nanmean", reference(np.nanmean), OF_NANS, grad=False),
    Spec("prod", "prod", reference(np.prod), [
        *over_dims(0.7, 1.3, single=True), Sample((Arg((3, 5), 0.5, 2),)),
        Sample((Arg((4,), values=[2, 0, 3, 4]),)), Sample((Arg((4,), values=[0, 0, 3, 4]),)),
        Sample((Arg((2, 3), values=[[1, 0, 2], [3, 4, 5]]),), {"dim": 1})], ulp=80),
    Spec("amax", "amax", reference(np.max), over_dims(), ulp=0, errors=[
        *BAD_DIMS, Error((np.zeros((0, 3), "f4"),), IndexError, "non-zero size", {"dim": 0})]),
    Spec("amin", "amin", reference(np.min), over_dims(), ulp=0, errors=BAD_DIMS),
    Spec("amax shares its gradient", "amax", reference(np.max), [Sample((TIES,))], ulp=0,
         grad=False),
    Spec("aminmax", "aminmax",
         lambda x, dim=None, keepdim=False: (x.min(dim, keepdims=keepdim),
                                             x.max(dim, keepdims=keepdim)),
         [Sample((Arg((3, 5)),)), Sample((Arg((3, 5)),), {"dim": 1, "keepdim": True})], ulp=0),
    Spec("max", "max", both(np.max, np.argmax),
         [Sample((Arg((3, 5)),)), *over_dims(single=True),
          Sample((TIES,), {"dim": 0}, smooth=False)], ulp=0, errors=[
              Error((np.zeros((2, 3), "f4"),), IndexError, "out of range", {"dim": 2}),
              Error((np.zeros((0,), "f4"),), RuntimeError, "expected reduction dim")]),
    Spec("min", "min", both(np.min, np.argmin),
         [Sample((Arg((3, 5)),)), *over_dims(single=True)], ulp=0),
    Spec("max of NaN", "max", both(np.max, np.argmax), OF_NANS, grad=False),
    Spec("min of NaN", "min", both(np.min, np.argmin), OF_NANS, grad=False),
    Spec("argmax", "argmax", position(np.argmax),
         [Sample((Arg((3, 5)),)), *over_dims(single=True), Sample((TIES,)),
          Sample((NANS,))], grad=False),
    Spec("argmin", "argmin", position(np.argmin),
         [Sample((Arg((3, 5)),)), *over_dims(single=True)], grad=False),
    Spec("any", "any", reference(np.any), [
        *over_dims(), Sample((Arg((3, 5), 0, 2, "bool"),), {"dim": 1}),
        Sample((Arg((3, 5), 0, 2, "uint8"),), {"dim": 1})], grad=False),
    Spec("all", "all", reference(np.all), [
        *over_dims(), Sample((Arg((3, 5), 0, 2, "bool"),), {"dim": 1}),
        Sample((Arg((3, 5), 0, 2, "int64"),), {"dim": 1})], grad=False),
    Spec("count_nonzero", "count_nonzero", lambda x, dim=None: np.sum(x != 0, axis=axis(dim)),
         [Sample((Arg((3, 5), 0, 2, "int64"),)), Sample((Arg((3, 5), 0, 2, "bool"), 1)),
          Sample((Arg((3, 5)), (0, 1)))], grad=False),
]
