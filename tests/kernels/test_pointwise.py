"""Pointwise instructions: values, special values, layouts, in-place, dtypes, same bits per ISA."""

import math

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, run, set_isa

np.seterr(all="ignore")
rng = np.random.default_rng(7)
SPECIAL = [0.0, -0.0, math.inf, -math.inf, math.nan, 1.0, -1.0, 1e-45, -1e-45, 1e-38, -1e-39,
           3.4e38, -3.4e38, -87.4, -88.0, -103.9, -104.5, 88.7, 88.8, 1e-8, 0.5, -0.5, 2.5,
           -3.0, 3.0]


@pytest.fixture(params=ISAS, autouse=True)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def each(f):
    return lambda x: np.array([f(v) for v in np.asarray(x, np.float64).ravel()]).reshape(x.shape)


def sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def lgamma(x):
    if math.isinf(x) or math.isnan(x):
        return abs(x)
    return math.inf if x <= 0 and x == math.floor(x) else math.lgamma(x)


# name: reference, domain, ulps allowed in float32 and in float64 (math.lgamma is itself off by 15)
EXACT = (0.5, 0.5)
REAL = {
    "exp": (np.exp, (-20, 20), 2, 2), "exp2": (np.exp2, (-20, 20), 2, 2),
    "expm1": (np.expm1, (-20, 20), 2, 3), "log": (np.log, (1e-3, 1e3), 2, 2),
    "log1p": (np.log1p, (-0.999, 100), 2, 2), "log2": (np.log2, (1e-3, 1e3), 3, 3),
    "log10": (np.log10, (1e-3, 1e3), 3, 3), "sin": (np.sin, (-90, 90), 3, 3),
    "cos": (np.cos, (-90, 90), 3, 3), "tan": (np.tan, (-20, 20), 2, 2),
    "asin": (np.arcsin, (-1, 1), 3, 2), "acos": (np.arccos, (-1, 1), 3, 2),
    "atan": (np.arctan, (-20, 20), 2, 2), "sinh": (np.sinh, (-20, 20), 2, 3),
    "cosh": (np.cosh, (-20, 20), 2, 3), "tanh": (np.tanh, (-10, 10), 2, 3),
    "sigmoid": (sigmoid, (-20, 20), 2, 3), "erf": (each(math.erf), (-5, 5), 2, 3),
    "erfc": (each(math.erfc), (-5, 9), 2, 2), "lgamma": (each(lgamma), (5, 60), 2, 20),
    "sqrt": (np.sqrt, (0, 20), *EXACT), "rsqrt": (lambda x: 1 / np.sqrt(x), (0.1, 20), 2, 2),
    "reciprocal": (lambda x: 1 / x, (-20, 20), *EXACT), "floor": (np.floor, (-20, 20), *EXACT),
    "ceil": (np.ceil, (-20, 20), *EXACT), "round": (np.rint, (-20, 20), *EXACT),
    "trunc": (np.trunc, (-20, 20), *EXACT), "neg": (np.negative, (-20, 20), *EXACT),
    "abs": (np.abs, (-20, 20), *EXACT), "square": (np.square, (-20, 20), *EXACT),
    "relu": (lambda x: np.where(x < 0, 0, x), (-20, 20), *EXACT),
}


def ulps(y, want):
    """Error of y in units of the last place of y's own type; 0 where both are the same."""
    near = want.astype(y.dtype)
    place = np.maximum(np.spacing(np.abs(near)), np.finfo(y.dtype).smallest_subnormal)
    wide = np.longdouble if y.dtype == np.float64 else np.float64
    error = np.abs(y.astype(wide) - want) / place.astype(wide)
    error = np.where((y == near) | (np.isnan(y) & np.isnan(want)), 0, error)
    return np.where(np.isnan(error), np.inf, error)


@pytest.mark.parametrize("name", REAL)
def test_accuracy(name):
    f, (lo, hi), allowed32, allowed64 = REAL[name]
    n = 3000 if name in ("erf", "erfc", "lgamma") else 60000
    bits = rng.integers(0, 2**32, n, dtype=np.uint32).view(np.float32)
    for x in (bits, rng.uniform(lo, hi, n).astype(np.float32), np.array(SPECIAL, np.float32)):
        error = ulps(run(name, x), f(x.astype(np.float64)))
        assert error.max() <= allowed32, (x[error.argmax()], error.max())
    exact = name in ("erf", "erfc", "lgamma")  # the reference itself is a double
    x = np.concatenate([rng.uniform(lo, hi, n), SPECIAL])
    want = f(x) if exact else f(x.astype(np.longdouble))
    error = ulps(run(name, x), np.asarray(want))
    assert error.max() <= allowed64 + exact, (x[error.argmax()], error.max())


@pytest.mark.parametrize("name", ["sin", "tan", "tanh", "expm1", "log1p", "erf", "sinh", "asin",
                                  "atan", "round", "trunc", "ceil"])
def test_minus_zero_keeps_its_sign(name):
    for dtype in "fd":
        y = run(name, np.full(37, -0.0, dtype))
        assert (y == 0).all() and np.signbit(y).all()


@pytest.mark.parametrize("name", ["sin", "cos", "tan"])
def test_large_angles(name):
    x = np.array([1e5, 4.9e5, 5.1e5, 1e6, 1e10, 1e30, -3e38, 1.5, math.inf, math.nan], np.float32)
    want = getattr(np, name)(x.astype(np.float64))
    assert ulps(run(name, x), want).max() <= 3
    whole = run(name, np.resize(x, 3000))
    assert np.array_equal(whole[:10], run(name, x), equal_nan=True)


def test_erfinv_and_digamma():
    y = np.linspace(-3.5, 3.5, 2001)
    x = each(math.erf)(y)
    back = run("erfinv", x)
    slope = 2 / math.sqrt(math.pi) * np.exp(-y * y)
    assert (np.abs(back - y) <= 4e-16 * np.abs(y) + 2e-16 * np.abs(x) / slope).all()
    assert np.array_equal(run("erfinv", np.array([1.0, -1.0, 0.0])), [math.inf, -math.inf, 0])
    assert np.isnan(run("erfinv", np.array([1.1, math.nan], np.float32))).all()
    x = rng.uniform(-1, 1, 20000).astype(np.float32)
    assert ulps(run("erfinv", x), run("erfinv", x.astype(np.float64))).max() <= 4
    euler = 0.5772156649015329
    got = run("digamma", np.array([1.0, 2.0, 0.5, 10.0, -0.5, 0.0, -1.0]))
    want = [-euler, 1 - euler, -euler - 2 * math.log(2), 2.251752589066721, 0.03648997397857652]
    assert np.allclose(got[:5], want, rtol=4e-15, atol=4e-16)  # of terms around 1
    assert got[5] == -math.inf and math.isnan(got[6])


# name: function, attributes; the derivative op takes y where the third entry says so
ACTIVATIONS = {
    "tanh": (np.tanh, (), "y"), "sigmoid": (sigmoid, (), "y"),
    "relu": (lambda x: np.maximum(x, 0), (), "y"),
    "gelu": (lambda x: x * 0.5 * (1 + each(math.erf)(x / math.sqrt(2))), (), "x"),
    "gelu_tanh": (lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi)
                                                   * (x + 0.044715 * x**3))), (), "x"),
    "silu": (lambda x: x * sigmoid(x), (), "x"),
    "mish": (lambda x: x * np.tanh(np.log1p(np.exp(x))), (), "x"),
    "logsigmoid": (lambda x: -np.log1p(np.exp(-x)), (), "x"),
    "hardsigmoid": (lambda x: np.clip(x + 3, 0, 6) / 6, (), "x"),
    "hardswish": (lambda x: x * np.clip(x + 3, 0, 6) / 6, (), "x"),
    "softsign": (lambda x: x / (1 + np.abs(x)), (), "x"),
    "leaky_relu": (lambda x: np.where(x > 0, x, 0.1 * x), (0.1,), "x"),
    "elu": (lambda x: np.where(x > 0, 1.5 * x, 1.05 * np.expm1(0.8 * x)), (0.7, 1.5, 0.8), "x"),
    "softplus": (lambda x: np.where(2 * x > 6, x, np.log1p(np.exp(2 * x)) / 2), (2.0, 6.0), "x"),
    "hardtanh": (lambda x: np.clip(x, -0.6, 1.2), (-0.6, 1.2), "x"),
    "hardshrink": (lambda x: np.where(np.abs(x) <= 0.4, 0, x), (0.4,), "shrink_bwd"),
    "softshrink": (lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.4, 0), (0.4,), "shrink_bwd"),
}


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation(name):
    f, attrs, how = ACTIVATIONS[name]
    x = rng.uniform(-6, 6, 4001)
    want = f(x)
    assert np.allclose(run(name, x, attrs=attrs), want, rtol=1e-14, atol=1e-15)
    y32 = run(name, x.astype(np.float32), attrs=attrs)
    assert np.allclose(y32, f(x.astype(np.float32).astype(np.float64)), rtol=2e-6, atol=4e-7)
    away = np.abs(x[:, None] - [0, -0.6, 1.2, 0.4, -0.4, 3, -3]).min(1) > 1e-4
    x, h = x[away], 1e-5
    slope = (f(x + h) - f(x - h)) / (2 * h)
    dy = rng.standard_normal(x.size)
    saved = f(x) if how == "y" else x
    op = how if how.endswith("bwd") else name + "_bwd"
    dx = run(op, dy, saved, attrs=attrs)
    assert np.allclose(dx, dy * slope, rtol=1e-8, atol=1e-8)
    dx32 = run(op, dy.astype(np.float32), saved.astype(np.float32), attrs=attrs)
    assert np.allclose(dx32, dx, rtol=4e-6, atol=2e-6)
    assert np.isnan(run(name, np.array([math.nan] * 20, np.float32), attrs=attrs)).all()


ALL = ["float32", "float64", "int64", "int32", "uint8", "bool"]
NUMBER = ALL[:5]
BINARY = {
    "add": (np.add, ALL), "sub": (np.subtract, NUMBER), "mul": (np.multiply, ALL),
    "div": (np.divide, ALL[:2]), "maximum": (np.maximum, ALL), "minimum": (np.minimum, ALL),
    "fmax": (np.fmax, ALL[:2]), "fmin": (np.fmin, ALL[:2]), "copysign": (np.copysign, ALL[:2]),
    "floor_divide": (np.floor_divide, NUMBER), "remainder": (np.remainder, NUMBER),
    "fmod": (np.fmod, NUMBER), "eq": (np.equal, ALL), "ne": (np.not_equal, ALL),
    "lt": (np.less, ALL), "le": (np.less_equal, ALL), "gt": (np.greater, ALL),
    "ge": (np.greater_equal, ALL), "logical_and": (np.logical_and, ALL),
    "logical_or": (np.logical_or, ALL), "logical_xor": (np.logical_xor, ALL),
    "bitwise_and": (np.bitwise_and, ALL[2:]), "bitwise_or": (np.bitwise_or, ALL[2:]),
    "bitwise_xor": (np.bitwise_xor, ALL[2:]), "shift_left": (np.left_shift, ALL[2:5]),
    "shift_right": (np.right_shift, ALL[2:5]),
}


def sample(shape, dtype, divisor=False):
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype.startswith("float"):
        x = rng.standard_normal(shape).astype(dtype) * 3
        x[rng.random(shape) < 0.05] = math.nan
        x[rng.random(shape) < 0.05] = 0
        return x
    x = rng.integers(0 if dtype == "uint8" else -9, 10, shape).astype(dtype)
    return np.where(x == 0, np.array(3, dtype), x) if divisor else x


@pytest.mark.parametrize("name", BINARY)
def test_binary(name):
    f, dtypes = BINARY[name]
    for dtype in ALL:
        divides = name in ("floor_divide", "remainder", "fmod")
        a, b = sample((7, 33), dtype), sample((7, 33), dtype, divides)
        if name.startswith("shift"):
            b = np.abs(b.astype(int)).astype(dtype)
        if dtype not in dtypes:
            with pytest.raises(TypeError, match=name):
                run(name, a, b, attrs=(0,))
            continue
        want = f(a, b)
        assert np.array_equal(run(name, a, b, attrs=(0,)), want, equal_nan=want.dtype.kind == "f")
        row, column = b[:1], b[:, :1]
        for other in (row, column):
            want = f(a, other)
            got = run(name, a, other, attrs=(0,))
            assert np.array_equal(got, want, equal_nan=want.dtype.kind == "f")
        value = np.array(2.5 if dtype.startswith("f") else 1).astype(dtype)
        same = value.item()
        for left in (0, 1):
            ab = (None, b) if left else (a, None)
            want = f(value, b) if left else f(a, value)
            got = run(name, *ab, attrs=(same,))
            assert np.array_equal(got, want, equal_nan=want.dtype.kind == "f"), (dtype, left)


def test_integer_ends():
    low = np.array([-2**63, -2**63, 7, -7], np.int64)
    minus = np.array([-1, 2, -1, -1], np.int64)
    assert np.array_equal(run("floor_divide", low, minus, attrs=(0,)), [-2**63, -2**62, -7, 7])
    assert np.array_equal(run("remainder", low, minus, attrs=(0,)), [0, 0, 0, 0])
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run("remainder", low, np.zeros(4, np.int64), attrs=(0,))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        run("floor_divide", low, None, attrs=(0,))
    one = np.array([1, -5], np.int32)
    assert np.array_equal(run("shift_left", one, None, attrs=(40,)), [0, 0])
    assert np.array_equal(run("shift_right", one, None, attrs=(40,)), [0, -1])
    assert np.array_equal(run("pow", np.array([3, -2, 0, 1, -1, 5], np.int64),
                              np.array([4, 3, 0, -2, -3, -1], np.int64), attrs=(0,)),
                          [81, -8, 1, 1, -1, 0])
    assert np.array_equal(run("neg", np.array([0, 1, 255], np.uint8)), [0, 255, 1])


def test_float_division_agrees_with_its_remainder():
    a = rng.standard_normal(5000) * 10
    b = rng.standard_normal(5000)
    assert np.array_equal(run("floor_divide", a, b, attrs=(0,)), np.floor_divide(a, b))
    a = np.array([1.0, -1.0, 0.0, math.inf, 3.0, -0.5])
    b = np.array([0.0, 0.0, 0.0, 2.0, math.inf, math.inf])
    assert np.array_equal(run("floor_divide", a[:3], b[:3], attrs=(0,)),
                          [math.inf, -math.inf, math.nan], equal_nan=True)


def test_power():
    x = np.concatenate([rng.uniform(0, 20, 4000), SPECIAL]).astype(np.float32)
    y = np.concatenate([rng.uniform(-20, 20, 4000), np.resize(SPECIAL, len(SPECIAL))])
    y = y.astype(np.float32)
    assert ulps(run("pow", x, y, attrs=(0,)), x.astype(float) ** y.astype(float)).max() <= 1
    a, b = (g.ravel().astype(np.float32) for g in np.meshgrid(SPECIAL, SPECIAL))
    a, b = np.concatenate([a, a]), np.concatenate([b, np.rint(b)])
    assert ulps(run("pow", a, b, attrs=(0,)), a.astype(float) ** b.astype(float)).max() <= 1
    assert ulps(run("atan2", a, b, attrs=(0,)),
                np.arctan2(a.astype(float), b.astype(float))).max() <= 1
    assert ulps(run("hypot", a, b, attrs=(0,)), np.hypot(a.astype(float), b)).max() <= 1
    got = run("logaddexp", a, b, attrs=(0,))
    assert np.allclose(got, np.logaddexp(a, b), rtol=3e-7, equal_nan=True)


def test_three_operands():
    c = rng.random((5, 40)) < 0.5
    for dtype in ALL:
        a, b = sample((5, 40), dtype), sample((40,), dtype)
        nan = dtype.startswith("f")
        assert np.array_equal(run("where", c, a, b, attrs=(0, 0)), np.where(c, a, b),
                              equal_nan=nan)
        assert np.array_equal(run("where", c, None, b, attrs=(1, 0)),
                              np.where(c, np.ones(1, dtype), b), equal_nan=nan)
        lo, hi = np.minimum(b, a), np.maximum(b, a)
        assert np.array_equal(run("clamp", a, lo, hi, attrs=(0, 0)),
                              np.minimum(np.maximum(a, lo), hi), equal_nan=nan)
    x = np.array([-5, 0, 300], np.int32)
    assert np.array_equal(run("clamp", x, None, None, attrs=(-2**63, 2**63 - 1)), x)
    a, b, w = (rng.standard_normal(99) for _ in range(3))
    assert np.allclose(run("lerp", a, b, w, attrs=(0, 0)), a + w * (b - a), rtol=1e-14, atol=1e-15)
    assert np.allclose(run("lerp", a, b, None, attrs=(0, 0.25)), a + 0.25 * (b - a))
    assert np.allclose(run("addcmul", a, b, w, attrs=(0.5,)), a + 0.5 * b * w)
    assert np.allclose(run("addcdiv", a, b, w, attrs=(0.5,)), a + 0.5 * b / w)
    assert np.allclose(run("add_scaled", a, b, attrs=(-0.5,)), a - 0.5 * b)
    assert np.array_equal(run("nan_to_num", np.array([math.nan, math.inf, -math.inf, 2.0]),
                              attrs=(1.0, 5.0, -6.0)), [1, 5, -6, 2])


SHAPES = [(), (1,), (8,), (1000,), (0, 3), (7, 5), (100, 3), (3, 100), (5, 600), (600, 5),
          (2, 3, 4), (30, 9, 80), (1, 5, 1), (2000, 3), (2, 1, 3, 1, 2, 2, 1, 3)]


@pytest.mark.parametrize("shape", SHAPES)
def test_layouts(shape):
    a = np.asarray(rng.standard_normal(shape))
    want = a + a * 0.5
    big = np.empty([2 * s for s in shape])
    step = big[(..., *(slice(0, 2 * s, 2) for s in shape))]
    for x in (a, np.array(a, order="F"), a[::-1] if a.ndim else a):
        plain = np.ascontiguousarray(x) if x.ndim else x
        step[...] = plain * 0.5
        for out in (None, [np.empty(shape)], [np.empty(shape[::-1]).T], [step.copy(order="F")]):
            got = run("add", x, step, out=out, attrs=(0,))
            assert np.array_equal(got, plain + step)
    spread = np.broadcast_to(a[:1], shape) if a.ndim and a.size else a
    assert np.array_equal(run("add", a, spread, attrs=(0,)), a + spread)
    assert np.array_equal(run("exp", spread), run("exp", np.array(spread)))
    run("add", a, np.asarray(a * 0.5), out=[a], attrs=(0,))
    assert np.array_equal(a, want)


@pytest.mark.parametrize("n", [1, 3, 7, 15, 17, 31, 33, 63, 100])
def test_guard_pages(n):
    for at_end in (True, False):
        for dtype in ("float32", "float64"):
            x, y = guarded((n,), dtype, at_end), guarded((n,), dtype, at_end)
            x[:] = rng.standard_normal(n)
            for name in ("exp", "sigmoid", "relu", "sin", "log1p"):
                assert np.array_equal(run(name, x, out=[y]), run(name, x.copy()), equal_nan=True)
            m = guarded((n,), "bool", at_end)
            assert np.array_equal(run("lt", x, y, out=[m], attrs=(0,)), x < y)


def test_same_bits_where_there_is_fma(isa):
    if isa != "avx512":
        return  # the pair is compared once
    x = np.concatenate([rng.standard_normal(2000) * 5, SPECIAL])
    z = rng.standard_normal(x.size)
    for dtype in (np.float32, np.float64):
        a, b = x.astype(dtype), z.astype(dtype)
        calls = [(name, (a,), ()) for name in REAL]
        calls += [(name, (a,), at) for name, (_, at, _) in ACTIVATIONS.items()]
        calls += [((how if how.endswith("bwd") else name + "_bwd"), (b, a), at)
                  for name, (_, at, how) in ACTIVATIONS.items()]
        calls += [(name, (a, b), (0,)) for name in ("pow", "atan2", "hypot", "logaddexp", "xlogy")]
        for name, ins, attrs in calls:
            set_isa("avx2")
            one = run(name, *ins, attrs=attrs)
            set_isa("avx512")
            two = run(name, *ins, attrs=attrs)
            assert one.tobytes() == two.tobytes() or np.array_equal(one, two, equal_nan=True), name
            again = np.concatenate([run(name, *(v[i:i + 7].copy() for v in ins), attrs=attrs)
                                    for i in range(0, a.size, 7)])
            assert np.array_equal(two, again, equal_nan=True), name


def test_refusals():
    a = np.ones(3, np.float32)
    with pytest.raises(TypeError, match="one dtype"):
        run("add", a, np.ones(3), attrs=(0,))
    with pytest.raises(ValueError, match="at least one"):
        run("add", None, None, attrs=(0,))
    with pytest.raises(TypeError, match="not implemented for int64"):
        run("exp", np.ones(3, np.int64))
    with pytest.raises(TypeError, match="bool"):
        run("where", a, a, a, attrs=(0, 0))
    with pytest.raises(RuntimeError, match="broadcast"):
        run("mul", a, np.ones(4, np.float32), attrs=(0,))
