"""Every optimizer and option against PyTorch's, from the same weights and gradients."""

import copy

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
SHAPES = [(3, 4), (5,), (2, 3, 2), ()]

CASES = {
    "SGD": [
        {"lr": 0.1},
        {"lr": 0.1, "weight_decay": 0.05, "maximize": True},
        {"lr": 0.1, "momentum": 0.9},
        {"lr": 0.1, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1},
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "maximize": True},
    ],
    "Adam": [
        {},
        {"lr": 0.01, "betas": (0.8, 0.95), "eps": 1e-3},
        {"lr": 0.01, "weight_decay": 0.1, "amsgrad": True},
        {"lr": 0.01, "weight_decay": 0.1, "decoupled_weight_decay": True, "maximize": True},
    ],
    "AdamW": [{}, {"lr": 0.02, "weight_decay": 0.3}, {"amsgrad": True, "maximize": True}],
    "RMSprop": [
        {},
        {"alpha": 0.9, "weight_decay": 0.1, "maximize": True},
        {"centered": True},
        {"momentum": 0.7},
        {"centered": True, "momentum": 0.7, "eps": 1e-4},
    ],
    "Adagrad": [
        {},
        {"lr_decay": 0.1, "weight_decay": 0.1},
        {"initial_accumulator_value": 0.5, "maximize": True, "eps": 1e-3},
    ],
    "Adadelta": [{}, {"rho": 0.5, "weight_decay": 0.1, "lr": 0.5}, {"maximize": True}],
    "Adamax": [{}, {"weight_decay": 0.1, "betas": (0.7, 0.9)}, {"maximize": True}],
    "NAdam": [
        {},
        {"weight_decay": 0.1, "momentum_decay": 0.01, "maximize": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    "RAdam": [
        {},
        {"weight_decay": 0.1, "betas": (0.8, 0.99), "maximize": True},
        {"weight_decay": 0.1, "decoupled_weight_decay": True},
    ],
    "ASGD": [{}, {"lr": 0.1, "t0": 20, "lambd": 0.01}, {"weight_decay": 0.1, "maximize": True}],
    "Rprop": [{}, {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)}, {"maximize": True}],
    "Adafactor": [
        {},
        {"lr": 0.1, "weight_decay": 0.1, "maximize": True},
        {"eps": (1e-6, 1e-2), "d": 1.5, "beta2_decay": -0.5},
    ],
}
ALL = [(name, i) for name, options in CASES.items() for i in range(len(options))]


def problem(dtype):
    """Weights, and a gradient for each step and weight (None where it has none)."""
    r = np.random.default_rng(7)
    weights = [r.standard_normal(s).astype(dtype) for s in SHAPES]
    grads = [
        [None if (step + 2 * i) % 7 == 0 else np.asarray(r.standard_normal(s), dtype)
         for i, s in enumerate(SHAPES)]
        for step in range(STEPS)
    ]
    return weights, grads


def make(lib, name, options, weights):
    params = [lib.tensor(w).requires_grad_() for w in weights]
    return params, getattr(lib.optim, name)(params, **options)


def advance(lib, params, optimizer, grads):
    for step in grads:
        for p, g in zip(params, step, strict=True):
            p.grad = None if g is None else lib.tensor(g)
        optimizer.step()


def values(params):
    return [p.detach().numpy().astype(np.float64) for p in params]


@pytest.mark.parametrize(("name", "case"), ALL)
def test_float64_equals_torch(name, case):
    weights, grads = problem(np.float64)
    ends, states = [], []
    for lib in (fastnn, torch):
        params, optimizer = make(lib, name, CASES[name][case], weights)
        advance(lib, params, optimizer, grads)
        ends.append(values(params))
        states.append(optimizer.state_dict())
    for ours, theirs in zip(*ends, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)
    assert states[0]["param_groups"] == states[1]["param_groups"]
    assert states[0]["state"].keys() == states[1]["state"].keys()
    for index, theirs in states[1]["state"].items():
        ours = states[0]["state"][index]
        assert ours.keys() == theirs.keys()
        for key, value in theirs.items():
            assert str(ours[key].dtype).split(".")[1] == str(value.dtype).split(".")[1]
            np.testing.assert_allclose(
                np.array(ours[key].tolist()), value.numpy(), rtol=1e-7 if value.ndim == 0 else 1e-9,
                atol=1e-12,
            )


@pytest.mark.parametrize(("name", "case"), ALL)
def test_float32_is_as_close_to_float64_as_torchs(name, case):
    """At most twice torch's own distance, plus four roundings of the weights."""
    options = CASES[name][case]
    weights, grads = problem(np.float32)
    exact = [w.astype(np.float64) for w in weights]
    wide = [[None if g is None else g.astype(np.float64) for g in step] for step in grads]
    params, optimizer = make(torch, name, options, exact)
    advance(torch, params, optimizer, wide)
    reference = values(params)
    errors = []
    for lib in (fastnn, torch):
        params, optimizer = make(lib, name, options, weights)
        advance(lib, params, optimizer, grads)
        pairs = zip(values(params), reference, strict=True)
        errors.append(max(np.abs(a - b).max() for a, b in pairs))
    size = max(np.abs(w).max() for w in reference)
    assert errors[0] <= 2 * errors[1] + 4 * 2.0**-24 * size


@pytest.mark.parametrize("name", CASES)
def test_states_travel_from_torch(name):
    """Fifty steps there, fifty here, equal a hundred there."""
    options = CASES[name][-1]
    weights, grads = problem(np.float64)
    params, optimizer = make(torch, name, options, weights)
    advance(torch, params, optimizer, grads[:50])
    state = copy.deepcopy(optimizer.state_dict())
    for entry in state["state"].values():
        for key, value in entry.items():
            entry[key] = fastnn.tensor(value.numpy())
    ours, resumed = make(fastnn, name, options, [p.detach().numpy() for p in params])
    resumed.load_state_dict(state)
    advance(fastnn, ours, resumed, grads[50:])
    advance(torch, params, optimizer, grads[50:])
    for a, b in zip(values(ours), values(params), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


LBFGS = [
    {},
    {"lr": 0.5, "max_iter": 5, "history_size": 3},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "lr": 10.0, "max_iter": 7, "history_size": 2},
    {"line_search_fn": "strong_wolfe", "lr": 1e-3, "max_eval": 11},
]


@pytest.mark.parametrize("options", LBFGS)
def test_lbfgs_on_rosenbrock(options):
    """The losses of six calls. Rounding is amplified by the curvature, hence 1e-6."""

    def losses(lib):
        x = lib.tensor(np.array([-1.2, 1.0, 0.7])).requires_grad_()
        optimizer = lib.optim.LBFGS([x], **{"lr": 0.1 if not options else 1, **options})

        def closure():
            optimizer.zero_grad()
            a, b = x[:-1], x[1:]
            loss = (100 * (b - a * a) ** 2 + (1 - a) ** 2).sum()
            loss.backward()
            return loss

        seen = [float(optimizer.step(closure).detach()) for _ in range(6)]
        state = optimizer.state_dict()["state"][0]
        return seen, state["n_iter"], state["func_evals"]

    ours, theirs = losses(fastnn), losses(torch)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=1e-6, atol=1e-12)
    assert ours[1:] == theirs[1:]


@pytest.mark.parametrize("adjust", [None, "match_rms_adamw"])
@pytest.mark.parametrize("shape", [(4, 9), (9, 4)])
def test_muon(shape, adjust):
    """torch iterates in bfloat16: each of its 5 steps rounds to 2**-8, so the directions agree

    to some 5 %, and after ten steps of size lr = 0.02 the weights to 0.05 * 0.02 * 10 * k.
    """
    r = np.random.default_rng(0)
    weight = r.standard_normal(shape).astype(np.float32)
    grads = [r.standard_normal(shape).astype(np.float32) for _ in range(10)]
    ends = []
    for lib in (fastnn, torch):
        params, optimizer = make(lib, "Muon", {"lr": 0.02, "adjust_lr_fn": adjust}, [weight])
        advance(lib, params, optimizer, [[g] for g in grads])
        ends.append(values(params)[0])
    np.testing.assert_allclose(*ends, atol=0.05 * 0.02 * 10 * 1.5)
