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


def test_legacy_types_are_types():
    x = fastnn.FloatTensor([1, 2])
    assert isinstance(x, fastnn.FloatTensor) and not isinstance(x, fastnn.LongTensor)
    assert not isinstance([1.0], fastnn.FloatTensor) and fastnn.LongTensor(2, 3).shape == (2, 3)
    assert x.type(fastnn.LongTensor).dtype == fastnn.int64 and fastnn.ByteTensor().numel() == 0


def test_storages():
    x = fastnn.arange(6.0).view(2, 3)
    assert x.storage().data_ptr() == x.t().untyped_storage().data_ptr() == x.data_ptr()
    assert x[1].storage() == x.storage() != x.clone().storage()
    s = x[1].storage()
    assert len(s) == 6 and s[0] == 0 and s.tolist() == list(s) == list(range(6))
    s[0] = 9
    assert x[0, 0] == 9 and x.untyped_storage().nbytes() == 24 and s.dtype == fastnn.float32
    assert repr(s).endswith("[TypedStorage of size 6]") and len(s.untyped()) == 24


def test_functions_as_the_package_has_them():
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    x, one = np.arange(12.0).reshape(2, 3, 2), np.ones(3)
    calls = [
        lambda T: T.batch_norm(T.tensor(x), T.tensor(one), None, None, None, True, 0.1, 1e-5,
                               False),
        lambda T: T.instance_norm(T.tensor(x), None, T.tensor(one), None, None, True, 0.1, 1e-5,
                                  False),
        lambda T: T.binary_cross_entropy_with_logits(T.tensor(x), T.tensor(x), None, None, 2),
        lambda T: T.binary_cross_entropy_with_logits(T.tensor(x), T.tensor(x)),
        lambda T: T.poisson_nll_loss(T.tensor(x), T.tensor(x), True, False, 1e-8, 1),
        lambda T: T.kl_div(T.tensor(x), T.tensor(x), 0),
        lambda T: T.kl_div(T.tensor(x), T.tensor(x))]
    for call in calls:
        np.testing.assert_allclose(call(fastnn).numpy(), call(torch).numpy(), rtol=1e-12,
                                   atol=1e-14)


def test_settings_of_other_engines():
    fastnn.backends.cuda.matmul.allow_tf32 = True
    with fastnn.backends.cuda.sdp_kernel(enable_flash=False):
        assert not fastnn.backends.cuda.flash_sdp_enabled() and not fastnn.is_autocast_enabled()
    assert not fastnn.backends.mkl.is_available() and fastnn.backends.mkldnn.enabled is False


def test_hooks_are_there_before_any_is_registered():
    m = nn.Linear(2, 2)
    assert len(m._forward_hooks) == len(m._forward_pre_hooks) == 0
    m.register_forward_hook(lambda *a: None)
    m._forward_hooks.clear()
    assert m(fastnn.ones(1, 2)).shape == (1, 2)
