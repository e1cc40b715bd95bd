"""Records of variances, standard deviations and norms."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec
from tests.ops.specs.reduce import BAD_DIMS, axis, over_dims, reference


def logsumexp(x: np.ndarray, axis: Any, keepdims: bool) -> Any:
    return np.log(np.exp(x).sum(axis=axis, keepdims=keepdims))


def var(x: np.ndarray, dim: Any = None, unbiased: bool = True, keepdim: bool = False,
        correction: float | None = None) -> Any:
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    c = int(unbiased) if correction is None else correction
    return np.var(x, axis=axis(dim), ddof=c, keepdims=keepdim)


def std(x: np.ndarray, *args: Any, **kwargs: Any) -> Any:
    return np.sqrt(var(x, *args, **kwargs))


def mean(x: np.ndarray, dim: Any = None, keepdim: bool = False, **kwargs: Any) -> Any:
    return np.mean(x, axis=axis(dim), keepdims=keepdim)


def norm(x: np.ndarray, p: Any = 2, dim: Any = None, keepdim: bool = False) -> Any:
    a, over = np.abs(x), {"axis": axis(dim), "keepdims": keepdim}
    p = 2 if p == "fro" else p
    if p == 0:
        return (a != 0).sum(**over)
    if np.isinf(p):
        return (a.max if p > 0 else a.min)(**over)
    return (a**p).sum(**over) ** (1 / p)


def samples(**kwargs: Any) -> list[Sample]:
    """Over more than one element each: fewer have no variance, and torch warns."""
    return [s for s in over_dims(**kwargs) if s.args[0].shape != ()]


ZEROS = Arg((2, 3), values=[[0, 0, 0], [3, 0, -4]])
FLOATING = Error((np.zeros(3, "i8"),), RuntimeError, "floating point")

SPECS = [
    Spec("var", "var", var, [*samples(), *samples(correction=0), *samples(unbiased=False),
                             Sample((Arg((3, 5)),), {"dim": 1, "correction": 2}),
                             Sample((Arg((3, 5)), False))], ulp=40, floor=4,
         errors=[*BAD_DIMS, FLOATING]),
    Spec("std", "std", std, [*samples(), *samples(correction=0)], ulp=40, floor=4,
         errors=[FLOATING]),
    Spec("var_mean", "var_mean", lambda x, **k: (var(x, **k), mean(x, **k)), samples(), ulp=40,
         floor=4),
    Spec("std_mean", "std_mean", lambda x, **k: (std(x, **k), mean(x, **k)), samples(), ulp=40,
         floor=4),
    Spec("logsumexp", "logsumexp", reference(logsumexp),
         [s for s in over_dims(-5, 5) if "dim" in s.kwargs], ulp=8, floor=5, errors=BAD_DIMS),
    *[Spec(f"norm {p}", "norm", norm, over_dims(p=p), ulp=20, floor=50,
           second=p not in (0, np.inf, -np.inf), grad=p != 0)
      for p in ("fro", 1, 2, 0, np.inf, -np.inf, 3, 1.5, -1)],
    Spec("norm of zeros", "norm", norm,
         [Sample((ZEROS,), {"p": p, "dim": 1}) for p in (0, 1, 2, 3, np.inf)], ulp=20, floor=5,
         grad=False,
         errors=[FLOATING, Error((np.zeros(3, "f4"), "nuc"), RuntimeError, "must be a number")]),
]
