"""Creation functions against PyTorch: values, dtypes, strides, refusals."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch")

CALLS = [
    "{}.zeros(2, 3)", "{}.zeros((2, 3), dtype={}.int64)", "{}.zeros([])", "{}.zeros(())",
    "{}.ones(4)", "{}.ones(({}.tensor(2), 2))", "{}.full((2, 2), 7)", "{}.full((2,), 1.5)",
    "{}.full((2,), True)", "{}.full((2,), 3, dtype={}.float64)", "{}.eye(3)", "{}.eye(2, 4)",
    "{}.eye(3, dtype={}.bool)", "{}.arange(5)", "{}.arange(2, 9, 3)", "{}.arange(9, 2, -3)",
    "{}.arange(0, 1, 0.3)", "{}.arange(1.0)", "{}.arange(5, dtype={}.float64)", "{}.arange(0)",
    "{}.arange(0.5, 4, dtype={}.int64)", "{}.linspace(0, 1, 5)", "{}.linspace(-3, 3, 1)",
    "{}.linspace(0, 10, 4, dtype={}.int64)", "{}.linspace(2, 5, 0)", "{}.logspace(0, 2, 3)",
    "{}.logspace(0, 4, 5, base=2)", "{}.tril({}.ones(3, 3))", "{}.triu({}.ones(2, 4), 1)",
    "{}.zeros(2, 3).t().new_ones(4)",
    "{}.tensor([1, 2]).new_zeros(2, 2)", "{}.tensor([1.5]).new_tensor([1, 2])",
    "{}.tensor([1]).new_full((2,), 5)", "{}.zeros_like({}.ones(2, 3).t())",
    "{}.ones_like({}.arange(3))", "{}.full_like({}.ones(2, 3), 4)",
    "{}.zeros_like({}.ones(2, 3, 4, 5).to(memory_format={}.channels_last))",
    "{}.zeros_like({}.ones(1, 3).expand(4, 3))",
    "{}.zeros_like({}.ones(4, 6).t().as_strided((3, 4), (2, 6)))",
    "{}.scalar_tensor(3)",
    "{}.LongTensor([1, 2])", "{}.FloatTensor([[1, 2]])", "{}.zeros(2, out={}.ones(2))",
    "{}.ones(2, 2).tril_()", "{}.FloatTensor(2, 0)", "{}.asarray([1, 2])",
]


@pytest.mark.parametrize("call", CALLS)
def test_as_torch(call: str) -> None:
    a, b = eval(call.replace("{}", "fastnn")), eval(call.replace("{}", "torch"))
    assert str(a.dtype).split(".")[1] == str(b.dtype).split(".")[1]
    assert tuple(a.shape) == tuple(b.shape) and a.stride() == b.stride()
    np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=2e-7)


@pytest.mark.parametrize("call", [
    "{}.zeros(-1)", "{}.arange(0, 5, -1)", "{}.arange(0, 5, 0)", "{}.linspace(0, 1, -1)",
    "{}.full((2,), 300, dtype={}.uint8)", "{}.tril({}.ones(3))", "{}.eye(-1)",
    "{}.meshgrid({}.ones(2, 2))", "{}.arange(0, float('inf'))",
    "{}.zeros(2, dtype={}.int64, requires_grad=True)",
])
def test_refused_as_torch_refuses(call: str) -> None:
    with pytest.raises(RuntimeError):
        eval(call.replace("{}", "torch"))
    with pytest.raises(RuntimeError):
        eval(call.replace("{}", "fastnn"))


def test_shapes_of_undefined_values() -> None:
    assert fastnn.empty(2, 3).shape == (2, 3)
    assert fastnn.empty((2, 3), memory_format=fastnn.contiguous_format).stride() == (3, 1)
    y = fastnn.empty(2, 3, 4, 5, memory_format=fastnn.channels_last)
    assert y.stride() == (60, 1, 15, 3)
    assert fastnn.empty_strided((2, 3), (1, 2)).stride() == (1, 2)
    assert fastnn.empty_like(fastnn.ones(2, 3).t()).stride() == (1, 3)
    assert fastnn.ones(2, requires_grad=True).requires_grad
