"""Pooling modules against PyTorch: values, gradients, indices, layouts; and what they refuse."""

import numpy as np
import pytest

import fastnn
from fastnn import nn

torch = pytest.importorskip("torch")
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}


def both(shape, dtype="float64", last=False, seed=0):
    """One array as a leaf of either engine."""
    a = np.random.default_rng(seed).standard_normal(shape).astype(dtype)
    ours, theirs = fastnn.tensor(a), torch.tensor(a)
    if last:
        name = "channels_last" if len(shape) == 4 else "channels_last_3d"
        ours = ours.contiguous(memory_format=getattr(fastnn, name))
        theirs = theirs.contiguous(memory_format=getattr(torch, name))
    return ours.requires_grad_(), theirs.requires_grad_()


def backward(x, y, t, u, dtype="float64"):
    """Gradients of both from one random dy."""
    dy = np.random.default_rng(9).standard_normal(tuple(y.shape)).astype(dtype)
    y.backward(fastnn.tensor(dy))
    u.backward(torch.tensor(dy))
    return x.grad.numpy(), t.grad.numpy()


MODULES = [("MaxPool2d", (2,), {}), ("MaxPool2d", (3, 2, 1), {"ceil_mode": True}),
           ("MaxPool2d", (2, 1), {"dilation": 2}), ("AvgPool2d", (2,), {}),
           ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}),
           ("AvgPool2d", (3, 1, 1), {"divisor_override": 2}), ("LPPool2d", (2, 3), {}),
           ("AdaptiveAvgPool2d", ((3, None),), {}), ("AdaptiveAvgPool2d", (1,), {}),
           ("AdaptiveMaxPool2d", (4,), {}), ("MaxPool2d", ((17, 17), 1, 8), {}),
           ("MaxPool2d", ((3, 2), (3, 4), (1, 0)), {}), ("AvgPool2d", ((1, 5), (1, 3)), {})]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(3, 5, 20, 19), (1, 34, 17, 24), (70, 1, 24, 16)])
@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("name, args, options", MODULES)
def test_values_gradients_and_strides(name, args, options, last, shape, dtype):
    x, t = both(shape, dtype, last)
    y = getattr(nn, name)(*args, **options)(x)
    u = getattr(torch.nn, name)(*args, **options)(t)
    tolerance = 64 * EPS[dtype] * (1 if "Max" in name else 16)
    assert y.stride() == u.stride()
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), tolerance, tolerance)
    ours, theirs = backward(x, y, t, u, dtype)
    if name == "LPPool2d":  # d |s|^(1/p) is unbounded where a sum is near zero
        scale = np.maximum(1, np.abs(theirs))
        ours, theirs = ours / scale, theirs / scale
    np.testing.assert_allclose(ours, theirs, tolerance, tolerance)


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("args", [(2,), (3, 1, 1), (3, 2, 1), (4, 3, 2)])
def test_ties_and_nan_go_where_torch_sends_them(args, last):
    a = np.random.default_rng(1).integers(0, 3, (2, 18, 13, 14)).astype("float32")
    a[0, 0, ::3, ::5] = np.nan
    a[1, 3] = -np.inf
    x, t = fastnn.tensor(a), torch.tensor(a)
    if last:
        x = x.contiguous(memory_format=fastnn.channels_last)
    y, index = nn.MaxPool2d(*args, return_indices=True)(x.requires_grad_())
    u, want = torch.nn.MaxPool2d(*args, return_indices=True)(t.requires_grad_())
    np.testing.assert_array_equal(y.detach().numpy(), u.detach().numpy())
    np.testing.assert_array_equal(index.numpy(), want.numpy())
    y.backward(fastnn.ones(*y.shape))
    u.backward(torch.ones(*u.shape))
    np.testing.assert_array_equal(x.grad.numpy(), t.grad.numpy())


@pytest.mark.parametrize("shape", [(2, 3, 21), (3, 21)])
def test_max_unpool_undoes_max_pool(shape):
    x, t = both(shape)
    y, index = nn.MaxPool1d(3, return_indices=True)(x)
    u, places = torch.nn.MaxPool1d(3, return_indices=True)(t)
    back = nn.MaxUnpool1d(3)(y, index)
    want = torch.nn.MaxUnpool1d(3)(u, places)
    np.testing.assert_array_equal(back.detach().numpy(), want.detach().numpy())
    np.testing.assert_array_equal(*backward(x, back, t, want))


@pytest.mark.parametrize("dims, out", [(2, (5, 4)), (2, (1, 6)), (3, (3, 4, 2))])
def test_fractional_max_pool(dims, out):
    x, t = both((2, 3, 11, 9, 8)[: dims + 2])
    samples = np.random.default_rng(2).uniform(size=(2, 3, dims))
    module = f"FractionalMaxPool{dims}d"
    y, index = getattr(nn, module)(2, out, return_indices=True,
                                   _random_samples=fastnn.tensor(samples))(x)
    u, want = getattr(torch.nn, module)(2, out, return_indices=True,
                                        _random_samples=torch.tensor(samples))(t)
    np.testing.assert_array_equal(y.detach().numpy(), u.detach().numpy())
    np.testing.assert_array_equal(index.numpy(), want.numpy())
    np.testing.assert_array_equal(*backward(x, y, t, u))


def test_second_derivatives():
    x = fastnn.tensor(np.random.default_rng(3).permutation(72).reshape(1, 2, 6, 6) * 0.1)
    for f in (lambda a: nn.functional.max_pool2d(a, 3, 2, 1) ** 2,
              lambda a: nn.functional.avg_pool2d(a, 3, 2, 1, True, False) ** 2,
              lambda a: nn.functional.adaptive_max_pool2d(a, 4) ** 2,
              lambda a: nn.functional.adaptive_avg_pool2d(a, 4) ** 2):
        assert fastnn.autograd.gradgradcheck(f, [x.requires_grad_()])


def test_nothing_is_read_or_written_beyond_the_end():
    """A batch that begins and ends inside a larger one gives the same bits, alone and in place."""
    a = np.random.default_rng(4).standard_normal((5, 3, 7, 6)).astype("float32")
    whole = nn.functional.max_pool2d(fastnn.tensor(a), 2).numpy()
    for i in range(5):
        part = nn.functional.max_pool2d(fastnn.tensor(a)[i:i + 1], 2).numpy()
        np.testing.assert_array_equal(part, whole[i:i + 1])


@pytest.mark.parametrize("ours, theirs", [
    (nn.MaxPool2d(2), torch.nn.MaxPool2d(2)), (nn.AvgPool1d(2), torch.nn.AvgPool1d(2)),
    (nn.AvgPool2d((2, 3), 1), torch.nn.AvgPool2d((2, 3), 1)),
    (nn.LPPool2d(2, 3), torch.nn.LPPool2d(2, 3)), (nn.MaxUnpool2d(2), torch.nn.MaxUnpool2d(2)),
    (nn.AdaptiveAvgPool2d((None, 3)), torch.nn.AdaptiveAvgPool2d((None, 3))),
    (nn.FractionalMaxPool2d(2, 3), torch.nn.FractionalMaxPool2d(2, 3)),
], ids=lambda m: type(m).__name__)
def test_repr(ours, theirs):
    assert repr(ours) == repr(theirs)


@pytest.mark.parametrize("call", [
    lambda m: m.nn.FractionalMaxPool2d(2), lambda m: m.nn.FractionalMaxPool2d(2, output_ratio=1.5),
    lambda m: m.nn.functional.fractional_max_pool2d(m.ones(1, 1, 4, 4), 2),
    lambda m: m.nn.functional.fractional_max_pool2d(m.ones(1, 1, 4, 4), 2, 4),
    lambda m: m.nn.functional.avg_pool2d(m.ones(1, 1, 4, 4), 2, divisor_override=0),
    lambda m: m.nn.functional.max_pool2d(m.ones(4, 4), 2),
    lambda m: m.nn.functional.max_pool2d(m.ones(1, 1, 4, 4), 2, padding=2),
    lambda m: m.nn.functional.max_pool2d(m.ones(1, 0, 4, 4), 2),
])
def test_refusals_are_of_torchs_kind(call):
    with pytest.raises(Exception) as want:
        call(torch)
    with pytest.raises(want.type):
        call(fastnn)


def test_a_window_without_elements_is_refused():
    with pytest.raises(RuntimeError, match="holds no element"):
        nn.functional.max_pool2d(fastnn.ones(1, 1, 1, 1), 2, padding=1, dilation=2)


def test_an_empty_batch():
    x = fastnn.ones(0, 3, 6, 6).requires_grad_()
    y = nn.functional.max_pool2d(x, 2)
    assert tuple(y.shape) == (0, 3, 3, 3)
    y.sum().backward()
    assert tuple(x.grad.shape) == (0, 3, 6, 6)
