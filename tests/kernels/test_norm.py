"""layer_norm, rms_norm and batch_norm instructions against float64 formulas, and torch."""

import itertools

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

EPS = {"float32": 2.0**-24, "float64": 2.0**-53}
ROWS = [((4, 8), 1), ((3, 63), 1), ((5, 64), 1), ((7, 1000), 1), ((2, 3, 5, 7), 2), ((130, 16), 1),
        ((300, 3), 1), ((6,), 1), ((0, 4), 1), ((2, 1), 1)]
CHANNELS = [(8, 3), (64, 64), (5, 130), (200, 10), (2, 3, 5), (4, 70, 33), (3, 5, 4, 6), (2, 1)]


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def close(a, b, dtype, ulps=64, size=1.0):
    """Within some roundings of terms as large as `size`."""
    np.testing.assert_allclose(a, b, rtol=ulps * EPS[dtype], atol=ulps * EPS[dtype] * size)


def rows_reference(x, dims, w, b, eps, rms):
    axes = tuple(range(x.ndim - dims, x.ndim))
    mean = np.zeros_like(x.sum(axes, keepdims=True)) if rms else x.mean(axes, keepdims=True)
    rstd = 1 / np.sqrt(((x - mean) ** 2).mean(axes, keepdims=True) + eps)
    xhat = (x - mean) * rstd
    return xhat * (1 if w is None else w) + (0 if b is None else b), mean, rstd, xhat


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", ["no", "weight", "both"])
@pytest.mark.parametrize("rms", [False, True])
@pytest.mark.parametrize("shape, dims", ROWS)
def test_rows(shape, dims, rms, affine, dtype, isa):
    r = np.random.default_rng(0)
    x, dy = (r.standard_normal(shape).astype(dtype) for _ in range(2))
    x += 2
    part = shape[len(shape) - dims:]
    w = None if affine == "no" else r.uniform(0.5, 2, part).astype(dtype)
    b = r.uniform(0.5, 2, part).astype(dtype) if affine == "both" and not rms else None
    up = [None if a is None else a.astype(float) for a in (x, w, b, dy)]
    eps = 1e-5
    if x.size == 0:
        want = [x, np.zeros(shape[:1] + (1,)), np.zeros(shape[:1] + (1,)), x]
    else:
        want = rows_reference(up[0], dims, up[1], up[2], eps, rms)
    if rms:
        y, rstd = run("rms_norm", x, w, nout=2, attrs=[dims, eps])
        stats = [rstd]
    else:
        y, mean, rstd = run("layer_norm", x, w, b, nout=3, attrs=[dims, eps])
        close(mean.ravel(), want[1].ravel(), dtype)
        stats = [mean, rstd]
    close(y, want[0], dtype, size=8)
    close(rstd.ravel(), want[2].ravel(), dtype)
    if x.size == 0:
        return
    axes, outer = tuple(range(len(shape) - dims, len(shape))), tuple(range(len(shape) - dims))
    h, xhat = up[3] * (1 if w is None else up[1]), want[3]
    dx = h - xhat * (h * xhat).mean(axes, keepdims=True)
    dx = want[2] * (dx if rms else dx - h.mean(axes, keepdims=True))
    wanted = 1 if w is None else 2 if rms else 3
    got = run("rms_norm_bwd" if rms else "layer_norm_bwd", dy, x, w, *stats, nout=wanted,
              attrs=[dims])
    got = got if wanted > 1 else [got]
    size = float(want[2].max()) * 8
    close(got[0], dx, dtype, size=size)
    terms = np.prod(shape[: len(shape) - dims], initial=1)
    if wanted > 1:
        close(got[1], (up[3] * xhat).sum(outer), dtype, size=8 * terms**0.5)
    if wanted > 2:
        close(got[2], up[3].sum(outer), dtype, size=8 * terms**0.5)


def channels_reference(x, w, b, eps):
    axes = (0, *range(2, x.ndim))
    one = [1, -1] + [1] * (x.ndim - 2)
    mean, var = x.mean(axes), x.var(axes)
    invstd = 1 / np.sqrt(var + eps)
    xhat = (x - mean.reshape(one)) * invstd.reshape(one)
    y = xhat * (1 if w is None else w.reshape(one)) + (0 if b is None else b.reshape(one))
    return y, mean, var, invstd, xhat, axes, one


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("affine", [False, True])
@pytest.mark.parametrize("shape", CHANNELS)
def test_batch_norm_training(shape, affine, dtype, isa):
    r = np.random.default_rng(1)
    x, dy = (r.standard_normal(shape).astype(dtype) for _ in range(2))
    w, b = (r.uniform(0.5, 2, shape[1]).astype(dtype) if affine else None for _ in range(2))
    rm, rv = (r.uniform(0.5, 2, shape[1]).astype(dtype) for _ in range(2))
    up = [None if a is None else a.astype(float) for a in (x, w, b, dy, rm, rv)]
    y, mean, var, invstd, xhat, axes, one = channels_reference(up[0], up[1], up[2], 1e-5)
    out = [np.empty_like(x), np.empty_like(rm), np.empty_like(rm), rm, rv]
    run("batch_norm", x, w, b, out=out, attrs=[0.3, 1e-5])
    size = float(invstd.max()) * 8
    close(out[0], y, dtype, size=size)
    close(out[1], mean, dtype)
    close(out[2], invstd, dtype, size=size)
    count = x.size / shape[1]
    close(rm, 0.7 * up[4] + 0.3 * mean, dtype)
    close(rv, 0.7 * up[5] + 0.3 * var * count / (count - 1), dtype)
    h = up[3] * (1 if w is None else up[1].reshape(one))
    dx = (h - h.mean(axes, keepdims=True) - xhat * (h * xhat).mean(axes, keepdims=True))
    got = run("batch_norm_bwd", dy, x, w, out[1], out[2], nout=3, attrs=[True])
    close(got[0], dx * invstd.reshape(one), dtype, size=size**2)
    close(got[1], (up[3] * xhat).sum(axes), dtype, size=8 * count**0.5 * size)
    close(got[2], up[3].sum(axes), dtype, size=8 * count**0.5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", CHANNELS)
def test_batch_norm_evaluation(shape, dtype, isa):
    r = np.random.default_rng(2)
    x, dy = (r.standard_normal(shape).astype(dtype) for _ in range(2))
    w, b, rm, rv = (r.uniform(0.5, 2, shape[1]).astype(dtype) for _ in range(4))
    one = [1, -1] + [1] * (len(shape) - 2)
    invstd = 1 / np.sqrt(rv.astype(float) + 1e-5)
    xhat = (x.astype(float) - rm.reshape(one)) * invstd.reshape(one)
    before = rm.copy(), rv.copy()
    y, got = run("batch_norm_eval", x, rm, rv, w, b, nout=2, attrs=[1e-5])
    close(got, invstd, dtype)
    close(y, xhat * w.reshape(one).astype(float) + b.reshape(one), dtype, size=8)
    assert (rm == before[0]).all() and (rv == before[1]).all()
    dx, dw, db = run("batch_norm_bwd", dy, x, w, rm, got, nout=3, attrs=[False])
    close(dx, dy * (w * invstd).reshape(one), dtype, size=4)
    axes = (0, *range(2, len(shape)))
    close(dw, (dy * xhat).sum(axes), dtype, size=8 * (x.size / shape[1]) ** 0.5)
    close(db, dy.astype(float).sum(axes), dtype, size=8 * (x.size / shape[1]) ** 0.5)


def test_torch_agrees():
    torch = pytest.importorskip("torch")
    f = torch.nn.functional
    r = np.random.default_rng(3)
    x, dy = r.standard_normal((6, 4, 5)), r.standard_normal((6, 4, 5))
    w, b = r.uniform(0.5, 2, 4), r.standard_normal(4)
    tx, tw, tb = (torch.tensor(a, requires_grad=True) for a in (x, w, b))
    rm, rv = np.zeros(4), np.ones(4)
    trm, trv = torch.zeros(4, dtype=torch.float64), torch.ones(4, dtype=torch.float64)
    want = f.batch_norm(tx, trm, trv, tw, tb, True, 0.1, 1e-5)
    want.backward(torch.tensor(dy))
    out = [np.empty_like(x), np.empty(4), np.empty(4), rm, rv]
    run("batch_norm", x, w, b, out=out, attrs=[0.1, 1e-5])
    got = run("batch_norm_bwd", dy, x, w, out[1], out[2], nout=3, attrs=[True])
    for a, t in zip([out[0], rm, rv, *got], [want.detach(), trm, trv, tx.grad, tw.grad, tb.grad],
                    strict=True):
        np.testing.assert_allclose(a, t.numpy(), rtol=1e-12, atol=1e-13)
    w, b = r.uniform(0.5, 2, (4, 5)), r.standard_normal((4, 5))
    tx, tw, tb = (torch.tensor(a, requires_grad=True) for a in (x, w, b))
    want = f.layer_norm(tx, (4, 5), tw, tb, 1e-5)
    want.backward(torch.tensor(dy))
    y, mean, rstd = run("layer_norm", x, w, b, nout=3, attrs=[2, 1e-5])
    got = run("layer_norm_bwd", dy, x, w, mean, rstd, nout=3, attrs=[2])
    for a, t in zip([y, *got], [want.detach(), tx.grad, tw.grad, tb.grad], strict=True):
        np.testing.assert_allclose(a, t.numpy(), rtol=1e-12, atol=1e-13)


def test_bits_depend_on_neither_threads_nor_vector_isa():
    r = np.random.default_rng(4)
    seen = {}
    for isa, threads in itertools.product([i for i in ISAS if i != "base"] or ISAS,
                                          (1, 2, 3, 4, 7, 8)):
        set_isa(isa)
        lib.fnn_set_num_threads(threads)
        for shape in ((500, 70), (64, 2000), (1000, 10), (20, 300, 50)):
            r = np.random.default_rng(4)
            x, dy = (r.standard_normal(shape).astype(np.float32) for _ in range(2))
            w = r.standard_normal(shape[-1]).astype(np.float32)
            y = run("layer_norm", x, w, w, nout=3, attrs=[1, 1e-5])
            y += run("layer_norm_bwd", dy, x, w, y[1], y[2], nout=3, attrs=[1])
            w = r.standard_normal(shape[1]).astype(np.float32)
            y += run("batch_norm", x, w, w, nout=3, attrs=[0.1, 1e-5])
            y += run("batch_norm_bwd", dy, x, w, y[-2], y[-1], nout=3, attrs=[True])
            seen.setdefault(shape, set()).add(b"".join(a.tobytes() for a in y))
    lib.fnn_set_num_threads(0)
    set_isa(BEST)
    assert all(len(bits) == 1 for bits in seen.values())


@pytest.mark.parametrize("n", [1, 3, 16, 63, 64, 65, 257])
def test_nothing_beyond_the_last_element_is_touched(n, isa):
    x, dy, y = (guarded((3, n), "float32") for _ in range(3))
    w, b, dw, db = (guarded((n,), "float32") for _ in range(4))
    x[...], dy[...], w[...], b[...] = np.arange(3 * n).reshape(3, n) % 5, 1, 2, 3
    mean, rstd = (guarded((3,), "float32") for _ in range(2))
    run("layer_norm", x, w, b, out=[y, mean, rstd], attrs=[1, 1e-5])
    run("layer_norm_bwd", dy, x, w, mean, rstd, out=[y, dw, db], attrs=[1])
    cmean, cstd = (guarded((n,), "float32") for _ in range(2))
    run("batch_norm", x, w, b, out=[y, cmean, cstd], attrs=[0.1, 1e-5])
    run("batch_norm_bwd", dy, x, w, cmean, cstd, out=[y, dw, db], attrs=[True])


def test_nan_stays_in_its_row():
    x = np.ones((3, 70), np.float32)
    x[1, 5] = np.nan
    y = run("layer_norm", x, None, None, nout=3, attrs=[1, 1e-5])[0]
    assert np.isnan(y).all(1).tolist() == [False, True, False] and (y[0] == 0).all()


@pytest.mark.parametrize("op, args, attrs, kind, text", [
    ("layer_norm", [(3, 4), (5,), None], [1, 1e-5], RuntimeError, "normalized shape"),
    ("layer_norm", [(3, 4), None, None], [3, 1e-5], ValueError, "dimensions to normalise"),
    ("batch_norm", [(1, 4), None, None], [0.1, 1e-5], ValueError, "more than 1 value per channel"),
    ("batch_norm", [(4,), None, None], [0.1, 1e-5], ValueError, "at least 2 dimensions"),
    ("batch_norm", [(3, 4), (3,), None], [0.1, 1e-5], RuntimeError, "weight should contain 4"),
])
def test_refusals(op, args, attrs, kind, text):
    with pytest.raises(kind, match=text):
        run(op, *[None if s is None else np.ones(s, np.float32) for s in args], nout=3, attrs=attrs)
