"""Transforms, constraints, and distributions made of others, against PyTorch."""

import numpy as np
import pytest

import fastnn
from fastnn import distributions as D

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
R = np.random.default_rng(0)
X, V, M = R.standard_normal((3, 4)), R.standard_normal((2, 6)), R.standard_normal((2, 3, 3))
P, U = np.exp(X), R.uniform(0.05, 0.95, (3, 4))


def t(T, x):
    return T.tensor(x, dtype=T.float64)


TRANSFORMS = {
    "Exp": (lambda T, d: d.ExpTransform(), X), "Abs": (lambda T, d: d.AbsTransform(), P),
    "Power": (lambda T, d: d.PowerTransform(t(T, 1.7)), P),
    "Sigmoid": (lambda T, d: d.SigmoidTransform(), X),
    "Tanh": (lambda T, d: d.TanhTransform(), X),
    "Softplus": (lambda T, d: d.SoftplusTransform(), X),
    "Softmax": (lambda T, d: d.SoftmaxTransform(), X),
    "Affine": (lambda T, d: d.AffineTransform(2.0, -3.0), X),
    "Affine of vectors": (lambda T, d: d.AffineTransform(t(T, X[0]), t(T, P[0]), event_dim=1), X),
    "StickBreaking": (lambda T, d: d.StickBreakingTransform(), X),
    "CorrCholesky": (lambda T, d: d.CorrCholeskyTransform(), V),
    "LowerCholesky": (lambda T, d: d.LowerCholeskyTransform(), M),
    "PositiveDefinite": (lambda T, d: d.PositiveDefiniteTransform(), M),
    "Reshape": (lambda T, d: d.ReshapeTransform((4,), (2, 2)), X),
    "Independent": (lambda T, d: d.IndependentTransform(d.ExpTransform(), 1), X),
    "Compose": (lambda T, d: d.ComposeTransform([
        d.AffineTransform(1.0, 2.0), d.TanhTransform(), d.AffineTransform(0.0, t(T, P[0]))]), X),
    "Compose of vectors": (lambda T, d: d.ComposeTransform([
        d.ExpTransform(), d.AffineTransform(0.0, 0.1), d.StickBreakingTransform()]), X),
    "Cat": (lambda T, d: d.CatTransform([d.ExpTransform(), d.TanhTransform()], 1, [1, 3]), X),
    "Stack": (lambda T, d: d.StackTransform([d.ExpTransform(), d.TanhTransform()], 1), X[:, :2]),
    "Cumulative": (lambda T, d: d.CumulativeDistributionTransform(d.Normal(t(T, 0.5), t(T, 2.0))),
                   X),
    "inverse": (lambda T, d: d.ExpTransform().inv, P),
    "biject_to(simplex)": (lambda T, d: d.biject_to(d.constraints.simplex), X),
    "transform_to(simplex)": (lambda T, d: d.transform_to(d.constraints.simplex), X),
    "biject_to(positive)": (lambda T, d: d.biject_to(d.constraints.positive), X),
    "biject_to(less_than)": (lambda T, d: d.biject_to(d.constraints.less_than(3.0)), X),
    "biject_to(interval)": (lambda T, d: d.biject_to(d.constraints.interval(-1.0, 3.0)), X),
    "biject_to(unit)": (lambda T, d: d.biject_to(d.constraints.unit_interval), X),
    "biject_to(real_vector)": (lambda T, d: d.biject_to(d.constraints.real_vector), X),
    "transform_to(cholesky)": (lambda T, d: d.transform_to(d.constraints.lower_cholesky), M),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms(name):
    make, x = TRANSFORMS[name]
    found = []
    for T in (torch, fastnn):
        f, v = make(T, T.distributions), T.tensor(x, requires_grad=True)
        y = f(v)
        figures = [y, f.inv(y.detach())]
        try:
            size = f.log_abs_det_jacobian(v, y)
            (g,) = T.autograd.grad(size.sum() + (y * y).sum(), [v])
            figures += [size, g]
        except NotImplementedError:
            pass
        found.append([*(np.array(a.detach().tolist()) for a in figures),
                      tuple(f.forward_shape(v.shape)), tuple(f.inverse_shape(y.shape)),
                      f.domain.event_dim, f.codomain.event_dim, f.bijective])
        assert bool(f.codomain.check(y.detach()).all())
    for want, got in zip(*found, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-9, atol=1e-10)


def test_caches_equality_and_signs():
    f = D.TanhTransform(cache_size=1)
    x = fastnn.tensor([30.0], requires_grad=True)
    assert f.inv(f(x)) is x and f == D.TanhTransform() and f != D.ExpTransform()
    assert f.sign == 1 and D.AffineTransform(0.0, -2.0).sign == -1 and f.inv.inv is f
    assert D.AffineTransform(0, 1) == D.AffineTransform(0, 1) != D.AffineTransform(0, 2)
    assert repr(f) == "TanhTransform()" and D.ExpTransform().with_cache()._cache_size == 1
    with pytest.raises(ValueError):
        D.ExpTransform(cache_size=2)


CHECKS = {
    "boolean": [0.0, 1, 2], "real": [0.0, np.nan], "positive": [-1.0, 0, 1],
    "nonnegative": [-1.0, 0, 1], "unit_interval": [-0.1, 0, 1, 1.1], "positive_integer": [0.0, 1,
                                                                                          1.5],
    "nonnegative_integer": [-1.0, 0, 1.5], "simplex": [[0.5, 0.5], [0.5, 0.6], [1.5, -0.5]],
    "one_hot": [[0.0, 1], [1, 1]], "real_vector": [[1.0, np.nan], [1, 2]],
    "lower_triangular": [[[1.0, 0], [2, 3]], [[1, 2], [0, 3]]],
    "lower_cholesky": [[[1.0, 0], [2, 3]], [[1, 0], [2, -3]]],
    "corr_cholesky": [[[1.0, 0], [0.6, 0.8]], [[1, 0], [2, 3]]],
    "symmetric": [[[1.0, 2], [2, 3]], [[1, 2], [0, 3]]],
    "positive_definite": [[[2.0, 1], [1, 3]], [[2, 1], [1, 3]]],
    "positive_semidefinite": [[[2.0, 1], [1, 3]], [[1, 2], [2, 1]]],
}


@pytest.mark.parametrize("name", CHECKS)
def test_constraints(name):
    results = []
    for T in (torch, fastnn):
        c = getattr(T.distributions.constraints, name)
        results.append([c.check(t(T, CHECKS[name])).tolist(), c.event_dim, c.is_discrete, repr(c)])
    assert results[0] == results[1]


@pytest.mark.parametrize("make", [
    lambda c: c.interval(0.0, 2.0), lambda c: c.half_open_interval(0.0, 2.0),
    lambda c: c.greater_than(1.0), lambda c: c.greater_than_eq(1.0), lambda c: c.less_than(1.0),
    lambda c: c.integer_interval(0, 1), lambda c: c.independent(c.positive, 1),
    lambda c: c.cat([c.real, c.positive], -1, [1, 2]), lambda c: c.multinomial(3)])
def test_constraints_with_parameters(make):
    x = [[0.0, 1, 2], [-1, 0.5, 1]]
    theirs, ours = (make(T.distributions.constraints).check(t(T, x)).tolist()
                    for T in (torch, fastnn))
    assert theirs == ours
    with pytest.raises(TypeError):
        D.constraints.interval(0.0)


def squashed(T, d):
    base = d.Normal(t(T, X[0]), t(T, P[0]))
    return d.TransformedDistribution(base, [d.TanhTransform(cache_size=1)])


MADE = {
    "squashed": squashed,
    "independent of squashed": lambda T, d: d.Independent(squashed(T, d), 1),
    "flow": lambda T, d: d.TransformedDistribution(
        d.Independent(d.Normal(T.zeros(3, 4, dtype=T.float64), 1.0), 1),
        [d.AffineTransform(t(T, X), t(T, P), event_dim=1), d.ExpTransform()]),
    "simplex": lambda T, d: d.TransformedDistribution(
        d.Normal(t(T, X), t(T, P)), [d.StickBreakingTransform()]),
    "logistic": lambda T, d: d.TransformedDistribution(
        d.Uniform(T.zeros(4, dtype=T.float64), T.ones(4, dtype=T.float64)),
        [d.SigmoidTransform().inv, d.AffineTransform(t(T, X[0]), t(T, P[0]))]),
    "mixture": lambda T, d: d.MixtureSameFamily(
        d.Categorical(t(T, P)), d.Normal(t(T, X), t(T, P))),
    "mixture of vectors": lambda T, d: d.MixtureSameFamily(
        d.Categorical(t(T, P[0])), d.Independent(d.Normal(t(T, X.T), t(T, P.T)), 1)),
}


@pytest.mark.parametrize("name", MADE)
def test_distributions_made_of_others(name):
    theirs, ours = (MADE[name](T, T.distributions) for T in (torch, fastnn))
    assert tuple(theirs.batch_shape) == tuple(ours.batch_shape)
    assert tuple(theirs.event_shape) == tuple(ours.event_shape)
    assert theirs.has_rsample == ours.has_rsample
    assert theirs.support.event_dim == ours.support.event_dim
    x = theirs.sample((5,))
    mine = fastnn.tensor(x.numpy())
    np.testing.assert_allclose(ours.log_prob(mine).numpy(), theirs.log_prob(x), rtol=1e-9)
    for figure in ("mean", "variance"):
        try:
            want = getattr(theirs, figure)
        except NotImplementedError:
            continue
        np.testing.assert_allclose(getattr(ours, figure).numpy(), want, rtol=1e-12)
    if name in ("squashed", "logistic", "mixture"):
        np.testing.assert_allclose(ours.cdf(mine).numpy(), theirs.cdf(x), rtol=1e-9)
    if name in ("squashed", "logistic"):
        p = theirs.cdf(x)
        np.testing.assert_allclose(ours.icdf(fastnn.tensor(p.numpy())).numpy(), x, rtol=1e-6)
    assert tuple(ours.sample((2, 3)).shape) == tuple(theirs.sample((2, 3)).shape)
    wider = [d.expand((7, *d.batch_shape)).sample().shape for d in (theirs, ours)]
    assert tuple(wider[0]) == tuple(wider[1])


def test_divergences_between_families():
    makers = {
        "Normal": lambda T, d: d.Normal(t(T, 0.3), t(T, 1.2)),
        "Laplace": lambda T, d: d.Laplace(t(T, 0.1), t(T, 0.7)),
        "Uniform": lambda T, d: d.Uniform(t(T, 0.2), t(T, 0.9)),
        "Exponential": lambda T, d: d.Exponential(t(T, 1.7)),
        "Gamma": lambda T, d: d.Gamma(t(T, 2.5), t(T, 0.6)),
        "Gumbel": lambda T, d: d.Gumbel(t(T, 0.3), t(T, 0.8)),
        "Pareto": lambda T, d: d.Pareto(t(T, 0.5), t(T, 3.5)),
        "Beta": lambda T, d: d.Beta(t(T, 2.5), t(T, 1.6)),
        "Bernoulli": lambda T, d: d.Bernoulli(t(T, 0.3)),
        "Poisson": lambda T, d: d.Poisson(t(T, 2.3)),
        "Binomial": lambda T, d: d.Binomial(5, t(T, 0.4))}
    done = 0
    for a, p in makers.items():
        for b, q in makers.items():
            try:
                ours = D.kl_divergence(p(fastnn, D), q(fastnn, D)).item()
            except NotImplementedError:
                continue
            done += 1
            want = torch.distributions.kl_divergence(
                p(torch, torch.distributions), q(torch, torch.distributions)).item()
            assert ours == pytest.approx(want, rel=1e-9), (a, b)
    assert done >= 40


def test_own_transforms_and_distributions():
    """As programs for reinforcement learning define them."""
    class Tanh(D.transforms.Transform):
        domain = D.constraints.real
        codomain = D.constraints.interval(-1.0, 1.0)
        bijective = True
        sign = +1

        def _call(self, x):
            return x.tanh()

        def _inverse(self, y):
            return 0.5 * (y.log1p() - (-y).log1p())

        def log_abs_det_jacobian(self, x, y):
            return (1 - y ** 2).log()

    class Squashed(D.TransformedDistribution):
        def __init__(self, loc, scale):
            self.loc = loc
            self.base_dist = D.Normal(loc, scale)
            super().__init__(self.base_dist, [Tanh(cache_size=1)])

        @property
        def mean(self):
            mu = self.base_dist.mean
            for tr in self.transforms:
                mu = tr(mu)
            return mu

    loc = fastnn.zeros(4, 2, requires_grad=True)
    policy = Squashed(loc, fastnn.ones(4, 2))
    action = policy.rsample()
    policy.log_prob(action).sum(-1, keepdim=True).mean().backward()
    assert loc.grad is not None and policy.mean.abs().max() == 0


@pytest.mark.parametrize("a", [0.05, 0.7, 1.0, 3.5, 40.0, 900.0])
def test_incomplete_gamma_functions(a):
    x = a * np.array([0.0, 1e-3, 0.3, 0.9, 1.0, 1.1, 3.0, np.inf])
    scipy = pytest.importorskip("scipy.special", reason="SciPy is the oracle")
    for name in ("igamma", "igammac"):
        at = fastnn.tensor(x[1:-1], requires_grad=True)
        like = torch.tensor(x[1:-1], requires_grad=True)
        getattr(fastnn, name)(fastnn.tensor(a, dtype=fastnn.float64), at).sum().backward()
        getattr(torch, name)(torch.tensor(a, dtype=torch.float64), like).sum().backward()
        np.testing.assert_allclose(at.grad.numpy(), like.grad, rtol=1e-11, atol=1e-300)
        got = getattr(fastnn, name)(fastnn.full((8,), a, dtype=fastnn.float64), fastnn.tensor(x))
        want = getattr(scipy, name.replace("igamma", "gammainc"))(a, x)
        # an exponent of size a log(a) is rounded; PyTorch's own is right to 9 digits
        np.testing.assert_allclose(got.numpy(), want, rtol=4e-16 * (30 + a * np.log(a + 2)),
                                   atol=1e-300)
    with pytest.raises(NotImplementedError, match="igamma"):
        b = fastnn.ones(2, requires_grad=True)
        fastnn.igamma(b, fastnn.ones(2)).sum().backward()
    assert np.isnan(fastnn.special.gammainc(fastnn.tensor(-1.0), fastnn.tensor(1.0)).item())
