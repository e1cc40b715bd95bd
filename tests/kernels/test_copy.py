"""copy_, cast, clone, fill_: every dtype, layout, ISA and thread count, against NumPy."""

import numpy as np
import pytest
from engine import BEST, ISAS, NAMES, Array, guarded, lib, run, set_isa

NUMPY = NAMES[:9]  # all but bfloat16


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def numbers(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if np.dtype(dtype).kind == "f":
        return (rng.standard_normal(shape) * 50).astype(dtype)
    low = 0 if dtype == "uint8" else -100
    return rng.integers(low, 100, shape).astype(dtype)


def converted(a, to):
    """C's conversion: out of range goes through int64, as torch's does."""
    if a.dtype.kind == "f" and np.dtype(to).kind in "iu":
        return np.trunc(a).astype(np.int64).astype(to)
    if to == "float16" and a.dtype == np.float64:
        a = a.astype(np.float32)
    return a.astype(to)


@pytest.mark.parametrize("to", NUMPY)
@pytest.mark.parametrize("source", NUMPY)
def test_cast_every_pair(isa, source, to):
    for n in (0, 1, 7, 64, 1000, 1537):
        x = numbers(n, source, n)
        np.testing.assert_array_equal(run("cast", x, attrs=[NAMES.index(to)]), converted(x, to))
    x = numbers((9, 70, 66), source)
    for v in (x.T, x[::-1, ::2], x.transpose(1, 0, 2), x[:, :1], x.transpose(0, 2, 1)[:, ::-1]):
        np.testing.assert_array_equal(run("cast", v, attrs=[NAMES.index(to)]), converted(v, to))


def test_float16_every_value(isa):
    h = np.arange(1 << 16, dtype=np.uint32).astype(np.uint16).view(np.float16)
    f = run("cast", h, attrs=[0])
    np.testing.assert_array_equal(f, h.astype(np.float32))
    back = run("cast", f, attrs=[8])
    same = back.view(np.uint16) == h.view(np.uint16)
    assert (same | np.isnan(h)).all() and np.isnan(back[np.isnan(h)]).all()


def test_float16_rounds_to_nearest_even(isa):
    h = np.arange(0, 0x7C00, dtype=np.uint16).view(np.float16).astype(np.float64)
    middle = (h[:-1] + h[1:]) / 2
    x = np.concatenate([middle, np.nextafter(middle, 0), np.nextafter(middle, 1e9),
                        [65504, 65519.996, 65520, 1e30, np.inf, 2.0**-26, 2.0**-25]])
    x = np.concatenate([x, -x]).astype(np.float32)
    with np.errstate(over="ignore"):
        want = x.astype(np.float16)
    np.testing.assert_array_equal(run("cast", x, attrs=[8]).view(np.uint16), want.view(np.uint16))


def test_bfloat16_rounds_to_nearest_even(isa):
    h = np.arange(0, 0x7F80, dtype=np.uint32)
    low, high = h << 16, np.append(h[1:], 0x7F80) << 16
    bits = np.concatenate([low, low + 0x7FFF, low + 0x8000, low + 0x8001])
    got = run("cast", bits.astype(np.uint32).view(np.float32), attrs=[9])
    even = np.where(h & 1, high, low)
    want = np.concatenate([low, low, even, high]) >> 16
    np.testing.assert_array_equal(got, want)
    nan = np.array([0x7F800001, 0xFFFFFFFF, 0x7FC00000], np.uint32).view(np.float32)
    back = run("cast", Array(run("cast", nan, attrs=[9]), "bfloat16"), attrs=[0])
    assert np.isnan(back).all()


def test_nan_and_nonzero_to_bool(isa):
    x = np.array([0.0, -0.0, 1e-45, np.nan, np.inf, -3], np.float32)
    assert run("cast", x, attrs=[5]).tolist() == [False, False, True, True, True, True]
    assert run("cast", np.array([256, 0, -1]), attrs=[5]).tolist() == [True, False, True]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "uint8"])
def test_transposes_of_odd_sizes(isa, dtype):
    for a, b in [(1, 5), (4, 4), (5, 67), (63, 64), (64, 65), (129, 131), (3, 1000), (256, 256)]:
        x = guarded((a, b), dtype)
        x[...] = numbers((a, b), dtype, a * b)
        y = guarded((b, a), dtype)
        run("copy_", x.T, out=[y])
        np.testing.assert_array_equal(y, x.T)


@pytest.mark.parametrize("at_end", [False, True])
def test_runs_of_every_length_stay_inside(isa, at_end):
    for n in range(1, 150):
        x = guarded((3, n), "uint8", at_end)
        x[...] = numbers((3, n), "uint8", n)
        y = guarded((3, n), "uint8", at_end)
        run("copy_", x, out=[y])
        assert (x == y).all()
        run("copy_", x[1], out=[y])
        assert (y == x[1]).all()


def random_view(rng, dtype):
    nd = rng.integers(1, 6)
    x = numbers(rng.integers(1, 9, nd), dtype, int(rng.integers(1 << 30)))
    x = x.transpose(rng.permutation(nd))
    step = [slice(None, None, int(rng.choice([1, 1, 2, -1, -2]))) for _ in range(nd)]
    return x[tuple(step)]


def test_random_layouts(isa):
    rng = np.random.default_rng(5)
    for _ in range(400):
        x = random_view(rng, str(rng.choice(NUMPY)))
        for fmt in (0, 1):
            y = run("clone", x, attrs=[fmt])
            np.testing.assert_array_equal(x, y)
        wide = np.zeros([2 * n for n in x.shape], str(rng.choice(["float32", "int64", x.dtype])))
        y = wide[tuple(slice(None, None, int(rng.choice([2, -2]))) for _ in x.shape)]
        before = wide.copy()
        run("copy_", x, out=[y])
        np.testing.assert_array_equal(y, converted(x, str(wide.dtype)))
        y[...] = 0
        np.testing.assert_array_equal(wide, before)


def test_broadcast(isa):
    x = numbers((5, 1, 7), "float32")
    y = np.empty((2, 5, 40, 7), "float32")
    run("copy_", x, out=[y])
    np.testing.assert_array_equal(y, np.broadcast_to(x, y.shape))
    run("copy_", x[:, :, :1], out=[y])
    np.testing.assert_array_equal(y, np.broadcast_to(x[:, :, :1], y.shape))


def test_clone_strides_are_those_of_torch():
    torch = pytest.importorskip("torch")
    base = torch.arange(4 * 6 * 5 * 3).reshape(4, 6, 5, 3)
    views = [base, base.permute(2, 0, 1, 3), base.permute(3, 1, 0, 2)[:, ::2], base[:, :, ::2],
             base[:1].permute(2, 0, 1, 3), base[:, :1].expand(4, 7, 5, 3), base.select(1, 2).mT]
    for v in views:
        y = run("clone", v.numpy(), attrs=[0])
        want = v.clone()
        assert [s // 8 for s in y.strides] == list(want.stride())
        np.testing.assert_array_equal(y, want.numpy())
    y = run("clone", base.numpy(), attrs=[2])
    assert [s // 8 for s in y.strides] == list(
        base.contiguous(memory_format=torch.channels_last).stride())


def test_threads_give_the_same_bits():
    x = numbers((1200, 900), "float32")
    for threads in (1, 2, 3, 4, 7, 8):
        lib.fnn_set_num_threads(threads)
        np.testing.assert_array_equal(run("clone", x.T, attrs=[1]), x.T)
        np.testing.assert_array_equal(run("clone", x[:, ::2], attrs=[1]), x[:, ::2])
        np.testing.assert_array_equal(run("cast", x.T[::-1], attrs=[1]), x.T[::-1])
        y = np.empty((3, 1200, 900), "float32")
        run("copy_", x, out=[y])
        assert (y == x).all()
    lib.fnn_set_num_threads(0)


def test_fill(isa):
    for name in NUMPY:
        y = np.zeros((5, 300), name)
        run("fill_", out=[y[:, 1::3]], attrs=[1])
        assert y.sum() == 5 * 100 and (y[:, 1::3] == 1).all()
    y = np.zeros(3, "float32")
    assert run("fill_", out=[y], attrs=[2.5]).tolist() == [2.5] * 3
    assert run("fill_", out=[np.zeros(2, "int64")], attrs=[2.5]).tolist() == [2, 2]
    assert run("fill_", out=[np.zeros(2, "bool")], attrs=[0.5]).tolist() == [True, True]
    assert run("fill_", out=[np.zeros(2, "uint8")], attrs=[-1]).tolist() == [255, 255]
    for dtype, value in [("uint8", 256), ("int64", 1e30), ("int32", 2**31), ("int8", -129),
                         ("float32", 1e39), ("int64", float("nan"))]:
        with pytest.raises(RuntimeError, match="fill_: .*overflow"):
            run("fill_", out=[np.zeros(2, dtype)], attrs=[value])


def test_refusals():
    x = numbers((3, 4), "float32")
    with pytest.raises(RuntimeError, match=r"copy_: .*\(3, 4\).*\(4, 3\)"):
        run("copy_", x, out=[np.empty((4, 3), "float32")])
    with pytest.raises(RuntimeError, match="broadcast"):
        run("copy_", x, out=[np.empty(4, "float32")])
    with pytest.raises(TypeError, match="dtype"):
        run("cast", x, attrs=[10])
    with pytest.raises(RuntimeError, match="rank 4"):
        run("clone", x, attrs=[2])
    with pytest.raises(RuntimeError, match="single memory"):
        run("copy_", x[0], out=[np.lib.stride_tricks.as_strided(np.zeros(4, "float32"), (3, 4),
                                                                (0, 4))])


def test_overlap_is_found_exactly():
    """copy_ refuses where NumPy's exact solver sees shared memory, and only there."""
    rng = np.random.default_rng(3)
    shared = 0
    for _ in range(3000):
        base = np.zeros(rng.integers(2, 7, int(rng.integers(1, 4))), "int32")
        views = []
        for _ in range(2):
            v = base
            for d in range(base.ndim):
                a, b = sorted(rng.integers(0, base.shape[d] + 1, 2))
                step = int(rng.choice([1, 2, 3, -1, -2]))
                v = v[(slice(None),) * d + (slice(a, b),)]
                v = v[(slice(None),) * d + (slice(None, None, step),)]
            views.append(v.transpose(rng.permutation(v.ndim)))
        x, y = views
        if rng.random() < 0.3 and x.size:
            x = x[(slice(0, 1),) * x.ndim]
        same = x.shape == y.shape and x.ctypes.data == y.ctypes.data and all(
            n == 1 or a == b for n, a, b in zip(x.shape, x.strides, y.strides, strict=True))
        if same or any(a not in (1, b) for a, b in zip(x.shape, y.shape, strict=True)):
            continue
        if np.shares_memory(x, y):
            shared += 1
            with pytest.raises(RuntimeError, match="single memory"):
                run("copy_", x, out=[y])
        else:
            run("copy_", x, out=[y])
    assert shared > 100
