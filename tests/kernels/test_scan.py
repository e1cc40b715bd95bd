"""Scans: cumsum, cumprod, cummax, cummin, logcumsumexp, linrec; and logsumexp, against NumPy."""

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

SHAPES = [(), (1,), (9,), (300,), (5, 7), (40, 300), (300, 40), (3, 50, 6), (0, 4), (4, 0),
          (5, 4, 0), (0, 4, 5)]
VIEWS = {
    "plain": lambda a: a,
    "transposed": lambda a: a.T,
    "sliced": lambda a: a[..., ::2] if a.ndim else a,
    "reversed": lambda a: a[::-1] if a.ndim else a,
    "broadcast": lambda a: np.broadcast_to(a[..., :1], a.shape) if a.ndim and a.size else a,
}
FLOATS = ["float32", "float64"]


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


@pytest.fixture(autouse=True)
def one_thread():
    """Fast on a busy machine; the thread test sets its own."""
    lib.fnn_set_num_threads(1)
    yield
    lib.fnn_set_num_threads(0)


def cases(dtype, view):
    for shape in SHAPES:
        rng = np.random.default_rng(len(shape))
        x = rng.standard_normal(shape) if dtype in FLOATS else rng.integers(0, 3, shape)
        x = VIEWS[view](np.asarray(np.clip(x, -1.2, 1.2), dtype))  # products stay in range
        for d in range(max(x.ndim, 1)):
            yield x, d


def along(f, x, d, *args, **kwargs):
    return f(x, *args, axis=d, **kwargs) if x.ndim else f(x.reshape(1), *args, **kwargs).reshape(())


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [*FLOATS, "int64"])
def test_running_sums_and_products(isa, dtype, view):
    eps = np.finfo(dtype).eps if dtype in FLOATS else 0
    for x, d in cases(dtype, view):
        wide = x.astype(np.float64) if dtype in FLOATS else x
        n = x.shape[d] if x.ndim else 1
        # float32 runs in float64 and rounds once; float64 rounds at each of n steps
        steps = 1 if dtype == "float32" else n
        size = along(np.cumsum, np.abs(wide), d)
        y = run("cumsum", x, attrs=[d, False])
        assert (np.abs(y - along(np.cumsum, wide, d)) <= steps * eps * size).all()
        back = wide[(slice(None),) * d + (slice(None, None, -1),)] if x.ndim else wide
        back = along(np.cumsum, back, d)
        back = back[(slice(None),) * d + (slice(None, None, -1),)] if x.ndim else back
        y = run("cumsum", x, attrs=[d, True])
        assert (np.abs(y - back) <= steps * eps * n * np.abs(wide).max(initial=0)).all()
        np.testing.assert_allclose(run("cumprod", x, attrs=[d, False]),
                                   along(np.cumprod, wide, d), 2 * steps * eps,
                                   np.finfo(dtype).tiny if eps else 0)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", [*FLOATS, "int64", "int32", "uint8", "bool"])
def test_running_extremes(isa, dtype, view):
    for x, d in cases(dtype, view):
        for op, best, at_least in (("cummax", np.maximum, np.greater_equal),
                                   ("cummin", np.minimum, np.less_equal)):
            y, i = run(op, x, nout=2, attrs=[d, ])
            want = along(best.accumulate, x, d)
            np.testing.assert_array_equal(y, want)
            if x.size and x.ndim:
                np.testing.assert_array_equal(np.take_along_axis(x, i, d), want)
                # the last of equals: where x reaches the running extreme, the index is its own
                own = np.indices(x.shape)[d]
                np.testing.assert_array_equal(i[at_least(x, want)], own[at_least(x, want)])


def test_running_extremes_of_nan(isa):
    x = np.array([1, np.nan, 3, np.nan, 0], np.float32)
    y, i = run("cummax", x, nout=2, attrs=[0])
    np.testing.assert_array_equal(y, [1] + [np.nan] * 4)
    np.testing.assert_array_equal(i, [0, 1, 1, 3, 3])


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_log_sums(isa, dtype, view):
    eps = np.finfo(dtype).eps
    for x, d in cases(dtype, view):
        wide = x.astype(np.float64) * 30
        x = VIEWS["transposed"](np.ascontiguousarray((x * 30).T)).astype(dtype)
        wide = x.astype(np.float64)
        n = x.shape[d] if x.ndim else 1
        want = along(np.logaddexp.accumulate, wide, d)
        np.testing.assert_allclose(run("logcumsumexp", x, attrs=[d]), want, 4 * eps,
                                   (8 if dtype == "float32" else n + 8) * eps)
        if n:
            want = along(np.logaddexp.reduce, wide, d) if x.ndim else wide
            y = run("logsumexp", x, attrs=[[d], False])
            np.testing.assert_allclose(y, want, 4 * eps, (n + 100) * eps)


def test_log_sums_of_infinities(isa):
    inf = np.inf
    for row in ([-inf, -inf], [inf, 1.0], [inf, -inf], [-inf, 2.0], [np.nan, inf], [-3e4, -3e4]):
        x = np.array(row, np.float64)
        with np.errstate(invalid="ignore"):
            want = np.logaddexp.reduce(x)
        for n in (2, 20, 5000):
            long = np.full(n, -inf)
            long[[0, -1]] = x
            np.testing.assert_allclose(run("logsumexp", long, attrs=[[0], False]), want, 1e-15)
            tall = np.stack([long] * 40, 1)
            y = run("logsumexp", tall, attrs=[[0], False])
            np.testing.assert_allclose(y, np.full(40, want), 1e-15)
        np.testing.assert_allclose(run("logcumsumexp", x, attrs=[0])[1], want, 1e-15)
    assert run("logsumexp", np.zeros((0,), "f4"), attrs=[[], False]) == -inf


@pytest.mark.parametrize("dtype", FLOATS)
def test_linear_recurrence(isa, dtype):
    rng = np.random.default_rng(0)
    eps = np.finfo(dtype).eps
    for shape, d in [((20,), 0), ((6, 30), 0), ((6, 30), 1), ((3, 17, 5), 1)]:
        a, b = (rng.uniform(-1, 1, shape).astype(dtype) for _ in range(2))
        a64, b64 = np.moveaxis(a.astype("f8"), d, 0), np.moveaxis(b.astype("f8"), d, 0)
        n = len(b64)
        forward, backward = b64.copy(), b64.copy()
        for i in range(1, n):
            forward[i] += a64[i] * forward[i - 1]
        for i in range(n - 2, -1, -1):
            backward[i] += a64[i + 1] * backward[i + 1]
        for reverse, want in ((False, forward), (True, backward)):
            y = run("linrec", a, b, attrs=[d, reverse])
            np.testing.assert_allclose(np.moveaxis(y, d, 0), want, 0, n * eps * n)
            y = run("linrec", np.asfortranarray(a), b, attrs=[d, reverse])
            np.testing.assert_allclose(np.moveaxis(y, d, 0), want, 0, n * eps * n)


@pytest.mark.parametrize("at_end", [True, False])
def test_touches_nothing_outside(isa, at_end):
    for shape in [(1,), (33,), (5, 17), (17, 5)]:
        x = guarded(shape, "float32", at_end)
        x[...] = 1
        for d in range(len(shape)):
            n = shape[d]
            steps = np.arange(1, n + 1).reshape([-1 if i == d else 1 for i in range(len(shape))])
            for reverse in (False, True):
                y = run("cumsum", x, attrs=[d, reverse])
                assert (y == (n + 1 - steps if reverse else steps)).all()
                run("linrec", x, x, attrs=[d, reverse])
            run("cummax", x, nout=2, attrs=[d])
            run("logsumexp", x, attrs=[[d], False])


@pytest.mark.parametrize("dtype", FLOATS)
def test_same_bits_everywhere(dtype):
    rng = np.random.default_rng(0)
    for shape in [(40_000,), (300, 200), (200, 300), (30, 40, 50)]:
        x = rng.standard_normal(shape).astype(dtype)
        bits = set()
        for isa in [i for i in ISAS if i != "base"] or ["base"]:  # base has no FMA
            for threads in (1, 3):
                set_isa(isa)
                lib.fnn_set_num_threads(threads)
                out = [run("cumsum", x, attrs=[d, False]) for d in range(x.ndim)]
                out += [run("logcumsumexp", x, attrs=[d]) for d in range(x.ndim)]
                out += [run("logsumexp", x, attrs=[[d], False]) for d in range(x.ndim)]
                bits.add(b"".join(o.tobytes() for o in out))
        assert len(bits) == 1


def test_refusals():
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(IndexError, match="cumsum: dimension out of range"):
        run("cumsum", x, attrs=[2, False])
    with pytest.raises(NotImplementedError, match="logcumsumexp.*int64"):
        run("logcumsumexp", x.astype(np.int64), attrs=[0])
    with pytest.raises(ValueError, match="linrec.*differ"):
        run("linrec", x, x[:1], attrs=[0, False])
