"""Elementwise functions, and their in-place forms."""

from tests.parity.case import between, bits, integers, normal, values

SHAPES = [(3, 4), (), (0, 3), (2, 3, 4)]
INTS = integers(9, 3, 4, low=1)
PLAIN = between(0.3, 2, 3, 4, grad=False)
MASK = values([True, False, True])


def unary(low=-2.0, high=2.0, ints=True, more=()):
    calls = [(between(low, high, *s),) for s in SHAPES]
    calls += [(INTS,)] if ints else []
    return calls + list(more)


ANY = ["abs", "absolute", "angle", "atan", "arctan", "ceil", "conj", "cos", "cosh", "deg2rad",
       "erf", "erfc", "exp", "exp2", "expm1", "fix", "floor", "frac", "isfinite", "isinf",
       "isnan", "isneginf", "isposinf", "isreal", "neg", "negative", "positive", "rad2deg", "relu",
       "round", "sgn", "sigmoid", "sign", "signbit", "sin", "sinc", "sinh", "square", "tan",
       "tanh", "trunc", "nan_to_num", "asinh", "arcsinh", "logical_not", "real"]
IN_UNIT = ["acos", "arccos", "asin", "arcsin", "atanh", "arctanh", "erfinv"]
POSITIVE = ["log", "log10", "log1p", "log2", "rsqrt", "sqrt", "reciprocal", "lgamma", "digamma"]

CALLS = {name: unary(ints=name not in ("frac",)) for name in ANY}
CALLS |= {name: unary(-0.9, 0.9, ints=False) for name in IN_UNIT}
CALLS |= {name: unary(0.2, 4) for name in POSITIVE}
CALLS |= {name: unary(1.1, 4, ints=False) for name in ("acosh", "arccosh")}
CALLS |= {"logit": unary(0.1, 0.9, ints=False, more=[(between(-0.5, 1.5, 3, 4), 0.1)]),
          "mvlgamma": [(between(2, 4, 3, 4), 1), (between(2, 4, 3, 4), 3), (normal(3), 0)],
          "polygamma": [], "frexp": unary(ints=True)}
CALLS |= {"clamp": [(normal(3, 4), -0.5, 0.5), (normal(3, 4), {"min": 0.1}),
                    (normal(3, 4), {"max": 0.1}), (normal(3, 4),),
                    (normal(3, 4), normal(4), normal(3, 1)), (INTS, 2, 5)],
          "clamp_min": [(normal(3, 4), 0.1)], "clamp_max": [(normal(3, 4), 0.1)],
          "softmax": [(normal(3, 4), 0), (normal(3, 4), -1), (normal(3, 4), 5)],
          "log_softmax": [(normal(3, 4), 0), (normal(2, 3, 4), 1)],
          "cumsum": [(normal(3, 4), 0), (normal(3, 4), -1), (INTS, 1), (normal(3), 2)],
          "cumprod": [(normal(3, 4), 0), (INTS, 1)], "logcumsumexp": [(normal(3, 4), 1)],
          "cummax": [(normal(3, 4), 1)], "cummin": [(normal(3, 4), 0)],
          "bitwise_not": [(INTS,), (MASK,)], "invert": []}
BINARY = ["add", "sub", "subtract", "mul", "multiply", "div", "divide", "true_divide", "maximum",
          "minimum", "fmax", "fmin", "atan2", "arctan2", "hypot", "logaddexp", "logaddexp2",
          "copysign", "eq", "ne", "gt", "ge", "lt", "le", "greater", "greater_equal", "less",
          "less_equal", "not_equal", "logical_and", "logical_or", "logical_xor", "xlogy"]


def binary(low=-2.0, high=2.0):
    def x(*shape):
        return between(low, high, *shape)
    return [(x(3, 4), x(3, 4)), (x(3, 1), x(1, 4)), (x(3, 4), x()), (x(2, 3, 4), x(4)),
            (INTS, integers(9, 3, 4, low=1)), (x(3, 4), INTS), (x(3, 4), x(5))]


FLOATS_ONLY = ("hypot", "logaddexp", "logaddexp2")  # of PyTorch; here integers become floats
CALLS |= {name: [c for c in binary() if name not in FLOATS_ONLY or c[0] is not INTS]
          for name in BINARY}
CALLS["xlogy"] = binary(0.1, 2)
CALLS |= {name: [*binary(0.3, 3), (INTS, 3), (between(0.5, 3, 3, 4), 2)]
          for name in ("pow", "fmod", "remainder", "floor_divide")}
CALLS |= {
    "float_power": [(between(0.3, 3, 3), between(-1, 1, 3)), (INTS, 2), (between(0.3, 3, 3), 3)],
    "heaviside": [(values([-1.0, 0.0, 2.0]), values([0.5, 0.5, 0.5]))],
    "ldexp": [(normal(3), values([1, 2, 3])), (normal(2, 3), values([4]))],
    "gcd": [(INTS, integers(20, 3, 4)), (INTS, integers(20, 4)), (normal(3), normal(3))],
    "lcm": [(INTS, integers(20, 3, 4))],
    "nextafter": [(normal(3, grad=False), normal(3, grad=False))],
    "bitwise_and": [(INTS, integers(9, 4))], "bitwise_or": [(INTS, integers(9, 4))],
    "bitwise_xor": [(INTS, integers(9, 4)), (MASK, MASK)],
    "lerp": [(normal(3, 4), normal(3, 4), 0.3), (normal(3, 4), normal(4), normal(3, 4))],
    "addcmul": [(normal(3, 4), normal(3, 4), normal(4)),
                (normal(3), normal(3), normal(3), {"value": 2.5})],
    "addcdiv": [(normal(3, 4), normal(3, 4), between(1, 2, 4)),
                (normal(3), normal(3), between(1, 2, 3), {"value": 0.5})],
    "where": [(bits(3, 4), normal(3, 4), normal(3, 4)), (MASK, normal(3), normal(2, 3)),
              (MASK, normal(3), 1.0)],
    "masked_fill": [(normal(2, 3), MASK, 1.5), (normal(3), MASK, values(2.0)),
                    (normal(3), values([1, 0, 1]), 2.0)],
    "add_": [(normal(3, 4), normal(4)), (normal(3), 2), (normal(3), normal(2, 3)), (INTS, 1.5)],
    "isclose": [(normal(3, grad=False), normal(3, grad=False)), (INTS, INTS)],
    "allclose": [(normal(3, grad=False), normal(3, grad=False))],
    "equal": [(normal(3, grad=False), normal(4, grad=False)), (INTS, INTS)],
    "threshold": [(normal(3, 4), 0.1, 5.0)],
    "celu": [(normal(3, 4),)], "selu": [(normal(3, 4),)],
    "prelu": [(normal(3, 4), normal(4)), (normal(3, 4), normal(1))],
}
INPLACE = ["abs_", "absolute_", "acos_", "arccos_", "asin_", "arcsin_", "atan_", "arctan_",
           "asinh_", "atanh_", "ceil_", "clamp_min_", "cos_", "cosh_", "deg2rad_", "digamma_",
           "erf_", "erfc_", "erfinv_", "exp_", "exp2_", "expm1_", "fix_", "floor_", "frac_",
           "lgamma_", "log10_", "log1p_", "log2_", "log_", "logit_", "nan_to_num_", "neg_",
           "negative_", "rad2deg_", "reciprocal_", "relu_", "round_", "rsqrt_", "sgn_", "sigmoid_",
           "sign_", "sin_", "sinc_", "sinh_", "sqrt_", "square_", "tan_", "tanh_", "trunc_"]
CALLS |= {name: [(between(0.1, 0.9, 3, 4), *((0.3,) if name == "clamp_min_" else ()))]
          for name in INPLACE}
CALLS |= {name: [(between(0.3, 2, 3, 4), between(0.3, 2, 4)), (between(0.3, 2, 3, 4), 1.5)]
          for name in ("sub_", "subtract_", "mul_", "multiply_", "div_", "divide_",
                       "true_divide_", "pow_", "fmod_", "remainder_")}
CALLS |= {name: [(PLAIN, between(0.3, 2, 4, grad=False)), (PLAIN, 1.5)]
          for name in ("gt_", "greater_", "ge_", "greater_equal_", "lt_", "less_", "le_",
                       "less_equal_", "ne_", "not_equal_", "eq_")}
CALLS |= {"atan2_": [(normal(3), normal(3))], "arctan2_": [(normal(3), normal(3))],
          "hypot_": [(normal(3), normal(3))], "acosh_": [(between(1.1, 3, 3),)],
          "gcd_": [(INTS, integers(20, 4))], "lcm_": [(INTS, integers(20, 4))],
          "ldexp_": [(normal(3), values([1, 2, 3]))], "mvlgamma_": [(between(2, 4, 3), 2)],
          "float_power_": [(normal(3), 2), (values([1.0]), 2)],
          "heaviside_": [(values([-1.0, 0.0]), values([0.5, 0.5]))]}
