"""Packages that accept what programs ask of PyTorch, and testing."""

import numpy as np
import pytest

import fastnn
from fastnn import nn


def test_mixed_precision_is_accepted():
    from fastnn.cuda.amp import GradScaler, autocast

    m = nn.Linear(2, 1)
    opt = fastnn.optim.SGD(m.parameters(), lr=0.1)
    before = m.weight.detach().clone()
    for scaler, cast in ((GradScaler(), autocast()), (fastnn.amp.GradScaler("cpu"),
                                                      fastnn.autocast("cpu", fastnn.bfloat16))):
        opt.zero_grad()
        with cast:
            loss = m(fastnn.ones(3, 2)).sum()
        scaler.scale(loss).backward()
        scaler.unscale_(opt)
        scaler.step(opt)
        scaler.update()
    assert fastnn.allclose(m.weight, before - 0.6)

    @fastnn.autocast("cpu")
    def f(x):
        return x + 1

    assert f(fastnn.ones(1)).item() == 2 and scaler.state_dict() == {}


def test_there_is_no_gpu():
    assert fastnn.cuda.memory_allocated() == 0 and fastnn.version.cuda is None
    with pytest.raises(RuntimeError, match="no cuda device"):
        fastnn.cuda.get_device_name(0)


def test_the_modules_of_ops_are_not_names_of_the_package():
    assert not hasattr(fastnn, "elementary") and not hasattr(fastnn, "shape")
    with fastnn.random.fork_rng():
        fastnn.manual_seed(1)
    assert callable(fastnn.matmul) and callable(fastnn.softmax) and callable(fastnn.sort)


CLOSE = [
    (fastnn.ones(3), fastnn.ones(3) + 1e-6, {}), (1.0, 1.0 + 1e-8, {}), (None, None, {}),
    ([fastnn.ones(2), {"a": 2}], [fastnn.ones(2), {"a": 2}], {}),
    (fastnn.tensor([np.nan]), fastnn.tensor([np.nan]), {"equal_nan": True}),
    (fastnn.ones(2), fastnn.ones(2) * 1.1, {"rtol": 0.2, "atol": 0.0}),
    (fastnn.ones(2), fastnn.ones(2, dtype=fastnn.float64), {"check_dtype": False}),
    (np.ones(2), np.ones(2), {})]
APART = [
    (fastnn.ones(3), fastnn.ones(3) + 1e-4, {}, "not close"), (fastnn.ones(3), fastnn.ones(2), {},
                                                             "shape"),
    (fastnn.ones(2), fastnn.ones(2, dtype=fastnn.float64), {}, "dtype"),
    (fastnn.tensor([1, 2]), fastnn.tensor([1, 3]), {}, "1 / 2"),
    (fastnn.tensor([np.nan]), fastnn.tensor([np.nan]), {}, "not close"),
    ([fastnn.ones(1)], [fastnn.zeros(1)], {}, r"\[0\]"), ({"a": 1}, {"b": 1}, {}, "keys"),
    ([1], [1, 2], {}, "length"), (1.0, 2.0, {"msg": "mine"}, "mine"),
    (fastnn.ones(2, 2).t(), fastnn.ones(2, 2), {"check_stride": True}, "stride")]


@pytest.mark.parametrize("a, b, options", CLOSE)
def test_close(a, b, options):
    fastnn.testing.assert_close(a, b, **options)


@pytest.mark.parametrize("a, b, options, words", APART)
def test_apart(a, b, options, words):
    with pytest.raises(AssertionError, match=words):
        fastnn.testing.assert_close(a, b, **options)


def test_tolerances_come_together():
    with pytest.raises(ValueError, match="both"):
        fastnn.testing.assert_close(1.0, 1.0, rtol=1e-3)
