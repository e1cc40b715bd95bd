"""What records do not say of the pointwise functions: promotion, in-place, out=, torch's errors."""

import itertools

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle of dtypes and error kinds")

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool", "int8", "int16", "float16",
          "bfloat16"]
COMPUTED = DTYPES[:6]


def pair(shape, dtype):
    a = np.ones(shape)
    return (fastnn.tensor(a).to(getattr(fastnn, dtype)), torch.tensor(a).to(getattr(torch, dtype)))


@pytest.mark.parametrize("left, right", list(itertools.product(DTYPES, DTYPES)))
def test_promotion_is_torchs(left, right):
    expected = torch.promote_types(getattr(torch, left), getattr(torch, right))
    got = fastnn.promote_types(getattr(fastnn, left), getattr(fastnn, right))
    assert str(got) == str(expected).replace("torch", "fastnn")
    for shapes in (((2,), (2,)), ((2,), ()), ((), (2,)), ((), ())):
        (a, ta), (b, tb) = pair(shapes[0], left), pair(shapes[1], right)
        name = str(torch.result_type(ta, tb)).replace("torch", "fastnn")
        assert str(fastnn.result_type(a, b)) == name
        if left in COMPUTED and right in COMPUTED:
            assert str((a + b).dtype) == name
            assert str((a / b).dtype) == str((ta / tb).dtype).replace("torch", "fastnn")
            assert (a == b).dtype is fastnn.bool


@pytest.mark.parametrize("dtype", COMPUTED)
@pytest.mark.parametrize("number", [True, 2, 2.5])
def test_numbers_do_not_widen(dtype, number):
    a, ta = pair((3,), dtype)
    for f in (lambda x: x + number, lambda x: number + x, lambda x: number * x,
              lambda x: x / number, lambda x: number / x, lambda x: x > number,
              lambda x: number >= x,
              lambda x: x ** number):
        try:
            expected = f(ta)
        except RuntimeError:
            with pytest.raises((RuntimeError, TypeError)):
                f(a)
            continue
        got = f(a)
        assert str(got.dtype) == str(expected.dtype).replace("torch", "fastnn")
        assert np.array_equal(got.numpy(), expected.numpy())


def test_numpy_operands():
    t = fastnn.tensor([1.0, 2.0, 3.0])
    for got in (np.ones(3, np.float32) * t, t * np.ones(3, np.float32), np.float64(2) * t,
                t * np.float32(2), t + np.int64(1)):
        assert isinstance(got, fastnn.Tensor) and got.dtype is fastnn.float32


INPLACE = {
    "add_": (2.0,), "sub_": (2.0,), "mul_": (2.0,), "div_": (2.0,), "pow_": (2.0,), "exp_": (),
    "sigmoid_": (), "tanh_": (), "sqrt_": (), "square_": (), "relu_": (), "neg_": (), "abs_": (),
    "clamp_": (0.5, 0.9), "log_": (), "sin_": (), "reciprocal_": (), "floor_": (), "round_": (),
    "clamp_min_": (0.7,), "rsqrt_": (), "erf_": (), "expm1_": (), "nan_to_num_": (),
}


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_and_its_gradient(name):
    args = INPLACE[name]
    data = np.linspace(0.3, 1.4, 12).reshape(3, 4)
    results = []
    for lib in (fastnn, torch):
        leaf = lib.tensor(data, requires_grad=True)
        x = leaf * 1.0
        version = x._version
        assert getattr(x, name)(*args) is x
        assert x._version > version
        x.backward(lib.tensor(data))
        part = lib.tensor(data, requires_grad=True)
        y = part * 1.0
        getattr(y.narrow(0, 1, 2), name)(*args)  # through a view, the base is rebased
        y.backward(lib.tensor(data))
        results.append((x.detach().numpy(), leaf.grad.numpy(), y.detach().numpy(),
                        part.grad.numpy()))
    for ours, theirs in zip(*results, strict=True):
        assert np.allclose(ours, theirs, rtol=1e-13, atol=0)
    leaf = fastnn.tensor(data, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf"):
        getattr(leaf, name)(*args)
    with fastnn.no_grad():
        getattr(leaf, name)(*args)


def test_inplace_operators():
    x, y = fastnn.tensor([4.0, 9.0]), fastnn.tensor([2.0, 3.0])
    same = x
    x += y
    x -= 1
    x *= y
    x /= 2.0
    x //= 1
    x %= 5
    x **= 2
    assert x is same and x.tolist() == [0.0, 1.0]
    k = fastnn.tensor([6, 5])
    k &= 4
    k |= 1
    k ^= 3
    assert k.tolist() == [6, 6]
    with pytest.raises(RuntimeError, match="can't be cast"):
        k += 1.5
    with pytest.raises(RuntimeError):
        y += fastnn.ones(3, 2)
    mask = fastnn.tensor([True, False])
    assert (~mask).tolist() == [False, True] and (mask | ~mask).tolist() == [True, True]
    assert (fastnn.tensor([1, 2]) << 2).tolist() == [4, 8]


def test_a_changed_value_is_noticed():
    a = fastnn.tensor([1.0, 2.0], requires_grad=True)
    b = a * 2
    c = b * b
    b += 1
    with pytest.raises(RuntimeError, match="modified"):
        c.backward(fastnn.tensor([1.0, 1.0]))
    b = a * 2
    c = fastnn.exp(b)
    c.mul_(2)
    with pytest.raises(RuntimeError, match="modified"):
        c.backward(fastnn.tensor([1.0, 1.0]))


def test_out():
    a = fastnn.tensor([1.0, 4.0])
    out = fastnn.tensor([0.0, 0.0])
    assert fastnn.sqrt(a, out=out) is out and out.tolist() == [1, 2]
    empty = fastnn.tensor([])
    fastnn.add(a, 1, out=empty)
    assert empty.tolist() == [2, 5]
    wide = fastnn.tensor([0.0, 0.0], dtype=fastnn.float64)
    assert fastnn.mul(a, a, out=wide).tolist() == [1, 16]
    with pytest.raises(RuntimeError, match="cast"):
        fastnn.mul(a, a, out=fastnn.tensor([1, 2]))
    with pytest.raises(RuntimeError, match="shape"):
        fastnn.mul(a, a, out=fastnn.tensor([1.0, 2.0, 3.0]))
    leaf = fastnn.tensor([1.0, 1.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="out="):
        fastnn.exp(leaf, out=out)


REFUSED = {
    "negative power of integers": lambda lib: lib.tensor([2]) ** -1,
    "minus of bools": lambda lib: lib.tensor([True]) - lib.tensor([True]),
    "a string": lambda lib: lib.tensor([1.0]) + "1",
    "broadcast": lambda lib: lib.tensor([1.0, 2.0]) * lib.tensor([1.0, 2.0, 3.0]),
    "maximum of a number": lambda lib: lib.maximum(lib.tensor([1.0]), 2.0),
    "integer division by zero": lambda lib: lib.tensor([1]) // 0,
    "clamp of nothing": lambda lib: lib.clamp(lib.tensor([1.0])),
    "a mask of numbers": lambda lib: lib.tensor([1.0]).masked_fill(lib.tensor([1]), 1.5),
    "exp_ of integers": lambda lib: lib.tensor([1]).exp_(),
    "in place to a wider shape": lambda lib: lib.tensor([1.0]).add_(lib.tensor([1.0, 2.0])),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refusals_are_of_torchs_kind(case):
    with pytest.raises(Exception) as expected:  # noqa: PT011, B017
        REFUSED[case](torch)
    with pytest.raises(expected.type):
        REFUSED[case](fastnn)


SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 2.5, -3.5, 1e-8, 88.8, -104.0])
UNARY = ["exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "rsqrt", "square", "reciprocal",
         "sin", "cos", "tan", "asin", "acos", "atan", "sinh", "cosh", "tanh", "sigmoid", "erf",
         "erfc", "erfinv", "floor", "ceil", "round", "trunc", "abs", "neg", "sign", "relu",
         "digamma", "lgamma", "isnan", "isinf", "isfinite", "logical_not"]


@pytest.mark.parametrize("name", UNARY)
def test_special_values_are_torchs(name):
    for dtype in ("float32", "float64"):
        x = SPECIAL.astype(dtype)
        ours = getattr(fastnn, name)(fastnn.tensor(x)).numpy()
        theirs = getattr(torch, name)(torch.tensor(x)).numpy()
        near = 1e-5 if dtype == "float32" else 1e-10
        assert np.allclose(ours, theirs, rtol=near, atol=0, equal_nan=True)
        if theirs.dtype != bool:
            zero = theirs == 0
            assert (np.signbit(ours) == np.signbit(theirs))[zero].all()


ACTIVATIONS = ["relu6", "hardtanh", "hardsigmoid", "hardswish", "hardshrink", "softshrink", "elu",
               "selu", "celu", "gelu", "silu", "mish", "softplus", "logsigmoid", "softsign",
               "tanhshrink", "leaky_relu"]


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_at_kinks_and_ends(name):
    from fastnn._core.ops import activation
    x = np.array([0.0, -0.0, 3.0, -3.0, 0.5, -0.5, 1.0, -1.0, 6.0, 100.0, -100.0, np.nan])
    ours, theirs = fastnn.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, ty = getattr(activation, name)(ours), getattr(torch.nn.functional, name)(theirs)
    assert np.allclose(y.detach().numpy(), ty.detach().numpy(), rtol=1e-12, atol=1e-30,
                       equal_nan=True)
    y.backward(fastnn.ones_like(y))
    ty.backward(torch.ones_like(ty))
    near = 1e-7 if name == "hardsigmoid" else 1e-10  # torch's 1/6 is a float32 even in float64
    assert np.allclose(ours.grad.numpy()[:-1], theirs.grad.numpy()[:-1], rtol=near, atol=1e-30)
