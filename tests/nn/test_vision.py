"""Resizing and shuffling against PyTorch: values, gradients, refusals."""

import numpy as np
import pytest

import fastnn
from fastnn import nn

torch = pytest.importorskip("torch")
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
MODES = [(3, "nearest", None), (3, "nearest-exact", None), (3, "linear", False),
         (3, "linear", True), (3, "area", None), (4, "nearest", None), (4, "nearest-exact", None),
         (4, "bilinear", False), (4, "bilinear", True), (4, "bicubic", False),
         (4, "bicubic", True), (4, "area", None), (5, "nearest", None), (5, "trilinear", True),
         (5, "trilinear", None), (5, "area", None)]
SIZES = [{"size": 7}, {"size": 1}, {"size": 12}, {"scale_factor": 2}, {"scale_factor": 1.7},
         {"scale_factor": 0.6}, {"scale_factor": 1.7, "recompute_scale_factor": True}]


def both(shape, dtype="float64", last=False):
    a = np.random.default_rng(0).standard_normal(shape).astype(dtype)
    x, t = fastnn.tensor(a), torch.tensor(a)
    if last:
        x = x.contiguous(memory_format=fastnn.channels_last)
        t = t.contiguous(memory_format=torch.channels_last)
    return x.requires_grad_(), t.requires_grad_()


def check(x, y, t, u, bound):
    dy = np.random.default_rng(1).standard_normal(tuple(u.shape)).astype(x.detach().numpy().dtype)
    assert y.stride() == u.stride()
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), bound, bound)
    y.backward(fastnn.tensor(dy))
    u.backward(torch.tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), t.grad.numpy(), 4 * bound, 4 * bound)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("how", SIZES, ids=str)
@pytest.mark.parametrize("ndim, mode, align", MODES)
def test_interpolate(ndim, mode, align, how, dtype):
    x, t = both((2, 3, 6, 5, 4)[:ndim], dtype)
    y = nn.functional.interpolate(x, mode=mode, align_corners=align, **how)
    u = torch.nn.functional.interpolate(t, mode=mode, align_corners=align, **how)
    check(x, y, t, u, 64 * EPS[dtype])


@pytest.mark.parametrize("call", [
    lambda m, x: m.nn.PixelShuffle(2)(x), lambda m, x: m.nn.PixelUnshuffle(3)(x),
    lambda m, x: m.nn.ChannelShuffle(4)(x), lambda m, x: m.nn.Upsample(scale_factor=2)(x),
    lambda m, x: m.nn.UpsamplingBilinear2d((5, 8))(x), lambda m, x: m.nn.UpsamplingNearest2d(5)(x)])
@pytest.mark.parametrize("last", [False, True])
def test_modules(call, last):
    x, t = both((2, 8, 6, 9), last=last)
    check(x, call(fastnn, x), t, call(torch, t), 64 * EPS["float64"])


@pytest.mark.parametrize("name, args", [
    ("PixelShuffle", (2,)), ("PixelUnshuffle", (2,)), ("ChannelShuffle", (2,)),
    ("Upsample", (3,)), ("Upsample", (None, 2, "bilinear")), ("UpsamplingNearest2d", ((2, 3),))])
def test_repr(name, args):
    assert repr(getattr(nn, name)(*args)) == repr(getattr(torch.nn, name)(*args))


@pytest.mark.parametrize("call", [
    lambda m, x: m.nn.functional.interpolate(x),
    lambda m, x: m.nn.functional.interpolate(x, 3, 2.0),
    lambda m, x: m.nn.functional.interpolate(x, (3, 4, 5)),
    lambda m, x: m.nn.functional.interpolate(x, 3, mode="linear"),
    lambda m, x: m.nn.functional.interpolate(x, 3, mode="cubic"),
    lambda m, x: m.nn.functional.interpolate(x, 3, align_corners=True),
    lambda m, x: m.nn.functional.interpolate(x, 3, antialias=True),
    lambda m, x: m.nn.functional.interpolate(x, 3, recompute_scale_factor=True),
    lambda m, x: m.nn.functional.interpolate(x, 0),
    lambda m, x: m.nn.functional.pixel_shuffle(x, 3),
    lambda m, x: m.nn.functional.pixel_unshuffle(x, 4),
    lambda m, x: m.nn.functional.pixel_shuffle(x[0, 0], 2),
    lambda m, x: m.nn.ChannelShuffle(3)(x)])
def test_refusals_are_of_torchs_kind(call):
    shape = (2, 8, 6, 9)
    with pytest.raises(Exception) as want:
        call(torch, torch.ones(*shape))
    with pytest.raises(want.type):
        call(fastnn, fastnn.ones(*shape))


def test_antialias_says_that_it_is_missing():
    with pytest.raises(NotImplementedError, match="antialias"):
        nn.functional.interpolate(fastnn.ones(1, 1, 4, 4), 2, mode="bilinear", antialias=True)
