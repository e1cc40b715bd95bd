"""softmax, log_softmax and cross_entropy instructions against float64 NumPy and torch."""

import itertools

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

SHAPES = [((128, 10), 1), ((5, 63), 1), ((7, 64), -1), ((9, 1000), 1), ((2, 33000), 1), ((6,), 0),
          ((4, 5, 7, 3), 1), ((4, 5, 7, 3), 2), ((2, 21, 300), 1), ((2, 70, 130), 0), ((3, 1), 1),
          ((0, 3), 1), ((3, 0), 1), ((2, 0, 4), 1), ((1, 65, 65), 1)]
EPS = {"float32": 2.0**-24, "float64": 2.0**-53}


def exact(x, dim, log):
    x = x.astype(np.longdouble)
    shifted = x - x.max(dim, keepdims=True, initial=-np.inf)
    if log:
        with np.errstate(divide="ignore"):  # a row of no elements
            return shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))
    e = np.exp(shifted)
    return e / e.sum(dim, keepdims=True)


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_forward(op, shape, dim, dtype, isa):
    """exp has 2 ulp and its argument half an ulp of |x| <= 25; sums of blocks add a few ulp."""
    x = (np.random.default_rng(0).standard_normal(shape) * 5).astype(dtype)
    y, want = run(op, x, attrs=[dim]), exact(x, dim, op == "log_softmax")
    assert y.dtype == dtype and y.shape == x.shape
    if op == "softmax":
        np.testing.assert_allclose(y, want.astype(float), rtol=40 * EPS[dtype], atol=0)
    else:
        np.testing.assert_allclose(y, want.astype(float), rtol=8 * EPS[dtype], atol=16 * EPS[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape, dim", SHAPES)
@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
def test_backward(op, shape, dim, dtype, isa):
    r = np.random.default_rng(1)
    x, dy = (r.standard_normal(shape).astype(dtype) for _ in range(2))
    y = exact(x, dim, op == "log_softmax").astype(dtype)
    yy, g = y.astype(float), dy.astype(float)
    if op == "softmax":
        want = yy * (g - (yy * g).sum(dim, keepdims=True))
    else:
        want = g - np.exp(yy) * g.sum(dim, keepdims=True)
    dx = run(op + "_bwd", dy, y, attrs=[dim])
    # the sums' terms are as large as 4 and number n: their error is that of |dy| summed
    slack = 8 * EPS[dtype] * max(1.0, np.abs(g).sum(dim).max(initial=0) / 8)
    np.testing.assert_allclose(dx, want, rtol=16 * EPS[dtype], atol=slack)


@pytest.mark.parametrize("op", ["softmax", "log_softmax"])
@pytest.mark.parametrize("n", [3, 10, 64, 100])
def test_corner_values(op, n):
    """Infinities and NaN as torch: a row with +inf or NaN, or of -inf alone, is NaN."""
    x = np.zeros((6, n), np.float32)
    x[:, 1] = np.inf, -np.inf, np.nan, -np.inf, 3e38, -3e38
    x[3] = -np.inf
    for dim, a in ((1, x), (0, np.ascontiguousarray(x.T))):
        y = run(op, a, attrs=[dim])
        y = y if dim == 1 else y.T
        assert np.isnan(y[[0, 2, 3]]).all()
        assert not np.isnan(y[[1, 4, 5]]).any()
        assert y[1, 1] == (0 if op == "softmax" else -np.inf)
        assert y[4, 1] == (1 if op == "softmax" else 0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape, dim", SHAPES)
def test_vector_isas_and_threads_give_the_same_bits(shape, dim, dtype):
    shape = tuple(4 * n if i == 0 and n else n for i, n in enumerate(shape))
    x = np.random.default_rng(2).standard_normal(shape).astype(dtype)
    seen = set()
    for isa, threads in itertools.product([i for i in ISAS if i != "base"] or ISAS,
                                          (1, 2, 3, 4, 7, 8)):
        set_isa(isa)
        lib.fnn_set_num_threads(threads)
        y = [run(op, x, attrs=[dim]) for op in ("softmax", "log_softmax")]
        y += [run("softmax_bwd", x, y[0], attrs=[dim])]
        y += [run("log_softmax_bwd", x, y[1], attrs=[dim])]
        seen.add(b"".join(a.tobytes() for a in y))
    lib.fnn_set_num_threads(0)
    set_isa(BEST)
    assert len(seen) == 1


@pytest.mark.parametrize("n", [1, 3, 10, 63, 64, 65, 257])
def test_nothing_beyond_the_last_element_is_touched(n, isa):
    for at_end in (True, False):
        x, y, dx = (guarded((3, n), "float32", at_end) for _ in range(3))
        x[...] = np.arange(3 * n).reshape(3, n) % 7
        for op in ("softmax", "log_softmax"):
            run(op, x, attrs=[1], out=[y])
            run(op + "_bwd", x, y, attrs=[1], out=[dx])
        labels = np.array([0, n - 1, n // 2])
        _, stats = run("cross_entropy", x, labels, None, nout=2, attrs=[1, -100, 0.0])
        run("cross_entropy_bwd", np.ones((), np.float32), x, labels, None, stats,
            attrs=[1, -100, 0.0], out=[dx])


@pytest.mark.parametrize("bad, attrs, kind, text", [
    (np.zeros((2, 3), np.int64), [1], TypeError, "expected float32 or float64"),
    (np.zeros((2, 3), np.float32), [2], IndexError, "out of range"),
    (np.zeros((2, 3), np.float32).T, [1], RuntimeError, "expected a contiguous"),
])
def test_refusals(bad, attrs, kind, text):
    with pytest.raises(kind, match=text):
        run("softmax", bad, attrs=attrs)


# ------------------------------------------------------------------ cross-entropy

CROSS = [((32, 10), False), ((5, 1000), True), ((7,), False), ((4, 5, 6), True),
         ((2, 70, 9, 11), False), ((200, 64), True), ((3, 1), False)]
REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def cross_reference(x, t, w, how, ignore, smoothing):
    """Losses and their gradient by the formula, in float64, for x of shape (N, C, inner)."""
    x = x.astype(float)
    n, c, inner = x.shape
    lse = np.log(np.exp(x - x.max(1, keepdims=True)).sum(1)) + x.max(1)
    w = np.ones(c) if w is None else w.astype(float)
    logp = x - lse[:, None]
    used = t != ignore
    safe = np.where(used, t, 0)
    onehot = np.eye(c)[safe].transpose(0, 2, 1)
    target = (1 - smoothing) * onehot * w[safe][:, None] + smoothing / c * w[None, :, None]
    loss = -(target * logp).sum(1) * used
    grad = (np.exp(logp) * target.sum(1, keepdims=True) - target) * used[:, None]
    total = (w[safe] * used).sum()
    if how == "none":
        return loss, grad
    scale = 1 / total if how == "mean" else 1.0
    return loss.sum() * scale, grad * scale


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("shape, ignoring", CROSS)
@pytest.mark.parametrize("weighted", [False, True])
def test_cross_entropy(shape, ignoring, how, smoothing, weighted, dtype, isa):
    r = np.random.default_rng(3)
    x = (3 * r.standard_normal(shape)).astype(dtype)
    dim = min(1, x.ndim - 1)
    c = shape[dim]
    t = r.integers(0, c, shape[:dim] + shape[dim + 1:])
    ignore = 1 if ignoring else -100
    w = r.uniform(0.5, 2, 2 * c).astype(dtype)[::2] if weighted else None
    attrs = [REDUCTIONS[how], ignore, smoothing]
    loss, stats = run("cross_entropy", x, t, w, nout=2, attrs=attrs)
    flat = (1, c, 1) if x.ndim == 1 else (shape[0], c, int(np.prod(shape[2:])))
    want, dwant = cross_reference(x.reshape(flat), t.reshape(flat[0], flat[2]), w, how, ignore,
                                  smoothing)
    tolerance = 30 * EPS[dtype]
    assert loss.dtype == dtype and loss.shape == (t.shape if how == "none" else ())
    np.testing.assert_allclose(loss.ravel(), np.ravel(want), rtol=tolerance, atol=tolerance)
    dy = np.ones(loss.shape, dtype)
    dx = run("cross_entropy_bwd", dy, x, t, w, stats, attrs=attrs)
    np.testing.assert_allclose(dx.reshape(flat), dwant, rtol=60 * EPS[dtype], atol=tolerance)


@pytest.mark.parametrize("ignore, weighted", [(-100, False), (3, True)])
def test_cross_entropy_is_torchs(ignore, weighted):
    torch = pytest.importorskip("torch")
    r = np.random.default_rng(4)
    x, w = r.standard_normal((6, 5, 4)), r.uniform(0.5, 2, 5) if weighted else None
    t = r.integers(0, 5, (6, 4))
    for how, smoothing in itertools.product(REDUCTIONS, (0.0, 0.3)):
        tx = torch.tensor(x, requires_grad=True)
        want = torch.nn.functional.cross_entropy(
            tx, torch.tensor(t), None if w is None else torch.tensor(w), ignore_index=ignore,
            reduction=how, label_smoothing=smoothing)
        dy = r.standard_normal(tuple(want.shape))
        want.backward(torch.tensor(dy))
        attrs = [REDUCTIONS[how], ignore, smoothing]
        loss, stats = run("cross_entropy", x, t, w, nout=2, attrs=attrs)
        dx = run("cross_entropy_bwd", np.asarray(dy), x, t, w, stats, attrs=attrs)
        np.testing.assert_allclose(loss, want.detach().numpy(), rtol=1e-13)
        np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-12, atol=1e-15)


def test_cross_entropy_bits_do_not_depend_on_threads():
    r = np.random.default_rng(5)
    for shape in ((5000, 10), (300, 300), (3, 20, 5000)):
        x = r.standard_normal(shape).astype(np.float32)
        t = r.integers(0, shape[1], shape[:1] + shape[2:])
        seen = set()
        for threads in (1, 2, 3, 4, 7, 8):
            lib.fnn_set_num_threads(threads)
            loss, stats = run("cross_entropy", x, t, None, nout=2, attrs=[1, -100, 0.1])
            dx = run("cross_entropy_bwd", np.ones((), np.float32), x, t, None, stats,
                     attrs=[1, -100, 0.1])
            seen.add(loss.tobytes() + stats.tobytes() + dx.tobytes())
        lib.fnn_set_num_threads(0)
        assert len(seen) == 1


def test_cross_entropy_of_large_logits_keeps_its_digits():
    x = np.array([[1e4, 1e4 - 1, 1e4 - 3]], np.float32)
    loss, stats = run("cross_entropy", x, np.array([1]), None, nout=2, attrs=[1, -100, 0.0])
    assert abs(loss - (np.log(1 + np.exp(-1) + np.exp(-3)) + 1)) < 4 * EPS["float32"]
    dx = run("cross_entropy_bwd", np.ones((), np.float32), x, np.array([1]), None, stats,
             attrs=[1, -100, 0.0])
    p = np.exp([0.0, -1, -3]) / np.exp([0.0, -1, -3]).sum()
    np.testing.assert_allclose(dx[0], p - [0, 1, 0], atol=4 * EPS["float32"])


def test_cross_entropy_where_nothing_counts():
    x, t = np.ones((3, 4), np.float32), np.full(3, -100)
    loss, stats = run("cross_entropy", x, t, None, nout=2, attrs=[1, -100, 0.0])
    assert np.isnan(loss)
    x[0] = np.nan
    loss, stats = run("cross_entropy", x, t, None, nout=2, attrs=[2, -100, 0.0])
    assert loss == 0
    dx = run("cross_entropy_bwd", np.ones((), np.float32), x, t, None, stats, attrs=[2, -100, 0.0])
    assert (dx == 0).all()


@pytest.mark.parametrize("label", [4, -1, 2**40])
def test_labels_out_of_range_are_refused_before_anything_is_written(label):
    x, t = np.zeros((3, 4), np.float32), np.array([0, 1, label])
    loss, stats = np.full((), 7, np.float32), np.full(7, 7, np.float32)
    with pytest.raises(IndexError, match="out of bounds"):
        run("cross_entropy", x, t, None, out=[loss, stats], attrs=[1, -100, 0.0])
    assert loss == 7 and (stats == 7).all()
    dx = np.full((3, 4), 7, np.float32)
    with pytest.raises(IndexError, match="out of bounds"):
        run("cross_entropy_bwd", np.ones((), np.float32), x, t, None, stats, out=[dx],
            attrs=[1, -100, 0.0])
    assert (dx == 7).all()


@pytest.mark.parametrize("x, t, w, s, kind, text", [
    ((3, 4), (4,), None, 0.0, ValueError, "without its classes"),
    ((3, 4), (3,), (3,), 0.0, ValueError, "weight should be defined for all 4 classes"),
    ((3, 4), (3,), None, 1.5, ValueError, "label_smoothing must be between"),
    ((3, 0), (3,), None, 0.0, ValueError, "no classes"),
])
def test_cross_entropy_refusals(x, t, w, s, kind, text):
    with pytest.raises(kind, match=text):
        run("cross_entropy", np.zeros(x, np.float32), np.zeros(t, np.int64),
            None if w is None else np.zeros(w, np.float32), nout=2, attrs=[1, -100, s])
