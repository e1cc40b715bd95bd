"""Records of elementwise functions, scatters and statistics that are composed of others."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec, pointwise

M, V = Arg((3, 4)), Arg((5,))
BAD = np.ones((3, 4), "f4")


def polygamma(n, x):
    """By its series, with the integral's tail."""
    k = np.arange(2000.0)
    shape = (...,) + (None,)
    total = ((x[shape] + k) ** -(n + 1.0)).sum(-1)
    q = x + 2000.0
    total += q ** -float(n) / n + q ** -(n + 1.0) / 2 + (n + 1) * q ** -(n + 2.0) / 12
    return (-1.0) ** (n + 1) * np.prod(np.arange(1.0, n + 1)) * total


def diagonal_scatter(x, src, offset=0):
    y = x.copy()
    rows = np.arange(len(src))
    y[rows + max(-offset, 0), rows + max(offset, 0)] = src
    return y


def select_scatter(x, src, dim, index):
    y = x.copy()
    y[(slice(None),) * dim + (index,)] = src
    return y


def slice_scatter(x, src, dim, start, end, step=1):
    y = x.copy()
    y[(slice(None),) * dim + (slice(start, end, step),)] = src
    return y


def put(x, index, source, accumulate=False):
    y = x.copy().reshape(-1)
    if accumulate:
        np.add.at(y, index, source)
    else:
        y[index] = source
    return y.reshape(x.shape)


def index_reduce(x, dim, index, source, reduce, include_self=True):
    y = x.copy()
    for i in range(x.shape[dim]):
        rows = source[index == i]
        if len(rows) == 0:
            continue
        every = np.concatenate([x[i:i + 1], rows]) if include_self else rows
        y[i] = {"prod": np.prod, "mean": np.mean, "amax": np.max, "amin": np.min}[reduce](every, 0)
    return y


def renorm(x, p, dim, maxnorm):
    axes = tuple(d for d in range(x.ndim) if d != dim)
    norm = (abs(x) ** p).sum(axes, keepdims=True) ** (1 / p)
    return x * np.where(norm > maxnorm, maxnorm / (norm + 1e-7), 1.0)


PLACES = Arg((3,), values=[2, 0, 2], dtype="int64")
HOST = {"host": True}

SPECS = [
    pointwise("acosh", np.arccosh, 1.1, 4, ulp=4, torch_ulp=16, **HOST),
    pointwise("asinh", np.arcsinh, ulp=4, torch_ulp=16, **HOST),
    pointwise("atanh", np.arctanh, -0.9, 0.9, ulp=4, floor=1, torch_ulp=16, **HOST),
    pointwise("deg2rad", np.deg2rad, ulp=2), pointwise("rad2deg", np.rad2deg, ulp=2),
    pointwise("logit", lambda x: np.log(x / (1 - x)), 0.1, 0.9, ulp=8, floor=4),
    pointwise("sinc", np.sinc, ulp=16, floor=1, torch_ulp=32),
    pointwise("logaddexp2", np.logaddexp2, arity=2, ulp=8, floor=4),
    pointwise("fmax", np.fmax, arity=2, ulp=0), pointwise("fmin", np.fmin, arity=2, ulp=0),
    Spec("polygamma", "polygamma", polygamma, [Sample((1, Arg((3, 4), 0.3, 4))),
                                               Sample((3, Arg((5,), 0.5, 3)))],
         ulp=64, torch_ulp=2e8, errors=[Error((-1, BAD), RuntimeError, "negative")], **HOST),
    Spec("frexp", "frexp", lambda x: tuple(np.frexp(x)), [Sample((M,)), Sample((Arg((0, 3)),))],
         ulp=0, second=False, errors=[Error((np.array([1]),), RuntimeError, "floating")], **HOST),
    Spec("mvlgamma", "mvlgamma", lambda x, p: sum(
        np.vectorize(__import__("math").lgamma)(x - j / 2) for j in range(p))
        + p * (p - 1) / 4 * np.log(np.pi), [Sample((Arg((3,), 2, 4), 2))], ulp=32, floor=8,
         host=True, errors=[Error((BAD, 0), RuntimeError, "greater than")]),
    Spec("diagonal_scatter", "diagonal_scatter", diagonal_scatter,
         [Sample((M, Arg((3,)))), Sample((M, Arg((3,)), 1)), Sample((M, Arg((2,)), -1))], ulp=0,
         errors=[Error((BAD, np.ones(2, "f4")), RuntimeError, "expected src of shape")]),
    Spec("select_scatter", "select_scatter", select_scatter,
         [Sample((Arg((2, 3, 4)), Arg((2, 4)), 1, 2))], ulp=0,
         errors=[Error((BAD, BAD, 0, 1), RuntimeError, "expected src of shape")]),
    Spec("slice_scatter", "slice_scatter", slice_scatter,
         [Sample((M, Arg((1, 4)), 0, 1, 2)), Sample((M, Arg((3, 2)), 1, 0, 4, 2))], ulp=0,
         errors=[Error((BAD, BAD, 0, 0, 2), RuntimeError, "expected src of shape")]),
    Spec("put", "put", put,
         [Sample((M, Arg((2,), values=[1, 7], dtype="int64"), Arg((2,)))),
          Sample((M, Arg((2,), values=[1, 1], dtype="int64"), Arg((2,)), True))], ulp=4, floor=4,
         errors=[Error((BAD, np.array([1, 2]), np.ones(3, "f4")), IndexError, "2 elements")]),
    Spec("index_reduce", "index_reduce", index_reduce,
         [Sample((M, 0, PLACES, Arg((3, 4)), how), {"include_self": s})
          for how in ("prod", "mean", "amax", "amin") for s in (True, False)], ulp=8, floor=4,
         errors=[Error((BAD, 0, np.array([1]), BAD, "sum"), RuntimeError, "one of prod")]),
    Spec("renorm", "renorm", renorm, [Sample((M, 2, 0, 1.0)), Sample((M, 1, 1, 2.0))], ulp=16,
         floor=2, errors=[Error((np.ones(3, "f4"), 2, 0, 1.0), RuntimeError, "2 dimensions")]),
    Spec("dist", "dist", lambda a, b, p=2: (abs(a - b) ** p).sum() ** (1 / p),
         [Sample((M, Arg((3, 4)))), Sample((M, Arg((4,)), 3))], ulp=16, floor=8),
    Spec("cov", "cov", np.cov, [Sample((M,)), Sample((V,))], ulp=16, floor=8),
    Spec("corrcoef", "corrcoef", np.corrcoef, [Sample((M,))], ulp=32, floor=4),
    Spec("trapezoid", "trapezoid", lambda y, dx=1, dim=-1: np.trapezoid(y, dx=dx, axis=dim)
         if hasattr(np, "trapezoid") else np.trapz(y, dx=dx, axis=dim),
         [Sample((M,)), Sample((M,), {"dx": 0.5, "dim": 0})], ulp=8, floor=8),
    Spec("matrix_exp", "matrix_exp", None, [Sample((Arg((3, 3)),)), Sample((Arg((2, 4, 4)),)),
                                            Sample((Arg((2, 2), -9, 9),))], ulp=400, floor=400,
         torch_ulp=4000, host=True, errors=[Error((BAD,), RuntimeError, "square")]),
    Spec("householder_product", "linalg.householder_product", None,
         [Sample((Arg((4, 3)), Arg((3,))))], ulp=64, floor=32, host=True,
         errors=[Error((BAD, np.ones(4, "f4")), RuntimeError, "greater than or equal")]),
    Spec("cosine_similarity", "nn.functional.cosine_similarity",
         lambda a, b, dim=1: (a * b).sum(dim) / np.sqrt((a * a).sum(dim) * (b * b).sum(dim)),
         [Sample((M, Arg((3, 4)))), Sample((M, Arg((3, 4)), 0))], ulp=16, floor=2),
    Spec("pdist", "nn.functional.pdist", lambda x, p=2.0: np.array(
        [(abs(x[i] - x[j]) ** p).sum() ** (1 / p) for i in range(len(x))
         for j in range(i + 1, len(x))]), [Sample((M,)), Sample((M, 3.0))], ulp=16, floor=8,
         errors=[Error((np.ones(3, "f4"),), RuntimeError, "2D"),
                 Error((BAD, -1.0), RuntimeError, "non-negative")]),
]
