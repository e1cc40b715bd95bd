"""nn.init: moments and ranges of the distributions, exact patterns, errors."""

import math

import numpy as np
import pytest

import fastnn
from fastnn.nn import init

N = 200 * 300


def filled(fill, *args, shape=(200, 300), dtype=None, **kwargs):
    fastnn.manual_seed(0)
    tensor = fastnn.empty(shape, dtype=dtype or fastnn.float32)
    assert fill(tensor, *args, **kwargs) is tensor
    return tensor.numpy().astype(np.float64)


def assert_moments(x, mean, std, kurtosis):
    """Sample mean and standard deviation within 5 of their standard errors."""
    assert abs(x.mean() - mean) < 5 * std / math.sqrt(x.size)
    assert abs(x.std() - std) < 5 * std * math.sqrt((kurtosis - 1) / 4 / x.size)


def assert_uniform(x, low, high):
    assert x.min() >= low and x.max() <= high
    assert_moments(x, (low + high) / 2, (high - low) / math.sqrt(12), 1.8)


@pytest.mark.parametrize("shape", [(200, 300), (60, 50, 4, 5)])
def test_fans(shape):
    fan_in, fan_out = math.prod(shape[1:]), shape[0] * math.prod(shape[2:])
    assert init._calculate_fan_in_and_fan_out(fastnn.empty(shape)) == (fan_in, fan_out)
    bound = 3 * math.sqrt(6 / (fan_in + fan_out))
    assert_uniform(filled(init.xavier_uniform_, 3.0, shape=shape), -bound, bound)
    std = math.sqrt(2 / (fan_in + fan_out))
    assert_moments(filled(init.xavier_normal_, shape=shape), 0, std, 3)
    for mode, fan in (("fan_in", fan_in), ("fan_out", fan_out)):
        for name, a, gain in (("relu", 0, 2**0.5), ("leaky_relu", 0.3, (2 / 1.09) ** 0.5)):
            u = filled(init.kaiming_uniform_, a, mode, name, shape=shape)
            bound = gain * math.sqrt(3 / fan)
            assert_uniform(u, -bound, bound)
            n = filled(init.kaiming_normal_, a, mode, name, shape=shape)
            assert_moments(n, 0, gain / math.sqrt(fan), 3)


def test_uniform_normal_and_constants():
    assert_uniform(filled(init.uniform_, -2.0, 5.0), -2, 5)
    assert_moments(filled(init.normal_, 3.0, 0.5), 3, 0.5, 3)
    assert (filled(init.constant_, 4.5) == 4.5).all()
    assert (filled(init.ones_) == 1).all() and (filled(init.zeros_) == 0).all()


@pytest.mark.parametrize(("mean", "std", "a", "b"), [(0, 1, -2, 2), (1, 2, 0, 3), (0, 1, 1, 2)])
def test_truncated_normal(mean, std, a, b):
    x = filled(init.trunc_normal_, mean, std, a, b, dtype=fastnn.float64)
    assert x.min() >= a and x.max() <= b
    grid = np.linspace(a, b, 100_001)
    weight = np.exp(-(((grid - mean) / std) ** 2) / 2)
    weight /= weight.sum()
    m = (weight * grid).sum()
    s = math.sqrt((weight * (grid - m) ** 2).sum())
    k = (weight * (grid - m) ** 4).sum() / s**4
    assert_moments(x, m, s, k)


def test_truncated_normal_far_out_warns():
    with pytest.warns(UserWarning, match="2 std"):
        init.trunc_normal_(fastnn.empty(3), mean=9.0)


@pytest.mark.parametrize("shape", [(5, 9), (9, 5), (6, 6), (4, 2, 3)])
def test_orthogonal(shape):
    x = filled(init.orthogonal_, 2.0, shape=shape, dtype=fastnn.float64).reshape(shape[0], -1)
    gram = x @ x.T if x.shape[0] <= x.shape[1] else x.T @ x
    # each entry sums at most 9 products of numbers below 2, each rounded a few times
    assert np.abs(gram - 4 * np.eye(len(gram))).max() < 100 * 2**-53 * 4


def test_orthogonal_is_not_biased_to_one_sign():
    fastnn.manual_seed(0)
    signs = [init.orthogonal_(fastnn.empty(3, 3))[0, 0].item() > 0 for _ in range(200)]
    assert 60 < sum(signs) < 140  # binomial(200, 0.5): sd 7


def test_sparse():
    x = filled(init.sparse_, 0.25, 2.0, shape=(40, 50))
    assert ((x == 0).sum(0) == 10).all()
    assert_moments(x[x != 0], 0, 2.0, 3)


def test_patterns():
    assert (filled(init.eye_, shape=(3, 4)) == np.eye(3, 4)).all()
    x = filled(init.dirac_, shape=(4, 3, 3, 3))
    expected = np.zeros((4, 3, 3, 3))
    expected[[0, 1, 2], [0, 1, 2], 1, 1] = 1
    assert (x == expected).all()
    x = filled(init.dirac_, 2, shape=(4, 2, 5))
    expected = np.zeros((4, 2, 5))
    expected[[0, 1, 2, 3], [0, 1, 0, 1], 2] = 1
    assert (x == expected).all()


def test_gains():
    gains = {"linear": 1, "conv_transpose3d": 1, "sigmoid": 1, "tanh": 5 / 3, "selu": 0.75}
    for name, gain in gains.items():
        assert init.calculate_gain(name) == gain
    assert init.calculate_gain("relu") == pytest.approx(2**0.5)
    assert init.calculate_gain("leaky_relu") == pytest.approx((2 / 1.0001) ** 0.5)


def test_errors():
    wrong = [
        lambda: init.calculate_gain("nonsense"),
        lambda: init.calculate_gain("leaky_relu", True),
        lambda: init.eye_(fastnn.empty(3)),
        lambda: init.dirac_(fastnn.empty(3, 3)),
        lambda: init.dirac_(fastnn.empty(4, 2, 3), groups=3),
        lambda: init.xavier_uniform_(fastnn.empty(3)),
        lambda: init.kaiming_normal_(fastnn.empty(3)),
        lambda: init.kaiming_uniform_(fastnn.empty(3, 3), mode="x"),
        lambda: init.orthogonal_(fastnn.empty(3)),
        lambda: init.sparse_(fastnn.empty(3), 0.1),
    ]
    for call in wrong:
        with pytest.raises(ValueError):
            call()


def test_empty_tensors():
    with pytest.warns(UserWarning, match="no-op"):
        init.kaiming_uniform_(fastnn.empty(3, 0))
    init.orthogonal_(fastnn.empty(0, 3))


def test_parameters_keep_requiring_gradients_and_generators_are_used():
    p = fastnn.empty(4, 4, requires_grad=True)
    init.normal_(p, generator=fastnn.Generator().manual_seed(1))
    assert p.requires_grad and p.is_leaf and p.grad_fn is None
    q = init.normal_(fastnn.empty(4, 4), generator=fastnn.Generator().manual_seed(1))
    assert p.tolist() == q.tolist()


def test_old_names_warn():
    for name in ("uniform", "normal", "xavier_uniform", "kaiming_normal", "orthogonal", "eye"):
        with pytest.warns(FutureWarning, match=name):
            getattr(init, name)(fastnn.empty(3, 3))
