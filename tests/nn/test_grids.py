"""grid_sample and affine_grid against PyTorch: values, gradients, refusals."""

import numpy as np
import pytest

import fastnn
from fastnn.autograd import gradcheck, gradgradcheck

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
EPS = {"float32": 2.0**-23, "float64": 2.0**-52}
F, TF = fastnn.nn.functional, torch.nn.functional


def compare(x, grid, dtype, **options):
    results = []
    for lib in (fastnn, torch):
        a, g = (lib.tensor(v.astype(dtype), requires_grad=True) for v in (x, grid))
        y = lib.nn.functional.grid_sample(a, g, **options)
        dy = np.random.default_rng(1).standard_normal(tuple(y.shape)).astype(dtype)
        y.backward(lib.tensor(dy))
        results.append([y.detach().numpy(), a.grad.numpy(), g.grad.numpy()])
    for ours, theirs in zip(*results, strict=True):
        scale = max(1.0, np.abs(theirs).max(initial=0))
        # sums of up to 16 taps with weights below 2, each place rounded to eps of the image's size
        np.testing.assert_allclose(ours, theirs, atol=512 * EPS[dtype] * scale, rtol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("align", [False, True, None])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("shape, mode", [((2, 3, 5, 4), "bilinear"), ((2, 3, 5, 4), "nearest"),
                                         ((2, 3, 5, 4), "bicubic"), ((2, 2, 4, 3, 5), "bilinear"),
                                         ((2, 2, 4, 3, 5), "nearest"), ((1, 1, 1, 1), "bilinear"),
                                         ((1, 2, 1, 3), "bicubic")])
def test_grid_sample(shape, mode, padding, align, dtype):
    rng = np.random.default_rng(0)
    dims = len(shape) - 2
    grid = rng.uniform(-2.5, 2.5, (shape[0], *(6, 7, 3)[:dims], dims))
    compare(rng.standard_normal(shape), grid, dtype, mode=mode, padding_mode=padding,
            align_corners=align)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("padding", ["zeros", "border", "reflection"])
def test_an_identity_map_gives_the_image(padding, align):
    """Places that lie on the borders: so do their gradients of torch."""
    x = np.random.default_rng(0).standard_normal((1, 2, 4, 5))
    theta = fastnn.tensor([[[1.0, 0, 0], [0, 1, 0]]], dtype=fastnn.float64)
    grid = F.affine_grid(theta, x.shape, align)
    y = F.grid_sample(fastnn.tensor(x), grid, padding_mode=padding, align_corners=align)
    np.testing.assert_allclose(y.numpy(), x, atol=16 * EPS["float64"])
    if align:
        compare(x, grid.numpy(), "float64", padding_mode=padding, align_corners=True)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 1, 6), (2, 3, 2, 4, 5), (2, 1, 1, 1, 3)])
def test_affine_grid(size, align):
    dims = len(size) - 2
    a = np.random.default_rng(0).standard_normal((size[0], dims, dims + 1))
    results = []
    for lib in (fastnn, torch):
        theta = lib.tensor(a, requires_grad=True)
        y = lib.nn.functional.affine_grid(theta, size, align)
        y.backward(lib.tensor(np.random.default_rng(1).standard_normal(tuple(y.shape))))
        results.append([y.detach().numpy(), theta.grad.numpy()])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-13)


def test_what_lies_outside_is_not_looked_at():
    x = fastnn.full((1, 1, 2, 2), np.inf)
    y = F.grid_sample(x, fastnn.full((1, 1, 1, 2), 9.0), align_corners=False)
    assert y.item() == 0.0


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
def test_derivatives(mode):
    rng = np.random.default_rng(3)
    x = fastnn.tensor(rng.standard_normal((1, 2, 4, 3)), requires_grad=True)
    grid = fastnn.tensor(rng.uniform(-0.9, 0.9, (1, 2, 2, 2)), requires_grad=True)

    def sample(a, g):
        return F.grid_sample(a, g, mode, align_corners=False)

    assert gradcheck(sample, (x, grid))
    assert gradgradcheck(sample, (x, grid))


@pytest.mark.parametrize("call", [
    lambda T, x, g: T.nn.functional.grid_sample(x, g, "cubic"),
    lambda T, x, g: T.nn.functional.grid_sample(x, g, padding_mode="circular"),
    lambda T, x, g: T.nn.functional.grid_sample(x[0], g),
    lambda T, x, g: T.nn.functional.grid_sample(x, g[..., :1]),
    lambda T, x, g: T.nn.functional.grid_sample(x, T.cat([g, g])),
    lambda T, x, g: T.nn.functional.grid_sample(x, g.double()),
    lambda T, x, g: T.nn.functional.affine_grid(g[0], (1, 1, 2, 2)),
    lambda T, x, g: T.nn.functional.affine_grid(g[0], (1, 2)),
    lambda T, x, g: T.nn.functional.affine_grid(T.ones(1, 2, 3).long(), (1, 1, 2, 2)),
    lambda T, x, g: T.nn.functional.affine_grid(T.ones(1, 2, 3), (1, 1, 0, 2))])
def test_refusals_are_of_torchs_kind(call):
    with pytest.raises(Exception) as want:
        call(torch, torch.ones(1, 2, 3, 4), torch.zeros(1, 2, 2, 2))
    with pytest.raises(want.type):
        call(fastnn, fastnn.ones(1, 2, 3, 4), fastnn.zeros(1, 2, 2, 2))
