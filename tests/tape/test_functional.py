"""autograd.functional against PyTorch."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
R = np.random.default_rng(0)
A, B, M = R.standard_normal(3), R.standard_normal(3), R.standard_normal((2, 2))

FUNCTIONS = {
    "one to one": (lambda x: x ** 3, (A,), (B,), (B,)),
    "one to many": (lambda x: (x.sin(), x.sum()), (A,), (B, np.array(0.7)), (B,)),
    "many to one": (lambda x, y: x * y.exp(), (A, B), (A,), (B, A)),
    "many to many": (lambda x, m: (x[:2] @ m, x * 2), (A, M), (B[:2], A), (B, M)),
    "unused": (lambda x, y: x * 2, (A, B), (A,), (A, B)),
    "constant": (lambda x: x.detach() * 1, (A,), (A,), (A,)),
}
SCALARS = {
    "one": (lambda x: (x ** 4).sum(), (A,), (B,)),
    "two": (lambda x, y: (x * y.exp()).sum() + (x ** 3).sum(), (A, B), (B, A)),
    "matrix": (lambda m: (m @ m).pow(2).sum(), (M,), (M.T.copy(),)),
    "linear": (lambda x: x.sum(), (A,), (B,)),
}


def given(T, values):
    made = tuple(T.tensor(v) for v in values)
    return made[0] if len(made) == 1 else made


def flat(T, value):
    if isinstance(value, T.Tensor):
        return [np.array(value.detach().tolist())]
    return [a for v in value for a in flat(T, v)]


def same(call):
    want, got = (flat(T, call(T, T.autograd.functional)) for T in (torch, fastnn))
    assert len(want) == len(got)
    for a, b in zip(want, got, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=1e-11, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_products_with_jacobians(name):
    f, inputs, left, right = FUNCTIONS[name]
    if name != "constant":  # of which PyTorch's vjp wants a graph
        same(lambda T, F: F.vjp(f, given(T, inputs), given(T, left)))
        same(lambda T, F: F.jvp(f, given(T, inputs), given(T, right)))
    same(lambda T, F: F.jacobian(f, given(T, inputs)))


@pytest.mark.parametrize("name", SCALARS)
def test_hessians(name):
    f, inputs, v = SCALARS[name]
    same(lambda T, F: F.hessian(f, given(T, inputs)))
    same(lambda T, F: F.vhp(f, given(T, inputs), given(T, v)))
    same(lambda T, F: F.hvp(f, given(T, inputs), given(T, v)))


def test_create_graph():
    def call(T, F):
        x = T.tensor(A, requires_grad=True)
        j = F.jacobian(lambda x: x ** 3, x, create_graph=True)
        (g,) = T.autograd.grad(j.sum(), [x])
        return j, g
    same(call)


@pytest.mark.parametrize("call", [
    lambda T, F: F.vjp(lambda x: x * 2, T.ones(3)),
    lambda T, F: F.vjp(lambda x: x * 2, T.ones(3), T.ones(2)),
    lambda T, F: F.hessian(lambda x: x * 2, T.ones(3)),
    lambda T, F: F.jacobian(lambda x: x * 2, 3.0),
    lambda T, F: F.jacobian(lambda x, y: x * 2, (T.ones(2), T.ones(2)), strict=True)])
def test_refusals_are_of_torchs_kind(call):
    with pytest.raises(Exception) as want:
        call(torch, torch.autograd.functional)
    with pytest.raises(want.type):
        call(fastnn, fastnn.autograd.functional)
