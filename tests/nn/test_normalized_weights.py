"""weight_norm, spectral_norm and orthogonal, of both kinds, against PyTorch."""

import copy
import warnings

import numpy as np
import pytest

import fastnn
from fastnn import nn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
BOUND = 1e-12

LAYERS = {
    "linear": (lambda T: T.nn.Linear(5, 4, dtype=T.float64), (3, 5)),
    "conv": (lambda T: T.nn.Conv2d(2, 4, 3, dtype=T.float64), (2, 2, 5, 6)),
    "transposed": (lambda T: T.nn.ConvTranspose1d(3, 4, 3, dtype=T.float64), (2, 3, 5)),
}


def carry(theirs, ours):
    state = theirs.state_dict()
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict({k: fastnn.tensor(v.numpy()) for k, v in state.items()})
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]


def step(T, module, shape):
    """One call and its gradients."""
    x = T.tensor(np.random.default_rng(0).standard_normal(shape), requires_grad=True)
    module.zero_grad()
    (module(x) ** 2).sum().backward()
    return [module(x).detach().numpy(), x.grad.numpy(),
            *[p.grad.numpy() for p in module.parameters()],
            *[b.numpy() for b in module.buffers()]]


def check(theirs, ours, shape):
    for a, b in zip(step(torch, theirs, shape), step(fastnn, ours, shape), strict=True):
        np.testing.assert_allclose(b, a, rtol=BOUND, atol=BOUND * max(1, np.abs(a).max()))


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("dim", [0, 1, None, -2])
@pytest.mark.parametrize("style", ["utils", "parametrizations"])
@pytest.mark.filterwarnings("ignore")
def test_weight_norm(style, dim, layer):
    if dim == -2 and style == "utils":
        dim = 1
    make, shape = LAYERS[layer]
    pair = []
    for T in (torch, fastnn):
        home = T.nn.utils if style == "utils" else T.nn.utils.parametrizations
        pair.append(home.weight_norm(make(T), dim=dim))
    carry(*pair)
    check(*pair, shape)
    if style == "utils":
        for T, module in zip((torch, fastnn), pair, strict=True):
            T.nn.utils.remove_weight_norm(module)
    else:
        assert repr(pair[1]) == repr(pair[0])
        for T, module in zip((torch, fastnn), pair, strict=True):
            T.nn.utils.parametrize.remove_parametrizations(module, "weight")
    assert set(pair[1].state_dict()) == {"weight", "bias"}
    check(*pair, shape)


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("options", [{}, {"n_power_iterations": 3}, {"dim": 1}], ids=str)
@pytest.mark.parametrize("style", ["utils", "parametrizations"])
@pytest.mark.filterwarnings("ignore")
def test_spectral_norm(style, options, layer):
    make, shape = LAYERS[layer]
    pair = []
    for T in (torch, fastnn):
        home = T.nn.utils if style == "utils" else T.nn.utils.parametrizations
        pair.append(home.spectral_norm(make(T), **options))
    carry(*pair)
    check(*pair, shape)
    for module in pair:
        module.eval()
    check(*pair, shape)
    if style == "utils":
        for T, module in zip((torch, fastnn), pair, strict=True):
            T.nn.utils.remove_spectral_norm(module)
        check(*pair, shape)


def test_spectral_norm_finds_the_largest_singular_value():
    m = nn.utils.parametrizations.spectral_norm(nn.Linear(6, 5), n_power_iterations=50)
    assert abs(np.linalg.svd(m.weight.detach().numpy())[1][0] - 1) < 1e-5


def test_old_keys_load_into_the_parametrization():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        old = nn.utils.weight_norm(nn.Linear(3, 2))
    new = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
    new.load_state_dict(old.state_dict())
    assert fastnn.allclose(new.weight, old.weight)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 4, 3)])
@pytest.mark.parametrize("how", ["matrix_exp", "cayley", "householder", None])
@pytest.mark.parametrize("trivial", [True, False])
def test_orthogonal(trivial, how, shape):
    class Holder:
        @staticmethod
        def make(T, value):
            m = T.nn.Module()
            m.weight = T.nn.Parameter(T.tensor(value))
            return m

    value = np.random.default_rng(0).standard_normal(shape)
    pair = [T.nn.utils.parametrizations.orthogonal(Holder.make(T, value), orthogonal_map=how,
                                                   use_trivialization=trivial)
            for T in (torch, fastnn)]
    carry(*pair)
    results = []
    for T, m in zip((torch, fastnn), pair, strict=True):
        with T.no_grad():
            parts = m.parametrizations.weight
            parts.original.add_(T.tensor(np.random.default_rng(1).uniform(-0.3, 0.3, shape)))
            if how == "householder" or (how is None and shape[-1] != shape[-2]):
                d = parts.original.diagonal(dim1=-2, dim2=-1)
                d.copy_(d.sign())
        w = m.weight
        (w * T.tensor(np.random.default_rng(2).standard_normal(shape))).sum().backward()
        results.append([w.detach().numpy(), m.parametrizations.weight.original.grad.numpy()])
    for a, b in zip(*results, strict=True):
        np.testing.assert_allclose(b, a, atol=1e-11)
    w = results[1][0] if shape[-2] >= shape[-1] else results[1][0].swapaxes(-1, -2)
    if trivial or how != "householder":
        eye = np.broadcast_to(np.eye(w.shape[-1]), (*w.shape[:-2], w.shape[-1], w.shape[-1]))
        np.testing.assert_allclose(w.swapaxes(-1, -2) @ w, eye, atol=1e-12)


class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).mT

    def right_inverse(self, x):
        return x.triu()


class Double(nn.Module):
    calls = 0

    def forward(self, x):
        Double.calls += 1
        return 2 * x


def test_a_parametrization_of_ones_own():
    P = nn.utils.parametrize
    m = nn.Linear(3, 3)
    weight, kind = m.weight, type(m)
    P.register_parametrization(m, "weight", Symmetric())
    assert P.is_parametrized(m) and P.is_parametrized(m, "weight") and isinstance(m, nn.Linear)
    assert m.parametrizations.weight.original is weight and (m.weight == m.weight.T).all()
    assert P.type_before_parametrizations(m) is kind
    P.register_parametrization(m, "weight", Double())
    m.weight.sum().backward()
    assert weight.grad.tolist() == (4 * fastnn.ones(3, 3).triu() - 2 * fastnn.eye(3)).tolist()
    twin = copy.deepcopy(m)
    assert fastnn.equal(twin.weight, m.weight)
    assert twin.parametrizations.weight.original is not weight
    with pytest.raises(RuntimeError, match="right_inverse"):
        m.weight = fastnn.eye(3)  # Double has none
    before = Double.calls
    with P.cached():
        assert m.weight is m.weight
    assert Double.calls == before + 1
    other = P.transfer_parametrizations_and_params(m, nn.Linear(3, 3))
    assert fastnn.equal(other.weight, m.weight)
    P.remove_parametrizations(m, "weight")
    assert type(m) is kind and m.weight is weight and not P.is_parametrized(m)


def test_assigning_inverts():
    m = nn.Linear(3, 3)
    nn.utils.parametrize.register_parametrization(m, "weight", Symmetric())
    full = fastnn.tensor([[1.0, 2, 3], [2, 4, 5], [3, 5, 6]])
    m.weight = full
    assert fastnn.equal(m.weight, full)
    nn.utils.parametrize.remove_parametrizations(m, "weight", leave_parametrized=False)
    assert fastnn.equal(m.weight, full.triu())


class Wider(nn.Module):
    def forward(self, x):
        return fastnn.cat([x, x])


@pytest.mark.parametrize("call, kind", [
    (lambda P: P.register_parametrization(nn.Linear(2, 2), "gain", Double()), ValueError),
    (lambda P: P.register_parametrization(nn.Linear(2, 2), "weight", Wider()), ValueError),
    (lambda P: P.remove_parametrizations(nn.Linear(2, 2), "weight"), ValueError),
    (lambda P: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), "bias"), ValueError),
    (lambda P: nn.utils.parametrizations.orthogonal(nn.Linear(2, 2), orthogonal_map="qr"),
     ValueError),
    (lambda P: nn.utils.parametrizations.spectral_norm(nn.Linear(2, 2), dim=3), IndexError),
    (lambda P: nn.utils.remove_weight_norm(nn.Linear(2, 2)), ValueError),
    (lambda P: nn.utils.remove_spectral_norm(nn.Linear(2, 2)), ValueError),
    (lambda P: nn.utils.spectral_norm(nn.Linear(2, 2), n_power_iterations=0), ValueError)])
def test_refusals(call, kind):
    with pytest.raises(kind):
        call(nn.utils.parametrize)
