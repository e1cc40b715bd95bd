"""Views, in-place writes through them, and what the tape makes of both."""

import numpy as np
import pytest

import fastnn
from fastnn.autograd import gradcheck, gradgradcheck


def test_a_write_through_a_view_reaches_the_base_and_its_gradient():
    x = fastnn.tensor(np.zeros((2, 3), "f"))
    w = fastnn.tensor([1.0, 2.0, 3.0], requires_grad=True)
    x.select(0, 1).copy_(w)
    assert x.tolist() == [[0, 0, 0], [1, 2, 3]]
    x.clone().backward(fastnn.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]]))
    assert w.grad.tolist() == [4.0, 5.0, 6.5]


def test_a_view_made_before_a_write_to_the_base_sees_the_new_history():
    x = fastnn.tensor([1.0, 2.0], requires_grad=True)
    y = x.clone()
    v = y.view(2, 1)
    y.fill_(3.0)
    v.backward(fastnn.tensor([[1.0], [1.0]]))
    assert x.grad is None or x.grad.tolist() == [0.0, 0.0]


def test_leaves_refuse_in_place_writes():
    x = fastnn.tensor([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        x.fill_(0.0)
    with pytest.raises(RuntimeError, match="leaf"):
        x.view(2, 1).fill_(0.0)



@pytest.mark.parametrize("write", [lambda v, s: v.copy_(s), lambda v, s: v.mul_(s),
                                   lambda v, s: v.fill_(2.0)])
@pytest.mark.parametrize("cut", [lambda y: y[1:3, ::2], lambda y: y.diagonal(), lambda y: y.t()[1]])
def test_second_derivatives_through_a_view_that_was_written_to(cut, write):
    rng = np.random.default_rng(0)
    x = fastnn.tensor(rng.standard_normal((4, 4)), requires_grad=True)
    src = fastnn.tensor(rng.standard_normal(tuple(cut(x).shape)), requires_grad=True)

    def f(a, s):
        y = a * a
        write(cut(y), s)
        return y * y

    assert gradcheck(f, (x, src)) and gradgradcheck(f, (x, src))
