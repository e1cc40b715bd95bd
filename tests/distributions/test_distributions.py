"""Distributions: figures against PyTorch, samples against their own figures, gradients."""

import math

import numpy as np
import pytest

import fastnn
from fastnn import distributions as D
from fastnn.autograd import gradcheck

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
R = np.random.default_rng(0)


def pos(*shape):
    return R.uniform(0.3, 3, shape)


def real(*shape):
    return R.standard_normal(shape)


def prob(*shape):
    return R.uniform(0.1, 0.9, shape)


def simplex(*shape):
    x = pos(*shape)
    return x / x.sum(-1, keepdims=True)


def lower(n):
    return np.tril(0.3 * real(n, n), -1) + np.diag(pos(n))


LOW = lower(3)
# name -> parameters, another set of them, values
CASES = {
    "Normal": [{"loc": real(3), "scale": pos(3)}, {"loc": real(3), "scale": pos(3)}, real(4, 3)],
    "LogNormal": [{"loc": real(3), "scale": pos(3)}, {"loc": real(3), "scale": pos(3)}, pos(3)],
    "Uniform": [{"low": np.zeros(3), "high": pos(3) + 3}, {"low": -pos(3), "high": pos(3) + 7},
                pos(3)],
    "Exponential": [{"rate": pos(3)}, {"rate": pos(3)}, pos(4, 3)],
    "Laplace": [{"loc": real(3), "scale": pos(3)}, {"loc": real(3), "scale": pos(3)}, real(3)],
    "Gamma": [{"concentration": pos(3), "rate": pos(3)}, {"concentration": pos(3),
                                                          "rate": pos(3)}, pos(4, 3)],
    "Chi2": [{"df": pos(3)}, {"df": pos(3)}, pos(3)],
    "Beta": [{"concentration1": pos(3), "concentration0": pos(3)},
             {"concentration1": pos(3), "concentration0": pos(3)}, prob(3)],
    "Dirichlet": [{"concentration": pos(2, 4)}, {"concentration": pos(2, 4)}, simplex(2, 4)],
    "Bernoulli": [{"probs": prob(3)}, {"logits": real(3)}, np.array([0.0, 1.0, 1.0])],
    "Geometric": [{"probs": prob(3)}, {"logits": real(3)}, np.array([0.0, 3.0, 1.0])],
    "Categorical": [{"probs": pos(2, 4)}, {"logits": real(2, 4)}, np.array([[3, 0], [1, 2]])],
    "OneHotCategorical": [{"probs": pos(2, 4)}, {"logits": real(2, 4)}, np.eye(4)[[1, 3]]],
    "Multinomial": [{"total_count": 5, "probs": pos(2, 3)}, {"total_count": 5,
                                                             "logits": real(2, 3)},
                    np.array([[2.0, 3, 0], [1, 1, 3]])],
    "Poisson": [{"rate": pos(3)}, {"rate": pos(3)}, np.array([0.0, 2, 5])],
    "MultivariateNormal": [{"loc": real(2, 3), "scale_tril": LOW},
                           {"loc": real(3), "covariance_matrix": LOW @ LOW.T + np.eye(3)},
                           real(4, 2, 3)],
    "Cauchy": [{"loc": real(3), "scale": pos(3)}, {"loc": real(3), "scale": pos(3)}, real(4, 3)],
    "HalfCauchy": [{"scale": pos(3)}, {"scale": pos(3)}, pos(4, 3)],
    "HalfNormal": [{"scale": pos(3)}, {"scale": pos(3)}, pos(4, 3)],
    "Gumbel": [{"loc": real(3), "scale": pos(3)}, {"loc": real(3), "scale": pos(3)}, real(4, 3)],
    "Weibull": [{"scale": pos(3), "concentration": 1 + pos(3)},
                {"scale": pos(3), "concentration": pos(3)}, pos(4, 3)],
    "Pareto": [{"scale": pos(3), "alpha": 5 + pos(3)}, {"scale": pos(3), "alpha": pos(3)},
               4 + pos(4, 3)],
    "InverseGamma": [{"concentration": 5 + pos(3), "rate": pos(3)},
                     {"concentration": pos(3), "rate": pos(3)}, pos(4, 3)],
    "Kumaraswamy": [{"concentration1": pos(3), "concentration0": pos(3)},
                    {"concentration1": 1 + pos(3), "concentration0": 1 + pos(3)}, prob(4, 3)],
    "LogisticNormal": [{"loc": real(2, 3), "scale": pos(2, 3)},
                       {"loc": real(2, 3), "scale": pos(2, 3)}, simplex(2, 4)],
    "StudentT": [{"df": 5 + pos(3), "loc": real(3), "scale": pos(3)},
                 {"df": np.array([0.7, 1.5, 2.5]), "loc": real(3), "scale": pos(3)}, real(4, 3)],
    "FisherSnedecor": [{"df1": 5 + pos(3), "df2": 12 + pos(3)}, {"df1": pos(3), "df2": pos(3)},
                       pos(4, 3)],
    "Binomial": [{"total_count": 6, "probs": prob(3)}, {"total_count": 6, "logits": real(3)},
                 np.array([0.0, 4, 6])],
    "NegativeBinomial": [{"total_count": pos(3), "probs": prob(3)},
                         {"total_count": pos(3), "logits": real(3)}, np.array([0.0, 2, 5])],
    "OneHotCategoricalStraightThrough": [{"probs": pos(2, 4)}, {"logits": real(2, 4)},
                                         np.eye(4)[[1, 3]]],
    "RelaxedBernoulli": [{"temperature": np.array(0.7), "probs": prob(3)},
                         {"temperature": np.array(2.0), "logits": real(3)}, prob(4, 3)],
    "RelaxedOneHotCategorical": [{"temperature": np.array(0.7), "probs": pos(2, 4)},
                                 {"temperature": np.array(2.0), "logits": real(2, 4)},
                                 simplex(3, 2, 4)],
    "LowRankMultivariateNormal": [
        {"loc": real(2, 3), "cov_factor": real(3, 2), "cov_diag": pos(3)},
        {"loc": real(3), "cov_factor": real(3, 1), "cov_diag": pos(3)}, real(4, 2, 3)],
}
FIGURES = ["mean", "variance", "stddev", "mode"]


def made(T, name, parameters, grad=False):
    given = {k: T.tensor(v, requires_grad=grad) if isinstance(v, np.ndarray) else v
             for k, v in parameters.items()}
    return getattr(T.distributions, name)(**given), given


def array(x):
    return np.array(x.detach().tolist())


def try_both(call):
    """The figure of both engines; None where PyTorch has none."""
    try:
        want = call(torch)
    except NotImplementedError:
        return None
    return array(want), array(call(fastnn))


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("name", CASES)
def test_figures(name, which):
    parameters, values = CASES[name][which], CASES[name][2]
    calls = {f: lambda T, f=f: getattr(made(T, name, parameters)[0], f) for f in FIGURES}
    calls["entropy"] = lambda T: made(T, name, parameters)[0].entropy()
    calls["perplexity"] = lambda T: made(T, name, parameters)[0].perplexity()
    for f in ("log_prob", "cdf"):
        calls[f] = lambda T, f=f: getattr(made(T, name, parameters)[0], f)(T.tensor(values))
    calls["icdf"] = lambda T: made(T, name, parameters)[0].icdf(T.tensor(prob(3) * 0 + 0.3))
    near = 1e-7 if name == "Multinomial" else 1e-10  # PyTorch takes a logarithm in float32 there
    for f, call in calls.items():
        both = try_both(call)
        if (name, f) == ("Kumaraswamy", "mode"):
            continue  # PyTorch's is NaN
        if both is not None:
            np.testing.assert_allclose(both[1], both[0], rtol=near, atol=1e-12, err_msg=f)
    there, here = (made(T, name, parameters)[0] for T in (torch, fastnn))
    for f in ("batch_shape", "event_shape"):
        assert tuple(getattr(there, f)) == tuple(getattr(here, f))
    assert there.support.event_dim == here.support.event_dim
    assert there.support.is_discrete == here.support.is_discrete
    assert there.has_rsample == here.has_rsample
    assert there.has_enumerate_support == here.has_enumerate_support
    wider = [tuple(d.expand((5, *d.batch_shape)).batch_shape) for d in (there, here)]
    assert wider[0] == wider[1]
    values = here.expand((5, *here.batch_shape)).sample((2,))
    assert tuple(values.shape) == (2, 5, *here.batch_shape, *here.event_shape)


@pytest.mark.parametrize("name", [n for n in CASES if n != "Multinomial"])
def test_divergences(name):
    first, second, _ = CASES[name]
    results = []
    try:
        torch.distributions.kl_divergence(made(torch, name, first)[0],
                                          made(torch, name, second)[0])
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            D.kl_divergence(made(fastnn, name, first)[0], made(fastnn, name, second)[0])
        return
    for T in (torch, fastnn):
        p, a = made(T, name, first, True)
        q, b = made(T, name, second, True)
        kl = T.distributions.kl_divergence(p, q)
        kl.sum().backward()
        results.append([array(kl), *[array(x.grad) for x in [*a.values(), *b.values()]
                                     if isinstance(x, T.Tensor)]])
    for want, got in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_gradients_of_log_prob(name):
    parameters, _, values = CASES[name]
    results = []
    for T in (torch, fastnn):
        d, given = made(T, name, parameters, True)
        d.log_prob(T.tensor(values)).sum().backward()
        results.append([array(x.grad) for x in given.values() if isinstance(x, T.Tensor)])
    for want, got in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


# Their moments are not there, or are infinite.
NO_MOMENTS = ["Cauchy", "HalfCauchy", "LogisticNormal", "RelaxedBernoulli",
              "RelaxedOneHotCategorical"]


@pytest.mark.parametrize("name", [n for n in CASES if n not in NO_MOMENTS])
def test_samples_have_their_distributions_moments(name):
    n = 40000
    fastnn.manual_seed(1)
    d, _ = made(fastnn, name, CASES[name][0])
    x = d.sample((n,))
    assert tuple(x.shape) == (n, *d.batch_shape, *d.event_shape)
    if name == "Categorical":
        x, mean, spread = (x == 1).double(), d.probs[:, 1], (d.probs * (1 - d.probs))[:, 1]
    else:
        mean, spread = d.mean, d.variance
    error = 5 * array(spread) ** 0.5 / n**0.5  # five standard deviations of a mean
    assert (abs(array(x.double().mean(0)) - array(mean)) <= error).all()
    d._validate_sample(d.sample((7,)))


@pytest.mark.parametrize("name", [n for n in CASES if n not in NO_MOMENTS and
                                  made(fastnn, n, CASES[n][0])[0].has_rsample])
def test_samples_are_differentiable(name):
    """d/dparameter of the samples' mean is that of the distribution's mean."""
    n = 60000
    fastnn.manual_seed(2)
    d, given = made(fastnn, name, CASES[name][0], True)
    d.rsample((n,)).mean(0).sum().backward()
    got = [None if x.grad is None else array(x.grad) for x in given.values()]
    e, again = made(fastnn, name, CASES[name][0], True)
    total = e.mean.sum() if name != "Dirichlet" else e.mean.sum()
    total.backward()
    want = [None if x.grad is None else array(x.grad) for x in again.values()]
    for a, b in zip(got, want, strict=True):
        if a is not None:
            # a heavy tail (LogNormal) makes means of 60,000 uncertain to some 5 %
                np.testing.assert_allclose(a, np.zeros_like(a) if b is None else b, rtol=0.1,
                                           atol=0.25)


@pytest.mark.parametrize("a", [0.05, 0.5, 1.0, 3.0, 30.0, 300.0, 2000.0])
def test_slope_of_gamma_samples(a):
    from fastnn.distributions.gamma import _slope

    scipy = pytest.importorskip("scipy.special", reason="SciPy inverts the gamma distribution")
    for p in (0.01, 0.2, 0.5, 0.9, 0.99):
        h = 1e-5 * a
        x = scipy.gammaincinv(a, p)
        want = (scipy.gammaincinv(a + h, p) - scipy.gammaincinv(a - h, p)) / (2 * h)
        near = 1e-2 if a > 500 else 1e-5
        np.testing.assert_allclose(_slope(np.array([a]), np.array([x])), [want], rtol=near)


def test_programs_of_textbooks():
    fastnn.manual_seed(0)
    logits = fastnn.zeros(5, 3, requires_grad=True)
    policy = D.Categorical(logits=logits)
    action = policy.sample()
    assert action.dtype == fastnn.int64 and action.shape == (5,)
    (-policy.log_prob(action) * 2.0).sum().backward()
    assert logits.grad.sum().abs().item() < 1e-5
    q = D.Normal(fastnn.zeros(4, 2), fastnn.ones(4, 2) * 0.5)
    p = D.Independent(D.Normal(fastnn.zeros(4, 2), fastnn.ones(4, 2)), 1)
    kl = D.kl_divergence(D.Independent(q, 1), p)
    assert kl.shape == (4,) and p.log_prob(q.rsample()).shape == (4,)
    assert q.expand((3, 4, 2)).sample().shape == (3, 4, 2)
    assert D.Categorical(logits=logits).enumerate_support().shape == (3, 5)


def test_reprs():
    for name, parameters in (("Normal", {"loc": 0.0, "scale": 1.0}),
                             ("Gamma", {"concentration": 2.0, "rate": 1.0})):
        ours = repr(getattr(D, name)(**parameters))
        assert ours == repr(getattr(torch.distributions, name)(**parameters))
    assert "torch.Size([3])".replace("torch.Size", "") in repr(D.Normal(
        fastnn.zeros(3), fastnn.ones(3))).replace("fastnn.Size", "").replace("Size", "")


@pytest.mark.parametrize("call", [
    lambda T: T.distributions.Normal(T.zeros(2), T.tensor([1.0, -1.0])),
    lambda T: T.distributions.Normal(T.zeros(2), T.ones(2)).log_prob(T.zeros(3)),
    lambda T: T.distributions.Bernoulli(T.tensor([0.5, 1.5])),
    lambda T: T.distributions.Bernoulli(),
    lambda T: T.distributions.Bernoulli(T.tensor([0.5])).log_prob(T.tensor([0.3])),
    lambda T: T.distributions.Categorical(T.ones(3)).log_prob(T.tensor([3])),
    lambda T: T.distributions.Categorical(T.tensor(0.5)),
    lambda T: T.distributions.Uniform(T.ones(2), T.zeros(2)),
    lambda T: T.distributions.Beta(T.tensor([1.0]), T.tensor([2.0])).log_prob(T.tensor([2.0])),
    lambda T: T.distributions.MultivariateNormal(T.zeros(2)),
    lambda T: T.distributions.MultivariateNormal(T.zeros(2), T.tensor([[1.0, 2], [2, 1]])),
    lambda T: T.distributions.kl_divergence(T.distributions.Normal(0.0, 1.0),
                                            T.distributions.Bernoulli(0.5))])
def test_refusals_are_of_torchs_kind(call):
    with pytest.raises(Exception) as want:
        call(torch)
    with pytest.raises(want.type):
        call(fastnn)


def test_densities_integrate_to_one():
    x = fastnn.linspace(-40, 60, 200001, dtype=fastnn.float64)
    for d in (D.Normal(1.0, 2.0), D.Laplace(0.5, 1.5), D.Gamma(2.5, 0.7), D.LogNormal(0.1, 0.5)):
        inside = x[d.support.check(x)]
        total = (d.log_prob(inside).exp() * (100 / 200000)).sum().item()
        assert total == pytest.approx(1, abs=2e-4), d
    assert math.isclose(D.Normal(0.0, 1.0).entropy().item(), 0.5 * math.log(2 * math.pi * math.e),
                        rel_tol=1e-6)


def test_second_derivatives_of_gamma_samples_are_refused():
    a = fastnn.ones(3, requires_grad=True)
    x = D.Gamma(a, fastnn.ones(3)).rsample()
    with pytest.raises(NotImplementedError, match="second"):
        fastnn.autograd.grad((x * x).sum(), [a], create_graph=True)


def test_derivatives():
    a = fastnn.tensor(pos(3), requires_grad=True)
    x = fastnn.tensor(pos(3))
    assert gradcheck(lambda t: D.Gamma(t, t).log_prob(x), (a,))
    assert gradcheck(lambda t: D.Gamma(t, t).entropy(), (a,))


def test_angles():
    """Against SciPy: PyTorch's Bessel functions are right to seven digits."""
    scipy = pytest.importorskip("scipy.stats", reason="SciPy is the oracle")
    for k in (0.3, 4.0, 80.0):
        e, at = D.VonMises(fastnn.tensor(0.5, dtype=fastnn.float64), k), np.linspace(-3, 3, 7)
        np.testing.assert_allclose(e.log_prob(fastnn.tensor(at)).numpy(),
                                   scipy.vonmises.logpdf(at, k, 0.5), rtol=1e-12, atol=1e-12)
    a, b = (fastnn.tensor(v, requires_grad=True) for v in (real(3), pos(3)))
    x = fastnn.tensor(real(3).clip(-3, 3))
    assert gradcheck(lambda m, k: D.VonMises(m, k).log_prob(x), (a, b))
    fastnn.manual_seed(3)
    d = D.VonMises(fastnn.tensor([3.0, -1.0]), fastnn.tensor([4.0, 0.5]))
    x = d.sample((20000,))
    assert x.shape == (20000, 2) and x.abs().max() <= math.pi + 1e-6
    center = fastnn.atan2(x.sin().mean(0), x.cos().mean(0))
    assert (center - d.mean).sin().abs().max() < 0.05
    assert ((x - d.mean).cos().mean(0) - (1 - d.variance)).abs().max() < 0.02
