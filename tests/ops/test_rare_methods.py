"""Methods that have no place in a record: of memory, of randomness, of settings."""

import math

import numpy as np
import pytest

import fastnn

N = 40000


def close(mean, want, deviation):
    """Within four standard deviations of a mean of N."""
    return abs(mean - want) < 4 * deviation / N**0.5


def test_resize():
    x = fastnn.arange(6.0)
    y = x
    assert x.resize_(2, 3) is y and x.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert x.resize_(2, 2).tolist() == [[0, 1], [2, 3]]
    assert x.resize_((3, 2)).tolist()[:2] == [[0, 1], [2, 3]] and x.shape == (3, 2)
    assert x.resize_as_(fastnn.zeros(4)).shape == (4,)
    with pytest.raises(RuntimeError, match="require grad"):
        fastnn.ones(2, requires_grad=True).resize_(3)


def test_set():
    x, source = fastnn.zeros(2), fastnn.arange(3)
    x.set_(source)
    assert x.is_set_to(source) and x.dtype == fastnn.int64
    source[0] = 7
    assert x.tolist() == [7, 1, 2]
    assert x.set_().numel() == 0


def test_python_functions_on_elements():
    x = fastnn.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x.apply_(lambda v: v * 10).tolist() == [[10, 20], [30, 40]]
    assert x.map_(fastnn.tensor([1.0, 2.0]), lambda a, b: a + b).tolist() == [[11, 22], [31, 42]]


def test_empty_of_strides():
    x = fastnn.zeros(1, dtype=fastnn.float64).new_empty_strided((2, 3), (1, 2))
    assert x.shape == (2, 3) and x.stride() == (1, 2) and x.dtype == fastnn.float64


def test_a_tensor_as_a_subclass():
    class Mine(fastnn.Tensor):
        pass

    x = fastnn.ones(2)
    y = x.as_subclass(Mine)
    y[0] = 5.0
    assert type(y) is Mine and x.tolist() == [5, 1]


def test_sharing_changes_nothing():
    x = fastnn.ones(2)
    assert x.share_memory_() is x and not x.is_shared() and not x.is_pinned()


def test_conjugates_and_parts():
    x = fastnn.ones(2, 3)
    assert x.real is x and x.conj() is x and x.resolve_conj() is x and x.mH.shape == (3, 2)
    with pytest.raises(RuntimeError, match="imag"):
        x.imag  # noqa: B018
    with pytest.raises(RuntimeError, match="matrices"):
        fastnn.ones(1, 2, 3).H  # noqa: B018


def test_log_normal():
    fastnn.manual_seed(0)
    x = fastnn.empty(N).log_normal_(0.5, 0.3).log()
    assert close(x.mean().item(), 0.5, 0.3) and abs(x.std().item() - 0.3) < 0.01


def test_cauchy():
    fastnn.manual_seed(0)
    x = fastnn.empty(N, dtype=fastnn.float64).cauchy_(2.0, 3.0)
    inside = ((x > -1) & (x < 5)).double().mean().item()  # half lies within sigma of the median
    assert close(inside, 0.5, 0.5) and close((x < 2).double().mean().item(), 0.5, 0.5)


@pytest.mark.parametrize("dtype", [fastnn.float32, fastnn.int64])
def test_geometric(dtype):
    fastnn.manual_seed(0)
    x = fastnn.empty(N, dtype=dtype).geometric_(0.3)
    assert x.min().item() == 1 and (x == x.round()).all() if x.is_floating_point() else True
    assert close(x.double().mean().item(), 1 / 0.3, math.sqrt(0.7) / 0.3)
    with pytest.raises(RuntimeError, match="p"):
        fastnn.empty(2).geometric_(1.5)


def test_poisson_and_binomial():
    fastnn.manual_seed(3)
    x = fastnn.poisson(fastnn.full((N,), 4.0))
    assert close(x.mean().item(), 4, 2) and abs(x.var().item() - 4) < 0.2
    fastnn.manual_seed(3)
    assert fastnn.equal(fastnn.poisson(fastnn.full((N,), 4.0)), x)
    y = fastnn.binomial(fastnn.full((N,), 10.0), fastnn.tensor(0.3))
    assert close(y.mean().item(), 3, math.sqrt(2.1)) and y.dtype == fastnn.float32
    with pytest.raises(RuntimeError, match="rate"):
        fastnn.poisson(fastnn.tensor([-1.0]))


def test_settings_of_programs():
    fastnn.use_deterministic_algorithms(True)
    assert fastnn.are_deterministic_algorithms_enabled()
    assert fastnn.get_deterministic_debug_mode() == 2
    fastnn.set_deterministic_debug_mode("default")
    assert not fastnn.are_deterministic_algorithms_enabled()
    fastnn.set_float32_matmul_precision("high")
    assert fastnn.get_float32_matmul_precision() == "high"
    with pytest.warns(UserWarning, match="is not one of"):
        fastnn.set_float32_matmul_precision("low")
    fastnn.set_float32_matmul_precision("highest")
    fastnn.set_num_interop_threads(1)
    assert fastnn.get_num_interop_threads() == 1 and fastnn.set_flush_denormal(True) is False
    fastnn.set_default_device("cpu")
    assert str(fastnn.get_default_device()) == "cpu"
    with pytest.raises(RuntimeError):
        fastnn.set_default_device("cuda")
    try:
        fastnn.set_default_tensor_type("torch.DoubleTensor")
        assert fastnn.ones(1).dtype == fastnn.float64
        fastnn.set_default_tensor_type(fastnn.FloatTensor)
        assert fastnn.ones(1).dtype == fastnn.float32
    finally:
        fastnn.set_default_dtype(fastnn.float32)


def test_constants():
    assert fastnn.pi == math.pi and fastnn.inf == math.inf and math.isnan(fastnn.nan)
    assert fastnn.ones(2)[:, fastnn.newaxis].shape == (2, 1) and fastnn.e == math.e


def test_in_place_forms_are_on_the_tape():
    x = fastnn.tensor(np.linspace(0.1, 0.8, 6), requires_grad=True)
    y = (x * 1).atanh_().sinc_().logit_(1e-3)
    want = fastnn.logit(fastnn.sinc(fastnn.atanh(x)), 1e-3)
    assert fastnn.equal(y, want)
    (a,), (b,) = fastnn.autograd.grad(y.sum(), [x]), fastnn.autograd.grad(want.sum(), [x])
    assert fastnn.equal(a, b)
    with pytest.raises(RuntimeError, match="leaf"):
        x.atanh_()
    with pytest.raises(RuntimeError, match="can't be cast"):
        fastnn.tensor([1, 2]).asinh_()
