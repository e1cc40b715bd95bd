"""The pointwise loss instructions against their formulas in float64, and torch."""

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

EPS = {"float32": 2.0**-24, "float64": 2.0**-53}
REDUCTIONS = {"none": 0, "mean": 1, "sum": 2}


def logs(x):
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(x), -100), np.maximum(np.log1p(-x), -100)


def bce(x, t, p, pw):
    a, b = logs(x)
    return -(t * a + (1 - t) * b)


def soft(x):
    return np.log1p(np.exp(-np.abs(x))) + np.maximum(-x, 0)


def sigmoid(x):
    return np.where(x < 0, np.exp(-np.abs(x)), 1) / (1 + np.exp(-np.abs(x)))


# loss(x, t, parameter, pos_weight), its derivative by x, and torch's function with its keywords
LOSSES = {
    "mse_loss": (lambda x, t, p, w: (x - t) ** 2, lambda x, t, p, w: 2 * (x - t), "mse_loss", {}),
    "l1_loss": (lambda x, t, p, w: abs(x - t), lambda x, t, p, w: np.sign(x - t), "l1_loss", {}),
    "smooth_l1_loss": (
        lambda x, t, p, w: np.where(abs(x - t) < p, (x - t) ** 2 / (2 * p), abs(x - t) - p / 2),
        lambda x, t, p, w: np.clip((x - t) / p, -1, 1), "smooth_l1_loss", {"beta": 0.7}),
    "huber_loss": (
        lambda x, t, p, w: np.where(abs(x - t) < p, (x - t) ** 2 / 2, p * (abs(x - t) - p / 2)),
        lambda x, t, p, w: np.clip(x - t, -p, p), "huber_loss", {"delta": 0.7}),
    "bce": (bce, lambda x, t, p, w: (x - t) / np.maximum((1 - x) * x, 1e-12),
            "binary_cross_entropy", {}),
    "bce_logits": (
        lambda x, t, p, w: (1 - t) * x + (1 + (w - 1) * t) * soft(x),
        lambda x, t, p, w: (w * t + 1 - t) * sigmoid(x) - w * t,
        "binary_cross_entropy_with_logits", {}),
    "kl_div": (lambda x, t, p, w: np.where(t > 0, t * np.log(np.where(t > 0, t, 1)), 0) - t * x,
               lambda x, t, p, w: -t + 0 * x, "kl_div", {}),
    "kl_div_log": (lambda x, t, p, w: np.exp(t) * (t - x), lambda x, t, p, w: -np.exp(t) + 0 * x,
                   "kl_div", {"log_target": True}),
}
PARAMETER = {"smooth_l1_loss": [0.7], "huber_loss": [0.7]}
SIZES = [(), (1,), (7,), (4, 16), (3, 85), (2, 3, 1000), (9001,), (0,)]


def operands(name, shape, dtype, seed=0):
    r = np.random.default_rng(seed)
    unit = name in ("bce",)
    x = r.uniform(0.01, 0.99, shape) if unit else r.standard_normal(shape) * 3
    t = r.uniform(0, 1, shape) if name.startswith(("bce", "kl")) else r.standard_normal(shape)
    return np.asarray(x).astype(dtype), np.asarray(t).astype(dtype)


def factors(name, shape, dtype, weighted):
    r = np.random.default_rng(9)
    made = [np.asarray(r.uniform(0.5, 2, shape)).astype(dtype) if weighted else None]
    if name == "bce_logits":
        made.append(np.asarray(r.uniform(0.5, 2, shape)).astype(dtype) if weighted else None)
    return made


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_values_and_derivatives(name, how, weighted, dtype, isa):
    """A few roundings per element (logarithms 2 ulp); the terms of a sum are below 60."""
    f, df, _, _ = LOSSES[name]
    for shape in SIZES:
        x, t = operands(name, shape, dtype)
        extra = factors(name, shape, dtype, weighted)
        w = 1.0 if extra[0] is None else extra[0].astype(float)
        pw = 1.0 if len(extra) < 2 or extra[1] is None else extra[1].astype(float)
        attrs = [REDUCTIONS[how], *PARAMETER.get(name, [])]
        p = attrs[-1] if name in PARAMETER else None
        xx, tt = x.astype(float), t.astype(float)
        want, dwant = f(xx, tt, p, pw) * w, df(xx, tt, p, pw) * w
        scale = 60 * 8 * EPS[dtype]
        if how != "none":
            with np.errstate(invalid="ignore"):
                divisor = np.float64(x.size) if how == "mean" else 1
                want, dwant = np.sum(want) / divisor, dwant / divisor
            scale *= x.size if how == "sum" else 1
        loss = run(name, x, t, *extra, attrs=attrs)
        assert loss.dtype == dtype and loss.shape == np.shape(want)
        np.testing.assert_allclose(loss, want, rtol=8 * EPS[dtype], atol=scale)
        dy = np.asarray(np.random.default_rng(1).uniform(0.5, 1, np.shape(want))).astype(dtype)
        dx = run(name + "_bwd", dy, x, t, *extra, attrs=attrs)
        assert dx.dtype == dtype and dx.shape == x.shape
        np.testing.assert_allclose(dx, dwant * dy, rtol=16 * EPS[dtype],
                                   atol=32 * EPS[dtype] / (x.size or 1 if how == "mean" else 1))


@pytest.mark.parametrize("name", LOSSES)
def test_corner_values_are_torchs(name):
    torch = pytest.importorskip("torch")
    _, _, function, kw = LOSSES[name]
    if name == "bce":
        grid = np.array([0, 1, 1e-30, 0.5, 1 - 1e-7])
        targets = np.array([0, 1, 0.5])
    else:
        grid = np.array([0.0, -0.0, 1e30, -1e30, 100, -100, np.inf, -np.inf, np.nan, 0.7, -0.7])
        targets = np.array([0.0, 1, 0.5])
    x, t = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(grid, targets))
    tx = torch.tensor(x, requires_grad=True)
    want = getattr(torch.nn.functional, function)(tx, torch.tensor(t), reduction="none", **kw)
    want.backward(torch.ones_like(want))
    attrs = [0, *PARAMETER.get(name, [])]
    extra = factors(name, (), "float64", False)
    np.testing.assert_allclose(run(name, x, t, *extra, attrs=attrs), want.detach().numpy(),
                               rtol=1e-14)
    dx = run(name + "_bwd", np.ones_like(x), x, t, *extra, attrs=attrs)
    np.testing.assert_allclose(dx, tx.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_bits_depend_on_neither_threads_nor_vector_isa(name):
    for n in (100, 9001, 300_000):
        x, t = operands(name, (n,), "float32")
        extra = factors(name, (n,), "float32", True)
        seen = set()
        for isa in [i for i in ISAS if i != "base"] or ISAS:
            set_isa(isa)
            for threads in (1, 2, 3, 8):
                lib.fnn_set_num_threads(threads)
                attrs = [1, *PARAMETER.get(name, [])]
                loss = run(name, x, t, *extra, attrs=attrs)
                dx = run(name + "_bwd", np.ones((), "f4"), x, t, *extra, attrs=attrs)
                seen.add(loss.tobytes() + dx.tobytes())
        lib.fnn_set_num_threads(0)
        set_isa(BEST)
        assert len(seen) == 1


@pytest.mark.parametrize("name", LOSSES)
def test_nothing_beyond_the_last_element_is_touched(name, isa):
    for n in (1, 15, 33, 257):
        x, t, dy, y = (guarded((n,), "float32") for _ in range(4))
        x[...], t[...], dy[...] = 0.5, 0.25, 1
        attrs = [0, *PARAMETER.get(name, [])]
        run(name, x, t, *factors(name, (n,), "float32", True), out=[y], attrs=attrs)
        run(name + "_bwd", dy, x, t, *factors(name, (n,), "float32", True), out=[y], attrs=attrs)


def test_refusals():
    x = np.full((3, 4), 0.5, np.float32)
    for args, kind, text in [
        ((x, x[:2].copy(), None), ValueError, "target size .* different to the input size"),
        ((x, x.astype(float), None), RuntimeError, "does not have the dtype"),
        ((x.T, x.T, None), RuntimeError, "expected a contiguous"),
        ((x.astype(int), x.astype(int), None), TypeError, "expected float32 or float64"),
        ((2 * x + 0.1, x, None), RuntimeError, "should be between 0 and 1"),
        ((np.nan * x, x, None), RuntimeError, "should be between 0 and 1"),
    ]:
        with pytest.raises(kind, match=text):
            run("bce", *args, attrs=[1])
