"""Small things that ported programs lean on, each in both engines."""

import numpy as np
import pytest

import fastnn

torch = pytest.importorskip("torch", reason="PyTorch is the oracle")


def plain(T, value):
    if isinstance(value, T.Tensor):
        return (str(value.dtype).rpartition(".")[2], value.tolist())
    if isinstance(value, (list, tuple)):
        return [plain(T, v) for v in value]
    return value


def gradient(T, f, *values):
    leaves = [T.tensor(v, dtype=T.float64, requires_grad=True) for v in values]
    f(*leaves).sum().backward()
    return [x.grad for x in leaves]


def batched(T):
    x = T.tensor([1.0, 2.0, 3.0], requires_grad=True)
    y = T.ones(3, requires_grad=True)
    return T.autograd.grad(x ** 2 * y, [x, y], T.eye(3), is_grads_batched=True)


def group_text(T):
    layer = T.nn.Linear(2, 2)
    groups = [{"params": [layer.weight], "lr": 0.1}, {"params": layer.bias}]
    return repr(T.optim.SGD(groups, lr=1.0))


def script(T):
    module = T.nn.Linear(2, 1)
    return T.jit.trace(module, T.ones(1, 2))(T.ones(1, 2)).shape == (1, 1)


def device(T):
    with T.device("cpu"):
        return str(T.ones(1).device)


CALLS = {
    "outer promotes": lambda T: T.outer(T.tensor([1, 2]), T.tensor([0.5])),
    "outer of bools": lambda T: T.outer(T.tensor([True, False]), T.tensor([True])),
    "masked_fill of bools": lambda T: T.tensor([True, False]).masked_fill(T.tensor([False, True]),
                                                                          1.5),
    "addcmul of integers": lambda T: T.addcmul(T.tensor([1]), T.tensor([2]), T.tensor([3]),
                                               value=2),
    "atan2 at the origin": lambda T: gradient(T, T.atan2, [0.0, 1.0], [0.0, 2.0]),
    "gradients in a batch": batched, "text of groups": group_text, "traced": script,
    "device as a context": device,
    "bytes of numbers": lambda T: T.tensor([1, 258], dtype=T.int32).view(T.uint8),
    "numbers of bytes": lambda T: T.arange(16, dtype=T.uint8).view(2, 8).view(T.int32),
    "halves of a part": lambda T: T.arange(12.0).view(3, 4)[1:, :2].view(T.int16),
    "pairs of floats": lambda T: T.arange(8.0).view(2, 4).view(T.float64).shape,
    "sizes that are tensors": lambda T: [list(f(T.tensor(2)).shape) for f in (
        T.zeros, T.empty, T.rand, T.ones(3).repeat, T.ones(3).tile, T.ones(3).new_zeros)],
    "flipped nothing": lambda T: T.zeros(5, 0, 3).flip(0, 1, 2).shape == (5, 0, 3),
    "narrowed nothing": lambda T: tuple(T.zeros(0, 2).narrow(1, 1, 1).shape),
    "integers in a range": lambda T: [T.arange(3.1, dtype=T.int64),
                                      T.arange(-0.9, 2.1, 2.0, dtype=T.int64)],
    "no difference": lambda T: T.diff(T.ones(2), n=0, append=T.ones(1)),
    "mask of more dimensions": lambda T: T.zeros(2).masked_scatter(
        T.tensor([[True, False], [False, True]]), T.tensor([3.0, 4.0])),
    "quantile of a number": lambda T: T.quantile(T.tensor(2.0), 0.5, dim=0, keepdim=True),
    "similarity along a broadcast dim": lambda T: T.nn.functional.cosine_similarity(
        T.arange(6.0).view(1, 2, 3), T.arange(6.0).view(2, 1, 3), dim=0).shape == (2, 3),
    "nuclear norm": lambda T: round(T.norm(T.eye(3), p="nuc").item(), 5),
    "norm by a tensor": lambda T: round(T.ones(4).norm(T.tensor(2)).item(), 5),
    "rounded division": lambda T: gradient(
        T, lambda a, b: T.div(a, b, rounding_mode="floor") + T.div(a, b, rounding_mode="trunc"),
        [3.0, 5.0], [2.0, -2.0]),
    "gradient of nothing said": lambda T: T.gradient(T.tensor([1.0, 4.0]), spacing=None)[0],
    "rank of nothing": lambda T: T.linalg.matrix_rank(T.zeros(2, 0, 3)),
    "hermitian inverse": lambda T: T.linalg.pinv(T.tensor([[2.0, 9.0], [0.0, 4.0]]),
                                                 hermitian=True),
    "circles of a part": lambda T: T.nn.functional.pad(
        T.arange(16.0).view(1, 1, 4, 4), (-1, 1, -2, 1), "circular"),
    "one variance for all samples": lambda T: [round(T.nn.functional.gaussian_nll_loss(
        T.ones(4, 3), T.zeros(4, 3), T.full(shape, 2.0)).item(), 6)
        for shape in ((1, 3), (4, 1), (4,), (4, 3))],
    "range's end by name": lambda T: T.arange(end=3.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_same(name):
    assert plain(fastnn, CALLS[name](fastnn)) == plain(torch, CALLS[name](torch))


REFUSED = {
    "float of two": lambda T: float(T.ones(2)), "int of two": lambda T: int(T.ones(2)),
    "item of two": lambda T: T.ones(2).item(), "None": lambda T: T.tensor(None),
    "linear of integers": lambda T: T.nn.Linear(2, 2)(T.ones(1, 2, dtype=T.int64)),
    "classes as floats": lambda T: T.nn.functional.nll_loss(T.ones(2, 3), T.ones(2)),
    "odd bytes": lambda T: T.zeros(3, dtype=T.uint8).view(T.int16),
    "a number's bytes": lambda T: T.tensor(1.0).view(T.uint8),
    "a column's bytes": lambda T: T.zeros(2, 4).t().view(T.uint8),
    "a part that starts between": lambda T: T.zeros(5)[1:].view(T.float64),
    **{f"{f} of a number": lambda T, f=f: getattr(T, f)(T.tensor([3]), 2) for f in (
        "gcd", "lcm", "ldexp", "heaviside", "nextafter", "igamma")},
    "weights of a covariance": lambda T: T.cov(T.ones(2, 3), fweights=T.tensor([1, 2])),
    "weights below 0": lambda T: T.cov(T.ones(2, 2), aweights=T.tensor([1.0, -2.0])),
    "a dim twice": lambda T: T.gradient(T.ones(3, 3), dim=(1, 1)),
    "variances of another shape": lambda T: T.nn.functional.gaussian_nll_loss(
        T.ones(4, 3), T.zeros(4, 3), T.ones(1, 1)),
    "no graph": lambda T: T.ones(1).backward(),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_alike(name):
    with pytest.raises(Exception) as want:
        REFUSED[name](torch)
    with pytest.raises(want.type):
        REFUSED[name](fastnn)


def test_a_dtype_is_refused_by_both_kinds():
    for kind in (TypeError, RuntimeError):
        with pytest.raises(kind):
            fastnn.nn.functional.nll_loss(fastnn.ones(2, 3), fastnn.ones(2))
    with pytest.raises(RuntimeError, match="element 0 of tensors does not require grad"):
        fastnn.ones(1).backward()
    assert np.isfinite(fastnn.atan2(fastnn.zeros(1), fastnn.zeros(1)).item())
