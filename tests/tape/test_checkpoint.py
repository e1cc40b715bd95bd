"""Computing again in backward: the same gradients, the same random numbers, less memory."""

import pytest

import fastnn
from fastnn import nn
from fastnn._core import runtime
from fastnn.utils.checkpoint import checkpoint, checkpoint_sequential


def net():
    fastnn.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3))


def gradients(call, module, x):
    module.zero_grad()
    x.grad = None
    (call(x) ** 2).sum().backward()
    return [None if x.grad is None else x.grad.clone(), *[p.grad.clone() for p in
                                                          module.parameters()]]


def equal(a, b):
    return all((p is None and q is None) or fastnn.equal(p, q) for p, q in zip(a, b, strict=True))


@pytest.mark.parametrize("reentrant", [True, False, None])
@pytest.mark.parametrize("wrapped", [False, True])
def test_gradients_are_the_same(reentrant, wrapped):
    m = net()
    x = fastnn.randn(5, 4, requires_grad=True)
    f = (lambda v: m(v)) if wrapped else m
    want = gradients(m, m, x)
    assert equal(gradients(lambda v: checkpoint(f, v, use_reentrant=reentrant), m, x), want)


@pytest.mark.parametrize("wrapped", [False, True])
def test_an_input_that_needs_none(wrapped):
    m = net()
    x = fastnn.randn(5, 4)
    f = (lambda v: m(v)) if wrapped else m
    want = gradients(m, m, x)
    assert equal(gradients(lambda v: checkpoint(f, v, use_reentrant=False), m, x), want)
    assert not checkpoint(m, x, use_reentrant=True).requires_grad


def test_random_numbers_are_drawn_again():
    m = nn.Dropout(0.5)
    x = fastnn.ones(1000, requires_grad=True)
    fastnn.manual_seed(1)
    y = checkpoint(m, x, use_reentrant=False)
    state = fastnn.get_rng_state()
    y.sum().backward()
    assert fastnn.equal(x.grad, y.detach()) and fastnn.equal(fastnn.get_rng_state(), state)


def test_several_results_and_keywords():
    def f(x, scale, *, shift):
        return x * scale, "text", x + shift

    x = fastnn.ones(3, requires_grad=True)
    a, text, b = checkpoint(f, x, 2.0, use_reentrant=False, shift=1.0)
    assert text == "text"
    (a + b).sum().backward()
    assert x.grad.tolist() == [3, 3, 3]


def test_second_derivatives():
    m = net().double()
    x = fastnn.randn(2, 4, dtype=fastnn.float64, requires_grad=True)
    found = []
    for f in (m, lambda v: checkpoint(m, v, use_reentrant=False)):
        (g,) = fastnn.autograd.grad(f(x).sum(), [x], create_graph=True)
        found.append(fastnn.autograd.grad((g * g).sum(), [x])[0])
    assert fastnn.allclose(found[0], found[1])


@pytest.mark.parametrize("segments", [1, 2, 3, 5])
def test_sequential(segments):
    fastnn.manual_seed(0)
    m = nn.Sequential(*[nn.Linear(4, 4) for _ in range(5)])
    x = fastnn.randn(3, 4, requires_grad=True)
    want = gradients(m, m, x)
    assert equal(gradients(lambda v: checkpoint_sequential(m, segments, v, use_reentrant=False),
                           m, x), want)


def test_memory():
    m = nn.Sequential(*[nn.Sequential(nn.Linear(256, 256), nn.Tanh()) for _ in range(8)])
    x = fastnn.randn(512, 256, requires_grad=True)
    held = []
    for f in (m, lambda v: checkpoint_sequential(m, 4, v, use_reentrant=False)):
        before = runtime.memory_stats()["live_bytes"]
        y = f(x)
        held.append(runtime.memory_stats()["live_bytes"] - before)
        del y
    assert held[1] < 0.7 * held[0]  # three borders and the last segment, of eight layers


def test_refusals():
    with pytest.raises(ValueError, match="keyword"):
        checkpoint(net(), fastnn.ones(1, 4), use_reentrant=True, scale=2)
    with pytest.raises(ValueError, match="keyword"):
        checkpoint_sequential(net(), 2, fastnn.ones(1, 4), scale=2)
