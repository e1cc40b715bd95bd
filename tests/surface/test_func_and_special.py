"""func and special against PyTorch."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
A, B = np.random.default_rng(0).standard_normal((2, 4))


def flat(T, value):
    if isinstance(value, T.Tensor):
        return [np.array(value.detach().tolist())]
    values = value.values() if isinstance(value, dict) else value
    return [a for v in values for a in flat(T, v)]


CALLS = {
    "grad": lambda T: T.func.grad(lambda x: (x ** 3).sum())(T.tensor(A)),
    "grad of grad": lambda T: T.func.grad(lambda x: T.func.grad(
        lambda y: (y ** 4).sum())(x).sum())(T.tensor(A)),
    "argnums": lambda T: T.func.grad(lambda x, y: (x * y.exp()).sum(), (0, 1))(T.tensor(A),
                                                                                T.tensor(B)),
    "dict": lambda T: T.func.grad(lambda p, x: (p["w"] * x + p["b"]).pow(2).sum())(
        {"w": T.tensor(A), "b": T.tensor(B)}, T.tensor(B)),
    "aux": lambda T: T.func.grad(lambda x: (x.sum(), x * 2), has_aux=True)(T.tensor(A)),
    "value": lambda T: T.func.grad_and_value(lambda x: x.exp().sum())(T.tensor(A)),
    "vjp": lambda T: T.func.vjp(lambda x: x.sin(), T.tensor(A))[1](T.tensor(B)),
    "jacrev": lambda T: T.func.jacrev(lambda x: x ** 2)(T.tensor(A)),
    "jacrev of the second": lambda T: T.func.jacrev(lambda x, y: x * y, 1)(T.tensor(A),
                                                                           T.tensor(B)),
    "hessian": lambda T: T.func.hessian(lambda x: (x ** 3).sum())(T.tensor(A)),
}


@pytest.mark.parametrize("name", CALLS)
def test_func(name):
    for want, got in zip(*(flat(T, CALLS[name](T)) for T in (torch, fastnn)), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-13)


def test_functional_call():
    m = fastnn.nn.Linear(2, 1)
    params = {k: fastnn.zeros_like(v) for k, v in m.named_parameters()}
    assert fastnn.func.functional_call(m, params, (fastnn.ones(1, 2),)).item() == 0
    g = fastnn.func.grad(lambda p: fastnn.func.functional_call(m, p, fastnn.ones(3, 2)).sum())(
        params)
    assert g["weight"].tolist() == [[3, 3]] and g["bias"].tolist() == [3]


NAMES = ["digamma", "entr", "erf", "erfc", "erfinv", "exp2", "expit", "expm1", "gammaln", "log1p",
         "log_ndtr", "logit", "ndtr", "ndtri", "psi", "round", "sinc"]


@pytest.mark.parametrize("name", NAMES)
def test_special(name):
    results = []
    for T in (torch, fastnn):
        x = T.tensor(np.linspace(0.05, 0.95, 12), requires_grad=True)
        y = getattr(T.special, name)(x)
        y.sum().backward()
        results.append([y.detach().numpy(), np.array(x.grad.tolist())])
    near = 1e-8 if name in ("digamma", "psi") else 1e-11
    for want, got in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=near, atol=1e-12)


def test_ends():
    x = np.array([-40.0, -10.1, -9.9, -5.0, 0.0, 3.0])
    want = torch.special.log_ndtr(torch.tensor(x)).numpy()
    np.testing.assert_allclose(fastnn.special.log_ndtr(fastnn.tensor(x)).numpy(), want, rtol=1e-10)
    for name, a, b in (("xlog1py", [0.0, 2.0], [-1.0, 1.5]), ("xlogy", [0.0, 2.0], [0.0, 1.5])):
        got = getattr(fastnn.special, name)(fastnn.tensor(a), fastnn.tensor(b)).tolist()
        assert got == pytest.approx(getattr(torch.special, name)(torch.tensor(a),
                                                                 torch.tensor(b)).tolist())
    assert fastnn.special.entr(fastnn.tensor([-1.0, 0.0])).tolist() == [-np.inf, 0]
