"""Reductions: every op, dtype, set of dimensions, layout, ISA and thread count, against NumPy."""

import itertools

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

SHAPES = [(), (1,), (7,), (16,), (130,), (5000,), (3, 5), (1000, 10), (10, 1000), (33, 4100),
          (4100, 33), (2000, 3), (3, 300, 3), (4, 1, 9), (60, 7, 20), (2, 3, 4, 5), (0,), (0, 3)]
VIEWS = {
    "plain": lambda a: a,
    "transposed": lambda a: a.T,
    "sliced": lambda a: a[..., ::2] if a.ndim else a,
    "reversed": lambda a: a[::-1] if a.ndim else a,
    "rolled": lambda a: np.moveaxis(a, 0, -1) if a.ndim else a,
    "broadcast": lambda a: np.broadcast_to(a[..., :1], a.shape) if a.ndim else a,
}


@pytest.fixture(autouse=True)
def one_thread():
    """Fast on a busy machine; the thread test sets its own."""
    lib.fnn_set_num_threads(1)
    yield
    lib.fnn_set_num_threads(0)


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def numbers(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind == "f":
        return np.asarray(rng.standard_normal(shape), dtype)
    return np.asarray(rng.integers(0, 3, shape), dtype)


def every_dims(ndim):
    return itertools.chain.from_iterable(
        itertools.combinations(range(ndim), n) for n in range(ndim + 1))


def check_sum(y, x, dims, keep):
    """An element passes through at most 128 additions of a block and 64 of the tree above it."""
    x = x.astype(np.float64)
    axis = dims or None
    exact = x.sum(axis, keepdims=keep)
    bound = 192 * np.finfo(y.dtype).eps * np.abs(x).sum(axis, keepdims=keep)
    assert y.shape == exact.shape
    assert (np.abs(y - exact) <= bound).all()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_sums(isa, dtype, view):
    for shape in SHAPES:
        x = VIEWS[view](numbers(shape, dtype))
        for dims in every_dims(x.ndim):
            keep = len(dims) == 1
            check_sum(run("sum", x, attrs=[dims, keep]), x, dims, keep)
            check_sum(run("norm1", x, attrs=[dims, keep]), np.abs(x), dims, keep)
            check_sum(run("sumsq", x, attrs=[dims, keep]), x.astype(np.float64) ** 2, dims, keep)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_exact_folds(isa, dtype, view):
    for shape in SHAPES:
        x = VIEWS[view](numbers(shape, dtype))
        for dims in every_dims(x.ndim):
            axis = dims or None
            y = run("count_nonzero", x, attrs=[dims, False])
            np.testing.assert_array_equal(y, (x != 0).sum(axis))
            y = run("any", x, attrs=[dims, False])
            np.testing.assert_array_equal(y, (x != 0).any(axis))
            assert y.dtype == (np.uint8 if dtype == "uint8" else np.bool_)
            np.testing.assert_array_equal(run("all", x, attrs=[dims, False]), (x != 0).all(axis))
            if dtype not in ("float32", "float64"):
                for op in ("sum", "prod"):
                    y = run(op, x, attrs=[dims, False])
                    np.testing.assert_array_equal(
                        y, getattr(x.astype(np.int64), op)(axis), strict=True)
            if x.size:
                for op, reference in (("amax", np.max), ("amin", np.min)):
                    y = run(op, x, attrs=[dims, False])
                    np.testing.assert_array_equal(y, reference(x, axis))
                    assert y.dtype == x.dtype


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "int32", "uint8", "bool"])
def test_positions(isa, dtype, view):
    for shape in SHAPES:
        x = numbers(shape, dtype)
        x = VIEWS[view](np.asarray(x * 10 // 5, dtype))  # many ties
        for d in range(x.ndim if x.size else 0):
            y, i = run("max_dim", x, nout=2, attrs=[[d], False])
            np.testing.assert_array_equal(y, x.max(d))
            np.testing.assert_array_equal(i, x.argmax(d), strict=True)
            y, i = run("min_dim", x, nout=2, attrs=[[d], True])
            np.testing.assert_array_equal(y, x.min(d, keepdims=True))
            np.testing.assert_array_equal(i, x.argmin(d, keepdims=True))
        if x.size:
            _, i = run("max_dim", x, nout=2, attrs=[[], False], unwanted=[0])
            assert i == x.argmax()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_moments(isa, dtype, view):
    for shape in SHAPES:
        x = VIEWS[view](numbers(shape, dtype) * 3 + 100)
        for dims in every_dims(x.ndim):
            n = np.prod([x.shape[d] for d in dims or range(x.ndim)])
            if n < 2:
                continue
            exact = x.astype(np.float64)
            rtol = 30 * np.finfo(dtype).eps
            y, mean = run("var", x, nout=2, attrs=[dims, 1.0, False])
            np.testing.assert_allclose(mean, exact.mean(dims or None), rtol)
            # deviations of 0 are off by the rounding of a mean of 100, here and in the reference
            atol = 400 * np.finfo(dtype).eps
            np.testing.assert_allclose(y, exact.var(dims or None, ddof=1), 4 * rtol, atol)
            y = run("std", x, attrs=[dims, 0.0, True])
            np.testing.assert_allclose(y, exact.std(dims or None, keepdims=True), 4 * rtol, atol)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_norms_mean_prod(isa, dtype):
    eps = np.finfo(dtype).eps
    for shape in [(7,), (37, 41), (5, 6, 70)]:
        x = np.abs(numbers(shape, dtype)) / 100 + 1  # no cancellation, no overflow
        exact = x.astype(np.float64)
        for dims in every_dims(x.ndim):
            axis = dims or None
            for op, reference, rounding in (
                    ("mean", exact.mean(axis), 192), ("prod", exact.prod(axis), x.size),
                    ("norm2", np.sqrt((exact**2).sum(axis)), 192),
                    ("normmax", exact.max(axis), 0), ("normmin", exact.min(axis), 0)):
                y = run(op, x * (-1 if op.startswith("norm") else 1), attrs=[dims, False])
                np.testing.assert_allclose(y, reference, rounding * eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape,dims", [((5,), [0]), ((40,), [0]), ((9000,), [0]), ((50, 70), [0]),
                                        ((50, 70), [1]), ((6, 30, 70), [0, 2])])
def test_nan_wins_at_every_place(isa, shape, dims, dtype):
    x = numbers(shape, dtype)
    for at in np.random.default_rng(1).integers(0, x.size, 25):
        x.flat[at] = np.nan
        axis = tuple(dims)
        for op, reference in (("amax", np.max), ("amin", np.min), ("sum", np.sum),
                              ("norm2", np.sum), ("var", np.sum), ("normmax", np.max)):
            attrs = [dims, 1.0, False] if op == "var" else [dims, False]
            y = run(op, x, attrs=attrs)
            np.testing.assert_array_equal(np.isnan(y), np.isnan(reference(x, axis)))
        check_sum(run("nansum", x, attrs=[dims, False]), np.nan_to_num(x), axis, False)
        if len(dims) == 1:
            for op, reference in (("max_dim", np.argmax), ("min_dim", np.argmin)):
                _, i = run(op, x, nout=2, attrs=[dims, False])
                np.testing.assert_array_equal(i, reference(x, dims[0]))


def test_of_nothing(isa):
    x = np.zeros((0, 3), np.float32)
    assert (run("sum", x, attrs=[[0], False]) == 0).all()
    assert (run("prod", x, attrs=[[0], False]) == 1).all()
    assert run("all", x, attrs=[[], False]) and not run("any", x, attrs=[[], False])
    assert np.isnan(run("mean", x, attrs=[[0], False])).all()
    assert np.isnan(run("var", x, attrs=[[0], 1.0, False])).all()
    assert run("sum", x, attrs=[[1], False]).shape == (0,)
    for op in ("amax", "amin", "max_dim", "min_dim"):
        with pytest.raises(IndexError, match=f"{op}.*non-zero size"):
            run(op, x, attrs=[[0], False])
        assert run(op, x, attrs=[[1], False]).shape == (0,)


def test_refusals():
    x = np.zeros((2, 3), np.float32)
    with pytest.raises(IndexError, match=r"sum: dimension out of range.*\[-2, 1\].*2"):
        run("sum", x, attrs=[[2], False])
    with pytest.raises(RuntimeError, match="dim 1 appears multiple times"):
        run("sum", x, attrs=[[1, -1], False])
    for op in ("mean", "norm2", "nansum"):
        with pytest.raises(RuntimeError, match=rf"{op}.*int64\(2, 3\)"):
            run(op, x.astype(np.int64), attrs=[[], False])
    with pytest.raises(NotImplementedError, match="float16"):
        run("sum", x.astype(np.float16), attrs=[[], False])


def test_strided_output(isa):
    x = numbers((40, 50), "float32")
    y = np.zeros((100,), np.float32)
    index = np.zeros((50, 2), np.int64)
    run("max_dim", x, out=[y[::2], index[:, 1]], attrs=[[0], False])
    np.testing.assert_array_equal(y[::2], x.max(0))
    np.testing.assert_array_equal(index[:, 1], x.argmax(0))
    assert not y[1::2].any() and not index[:, 0].any()


@pytest.mark.parametrize("at_end", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8"])
def test_touches_nothing_outside(isa, dtype, at_end):
    for shape in [(1,), (15,), (17,), (131,), (4097,), (9, 3), (9, 17), (131, 33), (300, 5)]:
        x = guarded(shape, dtype, at_end)
        x[...] = 1
        for dims in every_dims(len(shape)):
            n = np.prod([shape[d] for d in dims or range(len(shape))])
            assert (run("sum", x, attrs=[dims, False]) == n).all()
            assert (run("amax", x, attrs=[dims, False]) == 1).all()
            run("max_dim", x, nout=2, attrs=[dims, False])
            if dtype != "uint8":
                assert (run("var", x, attrs=[dims, 0.0, False]) == 0).all()


BITS = {
    "sum": [False], "norm2": [False], "mean": [False], "prod": [False], "nansum": [False],
    "var": [1.0, False], "max_dim": [False], "amin": [False],
}


def results(x):
    out = []
    for op, attrs in BITS.items():
        for dims in every_dims(x.ndim):
            out.append(run(op, x, attrs=[dims, *attrs]).tobytes())
    return out


LARGE = [(140_001,), (400, 301), (301, 400), (50, 40, 60), (30_000, 5), (3, 50_003)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_for_any_number_of_threads(isa, dtype):
    for shape in LARGE:
        x = numbers(shape, dtype)
        lib.fnn_set_num_threads(1)
        one = results(x)
        for threads in (2, 3, 7):
            lib.fnn_set_num_threads(threads)
            assert results(x) == one, threads


@pytest.mark.skipif("avx512" not in ISAS, reason="this processor has no AVX-512 to compare with")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_bits_on_avx2_and_avx512(dtype):
    for shape in [*LARGE, *[s for s in SHAPES if 0 not in s]]:
        for view in VIEWS.values():
            x = view(numbers(shape, dtype))
            bits = []
            for name in ("avx2", "avx512"):  # avx512 last: it is the best, and stays
                set_isa(name)
                bits.append(results(x))
            assert bits[0] == bits[1]
