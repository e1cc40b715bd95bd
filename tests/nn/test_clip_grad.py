"""Clipping of gradients against its formula and torch."""

import math

import numpy as np
import pytest

import fastnn
from fastnn.nn.utils import clip_grad_norm_, clip_grad_value_, get_total_norm

SHAPES = [(3, 4), (5,), (), (0, 2), (70, 300)]


def params(dtype="float64", scale=1.0, turned=False):
    r = np.random.default_rng(0)
    made = []
    for shape in SHAPES:
        p = fastnn.tensor(np.zeros(shape, dtype), requires_grad=True)
        g = np.asarray(scale * r.standard_normal(shape)).astype(dtype)
        p.grad = fastnn.from_numpy(np.asarray(g, order="F" if turned else "C"))
        made.append(p)
    return made


def flat(ps):
    return np.concatenate([p.grad.numpy().ravel() for p in ps])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, math.inf])
def test_norm_and_scale(p, turned):
    ps = params(turned=turned)
    before = flat(ps)
    want = np.linalg.norm(before, p)
    norm = clip_grad_norm_(ps, 0.5, p)
    assert abs(float(norm) - want) < 1e-12 * want
    np.testing.assert_allclose(flat(ps), before * 0.5 / (want + 1e-6), rtol=1e-12)


def test_small_gradients_stay():
    ps = params(scale=1e-6)
    before = flat(ps)
    clip_grad_norm_(ps, 10.0)
    assert (flat(ps) == before).all()


def test_value():
    ps = params()
    ps[0].grad[0, 0] = math.nan
    before = flat(ps)
    clip_grad_value_(ps, 0.3)
    np.testing.assert_array_equal(flat(ps), np.clip(before, -0.3, 0.3))


def test_non_finite():
    ps = params("float32")
    ps[1].grad[2] = math.nan
    with pytest.raises(RuntimeError, match="non-finite"):
        clip_grad_norm_(ps, 1.0, error_if_nonfinite=True)
    assert np.isnan(flat(ps)).sum() == 1
    for p in (1.0, 2.0, 3.0, math.inf):
        assert math.isnan(float(get_total_norm([q.grad for q in ps], p)))


def test_nothing_to_clip():
    assert float(clip_grad_norm_([fastnn.zeros(2, requires_grad=True)], 1.0)) == 0


def test_the_norm_does_not_depend_on_threads():
    ps = params("float32")
    seen = set()
    for n in (1, 2, 3, 8):
        fastnn.set_num_threads(n)
        seen.add(float(get_total_norm([p.grad for p in ps])))
    fastnn.set_num_threads(fastnn.get_num_threads())
    assert len(seen) == 1


@pytest.mark.parametrize("p", [1.0, 2.0, math.inf])
def test_torch_agrees(p):
    torch = pytest.importorskip("torch")
    ps = [q for q in params("float32") if q.numel()]  # torch has no largest of nothing
    theirs = [torch.zeros(tuple(q.shape), requires_grad=True) for q in ps]
    for a, b in zip(ps, theirs, strict=True):
        b.grad = torch.tensor(a.grad.numpy().copy())
    want = torch.nn.utils.clip_grad_norm_(theirs, 0.7, p)
    norm = clip_grad_norm_(ps, 0.7, p)
    np.testing.assert_allclose(float(norm), float(want), rtol=1e-5)  # torch sums in float32
    np.testing.assert_allclose(flat(ps), np.concatenate([b.grad.numpy().ravel() for b in theirs]),
                               rtol=1e-5)
