"""max_pool and avg_pool instructions between pages that must not be touched, on every ISA."""

import itertools

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, run, set_isa

SHAPES = [(1, 1, 4, 4), (2, 3, 8, 8), (1, 2, 5, 7), (3, 1, 24, 24), (1, 2, 3, 70), (1, 1, 2, 2),
          (2, 1, 9, 33)]
WINDOWS = [(2, 2, 0), (3, 1, 1), (3, 2, 1), (2, 1, 0), (2, 3, 1)]


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def out_shape(shape, k, s, p):
    return (*shape[:2], *[(n + 2 * p - k) // s + 1 for n in shape[2:]])


def walk(x, k, s, p):
    """For each output: its place, and the places of its elements inside."""
    shape = out_shape(x.shape, k, s, p)
    for place in itertools.product(*map(range, shape)):
        rows, cols = ([i for i in range(o * s - p, o * s - p + k) if 0 <= i < n]
                      for o, n in zip(place[2:], x.shape[2:], strict=True))
        yield place, [(*place[:2], r, c) for r in rows for c in cols]


def filled(shape, dtype, at_end, values):
    a = guarded(shape, dtype, at_end)
    a[...] = values
    return a


def geometry(k, s, p):
    return [[k, k], [s, s], [p, p]]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_nothing_outside_is_touched(shape, window, at_end, dtype, isa):
    if min(shape[2:]) + 2 * window[2] < window[0]:
        pytest.skip("the window is larger than the plane")
    r = np.random.default_rng(0)
    out = out_shape(shape, *window)
    x = filled(shape, dtype, at_end, r.integers(-9, 9, shape))
    dy = filled(out, dtype, at_end, r.integers(1, 9, out))
    y, dx = (guarded(s, dtype, at_end) for s in (out, shape))
    tap = guarded(out, "uint8", at_end)
    largest, mean, dlargest, dmean = (np.zeros(s) for s in (out, out, shape, shape))
    for place, inside in walk(x, *window):
        values = [x[i] for i in inside]
        largest[place] = max(values)
        mean[place] = sum(values) / len(values)
        dlargest[inside[int(np.argmax(values))]] += dy[place]
        for i in inside:
            dmean[i] += dy[place] / len(values)
    run("max_pool", x, out=[y, tap], attrs=[*geometry(*window), [1, 1], False])
    np.testing.assert_array_equal(y, largest)
    run("max_pool_bwd", dy, tap, out=[dx], attrs=[*geometry(*window), [1, 1], shape[2:]])
    np.testing.assert_array_equal(dx, dlargest)
    run("avg_pool", x, out=[y], attrs=[*geometry(*window), False, False, 0])
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(y, mean, rtol=4 * eps, atol=9 * eps)
    run("avg_pool_bwd", dy, out=[dx], attrs=[*geometry(*window), shape[2:], False, 0])
    np.testing.assert_allclose(dx, dmean, rtol=16 * eps)


def test_taps_that_no_window_has_write_nothing():
    """The instruction is open to C programs: a forged tap must not reach past the plane."""
    dy = np.ones((1, 1, 3, 3), np.float32)
    forged = np.full((1, 1, 3, 3), 255, np.uint8)
    dx = guarded((1, 1, 5, 5), "float32")
    run("max_pool_bwd", dy, forged, out=[dx], attrs=[*geometry(3, 2, 1), [1, 1], [5, 5]])
    assert (dx == 0).all()


@pytest.mark.parametrize("op, args, attrs, kind, text", [
    ("max_pool", [(1, 1, 4)], [[2, 2], [2, 2], [0, 0], [1, 1], False], RuntimeError, "expected"),
    ("max_pool", [(1, 1, 4, 4)], [[2, 2], [2], [0, 0], [1, 1], False], RuntimeError, "stride"),
    ("max_pool", [(1, 1, 4, 4)], [[2, 2], [1, 1], [0, 0], [2**62, 1], False], RuntimeError,
     "dilation should be less"),
    ("avg_pool", [(1, 1, 4, 4)], [[6, 6], [1, 1], [0, 0], False, True, 0], RuntimeError,
     "too small"),
    ("avg_pool_bwd", [(1, 1, 4, 4)], [[2, 2], [2, 2], [0, 0], [4, 4], True, 0], RuntimeError,
     "no pooling"),
    ("adaptive_avg_pool", [(1, 1, 4, 4)], [[-1, 2]], RuntimeError, "output_size")])
def test_refusals(op, args, attrs, kind, text):
    with pytest.raises(kind, match=text):
        run(op, *[np.ones(s, np.float32) for s in args], attrs=attrs)
