"""The ops on raw pointers against NumPy in float64, their checks, and what they touch."""

import ctypes as c
import itertools

import numpy as np
import pytest

import fastnn
from fastnn.nn import functional as F
from tests.embed.native import DTYPES, lib, numbers, op, raw

FLOATS = [np.float32, np.float64]
DRAW = np.random.default_rng(0)


def normal(dtype, *size):
    return DRAW.normal(size=size).astype(dtype)


def tensor(a):
    return fastnn.from_numpy(a)


def near(got, want, terms):
    """terms: the sum over |a b| behind each element, whose chain of k roundings is at most k eps of
    it; want is exact beside that."""
    k, size = terms
    assert (np.abs(got - want) <= (k + 2) * np.finfo(got.dtype).eps * (size + 1)).all()


SIZES = [(1, 1, 1), (5, 7, 3), (33, 17, 65), (1, 40, 64), (40, 1, 64), (0, 3, 2), (3, 0, 2),
         (2, 3, 0), (70, 130, 600)]  # fmt: skip


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("ta, tb, add", list(itertools.product([0, 1], repeat=3)))
def test_gemm(dtype, ta, tb, add):
    for m, n, k in SIZES:
        pad = 3
        a = normal(dtype, *((k, m) if ta else (m, k)))
        b = normal(dtype, *((n, k) if tb else (k, n)))
        wide = np.full((m, n + pad), 7, dtype)
        before = wide.copy()
        raw("gemm", DTYPES[a.dtype], ta, tb, m, n, k, a, a.shape[1], b, b.shape[1], add, wide,
            n + pad)
        left, right = (a.T if ta else a).astype(float), (b.T if tb else b).astype(float)
        near(wide[:, :n], left @ right + 7 * add, (k + 1, np.abs(left) @ np.abs(right) + 7))
        assert (wide[:, n:] == before[:, n:]).all()


def test_a_leading_dimension_may_be_wide():
    a, b, y = normal(np.float32, 4, 9), normal(np.float32, 5, 8), np.empty((4, 6), np.float32)
    raw("gemm", 0, 0, 0, 4, 6, 5, a, 9, b, 8, 0, y, 6)
    want = np.empty((4, 6), np.float32)
    raw("gemm", 0, 0, 0, 4, 6, 5, a[:, :5].copy(), 5, b[:, :6].copy(), 6, 0, want, 6)
    assert (y == want).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_others_have_the_bits_of_the_ops(dtype):
    """What the ops compute is tested where they are (tests/ops)."""
    t = DTYPES[np.dtype(dtype)]
    x, w, b = normal(dtype, 9, 5), normal(dtype, 4, 5), normal(dtype, 4)
    y = np.empty((9, 4), dtype)
    for bias, relu in itertools.product([None, b], [0, 1]):
        raw("linear", t, 9, 5, 4, x, w, bias, relu, y)
        want = F.linear(tensor(x), tensor(w), bias if bias is None else tensor(bias))
        assert (y == (F.relu(want) if relu else want).numpy()).all()
    for log, function in enumerate([F.softmax, F.log_softmax]):
        y = np.empty_like(x)
        raw("softmax", t, 9, 5, x, log, y)
        assert (y == function(tensor(x), 1).numpy()).all()
    for weight, bias in itertools.product([None, normal(dtype, 5)], repeat=2):
        y, mean, rstd = np.empty_like(x), np.empty(9, dtype), np.empty(9, dtype)
        raw("layer_norm", t, 9, 5, x, weight, bias, 1e-5, y, mean, rstd)
        parts = [v if v is None else tensor(v) for v in (weight, bias)]
        assert (y == F.layer_norm(tensor(x), [5], *parts).numpy()).all()
        np.testing.assert_allclose(mean, x.mean(1), atol=8 * np.finfo(dtype).eps)
        np.testing.assert_allclose(rstd, 1 / np.sqrt(x.var(1) + 1e-5), rtol=8 * np.finfo(dtype).eps)
        again = np.empty_like(x)
        raw("layer_norm", t, 9, 5, x, weight, bias, 1e-5, again, None, None)
        assert (again == y).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("dims, groups", [(1, 1), (2, 1), (2, 2), (3, 1)])
def test_conv(dtype, dims, groups):
    x, w = normal(dtype, 2, 4, *[7] * dims), normal(dtype, 6, 4 // groups, *[3] * dims)
    b = normal(dtype, 6)
    conv = [F.conv1d, F.conv2d, F.conv3d][dims - 1]
    for stride, padding, dilation, bias in [(1, 0, 1, None), (2, 1, 1, b), (1, 2, 2, b)]:
        want = conv(tensor(x), tensor(w), None if bias is None else tensor(bias), stride, padding,
                    dilation, groups).numpy()
        y = np.empty_like(want)
        sizes = [x.shape, w.shape, y.shape, [stride] * dims, [padding] * dims, [dilation] * dims]
        raw("conv", DTYPES[x.dtype], dims, *sizes, groups, x, w, bias, 0, y)
        assert (y == want).all()
        raw("conv", DTYPES[x.dtype], dims, *sizes, groups, x, w, bias, 1, y)
        assert (y == np.maximum(want, 0)).all()


@pytest.mark.parametrize("dtype", FLOATS)
def test_map(dtype):
    t, x, dy = DTYPES[np.dtype(dtype)], normal(dtype, 37), normal(dtype, 37)
    y = np.empty_like(x)
    raw("map", op("gelu"), t, 37, x, None, None, y)
    assert (y == F.gelu(tensor(x)).numpy()).all()
    raw("map", op("leaky_relu"), t, 37, x, None, numbers(0.5), y)
    assert (y == np.where(x > 0, x, x * dtype(0.5))).all()
    raw("map", op("relu_bwd"), t, 37, dy, x, None, y)
    assert (y == np.where(x > 0, dy, 0)).all()
    raw("map", op("add"), t, 37, dy, x, numbers(0), y)
    assert (y == dy + x).all()
    want = np.maximum(x, 0)
    raw("map", op("relu"), t, 37, x, None, None, x)
    assert (x == want).all()


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("decoupled", [0, 1])
def test_adam(dtype, decoupled):
    """Bit for bit what the optimizer of the same settings does."""
    start = normal(dtype, 50)
    p, mean, square = start.copy(), np.zeros(50, dtype), np.zeros(50, dtype)
    cell = np.array([0, 0.01, 0.1, 0.9, 0.99, 1e-8])
    other = fastnn.tensor(start.copy()).requires_grad_()
    kind = fastnn.optim.AdamW if decoupled else fastnn.optim.Adam
    optimizer = kind([other], lr=0.01, weight_decay=0.1, betas=(0.9, 0.99))
    for step in range(1, 4):
        g = normal(dtype, 50)
        raw("adam", DTYPES[p.dtype], 50, g, decoupled, cell, p, mean, square)
        other.grad = tensor(g)
        optimizer.step()
        assert cell[0] == step and (p == other.detach().numpy()).all()


BUFFER = np.zeros(64, np.float32)


@pytest.mark.parametrize("error, message, name, arguments", [
    (ValueError, "rows are further apart", "gemm",
     (0, 0, 0, 2, 3, 4, BUFFER, 3, BUFFER, 3, 0, np.ones(6, np.float32), 3)),
    (ValueError, "rows are further apart", "gemm",
     (0, 0, 0, 2, 3, 4, BUFFER, 4, BUFFER, 3, 0, np.ones(6, np.float32), 2)),
    (RuntimeError, "negative size", "gemm",
     (0, 0, 0, -2, 3, 4, BUFFER, 4, BUFFER, 3, 0, np.ones(6, np.float32), 3)),
    (ValueError, "too large", "gemm",
     (0, 0, 0, 2**40, 2**40, 4, BUFFER, 4, BUFFER, 2**40, 0, BUFFER, 2**40)),
    (ValueError, "holds no float32", "gemm",
     (0, 0, 0, 8, 2, 2, BUFFER, 2**62, BUFFER, 2, 0, np.ones(16, np.float32), 2)),
    (ValueError, "linear: .*holds no float32", "linear",
     (0, 2, 2, 2, None, BUFFER, None, 0, BUFFER)),
    (ValueError, "holds no float32", "linear",
     (0, 2, 2, 2, BUFFER.ctypes.data + 2, BUFFER, None, 0, np.ones(4, np.float32))),
    (TypeError, "linear: expected float32 or float64", "linear",
     (2, 2, 2, 2, BUFFER, BUFFER, None, 0, np.ones(4, np.int64))),
    (TypeError, "no such dtype: 77", "softmax", (77, 2, 2, BUFFER, 0, np.ones(4, np.float32))),
    (RuntimeError, "single memory location", "softmax", (0, 2, 2, BUFFER, 0, BUFFER)),
    (ValueError, "4 dimensions", "conv",
     (0, 4, [1] * 6, [1] * 6, [1] * 6, [1] * 4, [0] * 4, [1] * 4, 1, BUFFER, BUFFER, None, 0,
      np.ones(1, np.float32))),
    (ValueError, "cannot be written into", "conv",
     (0, 1, [1, 1, 4], [1, 1, 2], [1, 1, 4], [1], [0], [1], 1, BUFFER, BUFFER, None, 0,
      np.ones(4, np.float32))),
    (ValueError, "no such opcode", "map", (-1, 0, 3, BUFFER, None, None, np.ones(3, np.float32))),
    (ValueError, "cannot be written into", "map",
     (op("isnan"), 0, 3, BUFFER, None, None, np.ones(3, np.float32))),
    (ValueError, "operands or attributes", "map",
     (op("leaky_relu"), 0, 3, BUFFER, None, None, np.ones(3, np.float32))),
    (ValueError, "adam: .*holds no float64", "adam",
     (0, 3, BUFFER, 0, None, *[np.ones(3, np.float32) for _ in range(3)])),
])
def test_refused(error, message, name, arguments):
    """With a message, before anything is written."""
    outputs = [a for a in arguments if isinstance(a, np.ndarray) and a is not BUFFER]
    before = [a.copy() for a in outputs]
    with pytest.raises(error, match=message):
        raw(name, *arguments)
    assert all((a == b).all() for a, b in zip(outputs, before, strict=True))
    assert (BUFFER == 0).all()


def test_no_memory():
    """Every request refused in its turn: nothing is written and nothing kept."""
    x, w = np.ones((64, 512), np.float32), np.ones((512, 512), np.float32)
    y = np.full((64, 512), 3, np.float32)
    failures = 0
    for n in itertools.count(1):
        lib.fnn_memory_fail_at(n)
        try:
            raw("linear", 0, 64, 512, 512, x, w, None, 0, y)
            break
        except MemoryError:
            failures += 1
            assert (y == 3).all()
        finally:
            lib.fnn_memory_fail_at(0)
    assert failures >= 3 and (y == 512).all()


def test_any_number_of_threads_gives_the_same_bits():
    x, w = normal(np.float32, 200, 300), normal(np.float32, 250, 300)
    results = []
    for n in (1, 2, 3, 8):
        lib.fnn_set_num_threads(n)
        y = np.empty((200, 250), np.float32)
        raw("gemm", 0, 0, 1, 200, 250, 300, x, 300, w, 300, 0, y, 250)
        results.append(y)
    lib.fnn_set_num_threads(0)
    assert all((y == results[0]).all() for y in results)


BEFORE = c.CFUNCTYPE(c.c_int, c.c_void_p, c.c_void_p)
AFTER = c.CFUNCTYPE(None, c.c_void_p, c.c_void_p, c.c_int)


class Observer(c.Structure):
    _fields_ = [("before", BEFORE), ("after", AFTER), ("next", c.c_void_p)]


def test_observers_see_them():
    seen = []

    def before(self, call):
        seen.append(c.c_int.from_address(call).value)  # its first field is the opcode
        return 0

    observer = Observer(BEFORE(before), AFTER(lambda self, call, status: None), None)
    x, y = normal(np.float32, 2, 3), np.empty((2, 3), np.float32)
    lib.fnn_observer_push(c.byref(observer))
    try:
        raw("softmax", 0, 2, 3, x, 0, y)
    finally:
        lib.fnn_observer_pop(c.byref(observer))
    assert seen == [op("softmax")]
