"""Records of the elementary functions and rounding."""

import math

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec, pointwise


def each(f):
    return lambda x: np.array([f(v) for v in np.ravel(x)], np.float64).reshape(np.shape(x))


def digamma(x):
    x, y = np.array(x, np.float64), 0.0
    for _ in range(12):
        y, x = y - 1 / x, x + 1
    z = 1 / (x * x)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z / 132))))
    return y + np.log(x) - 0.5 / x - series


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


NOT_FINITE = [Sample((Arg(values=[math.nan, math.inf, -math.inf, 0.0, -0.0, 1.5], grad=False),))]

SPECS = [
    pointwise("exp", np.exp, -5, 5, ulp=2),
    pointwise("exp2", np.exp2, -5, 5, ulp=2),
    pointwise("expm1", np.expm1, -5, 5, ulp=3),
    pointwise("log", np.log, 0.1, 5, ulp=2, floor=0.1),
    pointwise("log1p", np.log1p, -0.9, 5, ulp=3),
    pointwise("log2", np.log2, 0.1, 5, ulp=3, floor=0.1),
    pointwise("log10", np.log10, 0.1, 5, ulp=3, floor=0.1),
    pointwise("sqrt", np.sqrt, 0.1, 5, ulp=1),
    pointwise("rsqrt", lambda x: 1 / np.sqrt(x), 0.1, 5, ulp=2),
    pointwise("square", np.square, ulp=1),
    pointwise("reciprocal", lambda x: 1 / x, 0.2, 4, ulp=1),
    pointwise("sin", np.sin, -9, 9, ulp=2, floor=0.1),
    pointwise("cos", np.cos, -9, 9, ulp=2, floor=0.1),
    pointwise("tan", np.tan, -1.3, 1.3, ulp=2),
    pointwise("asin", np.arcsin, -0.9, 0.9, ulp=3),
    pointwise("acos", np.arccos, -0.9, 0.9, ulp=3),
    pointwise("atan", np.arctan, -4, 4, ulp=2),
    pointwise("sinh", np.sinh, -4, 4, ulp=3),
    pointwise("cosh", np.cosh, -4, 4, ulp=3),
    pointwise("tanh", np.tanh, -4, 4, ulp=3),
    pointwise("sigmoid", sigmoid, -6, 6, ulp=3),
    pointwise("erf", each(math.erf), -4, 4, ulp=3),
    pointwise("erfc", each(math.erfc), -4, 4, ulp=3),
    pointwise("erfinv", lambda x: np.asarray(_erfinv(x)), -0.95, 0.95, ulp=4),
    pointwise("lgamma", each(math.lgamma), 2.5, 20, ulp=12),
    pointwise("digamma", digamma, 2, 20, ulp=4, floor=3),
    pointwise("abs", np.abs, 0.1, 4, ulp=0),
    pointwise("neg", np.negative, ulp=0),
    pointwise("sign", np.sign, 0.1, 4, ulp=0),
    pointwise("floor", np.floor, 0.1, 0.9, ulp=0),
    pointwise("ceil", np.ceil, 0.1, 0.9, ulp=0),
    pointwise("trunc", np.trunc, 0.1, 0.9, ulp=0),
    pointwise("frac", lambda x: x - np.trunc(x), 0.1, 0.9, ulp=0),
    pointwise("round", np.rint, 0.6, 1.4, ulp=0),
    Spec("round decimals", "round", lambda x, decimals: np.round(x, decimals),
         [Sample((Arg((50,), -90, 90),), {"decimals": d}) for d in (1, -1)], ulp=2, grad=False),
    Spec("nan_to_num", "nan_to_num",
         lambda x, nan=0.0, posinf=None, neginf=None: np.nan_to_num(x, True, nan, posinf, neginf),
         [Sample((Arg((4, 5)),), {"nan": 1.0})], ulp=0),
    Spec("nan_to_num of NaN", "nan_to_num",
         lambda x, nan, posinf, neginf: np.nan_to_num(x, True, nan, posinf, neginf),
         [Sample((Arg(values=[math.nan, math.inf, -math.inf, 2.0], grad=False),),
                 {"nan": 1.0, "posinf": 7.0, "neginf": -7.0})], ulp=0, grad=False),
    *(Spec(name, name, getattr(np, name), NOT_FINITE + [Sample((Arg(s),)) for s in ((), (3, 40))],
           ulp=0, grad=False) for name in ("isnan", "isinf", "isfinite")),
    Spec("exp of integers", "exp", lambda x: np.exp(np.asarray(x, np.float64)).astype("f4"),
         [Sample((Arg((9,), -3, 4, "int64"),))], ulp=2, grad=False, dtypes=("float32",)),
    Spec("bool refusals", "neg", np.negative, [Sample((Arg((3,)),))], ulp=0,
         errors=[Error((np.array([True]),), RuntimeError, "bool tensor")]),
]


def _erfinv(x):
    """By bisection on the C library's erf."""
    def one(v):
        lo, hi = -6.0, 6.0
        for _ in range(80):
            mid = (lo + hi) / 2
            lo, hi = (mid, hi) if math.erf(mid) < v else (lo, mid)
        return (lo + hi) / 2
    return each(one)(x)
