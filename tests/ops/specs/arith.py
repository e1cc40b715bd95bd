"""Records of arithmetic, comparison, choice."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec, pointwise

SHAPES = [((3, 1), (1, 4)), ((5,), (2, 5)), ((), (3,)), ((2, 1, 3), (4, 1)), ((0, 3), (3,)),
          ((67,), (67,)), ((2, 3, 4), (2, 3, 4))]


def with_numbers(name, reference, low=-2.0, high=2.0, numbers=(2, 0.5), **options):
    """A pointwise record of two operands that also takes a number on the right."""
    spec = pointwise(name, reference, low, high, 2, **options)
    spec.samples = [*spec.samples, *(Sample((Arg((4, 5), low, high), v)) for v in numbers)]
    return spec


def between(x, min=None, max=None):
    return np.clip(x, min, max)


def trio(low=-2.0, high=2.0, **kwargs):
    return [Sample((Arg(a, low, high), Arg(b, low, high), Arg(c, low, high)), kwargs)
            for a, b, c in (((4, 5), (4, 5), (4, 5)), ((3, 1), (1, 4), (3, 4)), ((5,), (), (2, 5)),
                            ((0, 2), (2,), (2,)))]


def integers(name, reference, **options):
    pairs = [(Arg(a, -9, 10, t), Arg(b, 1, 9, t)) for a, b in SHAPES
             for t in ("int64", "int32", "uint8")]
    pairs = [(Arg(a.shape, 0, 10, a.dtype) if a.dtype == "uint8" else a, b) for a, b in pairs]
    return Spec(f"{name} of integers", name, reference, [Sample(p) for p in pairs], ulp=0,
                grad=False, dtypes=("float32",), **options)


ADD = [Error((np.ones((2, 3), "f4"), np.ones((4,), "f4")), RuntimeError, "broadcast"),
       Error((np.ones(3, "f4"), "x"), TypeError, "str")]

SPECS = [
    with_numbers("add", np.add, ulp=1, errors=ADD),
    with_numbers("sub", np.subtract, ulp=1,
                 errors=[Error((np.ones(2, bool), np.ones(2, bool)), RuntimeError, "bool")]),
    with_numbers("mul", np.multiply, ulp=1),
    with_numbers("div", np.divide, 0.3, 3, ulp=1,
                 errors=[Error((np.ones(2, "f4"), 2), RuntimeError, "rounding_mode",
                               {"rounding_mode": "up"})]),
    Spec("add alpha", "add", lambda a, b, alpha: a + alpha * b,
         [Sample((Arg(a), Arg(b)), {"alpha": 2.5}) for a, b in SHAPES], ulp=2, floor=5),
    Spec("sub alpha", "sub", lambda a, b, alpha: a - alpha * b,
         [Sample((Arg(a), Arg(b)), {"alpha": 2.5}) for a, b in SHAPES], ulp=2, floor=5),
    Spec("div floor", "div", lambda a, b, rounding_mode: np.floor_divide(a, b),
         [Sample((Arg((40,), -9, 9), Arg((40,), 1, 3)), {"rounding_mode": "floor"})], grad=False,
         ulp=0),
    Spec("div trunc", "div", lambda a, b, rounding_mode: np.trunc(a / b),
         [Sample((Arg((40,), -9, 9), Arg((40,), 1, 3)), {"rounding_mode": "trunc"})], grad=False,
         ulp=0),
    with_numbers("floor_divide", np.floor_divide, 0.5, 3, numbers=(2, 0.7), ulp=0, grad=False),
    with_numbers("remainder", np.remainder, 0.5, 3, numbers=(2.5, -0.7), ulp=4, floor=3,
                 grad=False),
    with_numbers("fmod", np.fmod, 0.5, 3, numbers=(2.5, 0.7), ulp=4, floor=3, grad=False),
    with_numbers("pow", np.power, 0.3, 3, numbers=(2, 3, 0.5, -0.5, -1, 2.5, 0), ulp=3),
    Spec("pow of a number", "pow", np.power, [Sample((2.5, Arg((4, 5))))], ulp=3),
    pointwise("maximum", np.maximum, arity=2, ulp=0),
    pointwise("minimum", np.minimum, arity=2, ulp=0),
    pointwise("fmax", np.fmax, arity=2, ulp=0),
    pointwise("fmin", np.fmin, arity=2, ulp=0),
    pointwise("atan2", np.arctan2, 0.3, 2, arity=2, ulp=2),
    with_numbers("copysign", np.copysign, 0.3, 2, numbers=(-1,), ulp=0),
    pointwise("hypot", np.hypot, 0.3, 2, arity=2, ulp=2),
    pointwise("logaddexp", np.logaddexp, arity=2, ulp=4, floor=1),
    with_numbers("xlogy", lambda a, b: a * np.log(b), 0.3, 2, numbers=(2,), ulp=3, floor=0.3),
    Spec("rsub", "rsub", lambda a, b: b - a, [Sample((Arg((3, 4)), Arg((4,)))),
                                              Sample((Arg((3, 4)), 2.0))], ulp=1),
    *(integers(n, f) for n, f in (
        ("add", np.add), ("sub", np.subtract), ("mul", np.multiply),
        ("floor_divide", np.floor_divide), ("remainder", np.remainder), ("fmod", np.fmod),
        ("maximum", np.maximum), ("minimum", np.minimum), ("bitwise_and", np.bitwise_and),
        ("bitwise_or", np.bitwise_or), ("bitwise_xor", np.bitwise_xor),
        ("bitwise_left_shift", np.left_shift), ("bitwise_right_shift", np.right_shift))),
    Spec("floor_divide by zero", "floor_divide", np.floor_divide,
         [Sample((Arg((3,), 1, 5, "int64"), Arg((3,), 1, 3, "int64")))], ulp=0, grad=False,
         dtypes=("float32",),
         errors=[Error((np.array([1]), np.array([0])), RuntimeError, "ZeroDivisionError")]),
    *(with_numbers(n, f, ulp=0, grad=False) for n, f in (
        ("eq", np.equal), ("ne", np.not_equal), ("lt", np.less), ("le", np.less_equal),
        ("gt", np.greater), ("ge", np.greater_equal))),
    *(pointwise(n, getattr(np, n), arity=2, ulp=0, grad=False)
      for n in ("logical_and", "logical_or", "logical_xor")),
    pointwise("logical_not", np.logical_not, ulp=0, grad=False),
    Spec("bitwise_not", "bitwise_not", np.bitwise_not,
         [Sample((Arg((5,), 0, 9, t),)) for t in ("int64", "int32", "uint8", "bool")], ulp=0,
         grad=False, dtypes=("float32",)),
    Spec("where", "where", np.where,
         [Sample((Arg(c, 0, 2, "bool"), Arg(a), Arg(b)))
          for c, a, b in (((4, 5), (4, 5), (4, 5)), ((4, 1), (5,), ()), ((3,), (2, 3), (2, 1)))]
         + [Sample((Arg((4, 5), 0, 2, "bool"), Arg((4, 5)), 0.0)),
            Sample((Arg((4, 5), 0, 2, "bool"), 1.5, Arg((4, 5))))], ulp=0,
         errors=[Error((np.ones(2, "f4"), np.ones(2, "f4"), np.ones(2, "f4")), RuntimeError,
                       "bool")]),
    Spec("masked_fill", "masked_fill", lambda x, m, v: np.where(m, v, x),
         [Sample((Arg((4, 5)), Arg(m, 0, 2, "bool"), 1.5)) for m in ((4, 5), (5,), (4, 1))], ulp=0),
    Spec("lerp", "lerp", lambda a, b, w: a + w * (b - a),
         [*trio(0.6, 2), *(Sample((Arg((4, 5)), Arg((4, 5)), w)) for w in (0.25, 0.75))], ulp=4,
         floor=4),
    Spec("addcmul", "addcmul", lambda x, a, b, value=1: x + value * a * b,
         [*trio(), *trio(value=0.5)], ulp=4, floor=4),
    Spec("addcdiv", "addcdiv", lambda x, a, b, value=1: x + value * a / b,
         [*trio(0.5, 2), *trio(0.5, 2, value=0.5)], ulp=4, floor=4),
    Spec("clamp", "clamp", between,
         [Sample((Arg((4, 5)), -0.5, 0.7)), Sample((Arg((4, 5)),), {"min": 0.1}),
          Sample((Arg((4, 5)),), {"max": 0.1}),
          Sample((Arg((4, 5)), Arg((5,), -1, 0), Arg((4, 1), 0, 1)))], ulp=0,
         errors=[Error((np.ones(2, "f4"),), RuntimeError, "at least one")]),
    Spec("clamp of integers", "clamp", between, [Sample((Arg((9,), -9, 9, "int64"), -3, 4))], ulp=0,
         grad=False, dtypes=("float32",)),
]
