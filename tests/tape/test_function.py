"""autograd.Function: derivatives written in Python."""

from __future__ import annotations

import pytest

import fastnn
from fastnn.autograd import Function, gradcheck, gradgradcheck


class Exp(Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y


def double(*values):
    return fastnn.tensor(list(values), dtype=fastnn.float64, requires_grad=True)


def test_derivative_and_second_derivative():
    x = double(0.5, -1.0)
    assert gradcheck(Exp.apply, x)
    assert gradgradcheck(Exp.apply, x)


def test_needs_input_grad_and_none_for_what_is_not_a_tensor():
    seen = []

    class Scale(Function):
        @staticmethod
        def forward(ctx, x, k, b):
            ctx.k = k
            seen.append(ctx.needs_input_grad)
            return x * k + b

        @staticmethod
        def backward(ctx, g):
            return g * ctx.k, None, None

    x = double(1.0)
    Scale.apply(x, 3.0, fastnn.ones(1, dtype=fastnn.float64)).sum().backward()
    assert x.grad.tolist() == [3.0] and seen == [(True, False, False)]


def test_two_outputs_one_of_them_not_differentiable():
    class Both(Function):
        @staticmethod
        def forward(ctx, x):
            mask = x > 0
            ctx.mark_non_differentiable(mask)
            return x * 2, mask

        @staticmethod
        def backward(ctx, g, _):
            return g * 2

    x = double(1.0, -1.0)
    y, mask = Both.apply(x)
    assert mask.tolist() == [True, False] and not mask.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


def test_missing_gradients_are_zeros_or_none():
    kinds = []

    class Pair(Function):
        materialize = True

        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(Pair.materialize)
            return x * 1, x * 2

        @staticmethod
        def backward(ctx, a, b):
            kinds.append(None if b is None else b.tolist())
            return a

    x = double(1.0)
    Pair.apply(x)[0].sum().backward()
    Pair.materialize = False
    Pair.apply(x)[0].sum().backward()
    assert kinds == [[0.0], None]


def test_setup_context_style():
    class Square(Function):
        @staticmethod
        def forward(x):
            return x * x

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(*inputs)

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * 2 * x

    assert gradcheck(Square.apply, double(1.5, -0.5))


def test_a_wrong_number_of_gradients_is_refused():
    class Bad(Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g

    with pytest.raises(RuntimeError, match="returned 1 gradients, expected 2"):
        Bad.apply(double(1.0), double(2.0)).sum().backward()


def test_a_saved_value_that_was_changed_is_noticed():
    x = double(1.0)
    z = x * 1
    y = Exp.apply(z)
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an in-place"):
        y.sum().backward()


def test_an_input_returned_as_it_is():
    class Same(Function):
        @staticmethod
        def forward(ctx, x):
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 5

    x = double(1.0)
    y = Same.apply(x)
    assert y is not x
    y.sum().backward()
    assert x.grad.tolist() == [5.0]


def test_dirty_inputs_get_the_function_as_their_history():
    class AddOne(Function):
        @staticmethod
        def forward(ctx, x):
            x.add_(1)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 3

    x = double(1.0)
    y = x * 2
    out = AddOne.apply(y)
    assert out is y and y.tolist() == [3.0]
    y.sum().backward()
    assert x.grad.tolist() == [6.0]
