"""Training curves: the same net, weights and batches give PyTorch's losses, step by step."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True, scope="module")
def one_thread_for_torch():
    """Its threads spin, which costs seconds where cores are shared; its limit binds ours too."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


STEPS = 100
SIZES = (6, 16, 12, 3)
OPTIMIZERS = {
    "SGD": {"lr": 0.1},
    "SGD momentum": {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 1e-3},
    "Adam": {"lr": 5e-3},
    "Adam amsgrad": {"lr": 5e-3, "amsgrad": True, "weight_decay": 1e-2},
    "AdamW": {"lr": 5e-3},
    "RMSprop": {"lr": 1e-3},
    "RMSprop centered": {"lr": 1e-3, "centered": True, "momentum": 0.5},
    "Adagrad": {"lr": 0.05},
    "Adadelta": {"lr": 1.0},
    "Adamax": {"lr": 5e-3},
    "NAdam": {"lr": 5e-3},
    "RAdam": {"lr": 5e-3},
    "ASGD": {"lr": 0.1},
    "Rprop": {"lr": 1e-3},
    "Adafactor": {"lr": 0.02},
}


def problem():
    r = np.random.default_rng(5)
    weights = []
    for fan_in, fan_out in zip(SIZES, SIZES[1:], strict=False):
        weights += [r.standard_normal((fan_out, fan_in)) / fan_in**0.5, np.zeros(fan_out)]
    x = r.standard_normal((8, 32, SIZES[0]))
    y = (x @ r.standard_normal((SIZES[0], 3))).argmax(-1)
    return weights, x, y


def curve(lib, name, options, dtype):
    """The losses of a tanh net under one of the optimizers."""
    nn = lib.nn
    layers = [nn.Linear(a, b) for a, b in zip(SIZES, SIZES[1:], strict=False)]
    model = nn.Sequential(layers[0], nn.Tanh(), layers[1], nn.Tanh(), layers[2])
    if dtype == np.float64:
        model.double()
    weights, x, y = problem()
    with lib.no_grad():
        for p, w in zip(model.parameters(), weights, strict=True):
            p.copy_(lib.tensor(w.astype(dtype)))
    batches = [(lib.tensor(a.astype(dtype)), lib.tensor(b)) for a, b in zip(x, y, strict=True)]
    optimizer = getattr(lib.optim, name.split()[0])(model.parameters(), **options)
    if name == "Rprop":  # made for one batch, over and over
        batches = batches[:1]
    losses = []
    for step in range(STEPS):
        data, target = batches[step % len(batches)]
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(data), target)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float64_curve_is_torchs(name):
    ours = curve(fastnn, name, OPTIMIZERS[name], np.float64)
    theirs = curve(torch, name, OPTIMIZERS[name], np.float64)
    assert ours[-8:].mean() < 0.8 * ours[:8].mean()
    # a loss near 0 is a difference of terms near 1: a few of their roundings
    np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=8 * 2.0**-53)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_float32_curve_is_as_near_as_torchs(name):
    """Twice torch's own distance from its float64 curve, plus four roundings of the loss."""
    options = OPTIMIZERS[name]
    exact = curve(torch, name, options, np.float64)
    ours = np.abs(curve(fastnn, name, options, np.float32) - exact).max()
    theirs = np.abs(curve(torch, name, options, np.float32) - exact).max()
    assert ours <= 2 * theirs + 4 * 2.0**-24 * exact.max()
