"""Normalisation modules against PyTorch from the same state_dict."""

import numpy as np
import pytest

import fastnn
from fastnn import nn
from fastnn._core import runtime

torch = pytest.importorskip("torch")
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def twins(name, *args, dtype="float64", **options):
    """The module of either engine, with the same random state."""
    ours = getattr(nn, name)(*args, **options, dtype=getattr(fastnn, dtype))
    theirs = getattr(torch.nn, name)(*args, **options, dtype=getattr(torch, dtype))
    rng = np.random.default_rng(0)
    state = {k: (rng.uniform(0.5, 2, tuple(v.shape)).astype(dtype)
                 if v.is_floating_point() else np.array(0)) for k, v in theirs.state_dict().items()}
    assert list(ours.state_dict()) == list(state)
    ours.load_state_dict({k: fastnn.tensor(v) for k, v in state.items()})
    theirs.load_state_dict({k: torch.tensor(v) for k, v in state.items()})
    return ours, theirs


def check_steps(ours, theirs, shape, dtype="float64", last=False, tolerance=256):
    """Two forward and backward passes: outputs, gradients, buffers."""
    rng = np.random.default_rng(1)
    bound = tolerance * EPS[dtype]
    for _ in range(2):
        a, dy = ((rng.standard_normal(shape) * 2 + 1).astype(dtype) for _ in range(2))
        x, t = fastnn.tensor(a), torch.tensor(a)
        if last:
            x = x.contiguous(memory_format=fastnn.channels_last)
            t = t.contiguous(memory_format=torch.channels_last)
        x.requires_grad_(), t.requires_grad_()
        y, u = ours(x), theirs(t)
        assert y.stride() == u.stride()
        y.backward(fastnn.tensor(dy))
        u.backward(torch.tensor(dy))
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), bound, bound)
        np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), bound, bound)
    count = a.size / shape[1]
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), bound, bound * count**0.5)
    for (name, p), q in zip(ours.named_buffers(), theirs.buffers(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.numpy(), bound, bound, err_msg=name)


BATCHES = [(5, 7, 9, 6), (2, 3, 1, 1), (1, 5, 3, 3), (3, 33, 8, 8), (2, 2, 50, 47), (40, 1, 5, 5)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("options", [
    {}, {"momentum": None}, {"affine": False}, {"track_running_stats": False}, {"bias": False},
    {"momentum": 0.7, "eps": 0.1}], ids=str)
@pytest.mark.parametrize("shape", BATCHES, ids=str)
def test_batch_norm_2d(shape, options, last, dtype):
    pair = twins("BatchNorm2d", shape[1], dtype=dtype, **options)
    # two values are at +-1 whatever they are: their gradient is eps / var of its terms
    loose = 2**16 if np.prod(shape) / shape[1] == 2 else 256
    check_steps(*pair, shape, dtype, last, loose)
    for module in pair:
        module.eval()
        module.zero_grad()
    check_steps(*pair, shape, dtype, last, loose)


@pytest.mark.parametrize("shape", [(3, 4, 5, 2, 3), (2, 3, 12, 14, 15)])
def test_batch_norm_3d(shape):
    check_steps(*twins("BatchNorm3d", shape[1]), shape)


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 5), (900, 70)])
def test_batch_norm_1d(shape):
    check_steps(*twins("BatchNorm1d", shape[1]), shape)


@pytest.mark.parametrize("shape", [(3, 8, 0), (2, 8, 0, 4), (0, 8), (0, 8, 3)])
@pytest.mark.parametrize("training", [True, False])
def test_batch_norm_of_nothing(shape, training):
    x, weight = fastnn.zeros(shape, requires_grad=True), fastnn.ones(8, requires_grad=True)
    mean, var = fastnn.full((8,), 2.0), fastnn.full((8,), 3.0)
    y = nn.functional.batch_norm(x, mean, var, weight, training=training)
    y.sum().backward()
    assert y.shape == shape and x.grad.shape == shape
    assert mean.tolist() == [2.0] * 8 and var.tolist() == [3.0] * 8
    assert weight.grad.tolist() == [0.0] * 8


@pytest.fixture
def poisoned():
    """Memory that an op does not write shows as NaN."""
    runtime.set_poison(True)
    yield
    runtime.set_poison(False)


@pytest.mark.parametrize("shape", [(3, 4, 0), (3, 4, 2, 0), (0, 4, 5)])
def test_group_norm_of_nothing(shape, poisoned):
    weight = fastnn.ones(4, requires_grad=True)
    y = nn.functional.group_norm(fastnn.zeros(shape), 2, weight)
    y.sum().backward()
    assert y.shape == shape and weight.grad.tolist() == [0.0] * 4


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4, 5)])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_batch_norm_gradient_of_evaluation_is_linear(shape, bad):
    """The running statistics are constants: dx = dy weight / sqrt(var + eps), whatever x is."""
    x = fastnn.full(shape, bad).requires_grad_()
    y = nn.functional.batch_norm(x, fastnn.zeros(3), fastnn.ones(3), eps=0.0)
    y.backward(fastnn.full(shape, 2.0))
    assert (x.grad == 2.0).all()


def test_instance_norm_of_nothing():
    mean, var = fastnn.full((3,), 2.0), fastnn.full((3,), 3.0)
    y = nn.functional.instance_norm(fastnn.zeros(2, 3, 0), mean, var)
    assert y.shape == (2, 3, 0) and mean.tolist() == [2.0] * 3 and var.tolist() == [3.0] * 3


def test_large_offsets_do_not_cancel():
    """A variance that is tiny beside the mean comes out to float32's accuracy of x itself."""
    a = (1e4 + np.random.default_rng(5).standard_normal((8, 3, 16, 16))).astype("float32")
    a[0] += 30  # the first sample, whence the shift comes, is an outlier
    y = nn.functional.batch_norm(fastnn.tensor(a), None, None, training=True).numpy()
    b = a.astype("float64")
    axes = (0, 2, 3)
    want = (b - b.mean(axes, keepdims=True)) / np.sqrt(b.var(axes, keepdims=True) + 1e-5)
    np.testing.assert_allclose(y, want, atol=2 * 1e4 * 2.0**-23 / b.std(axes).min())


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_stays_in_its_channel(value):
    a = np.random.default_rng(6).standard_normal((4, 3, 5, 5)).astype("float32")
    a[0, 1, 0, 0] = value
    y = nn.functional.batch_norm(fastnn.tensor(a), None, None, training=True).numpy()
    assert np.isnan(y[:, 1]).any() and np.isfinite(y[:, [0, 2]]).all()


@pytest.mark.parametrize("training", [True, False])
def test_a_weight_that_is_not_contiguous(training):
    rng = np.random.default_rng(7)
    a, dy = rng.standard_normal((2, 4, 3, 5, 5))
    w, mean, var = rng.uniform(0.5, 2, (3, 6))
    grads = []
    for weight in (fastnn.tensor(w)[::2], fastnn.tensor(w[::2].copy())):
        x = fastnn.tensor(a).requires_grad_()
        leaf = weight.detach().requires_grad_()
        y = nn.functional.batch_norm(x, fastnn.tensor(mean[:3]), fastnn.tensor(var[:3]), leaf, None,
                                     training)
        y.backward(fastnn.tensor(dy))
        grads.append((x.grad.numpy(), leaf.grad.numpy()))
    for one, other in zip(*grads, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bits_of_batch_norm_depend_on_no_thread_count():
    a = np.random.default_rng(8).standard_normal((9, 20, 30, 31)).astype("float32")
    seen, before = set(), fastnn.get_num_threads()
    for threads in (1, 2, 3, 5, 8):
        fastnn.set_num_threads(threads)
        for last in (False, True):
            x = fastnn.tensor(a)
            if last:
                x = x.contiguous(memory_format=fastnn.channels_last)
            x.requires_grad_()
            y = nn.functional.batch_norm(x, None, None, training=True)
            y.backward(fastnn.tensor(a))
            seen.add((last, y.detach().numpy().tobytes(), x.grad.numpy().tobytes()))
    fastnn.set_num_threads(before)
    assert len(seen) == 2


@pytest.mark.parametrize("shape, groups", [((2, 6, 5, 7), 3), ((3, 8), 2), ((2, 4, 9), 4),
                                           ((1, 6, 3, 2, 2), 1), ((5, 10, 33, 20), 5)])
@pytest.mark.parametrize("options", [{}, {"affine": False}, {"bias": False}], ids=str)
def test_group_norm(shape, groups, options):
    check_steps(*twins("GroupNorm", groups, shape[1], **options), shape)


def test_group_norm_keeps_channels_last():
    check_steps(*twins("GroupNorm", 2, 6), (3, 6, 5, 4), last=True)


@pytest.mark.parametrize("options", [{}, {"affine": True}, {"track_running_stats": True},
                                     {"affine": True, "track_running_stats": True}], ids=str)
@pytest.mark.parametrize("shape", [(3, 4, 7), (2, 5, 6, 3), (2, 3, 2, 4, 3)])
def test_instance_norm(shape, options):
    pair = twins(f"InstanceNorm{len(shape) - 2}d", shape[1], **options)
    check_steps(*pair, shape)
    for module in pair:
        module.eval()
        module.zero_grad()
    check_steps(*pair, shape)
    x = np.random.default_rng(2).standard_normal(shape[1:])
    np.testing.assert_allclose(pair[0](fastnn.tensor(x)).detach().numpy(),
                               pair[1](torch.tensor(x)).detach().numpy(), rtol=1e-12, atol=1e-12)


def test_local_response_norm_is_torchs():
    x = np.random.default_rng(3).standard_normal((2, 7, 4, 3))
    for size in (1, 2, 3, 5):
        ours = nn.LocalResponseNorm(size, 0.5, 0.6, 2.0)(fastnn.tensor(x)).numpy()
        theirs = torch.nn.LocalResponseNorm(size, 0.5, 0.6, 2.0)(torch.tensor(x)).numpy()
        np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_cross_map_lrn_is_local_response_norm_with_a_centred_window():
    x = fastnn.tensor(np.random.default_rng(3).standard_normal((2, 7, 4, 3)))
    for size in (1, 3, 5):
        ours = nn.CrossMapLRN2d(size, 0.5, 0.6, 2.0)(x).numpy()
        want = nn.LocalResponseNorm(size, 0.5, 0.6, 2.0)(x).numpy()
        np.testing.assert_allclose(ours, want, rtol=1e-14)
    few = np.random.default_rng(4).standard_normal((2, 2, 4, 3))  # torch keeps channel 0 in windows
    ours = nn.CrossMapLRN2d(4, 0.5, 0.6, 2.0)(fastnn.tensor(few)).numpy()
    theirs = torch.nn.CrossMapLRN2d(4, 0.5, 0.6, 2.0)(torch.tensor(few)).numpy()
    np.testing.assert_allclose(ours, theirs, rtol=1e-13)


def test_alpha_dropout_has_torchs_two_values_and_keeps_mean_and_variance():
    ones = np.unique(nn.AlphaDropout(0.3)(fastnn.ones(400)).numpy())
    want = torch.nn.AlphaDropout(0.3)(torch.ones(400)).unique().numpy()
    np.testing.assert_allclose(ones, want, rtol=1e-6)
    y = nn.AlphaDropout(0.3)(fastnn.randn(300, 1000)).numpy()
    assert abs(y.mean()) < 0.01 and abs(y.std() - 1) < 0.01


def test_sync_batch_norm_takes_the_place_of_batch_norm():
    net = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Sequential(nn.BatchNorm1d(4)))
    x = fastnn.tensor(np.random.default_rng(5).standard_normal((6, 3)).astype("float32"))
    other = nn.SyncBatchNorm.convert_sync_batchnorm(net)
    assert [type(m).__name__ for m in other.modules()].count("SyncBatchNorm") == 2
    assert list(other.state_dict()) == list(net.state_dict())
    assert np.isfinite(other(x).detach().numpy()).all()


@pytest.mark.parametrize("name, args", [
    ("BatchNorm2d", (3,)), ("InstanceNorm2d", (3,)), ("GroupNorm", (2, 4)), ("LayerNorm", (3,)),
    ("LocalResponseNorm", (2,)), ("CrossMapLRN2d", (3,)), ("SyncBatchNorm", (3,)),
    ("Dropout2d", ()), ("AlphaDropout", (0.2,)), ("FeatureAlphaDropout", ())])
def test_repr(name, args):
    assert repr(getattr(nn, name)(*args)) == repr(getattr(torch.nn, name)(*args))


@pytest.mark.parametrize("call", [
    lambda m: m.nn.BatchNorm2d(3)(m.ones(2, 3, 4)), lambda m: m.nn.BatchNorm3d(3)(m.ones(2, 3)),
    lambda m: m.nn.BatchNorm2d(3)(m.ones(1, 3, 1, 1)), lambda m: m.nn.GroupNorm(2, 3),
    lambda m: m.nn.BatchNorm2d(3)(m.ones(2, 4, 2, 2)),
    lambda m: m.nn.InstanceNorm2d(3)(m.ones(2, 3, 1, 1)),
    lambda m: m.nn.InstanceNorm1d(3)(m.ones(2, 3, 4, 5)),
    lambda m: m.nn.InstanceNorm2d(3, affine=True)(m.ones(2, 4, 4, 5)),
    lambda m: m.nn.functional.local_response_norm(m.ones(2, 3), 2)])
def test_refusals_are_of_torchs_kind(call):
    with pytest.raises(Exception) as want:
        call(torch)
    with pytest.raises(want.type):
        call(fastnn)


@pytest.mark.parametrize("name, shape", [
    ("Dropout1d", (40, 30, 5)), ("Dropout2d", (40, 30, 3, 2)), ("Dropout3d", (40, 30, 3, 2, 2)),
    ("FeatureAlphaDropout", (40, 30, 3, 2)), ("Dropout1d", (300, 5)),
    ("Dropout3d", (300, 3, 2, 2))])
def test_dropout_of_channels(name, shape):
    """A channel is dropped or kept whole, about as often as asked."""
    module = getattr(nn, name)(0.3)
    x = fastnn.ones(*shape)
    lead = 2 if len(shape) == {"1": 3, "2": 4, "3": 5}.get(name[-2], 4) else 1
    y = module(x).numpy().reshape(int(np.prod(shape[:lead])), -1)
    assert (y == y[:, :1]).all()
    kept = (y[:, 0] == y[:, 0].max()).mean()  # of alpha dropout too, the dropped are negative
    assert abs(kept - 0.7) < 0.15
    if "Alpha" not in name:
        assert y.max() == pytest.approx(1 / 0.7)
    module.eval()
    assert module(x) is x or (module(x).numpy() == 1).all()
