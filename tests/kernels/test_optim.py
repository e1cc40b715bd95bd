"""The multi-tensor optimizer instructions against the published formulas in NumPy float64, and
against torch.optim over a hundred steps."""

import ctypes

import numpy as np
import pytest
from engine import BEST, ISAS, Array, lib, run, set_isa

STATES = {"sgd": 0, "adam": 2, "rmsprop": 1, "adagrad": 1, "adadelta": 2}
# name, keywords of torch's optimizer; what is absent is torch's default
CASES = [
    ("sgd", dict(lr=0.1)),
    ("sgd", dict(lr=0.1, weight_decay=0.01, maximize=True)),
    ("sgd", dict(lr=0.05, momentum=0.9)),
    ("sgd", dict(lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01)),
    ("sgd", dict(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.02)),
    ("adam", dict(lr=0.01)),
    ("adam", dict(lr=0.01, betas=(0.4, 0.6), weight_decay=0.1, maximize=True)),
    ("adam", dict(lr=0.01, amsgrad=True, eps=1e-3)),
    ("adamw", dict(lr=0.01, weight_decay=0.1)),
    ("adamw", dict(lr=0.01, amsgrad=True)),
    ("rmsprop", dict(lr=0.01)),
    ("rmsprop", dict(lr=0.01, centered=True, weight_decay=0.1)),
    ("rmsprop", dict(lr=0.01, momentum=0.9, alpha=0.9, maximize=True)),
    ("rmsprop", dict(lr=0.01, momentum=0.9, centered=True)),
    ("adagrad", dict(lr=0.1)),
    ("adagrad", dict(lr=0.1, lr_decay=0.05, weight_decay=0.1, maximize=True)),
    ("adadelta", dict(lr=1.0)),
    ("adadelta", dict(lr=0.5, rho=0.8, weight_decay=0.1, maximize=True)),
]
IDS = [f"{name}-{'-'.join(kw)}" for name, kw in CASES]


def cell_of(name, kw):
    """step, lr, weight_decay, a, b, eps: the order of csrc/ops/optim.c."""
    decay = kw.get("weight_decay", 0.01 if name == "adamw" else 0.0)
    if name == "sgd":
        rest = kw.get("momentum", 0.0), kw.get("dampening", 0.0), 0.0
    elif name in ("adam", "adamw"):
        rest = *kw.get("betas", (0.9, 0.999)), kw.get("eps", 1e-8)
    elif name == "rmsprop":
        rest = kw.get("alpha", 0.99), kw.get("momentum", 0.0), kw.get("eps", 1e-8)
    elif name == "adagrad":
        rest = kw.get("lr_decay", 0.0), 0.0, kw.get("eps", 1e-10)
    else:
        rest = kw.get("rho", 0.9), 0.0, kw.get("eps", 1e-6)
    return np.array([0.0, kw["lr"], decay, *rest])


def op_and_attrs(name, kw):
    maximize = kw.get("maximize", False)
    return {"sgd": ("sgd", [maximize, kw.get("nesterov", False)]),
            "adam": ("adam", [maximize, False]),
            "adamw": ("adam", [maximize, True]),
            "rmsprop": ("rmsprop", [maximize, kw.get("centered", False)]),
            "adagrad": ("adagrad", [maximize]),
            "adadelta": ("adadelta", [maximize])}[name]


def num_states(name, kw):
    extra = {"sgd": bool(kw.get("momentum")),
             "rmsprop": bool(kw.get("momentum")) + bool(kw.get("centered")),
             "adam": bool(kw.get("amsgrad")), "adamw": bool(kw.get("amsgrad"))}.get(name, 0)
    return STATES["adam" if name == "adamw" else name] + extra


def reference(name, kw, step, g, p, *s):
    """One float64 step by the formulas; p and s are updated in place."""
    _, lr, decay, a, b, eps = cell_of(name, kw)
    d = -g if kw.get("maximize") else g
    if name == "adamw":
        p *= 1 - lr * decay
    else:
        d = d + decay * p
    if name == "sgd":
        if s:
            s[0][...] = d if step == 1 else a * s[0] + (1 - b) * d
            d = d + a * s[0] if kw.get("nesterov") else s[0]
        p -= lr * d
    elif name in ("adam", "adamw"):
        s[0][...] = a * s[0] + (1 - a) * d
        s[1][...] = b * s[1] + (1 - b) * d * d
        v = s[1]
        if kw.get("amsgrad"):
            v = s[2][...] = np.maximum(s[2], v)
        p -= lr / (1 - a**step) * s[0] / (np.sqrt(v / (1 - b**step)) + eps)
    elif name == "rmsprop":
        s = list(s)
        v = s.pop(0)
        v[...] = a * v + (1 - a) * d * d
        if kw.get("centered"):
            mean = s.pop(0)
            mean[...] = a * mean + (1 - a) * d
            v = v - mean * mean
        u = d / (np.sqrt(v) + eps)
        if s:
            u = s[0][...] = b * s[0] + u
        p -= lr * u
    elif name == "adagrad":
        s[0][...] += d * d
        p -= lr / (1 + (step - 1) * a) * d / (np.sqrt(s[0]) + eps)
    else:
        s[0][...] = a * s[0] + (1 - a) * d * d
        u = np.sqrt(s[1] + eps) / np.sqrt(s[0] + eps) * d
        s[1][...] = a * s[1] + (1 - a) * u * u
        p -= lr * u


SHAPES = [(1,), (8,), (2, 8), (3, 5, 7), (1000,), (0, 3), (257,)]


def group(dtype, states, shapes=SHAPES, seed=0):
    r = np.random.default_rng(seed)
    params = [r.standard_normal(s).astype(dtype) for s in shapes]
    return params, [[np.zeros_like(p) for p in params] for _ in range(states)]


def gradients(dtype, shapes, step):
    r = np.random.default_rng(100 + step)
    return [r.standard_normal(s).astype(dtype) for s in shapes]


def flat(lists):
    return [a for one in lists for a in one]


@pytest.mark.parametrize("dtype, tolerance", [("float64", 1e-14), ("float32", 4e-6)])
@pytest.mark.parametrize("name, kw", CASES, ids=IDS)
def test_formula(name, kw, dtype, tolerance):
    """Twenty steps; float32 accumulates some twenty roundings of 6e-8 around values near 1."""
    op, attrs = op_and_attrs(name, kw)
    n = num_states(name, kw)
    params, states = group(dtype, n)
    want, want_states = [p.astype(float) for p in params], [
        [a.astype(float) for a in s] for s in states]
    cell = cell_of(name, kw)
    for step in range(1, 21):
        grads = gradients(dtype, SHAPES, step)
        run(op, *grads, attrs=attrs, out=[cell, *params, *flat(states)])
        for i, g in enumerate(grads):
            reference(name, kw, step, g.astype(float), want[i], *[s[i] for s in want_states])
    assert cell[0] == 20
    for p, w in zip(params + flat(states), want + flat(want_states), strict=True):
        np.testing.assert_allclose(p, w, rtol=tolerance * 10, atol=tolerance * 10)


@pytest.mark.parametrize("name, kw", CASES, ids=IDS)
def test_loss_curve_is_torchs(name, kw):
    """A least-squares fit from one start: float64 within 1e-9 of torch's, float32 no further from
    torch's float64 curve than twice torch's own float32 curve."""
    torch = pytest.importorskip("torch")
    if kw.get("maximize"):
        kw = {k: v for k, v in kw.items() if k != "maximize"}
    r = np.random.default_rng(3)
    x, y, w0 = r.standard_normal((64, 10)), r.standard_normal((64, 3)), r.standard_normal((10, 3))
    kinds = {"adamw": "AdamW", "sgd": "SGD", "rmsprop": "RMSprop"}

    def loss_and_grad(w):
        e = x.astype(w.dtype) @ w - y.astype(w.dtype)
        return float((e * e).mean()), (2 / e.size * x.astype(w.dtype).T @ e).astype(w.dtype)

    def ours(dtype):
        op, attrs = op_and_attrs(name, kw)
        w, curve = w0.astype(dtype), []
        cell, states = cell_of(name, kw), [np.zeros_like(w) for _ in range(num_states(name, kw))]
        for _ in range(100):
            loss, g = loss_and_grad(w)
            curve.append(loss)
            run(op, g, attrs=attrs, out=[cell, w, *states])
        return np.array(curve)

    def torchs(dtype):
        w = torch.tensor(w0.astype(dtype))
        opt = getattr(torch.optim, kinds.get(name, name.capitalize()))([w], **kw)
        curve = []
        for _ in range(100):
            loss, g = loss_and_grad(w.numpy())
            curve.append(loss)
            w.grad = torch.from_numpy(g)
            opt.step()
        return np.array(curve)

    exact = torchs("float64")
    np.testing.assert_allclose(ours("float64"), exact, rtol=1e-9)
    slack = 4 * np.finfo(np.float32).eps  # both are within rounding of the loss itself
    gap, theirs = (np.abs(c("float32") - exact) / exact for c in (ours, torchs))
    assert gap.max() <= 2 * theirs.max() + slack


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name, kw", CASES, ids=IDS)
def test_isas_agree(name, kw, dtype):
    """The vector builds give the same bits; base, which has no fused multiply-add, is close."""
    op, attrs = op_and_attrs(name, kw)
    results = {}
    for isa in ISAS:
        set_isa(isa)
        params, states = group(dtype, num_states(name, kw))
        cell = cell_of(name, kw)
        for step in range(3):
            run(op, *gradients(dtype, SHAPES, step), attrs=attrs,
                out=[cell, *params, *flat(states)])
        results[isa] = np.concatenate([a.ravel() for a in params + flat(states)])
    set_isa(BEST)
    for isa in ISAS:
        if isa == "base":
            eps = np.finfo(dtype).eps
            np.testing.assert_allclose(results[isa], results[BEST], rtol=32 * eps, atol=32 * eps)
        else:
            assert results[isa].tobytes() == results[BEST].tobytes()


def test_threads_agree():
    shapes = [(100_001,), (7,), (50_000, 3), (1,)]
    results = []
    for threads in (1, 2, 3, 4, 7, 8):
        lib.fnn_set_num_threads(threads)
        params, states = group("float32", 2, shapes)
        cell = cell_of("adam", dict(lr=0.01))
        for step in range(2):
            run("adam", *gradients("float32", shapes, step), attrs=[False, False],
                out=[cell, *params, *flat(states)])
        results.append(b"".join(a.tobytes() for a in params + flat(states)))
    lib.fnn_set_num_threads(0)
    assert len(set(results)) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("which", ["gradient", "parameter", "all alike", "sliced", "expanded"])
def test_strides(which, dtype):
    """Whatever the strides of gradient, parameter and state, the numbers are the plain ones."""
    shape = (37, 21)

    def turned(a):
        return np.asfortranarray(a)

    def sliced(a):
        wide = np.full((2 * a.shape[0], a.shape[1] + 3), np.nan, a.dtype)
        view = wide[::2, 3:]
        view[...] = a
        return view

    g, p = gradients(dtype, [shape], 1)[0], gradients(dtype, [shape], 2)[0]
    if which == "expanded":
        g = np.broadcast_to(g[:1], shape)
    plain = [p.copy(), np.zeros_like(p), np.zeros_like(p)]
    run("adam", np.ascontiguousarray(g), attrs=[False, False],
        out=[cell_of("adam", dict(lr=0.1)), *plain])
    other = [p.copy(), np.zeros_like(p), np.zeros_like(p)]
    if which in ("gradient", "all alike"):
        g = turned(g)
    if which in ("parameter", "all alike"):
        other[0] = turned(other[0])
    if which == "all alike":
        other[1:] = [turned(a) for a in other[1:]]
    if which == "sliced":
        g, other[0], other[2] = sliced(g), sliced(other[0])[::-1][::-1], sliced(other[2])
    run("adam", g, attrs=[False, False], out=[cell_of("adam", dict(lr=0.1)), *other])
    for a, b in zip(other, plain, strict=True):
        np.testing.assert_array_equal(a, b)


def test_nan_gradient_reaches_everything():
    p, m, v, top = (np.ones(5, np.float32) for _ in range(4))
    g = np.array([1, np.nan, 1, 1, 1], np.float32)
    cell = cell_of("adam", dict(lr=0.1))
    run("adam", g, attrs=[False, False], out=[cell, p, m, v, top])
    for a in (p, m, v, top):
        assert np.isnan(a).tolist() == [False, True, False, False, False]
    run("adam", np.ones(5, np.float32), attrs=[False, False], out=[cell, p, m, v, top])
    assert np.isnan(top[1]) and np.isnan(p[1])


def test_versions_move_and_nothing_is_written_on_failure():
    p, g, cell = np.ones(4, np.float32), np.ones(4, np.float32), cell_of("sgd", dict(lr=1.0))
    written = [Array(cell), Array(p)]
    run("sgd", g, attrs=[False, False], out=written)
    versions = [ctypes.c_uint32.from_address(a.d.storage + 24).value for a in written]
    assert versions == [1, 1] and p.tolist() == [0.0] * 4
    with pytest.raises(ValueError, match="sgd: parameter 1 is float32"):
        run("sgd", g, g, attrs=[False, False], out=[cell, p, np.ones(5, np.float32)])
    assert cell[0] == 1 and p.tolist() == [0.0] * 4


@pytest.mark.parametrize("bad, kind, text", [
    (dict(out=lambda p, c: [c, p, p]), RuntimeError, "share memory"),
    (dict(out=lambda p, c: [c[:5], p]), ValueError, "cell must be"),
    (dict(out=lambda p, c: [c]), ValueError, "do not go with"),
    (dict(out=lambda p, c: [c, p.astype(np.float64)]), ValueError, "its gradient float32"),
    (dict(g=np.ones(4, np.int64)), TypeError, "expected float32 or float64"),
])
def test_refusals(bad, kind, text):
    p, cell = np.ones(4, np.float32), cell_of("sgd", dict(lr=1.0, momentum=0.9))
    g = bad.get("g", np.ones(4, np.float32))
    out = bad.get("out", lambda p, c: [c, p])(p, cell)
    with pytest.raises(kind, match=text):
        run("sgd", g, attrs=[False, False], out=out)
    assert p.tolist() == [1.0] * 4


def test_gradient_that_is_the_parameter_is_refused():
    p = np.ones(4, np.float32)
    with pytest.raises(RuntimeError, match="single memory location"):
        run("sgd", p, attrs=[False, False], out=[cell_of("sgd", dict(lr=1.0)), p])


def test_many_operands():
    """More operands than the door's table of blocks holds, and all in one block."""
    n = 600
    bucket = np.ones((n, 4), np.float32)
    params, grads = [bucket[i] for i in range(n)], [np.ones(4, np.float32) for _ in range(n)]
    run("sgd", *grads, attrs=[False, False], out=[cell_of("sgd", dict(lr=0.5)), *params])
    assert np.all(bucket == 0.5)
