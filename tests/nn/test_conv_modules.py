"""Convolution modules against PyTorch's: the same weights, settings, outputs and messages."""

import copy

import numpy as np
import pytest

import fastnn
from fastnn import nn
from fastnn.autograd import gradgradcheck

torch = pytest.importorskip("torch")

MODULES = [
    ("Conv1d", (3, 6, 3), {}, (2, 3, 9)),
    ("Conv1d", (4, 6, 4), {"padding": "same", "groups": 2}, (2, 4, 9)),
    ("Conv1d", (4, 6, 3), {"padding": 2, "padding_mode": "circular", "bias": False}, (4, 9)),
    ("Conv2d", (3, 5, 3), {"stride": 2, "padding": 1}, (2, 3, 8, 7)),
    ("Conv2d", (3, 5, (3, 2)), {"padding": (1, 2), "padding_mode": "reflect"}, (2, 3, 8, 7)),
    ("Conv2d", (4, 8, 3), {"padding": "same", "dilation": 2, "padding_mode": "replicate"},
     (4, 8, 7)),
    ("Conv2d", (4, 4, 3), {"padding": "valid", "groups": 4}, (2, 4, 5, 6)),
    ("Conv3d", (2, 3, 2), {"padding": 1, "padding_mode": "circular"}, (1, 2, 4, 3, 5)),
    ("Conv3d", (2, 3, (1, 2, 3)), {"dilation": (1, 2, 1)}, (2, 4, 3, 5)),
    ("ConvTranspose1d", (3, 4, 3), {"stride": 2, "output_padding": 1}, (2, 3, 5)),
    ("ConvTranspose2d", (4, 6, 3), {"stride": 2, "padding": 1, "groups": 2}, (2, 4, 5, 4)),
    ("ConvTranspose2d", (3, 2, 2), {"dilation": 3, "bias": False}, (3, 5, 4)),
    ("ConvTranspose3d", (2, 3, 2), {"stride": (1, 2, 3)}, (1, 2, 3, 2, 3)),
]


def pair(name, args, kwargs):
    """Our module and PyTorch's, ours with a copy of its weights."""
    theirs = getattr(torch.nn, name)(*args, **kwargs, dtype=torch.float64)
    ours = getattr(nn, name)(*args, **kwargs, dtype=fastnn.float64)
    found = ours.load_state_dict({k: fastnn.tensor(v.numpy()) for k, v in
                                  theirs.state_dict().items()})
    assert not found.missing_keys and not found.unexpected_keys
    return ours, theirs


@pytest.mark.parametrize("name, args, kwargs, shape", MODULES)
def test_outputs_and_gradients_are_torchs(name, args, kwargs, shape):
    ours, theirs = pair(name, args, kwargs)
    assert repr(ours) == repr(theirs)
    x = np.random.default_rng(0).standard_normal(shape)
    a = fastnn.tensor(x, requires_grad=True)
    b = torch.tensor(x, requires_grad=True)
    y, want = ours(a), theirs(b)
    np.testing.assert_allclose(y.detach().numpy(), want.detach().numpy(), rtol=1e-12, atol=1e-12)
    y.square().sum().backward()
    want.square().sum().backward()
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-11, atol=1e-11)
    for mine, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(mine.grad.numpy(), other.grad.numpy(), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d"])
def test_channels_last_goes_in_and_comes_out(name):
    ours = getattr(nn, name)(3, 5, 3, padding=1)
    x = fastnn.randn(2, 3, 6, 7)
    y = ours(x)
    last = x.contiguous(memory_format=fastnn.channels_last).requires_grad_()
    z = ours(last)
    assert y.is_contiguous() and z.is_contiguous(memory_format=fastnn.channels_last)
    assert np.allclose(y.detach().numpy(), z.detach().numpy(), atol=1e-6)
    z.sum().backward()
    assert last.grad.shape == x.shape


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d"])
def test_weights_in_channels_last_give_channels_last(name):
    ours = getattr(nn, name)(3, 5, 3, padding=1)
    x = fastnn.randn(2, 3, 6, 7)
    y = ours(x)
    ours.weight.data = ours.weight.data.contiguous(memory_format=fastnn.channels_last)
    z = ours(x)
    assert z.is_contiguous(memory_format=fastnn.channels_last)
    assert np.array_equal(y.detach().numpy(), z.detach().numpy())


def test_weights_start_uniform_within_the_fan():
    fastnn.manual_seed(0)
    ours = nn.Conv2d(16, 32, 3, groups=2)
    bound = 1 / (8 * 9) ** 0.5
    for p in (ours.weight, ours.bias):
        values = p.detach().numpy()
        assert 0.9 * bound < np.abs(values).max() <= bound


@pytest.mark.parametrize("size", [[9, 10], [2, 4, 9, 10]])
def test_output_size_chooses_among_the_possible(size):
    ours, theirs = pair("ConvTranspose2d", (3, 4, 3), {"stride": 2, "padding": 1})
    x = np.random.default_rng(0).standard_normal((2, 3, 5, 5))
    got, want = ours(fastnn.tensor(x), size), theirs(torch.tensor(x), size)
    assert got.shape == want.shape == (2, 4, 9, 10)
    np.testing.assert_allclose(got.detach().numpy(), want.detach().numpy(), atol=1e-12)
    for wrong in ([9, 11], [8, 9], [9]):
        with pytest.raises(ValueError, match="output"):
            ours(fastnn.tensor(x), wrong)
        with pytest.raises(ValueError, match="output"):
            theirs(torch.tensor(x), wrong)


@pytest.mark.parametrize("args, kwargs, words", [
    ((3, 4, 3), {"groups": 0}, "positive"), ((3, 4, 3), {"groups": 2}, "in_channels"),
    ((4, 3, 3), {"groups": 2}, "out_channels"), ((3, 4, 3), {"padding": "full"}, "padding string"),
    ((3, 4, 3), {"padding": "same", "stride": 2}, "strided"),
    ((3, 4, 3), {"padding_mode": "mirror"}, "padding_mode"),
])
def test_wrong_settings_are_refused_as_torch_does(args, kwargs, words):
    for package in (nn, torch.nn):
        with pytest.raises(ValueError, match=words):
            package.Conv2d(*args, **kwargs)
    with pytest.raises(ValueError, match="zeros"):
        nn.ConvTranspose2d(3, 4, 3, padding_mode="reflect")


def test_second_derivatives_through_a_strided_net():
    x = fastnn.randn(1, 2, 5, 4, dtype=fastnn.float64, requires_grad=True)
    w = fastnn.randn(3, 2, 2, 2, dtype=fastnn.float64, requires_grad=True)
    v = fastnn.randn(3, 1, 3, 3, dtype=fastnn.float64, requires_grad=True)

    def net(x, w, v):
        h = nn.functional.conv2d(x, w, stride=2, padding=1).tanh()
        return nn.functional.conv_transpose2d(h, v, stride=2, output_padding=1)

    assert gradgradcheck(net, (x, w, v))


def test_modules_deepcopy():
    ours = nn.Conv2d(3, 4, 3)
    twin = copy.deepcopy(ours)
    x = fastnn.randn(1, 3, 5, 5)
    assert np.array_equal(ours(x).detach().numpy(), twin(x).detach().numpy())
