"""full, arange, linspace, eye, tri, roll, pad, one_hot against NumPy."""

import numpy as np
import pytest
from engine import NAMES, lib, run


def test_full_and_eye():
    for code, name in enumerate(NAMES[:9]):
        for shape in [(), (0,), (5,), (3, 0, 2), (70, 900)]:
            y = run("full", attrs=[shape, code, 1])
            assert y.dtype == name and y.shape == shape and (y == 1).all()
        for n, m in [(3, 3), (2, 5), (5, 2), (0, 3)]:
            np.testing.assert_array_equal(run("eye", attrs=[n, m, code]), np.eye(n, m))
    with pytest.raises(RuntimeError, match="negative dimension"):
        run("full", attrs=[(2, -1), 0, 0])
    with pytest.raises(ValueError, match="too large"):
        run("full", attrs=[(2**40, 2**40), 0, 0])
    with pytest.raises(RuntimeError, match="overflow"):
        run("full", attrs=[(2,), NAMES.index("uint8"), 300])


def test_arange_and_linspace():
    for n in (0, 1, 2, 511, 513, 40_000):
        assert (run("arange", attrs=[2**60, 3, n, 2]) == 2**60 + 3 * np.arange(n)).all()
        np.testing.assert_array_equal(run("arange", attrs=[0.5, 0.1, n, 1]),
                                      0.5 + np.arange(n) * 0.1)
        y = run("linspace", attrs=[-1.5, 7.25, n, 0.0, 1])
        np.testing.assert_allclose(y, np.linspace(-1.5, 7.25, n), rtol=2e-16, atol=1e-15)
        if n > 1:
            assert y[0] == -1.5 and y[-1] == 7.25
    np.testing.assert_allclose(run("linspace", attrs=[0.0, 3.0, 4, 10.0, 0]), [1, 10, 100, 1000],
                               rtol=1e-7)
    out = np.zeros(20)[::2]
    run("arange", out=[out], attrs=[0, 1, 10, 1])
    np.testing.assert_array_equal(out, np.arange(10))


def test_tri():
    rng = np.random.default_rng(0)
    for shape in [(3, 3), (4, 7), (7, 4), (2, 3, 5, 6), (0, 4), (200, 300)]:
        x = rng.random(shape).astype("float32")
        for v in (x, np.asfortranarray(x), x[..., ::-1]):
            for k in (-9, -2, 0, 1, 3, 9):
                np.testing.assert_array_equal(run("tri", v, attrs=[k, False]), np.tril(v, k))
                np.testing.assert_array_equal(run("tri", v, attrs=[k, True]), np.triu(v, k))
    with pytest.raises(RuntimeError, match="2 dimensions"):
        run("tri", np.zeros(3), attrs=[0, False])


def test_roll_and_pad():
    rng = np.random.default_rng(0)
    for shape in [(5,), (3, 4), (2, 3, 4)]:
        x = rng.integers(0, 9, shape).astype("int16")
        for v in (x, np.asfortranarray(x), x[::-1]):
            for dim in range(len(shape)):
                for shift in (0, 1, -1, 7, -13):
                    np.testing.assert_array_equal(run("roll", v, attrs=[shift, dim]),
                                                  np.roll(v, shift, dim))
            for k in range(1, len(shape) + 1):
                for _ in range(10):
                    p = rng.integers(-1, 4, (k, 2))
                    width = [(0, 0)] * (len(shape) - k) + [tuple(w) for w in p[::-1]]
                    want = np.pad(v, np.maximum(width, 0), constant_values=7)
                    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for (a, b), n in
                                zip(width, want.shape, strict=True))
                    np.testing.assert_array_equal(run("pad", v, attrs=[p.ravel(), 7]), want[cut])
    x = np.ones((2, 2), "float32")
    assert (run("pad", x, attrs=[[3, -3], 5]) == 5).all()
    with pytest.raises(RuntimeError, match=r"padding \(-2, -1\) of dimension 1"):
        run("pad", x, attrs=[[-2, -1], 0])
    with pytest.raises(RuntimeError, match="3 padding numbers"):
        run("pad", x, attrs=[[1, 1, 1], 0])


def test_one_hot():
    x = np.array([[0, 3], [2, 2]])
    np.testing.assert_array_equal(run("one_hot", x.T, attrs=[5]), np.eye(5)[x.T])
    with pytest.raises(IndexError, match="one_hot: index 3 .* size 3"):
        run("one_hot", x, attrs=[3])


def test_threads_give_the_same_bits():
    lib.fnn_set_num_threads(7)
    y = run("arange", attrs=[0.1, 0.3, 200_000, 0])
    lib.fnn_set_num_threads(1)
    np.testing.assert_array_equal(y, run("arange", attrs=[0.1, 0.3, 200_000, 0]))
    lib.fnn_set_num_threads(0)
