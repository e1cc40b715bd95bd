"""Indexing instructions against NumPy: every ISA, odd sizes, layouts, duplicates, bad indices."""

import numpy as np
import pytest
from engine import BEST, ISAS, Array, guarded, lib, run, set_isa

RNG = np.random.default_rng(11)
DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool", "int8", "int16", "float16"]


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def numbers(shape, dtype="float32"):
    return RNG.integers(0, 50, shape).astype(dtype)


def layouts(x):
    """x's values under other strides."""
    yield x
    if x.ndim == 0:
        return
    yield np.asfortranarray(x)
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    view = wide[tuple(slice(None, None, 2 if d % 2 else -2) for d in range(x.ndim))]
    view[...] = x
    yield view


def test_cat(isa):
    for dtype in DTYPES:
        for dim in (0, 1, 2, -1):
            parts = [numbers([4 if d != dim % 3 else n for d in range(3)], dtype)
                     for n in (3, 0, 1, 17)]
            want = np.concatenate(parts, dim)
            np.testing.assert_array_equal(run("cat", *parts, attrs=[dim]), want)
            for moved in zip(*(layouts(p) for p in parts), strict=True):
                np.testing.assert_array_equal(run("cat", *moved, attrs=[dim]), want)
    x = numbers((300, 200))
    for dim in (0, 1):
        np.testing.assert_array_equal(run("cat", x, x.T[:200].T[:300], attrs=[dim]),
                                      np.concatenate([x, x], dim))
    many = [numbers(2) for _ in range(500)]
    np.testing.assert_array_equal(run("cat", *many, attrs=[0]), np.concatenate(many))
    legacy = run("cat", np.empty(0, "float32"), x, attrs=[1])
    np.testing.assert_array_equal(legacy, x)


def test_cat_refuses():
    with pytest.raises(RuntimeError, match=r"cat: .*dimension 0.*\(2, 3\).*\(2, 4\)"):
        run("cat", numbers((2, 3)), numbers((2, 4)), attrs=[0])
    with pytest.raises(TypeError, match="float32.*int64"):
        run("cat", numbers(2), numbers(2, "int64"), attrs=[0])
    with pytest.raises(IndexError, match="out of range"):
        run("cat", numbers((2, 3)), attrs=[2])
    with pytest.raises(RuntimeError, match="rank 0"):
        run("cat", numbers(()), attrs=[0])


def test_index_select(isa):
    for shape in [(7,), (7, 1), (5, 33), (3, 5, 4), (2, 3, 4, 5), (6, 300)]:
        for dtype in ("float32", "int64", "uint8", "int16"):
            for x in layouts(numbers(shape, dtype)):
                for dim in range(len(shape)):
                    for n in (0, 1, 5, 40):
                        i = RNG.integers(0, shape[dim], n)
                        want = np.take(x, i, dim)
                        got = run("index_select", x, i, attrs=[dim])
                        np.testing.assert_array_equal(got, want)
                    i = i.astype(np.int32)[::2]
                    np.testing.assert_array_equal(run("index_select", x, i, attrs=[dim - x.ndim]),
                                                  np.take(x, i, dim))


def test_empty(isa):
    for shape in [(3, 0), (0, 3), (3, 0, 2), (0, 0)]:
        x = np.zeros(shape, "float32")
        for dim in range(len(shape)):
            i = np.zeros(2 if shape[dim] else 0, "int64")
            got = run("index_select", x, i, attrs=[dim])
            assert got.shape == np.take(x, i, dim).shape
            run("index_add_", got, i, out=[x], attrs=[dim])
            run("index_put_", got[:1], i, out=[x], attrs=[[0], True]) if dim == 0 else None
            like = np.zeros(shape, "int64")
            assert run("gather", x, like, attrs=[dim]).shape == shape
            run("scatter_", x.copy(), like, out=[x], attrs=[dim, 1])


def test_index_select_into_a_strided_output(isa):
    x, i = numbers((6, 5)), np.array([3, 0, 3])
    out = np.zeros((5, 3), "float32").T
    run("index_select", x, i, out=[out], attrs=[0])
    np.testing.assert_array_equal(out, x[i])


def test_guard_pages(isa):
    for n in (1, 3, 16, 17, 31, 64, 65, 100):
        for at_end in (False, True):
            x = guarded((4, n), "uint8", at_end)
            x[...] = numbers((4, n), "uint8")
            i = guarded((9,), "int64", at_end)
            i[...] = RNG.integers(0, 4, 9)
            y = guarded((9, n), "uint8", at_end)
            run("index_select", x, i, out=[y], attrs=[0])
            np.testing.assert_array_equal(y, x[i])


@pytest.mark.parametrize("op, kind", [("index_select", IndexError), ("gather", RuntimeError)])
def test_large_out_of_range_names_the_first(op, kind):
    x, i = numbers(50), RNG.integers(0, 50, 200_000)
    i[150_000] = 50
    i[170_000] = -1
    with pytest.raises(kind, match=rf"{op}: index 50 is out of range .* 0 with size 50"):
        run(op, x, i, attrs=[0])


def random_index(shape):
    """Index arrays on random dimensions, broadcasting together, and NumPy's expression."""
    k = int(RNG.integers(1, len(shape) + 1))
    dims = sorted(RNG.choice(len(shape), k, replace=False).tolist())
    common = RNG.integers(1, 5, int(RNG.integers(1, 3))).tolist()
    idx, expression = [], [slice(None)] * len(shape)
    for d in dims:
        keep = [n if RNG.random() < 0.7 else 1 for n in common][int(RNG.integers(0, 2)):]
        i = RNG.integers(-shape[d], shape[d], keep)
        idx.append(i.astype(np.int32) if RNG.random() < 0.2 else i)
        expression[d] = i
    return dims, idx, tuple(expression)


def test_index_and_index_put(isa):
    for _ in range(150):
        shape = tuple(RNG.integers(1, 6, int(RNG.integers(1, 5))).tolist())
        dims, idx, expression = random_index(shape)
        for x in layouts(numbers(shape, str(RNG.choice(["float32", "float64", "int16"])))):
            want = x[expression]
            np.testing.assert_array_equal(run("index", x, *idx, attrs=[dims]), want)
            value = numbers(want.shape, x.dtype)
            y, ref = x.copy(), x.copy()
            run("index_put_", value, *idx, out=[y], attrs=[dims, True])
            np.add.at(ref, expression, value)
            np.testing.assert_array_equal(y, ref)
            ref[expression] = 7
            run("index_put_", np.array(7, x.dtype), *idx, out=[y], attrs=[dims, False])
            np.testing.assert_array_equal(y, ref)
            if want.ndim:
                v = value[:1]
                ref[expression] = v
                run("index_put_", v, *idx, out=[y], attrs=[dims, False])
                np.testing.assert_array_equal(y, ref)


def test_last_writer_wins(isa):
    for run_length in (1, 3, 100):
        y = np.zeros((3, run_length), "float32")
        i = RNG.integers(0, 3, 3000)
        v = numbers((3000, run_length))
        want = y.copy()
        for j in range(3000):
            want[i[j]] = v[j]
        run("index_put_", v, i, out=[y], attrs=[[0], False])
        np.testing.assert_array_equal(y, want)


def test_index_refuses_before_writing():
    y = numbers((3, 4))
    before = y.copy()
    for i in ([0, 3], [-4, 0]):
        with pytest.raises(IndexError, match="out of range for dimension 0 with size 3"):
            run("index_put_", np.array(1, "float32"), np.array(i), out=[y], attrs=[[0], True])
    for op in ("index_add_", "index_copy_"):
        with pytest.raises(IndexError, match=f"{op}: index -1"):
            run(op, numbers((2, 4)), np.array([0, -1]), out=[y], attrs=[0])
        with pytest.raises(RuntimeError, match=r"\(3, 4\).*\(2, 4\)"):
            run(op, numbers((3, 4)), np.array([0, 1]), out=[y], attrs=[0])
    with pytest.raises(IndexError, match="index_fill_: index 5"):
        run("index_fill_", np.array([0, 5]), out=[y], attrs=[0, 1.0])
    with pytest.raises(IndexError, match="int64"):
        run("index", y, numbers(2), attrs=[[0]])
    with pytest.raises(IndexError, match="ascend"):
        run("index", y, np.array(0), np.array(0), attrs=[[1, 0]])
    np.testing.assert_array_equal(y, before)


def test_index_add_copy_fill(isa):
    for shape in [(5,), (5, 3), (3, 5, 130), (2, 5, 7)]:
        for dim in range(len(shape)):
            for y in layouts(numbers(shape)):
                n = shape[dim]
                i = RNG.integers(0, n, 9)
                src = numbers(shape[:dim] + (9,) + shape[dim + 1:])
                want = y.copy()
                np.add.at(want, (slice(None),) * dim + (i,), src)
                run("index_add_", src, i, out=[y], attrs=[dim])
                np.testing.assert_array_equal(y, want)
                want[(slice(None),) * dim + (i,)] = src
                run("index_copy_", src, i, out=[y], attrs=[dim])
                np.testing.assert_array_equal(y, want)
                want[(slice(None),) * dim + (i[:2] - n,)] = 3
                run("index_fill_", i[:2] - n, out=[y], attrs=[dim, 3])
                np.testing.assert_array_equal(y, want)


def test_embedding_and_backward(isa):
    for rows, width in [(10, 1), (7, 3), (100, 64), (5, 129)]:
        w = numbers((rows, width))
        i = RNG.integers(0, rows, (4, 6))
        np.testing.assert_array_equal(run("embedding", w, i), w[i])
        dy = numbers((4, 6, width))
        want = np.zeros_like(w)
        np.add.at(want, i, dy)
        np.testing.assert_array_equal(run("embedding_bwd", dy, i, attrs=[rows, -1, False]), want)
        back = run("embedding_bwd", np.asfortranarray(dy), i, attrs=[rows, 2, False])
        want[2] = 0
        np.testing.assert_array_equal(back, want)
        count = np.maximum(np.bincount(i.ravel(), minlength=rows), 1).astype("float32")
        np.testing.assert_array_equal(run("embedding_bwd", dy, i, attrs=[rows, 2, True]),
                                      want / count[:, None])
    with pytest.raises(IndexError, match="embedding: index 5 is out of range"):
        run("embedding", numbers((5, 2)), np.array([5]))
    with pytest.raises(IndexError, match="embedding_bwd: index -1"):
        run("embedding_bwd", numbers((1, 2)), np.array([-1]), attrs=[5, -1, False])


def test_gather_and_scatter(isa):
    reductions = [(0, None), (1, np.add), (2, np.multiply), (3, np.maximum), (4, np.minimum)]
    for shape in [(6,), (4, 5), (3, 4, 5), (2, 60, 3)]:
        for dim in range(len(shape)):
            size = tuple(int(RNG.integers(1, n + 1)) for n in shape)
            size = size[:dim] + (9,) + size[dim + 1:]
            i = RNG.integers(0, shape[dim], size)
            grid = list(np.indices(size, sparse=True))
            grid[dim] = i
            at = tuple(grid)
            for dtype in ("float32", "float64", "int64", "uint8", "int8"):
                for x in layouts(numbers(shape, dtype) % 3):
                    for index in (i, np.asfortranarray(i), i.astype(np.int32)):
                        got = run("gather", x, index, attrs=[dim])
                        np.testing.assert_array_equal(got, x[at])
                    src = numbers([n + 1 for n in size], dtype) % 3
                    part = src[tuple(slice(n) for n in size)]
                    for code, f in reductions:
                        y, want = x.copy(), x.copy()
                        if f:
                            f.at(want, at, part)
                        else:
                            for p in np.ndindex(size):
                                q = p[:dim] + (i[p],) + p[dim + 1:]
                                want[q] = part[p]
                        run("scatter_", src, i, out=[y], attrs=[dim, code])
                        np.testing.assert_array_equal(y, want)
                    want[at] = 5
                    run("scatter_fill_", i, out=[y], attrs=[dim, 0, 5])
                    np.testing.assert_array_equal(y, want)


def test_expanded_index(isa):
    i = RNG.integers(0, 20, (50, 1))
    wide = np.broadcast_to(i, (50, 37))
    x = numbers((20, 37))
    np.testing.assert_array_equal(run("gather", x, wide, attrs=[0]),
                                  np.take_along_axis(x, wide, 0))
    src = numbers((50, 37))
    for y in layouts(numbers((20, 37))):
        want = y.copy()
        np.add.at(want, i[:, 0], src)
        run("scatter_", src, wide, out=[y], attrs=[0, 1])
        np.testing.assert_array_equal(y, want)


def test_nan_wins_in_extremes(isa):
    x = np.array([np.nan, 1, 1], "float32")
    src = np.array([5, np.nan, 0], "float32")
    for code in (3, 4):
        y = x.copy()
        run("scatter_", src, np.arange(3), out=[y], attrs=[0, code])
        assert np.isnan(y).tolist() == [True, True, False]


def test_bool_accumulates_as_or():
    y = np.array([False, True])
    run("index_put_", np.array([True, True, False]), np.array([0, 0, 1]), out=[y],
        attrs=[[0], True])
    assert y.tolist() == [True, True]


def test_scatter_refuses():
    y = numbers((3, 4))
    i = np.zeros((3, 5), "int64")
    with pytest.raises(RuntimeError, match=r"index int64\(3, 5\) is larger than the source"):
        run("scatter_", numbers((3, 4)), i, out=[y], attrs=[1, 0])
    with pytest.raises(RuntimeError, match="apart from dimension 0"):
        run("gather", y, i, attrs=[0])
    with pytest.raises(RuntimeError, match="scatter_: index 4 is out of range"):
        run("scatter_", numbers((3, 5)), i + 4, out=[y], attrs=[1, 0])
    with pytest.raises(TypeError, match="source"):
        run("scatter_", numbers((3, 5), "int64"), i, out=[y], attrs=[1, 0])
    with pytest.raises(TypeError, match="cannot reduce"):
        run("scatter_", numbers((3, 5), "float16"), i, out=[numbers((3, 4), "float16")],
            attrs=[1, 1])


def test_data_dependent_sizes(isa):
    for shape in [(), (0,), (7,), (1000,), (13, 40), (3, 4, 5)]:
        for x in layouts(np.asarray(numbers(shape) % np.float32(3))):  # NumPy 1 widens a scalar
            np.testing.assert_array_equal(run("nonzero", x), np.argwhere(x))
            m = np.asarray(x != 0)
            for dtype in ("float32", "float64", "uint8", "int16"):
                v = x.astype(dtype)
                np.testing.assert_array_equal(run("masked_select", v, m), v[m])
            src = numbers(x.size)
            want = x.copy()
            want[m] = src[: m.sum()]
            run("masked_scatter_", src, m, out=[x])
            np.testing.assert_array_equal(x, want)
    x, m = numbers((3, 1)), np.array([True, False, True, True])
    np.testing.assert_array_equal(run("masked_select", x, m), np.broadcast_to(x, (3, 4))[:, m]
                                  .ravel())
    with pytest.raises(RuntimeError, match="places"):
        run("masked_scatter_", numbers(2), m, out=[numbers(4)])
    r = np.array([2, 0, 3])
    np.testing.assert_array_equal(run("repeat_index", r), np.repeat(np.arange(3), r))
    with pytest.raises(RuntimeError, match="negative"):
        run("repeat_index", -r)


def test_bfloat16_moves():
    x = numbers((4, 3), "uint16")
    i = np.array([1, 1, 3])
    np.testing.assert_array_equal(run("index_select", Array(x, "bfloat16"), i, attrs=[0]), x[i])


def test_threads_give_the_same_bits():
    for width in (1, 7, 16, 300):
        w = RNG.standard_normal((50, width)).astype("float32")
        i = RNG.integers(0, 50, 5_000)
        dy = RNG.standard_normal((5_000, width)).astype("float32")
        many = np.broadcast_to(i[:, None], dy.shape)
        results = []
        for threads in (1, 2, 3, 4, 7, 8):
            lib.fnn_set_num_threads(threads)
            y, z = w.copy(), w.copy()
            run("scatter_", dy, many, out=[y], attrs=[0, 1])
            run("index_put_", dy, i, out=[z], attrs=[[0], False])
            results.append([run("embedding", w, i),
                            run("embedding_bwd", dy, i, attrs=[50, -1, False]), y, z,
                            run("cat", w, dy, attrs=[0]), run("cat", dy, dy, attrs=[1])])
        lib.fnn_set_num_threads(0)
        for other in results[1:]:
            for a, b in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(a.view(np.uint32), b.view(np.uint32))
