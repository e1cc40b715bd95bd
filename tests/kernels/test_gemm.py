"""matmul, addmm, linear and its gradient: against NumPy in float64 with the derived bound
|error| <= gamma(k + 4) |A||B|, for every ISA, layout, and thread count."""

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

FLOATS = ["float32", "float64"]
SIZES = [1, 2, 3, 5, 6, 7, 8, 12, 13, 16, 17, 31, 33, 48, 63, 64, 65, 100, 130, 257]


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


@pytest.fixture
def threads():
    yield lib.fnn_set_num_threads
    lib.fnn_set_num_threads(0)


def normal(rng, shape, dtype):
    return rng.standard_normal(shape).astype(dtype)


def layouts(rng, a):
    """The same values, row-major, column-major, or with no unit stride."""
    kind = rng.integers(5)
    if kind < 2:
        return a
    if kind < 4:
        return np.swapaxes(np.ascontiguousarray(np.swapaxes(a, -1, -2)), -1, -2)
    return np.repeat(np.repeat(a, 2, -2), 3, -1)[..., ::2, ::3]


def check(y, a, b, extra=0.0, more=4):
    """extra: what was added to the product; more: roundings besides the k of the sum."""
    a, b, extra = (np.asarray(t, np.float64) for t in (a, b, extra))
    want = np.matmul(a, b) + extra
    u = np.finfo(y.dtype).eps / 2
    n = a.shape[-1] + more
    gamma = n * u / (1 - n * u)
    if y.dtype == np.float64:
        gamma *= 2  # the reference rounds as well
    bound = gamma * (np.matmul(abs(a), abs(b)) + abs(extra))
    assert y.shape == want.shape
    assert (abs(y - want) <= bound).all(), (y.dtype, a.shape, b.shape)


@pytest.mark.parametrize("dtype", FLOATS)
def test_shapes_and_layouts(isa, dtype):
    rng = np.random.default_rng(1)
    for i in range(250):
        m, n, k = (int(rng.choice(SIZES)) for _ in range(3))
        if i % 20 == 0:
            k = [0, 385, 513, 1000][i // 20 % 4]
        if i % 50 == 3:
            m, n = 300, 600
        a = layouts(rng, normal(rng, (m, k), dtype))
        b = layouts(rng, normal(rng, (k, n), dtype))
        check(run("matmul", a, b), a, b)
        bias = normal(rng, n, dtype)
        y = run("linear", a, b.T, bias, attrs=[0])
        check(y, a, b, bias)
        assert np.array_equal(run("linear", a, b.T, bias, attrs=[1]), np.maximum(y, 0))


@pytest.mark.parametrize("dtype", FLOATS)
def test_products_that_are_computed_transposed(isa, dtype, threads):
    """Few rows against many contiguous in k; few columns under a transposed A."""
    rng = np.random.default_rng(13)
    few_rows = [(16, 200, 60), (30, 500, 100), (31, 300, 1000), (64, 513, 300), (13, 131, 70)]
    few_columns = [(128, 2, 60), (67, 10, 537), (300, 7, 100), (513, 11, 1030)]
    for m, n, k in few_rows + few_columns:
        a, b, bias = (normal(rng, s, dtype) for s in ((m, k), (k, n), n))
        if (m, n, k) in few_rows:
            b = np.asfortranarray(b)
        else:
            a = np.asfortranarray(a)
        room = np.full((m, 2 * n), 7, dtype)
        threads(1)
        one = run("linear", a, b.T, bias, attrs=[0], out=[room[:, :n]])
        check(one, a, b, bias)
        assert (room[:, n:] == 7).all()
        for count in (2, 3, 7):
            threads(count)
            assert np.array_equal(one, run("linear", a, b.T, bias, attrs=[0])), (m, n, k, count)
            assert np.array_equal(np.maximum(one, 0), run("linear", a, b.T, bias, attrs=[1]))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("k", [0, 1, 30, 100, 700])
def test_output_is_never_read(isa, dtype, k):
    rng = np.random.default_rng(2)
    for m, n in [(1, 1), (1, 300), (300, 1), (3, 5), (6, 64), (70, 130), (90, 300)]:
        a, b = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype)
        for layout in (a, np.asfortranarray(a)):
            out = np.full((m, n), np.nan, dtype)
            run("matmul", layout, b, out=[out])
            check(out, a, b)
            out = np.full((n, m), np.nan, dtype).T
            run("matmul", layout, np.asfortranarray(b), out=[out])
            check(out, a, b)


def test_output_of_any_strides(isa):
    rng = np.random.default_rng(3)
    a, b = normal(rng, (9, 20), "float32"), normal(rng, (20, 33), "float32")
    room = np.full((18, 99), 7, np.float32)
    run("matmul", a, b, out=[room[::2, ::3]])
    check(room[::2, ::3].copy(), a, b)
    room[::2, ::3] = 7
    assert (room == 7).all()
    bias = normal(rng, 33, "float32")
    out = np.empty((33, 9), np.float32).T
    run("linear", a, b.T, bias, out=[out], attrs=[0])
    check(out.copy(), a, b, bias)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("at_end", [True, False])
def test_stays_inside_its_operands(isa, dtype, at_end):
    rng = np.random.default_rng(4)
    shapes = [(1, 5, 3), (1, 70, 61), (7, 1, 61), (5, 9, 61), (2, 8, 2), (13, 10, 30),
              (61, 67, 70), (64, 300, 33), (100, 101, 300), (31, 300, 401), (67, 10, 200)]
    for m, n, k in shapes:
        for ta in (False, True):
            for tb in (False, True):
                a = guarded((k, m) if ta else (m, k), dtype, at_end)
                b = guarded((n, k) if tb else (k, n), dtype, at_end)
                y, bias = guarded((m, n), dtype, at_end), guarded((n,), dtype, at_end)
                a[...], b[...], bias[...] = (normal(rng, t.shape, dtype) for t in (a, b, bias))
                a, b = a.T if ta else a, b.T if tb else b
                run("linear", a, b.T, bias, out=[y], attrs=[0])
                check(y, a, b, bias)


def test_unaligned_starts(isa):
    rng = np.random.default_rng(5)
    for shift in range(1, 4):
        a = normal(rng, 70 * 300 + shift, "float32")[shift:].reshape(70, 300)
        b = normal(rng, 300 * 290 + shift, "float32")[shift:].reshape(300, 290)
        out = np.empty(70 * 290 + shift, np.float32)[shift:].reshape(70, 290)
        check(run("matmul", a, b, out=[out]), a, b)


@pytest.mark.parametrize("dtype", FLOATS)
def test_nan_and_inf_reach_their_row_and_column_only(isa, dtype):
    rng = np.random.default_rng(6)
    for m, n, k in [(1, 70, 60), (60, 1, 60), (5, 9, 70), (33, 67, 50), (100, 300, 400)]:
        a, b = normal(rng, (m, k), dtype), normal(rng, (k, n), dtype)
        a[m - 1, k - 1] = np.nan
        b[k - 1, n - 1] = np.inf
        for layout in (b, np.asfortranarray(b)):
            y = run("linear", a, layout.T, None, attrs=[1])
            assert np.isnan(y[m - 1]).all(), "relu keeps NaN"
            if m > 1:
                assert set(y[: m - 1, n - 1]) <= {0.0, np.inf}
            assert np.isfinite(y[: m - 1, : n - 1]).all()


@pytest.mark.skipif("avx512" not in ISAS, reason="needs both AVX2 and AVX-512")
@pytest.mark.parametrize("dtype", FLOATS)
def test_avx2_and_avx512_give_the_same_bits(dtype):
    rng = np.random.default_rng(7)
    for i in range(60):
        m, n, k = (int(rng.choice([*SIZES, 700])) for _ in range(3))
        m, n = (1, n) if i % 6 == 0 else (m, 1) if i % 6 == 1 else (m, n)
        a = layouts(rng, normal(rng, (m, k), dtype))
        b = layouts(rng, normal(rng, (k, n), dtype))
        bias = normal(rng, n, dtype)
        set_isa("avx2")
        one = run("linear", a, b.T, bias, attrs=[0])
        dy = layouts(rng, one)
        sums = run("linear_bwd_w", dy, a, nout=2, attrs=[0])
        set_isa("avx512")
        assert np.array_equal(one, run("linear", a, b.T, bias, attrs=[0])), (m, n, k)
        for p, q in zip(sums, run("linear_bwd_w", dy, a, nout=2, attrs=[0]), strict=True):
            assert np.array_equal(p, q), (m, n, k)
    set_isa(BEST)


@pytest.mark.parametrize("dtype", FLOATS)
def test_any_number_of_threads_gives_the_same_bits(isa, dtype, threads):
    rng = np.random.default_rng(8)
    shapes = [(200, 200, 200), (1, 1500, 700), (1500, 1, 700), (8, 300, 900), (10, 2000, 600),
              (513, 130, 300), (130, 513, 300)]
    for m, n, k in shapes:
        a, b = layouts(rng, normal(rng, (m, k), dtype)), layouts(rng, normal(rng, (k, n), dtype))
        threads(1)
        one = run("matmul", a, b)
        grads = run("linear_bwd_w", one, a, nout=2, attrs=[0])
        for count in (2, 3, 4, 7, 8):
            threads(count)
            assert np.array_equal(one, run("matmul", a, b)), (m, n, k, count)
            for p, q in zip(grads, run("linear_bwd_w", one, a, nout=2, attrs=[0]), strict=True):
                assert np.array_equal(p, q)
    a, b = normal(rng, (40, 30, 50), dtype), normal(rng, (40, 50, 60), dtype)
    threads(1)
    one = run("matmul", a, b)
    for count in (2, 3, 7):
        threads(count)
        assert np.array_equal(one, run("matmul", a, b))


def test_matmul_follows_numpy_for_every_rank(isa):
    rng = np.random.default_rng(9)
    pairs = [((5,), (5,)), ((5,), (5, 7)), ((4, 5), (5,)), ((3, 4, 5), (5,)), ((5,), (3, 5, 7)),
             ((3, 4, 5), (5, 7)), ((4, 5), (3, 5, 7)), ((2, 1, 4, 5), (3, 5, 7)),
             ((3, 4, 5), (3, 5, 7)), ((2, 3, 4, 5), (2, 3, 5, 7)), ((0, 4, 5), (5, 7)),
             ((3, 0, 5), (5, 7)), ((3, 4, 0), (0, 7)), ((0,), (0,)), ((1, 4, 5), (6, 5, 1)),
             ((6, 1, 5), (5, 7)), ((2, 3, 1, 5), (5, 8)), ((2, 3, 1, 5), (2, 3, 5, 1))]
    for sa, sb in pairs:
        a, b = normal(rng, sa, "float32"), normal(rng, sb, "float32")
        check(run("matmul", a, b), a, b)
        if a.ndim > 2:
            swapped = np.swapaxes(np.ascontiguousarray(np.swapaxes(a, 0, 1)), 0, 1)
            check(run("matmul", swapped, b), a, b)
            wide = np.broadcast_to(a[:1], sa)
            check(run("matmul", wide, b), wide, b)


def test_matmul_refuses_what_torch_refuses():
    one = np.ones
    f = np.float32
    for a, b in [(one((2, 3), f), one((4, 5), f)), (one((2, 3), f), one((3, 2))),
                 (one((), f), one((3,), f)), (one((2, 3, 4), f), one((3, 4, 5), f)),
                 (one((2, 2), bool), one((2, 2), bool))]:
        with pytest.raises(RuntimeError, match="matmul"):
            run("matmul", a, b)
    with pytest.raises(RuntimeError, match=r"\(2, 3\).*\(4, 5\)"):
        run("linear", one((2, 3), f), one((4, 5), f), None, attrs=[0])
    with pytest.raises(RuntimeError, match="bias"):
        run("linear", one((2, 3), f), one((4, 3), f), one((3,), f), attrs=[0])
    with pytest.raises(TypeError, match="int64"):
        run("linear", one((2, 3), int), one((4, 3), int), None, attrs=[0])


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_integers_are_exact(dtype):
    rng = np.random.default_rng(10)
    a, b = rng.integers(0, 100, (2, 5, 7)).astype(dtype), rng.integers(0, 100, (7, 3)).astype(dtype)
    assert np.array_equal(run("matmul", a, b), np.matmul(a, b))
    assert np.array_equal(run("matmul", a[0].T, b[:5]), a[0].T @ b[:5])
    c = rng.integers(0, 9, 3).astype(dtype)
    assert np.array_equal(run("addmm", c, a[0], b, attrs=[2.0, 3.0]),
                          (3 * (a[0] @ b) + 2 * c).astype(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
def test_addmm(isa, dtype):
    rng = np.random.default_rng(11)
    a, b = normal(rng, (4, 30, 20), dtype), normal(rng, (4, 20, 33), dtype)
    for shape in [(33,), (1, 33), (30, 1), (30, 33), (4, 30, 33), (4, 1, 1), ()]:
        c = normal(rng, shape, dtype)
        check(run("addmm", c, a, b, attrs=[1.0, 1.0]), a, b, c)
        check(run("addmm", c, a, b, attrs=[0.5, -2.0]), -2.0 * a, b, 0.5 * c.astype(np.float64), 6)
    poison = np.full((30, 33), np.nan, dtype)
    check(run("addmm", poison, a[0], b[0], attrs=[0.0, 1.0]), a[0], b[0])
    with pytest.raises(RuntimeError, match="broadcast"):
        run("addmm", normal(rng, (2, 33), dtype), a[0], b[0], attrs=[1.0, 1.0])


@pytest.mark.parametrize("dtype", FLOATS)
def test_linear_gradient(isa, dtype):
    rng = np.random.default_rng(12)
    for lead, n, m in [((), 5, 3), ((1,), 5, 3), ((7,), 5, 3), ((300,), 65, 70), ((4, 9), 33, 17),
                       ((2, 3, 50), 10, 8), ((0,), 5, 3), ((5, 0), 4, 2)]:
        dy, x = normal(rng, (*lead, n), dtype), normal(rng, (*lead, m), dtype)
        rows = [t.reshape(-1, t.shape[-1]) if t.size else np.zeros((0, t.shape[-1]), dtype)
                for t in (dy, x)]
        ones = np.ones((1, len(rows[0])))
        dw, db = run("linear_bwd_w", dy, x, nout=2, attrs=[0])
        check(dw, rows[0].T, rows[1])
        check(db[None], ones, rows[0])
        old_w, old_b = normal(rng, (n, m), dtype), normal(rng, n, dtype)
        for make in (np.array, np.asfortranarray):
            new_w, new_b = make(old_w), old_b.copy()
            run("linear_bwd_w", dy, x, out=[new_w, new_b], attrs=[1])
            check(new_w, rows[0].T, rows[1], old_w)
            check(new_b[None], ones, rows[0], old_b[None])
        if len(lead) > 1:
            flip = np.swapaxes(np.ascontiguousarray(np.swapaxes(dy, 0, 1)), 0, 1)
            again, _ = run("linear_bwd_w", flip, x, nout=2, attrs=[0])
            check(again, rows[0].T, rows[1])
