"""func and special against PyTorch."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
A, B = np.random.default_rng(0).standard_normal((2, 4))
M = np.random.default_rng(1).standard_normal((3, 4))


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
    "jacrev with aux": lambda T: T.func.jacrev(lambda x: (x ** 2, x.sum()), has_aux=True)(
        T.tensor(A)),
    "jacfwd": lambda T: T.func.jacfwd(lambda x, y: x * y.sin(), 1)(T.tensor(A), T.tensor(B)),
    "jvp": lambda T: T.func.jvp(lambda x: x ** 3, (T.tensor(A),), (T.tensor(B),)),
    "jvp of two": lambda T: T.func.jvp(lambda x, y: x * y, (T.tensor(A), T.tensor(B)),
                                       (T.tensor(B), T.tensor(A))),
    "jvp with aux": lambda T: T.func.jvp(lambda x: (x ** 2, x + 1), (T.tensor(A),), (T.tensor(B),),
                                         has_aux=True),
    "vmap": lambda T: T.vmap(T.dot, in_dims=(1, 0))(T.tensor(M.T), T.tensor(M)),
    "vmap out": lambda T: T.vmap(lambda x: (x, x.sum()), out_dims=(1, 0))(T.tensor(M)),
    "vmap of vmap": lambda T: T.vmap(T.vmap(lambda x, y: x * y), in_dims=(0, None))(
        T.tensor(M), T.tensor(A)),
    "vmap of grad": lambda T: T.vmap(T.func.grad(lambda w, x: (w["a"] * x).sum() ** 2), (None, 0))(
        {"a": T.tensor(A)}, T.tensor(M)),
    "vmap of dicts": lambda T: T.vmap(
        lambda d: {"y": d["x"] + d["c"]}, in_dims=({"x": 0, "c": None},))(
            {"x": T.tensor(M), "c": T.tensor(A)}),
    "grad of vmap": lambda T: T.func.grad(lambda x: T.vmap(T.sum)(x ** 2).prod())(T.tensor(M)),
    "vmap of keywords": lambda T: T.vmap(lambda x, k: x * k)(T.tensor(M), k=T.tensor(A)),
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


def test_ensembles_and_random_numbers():
    models = [fastnn.nn.BatchNorm1d(2) for _ in range(3)]
    for i, m in enumerate(models):
        m.weight.data.fill_(i)
    params, buffers = fastnn.func.stack_module_state(models)
    assert params["weight"].shape == (3, 2) and params["weight"].requires_grad
    assert buffers["num_batches_tracked"].shape == (3,)
    y = fastnn.vmap(lambda p, b, x: fastnn.func.functional_call(models[0].eval(), (p, b), (x,)),
                    in_dims=(0, 0, None))(params, buffers, fastnn.ones(4, 2))
    assert y.shape == (3, 4, 2) and y[0].abs().sum() == 0
    x = fastnn.zeros(5)
    for kind, distinct in (("same", 1), ("different", 5)):
        drawn = fastnn.vmap(lambda t: t + fastnn.rand(()), randomness=kind)(x)
        assert len(set(drawn.tolist())) == distinct


@pytest.mark.parametrize("call", [
    lambda T: T.vmap(T.dot)(T.ones(2, 3), T.ones(3, 3)),
    lambda T: T.vmap(T.dot, in_dims=None)(T.ones(2), T.ones(2)),
    lambda T: T.vmap(T.dot, in_dims=(0,))(T.ones(2, 3), T.ones(2, 3)),
    lambda T: T.vmap(lambda x: 1.0)(T.ones(2)),
    lambda T: T.vmap(T.sum, randomness="none")(T.ones(2))])
def test_refused_maps(call):
    with pytest.raises(Exception) as want:
        call(torch)
    with pytest.raises(want.type):
        call(fastnn)


@pytest.mark.parametrize("name", ["i0", "i0e", "i1", "i1e"])
def test_bessel_functions(name):
    at = [-50.0, -30.5, -29.5, -3.0, -0.1, 0.0, 1e-3, 0.5, 2.0, 29.9, 30.1, 100.0]
    found = []
    for T in (torch, fastnn):
        x = T.tensor(at, dtype=T.float64, requires_grad=True)
        y = getattr(T.special, name)(x)
        y.sum().backward()
        found.append([np.array(y.tolist()), np.array(x.grad.tolist())])
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=4e-15)
    # the derivative of i0e is a difference of nearly equal numbers, 2 x of their size apart
    np.testing.assert_allclose(found[1][1], found[0][1], rtol=1e-12)
    if name == "i0":
        assert fastnn.tensor([1, 2]).i0().dtype == fastnn.float32
        assert fastnn.tensor([0.0]).i0_().item() == 1
