"""Views, in-place writes through them, and what the tape makes of both."""

import numpy as np
import pytest

import fastnn


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

