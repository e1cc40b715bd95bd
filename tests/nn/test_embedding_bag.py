"""EmbeddingBag against PyTorch: values, gradients, refusals."""

import numpy as np
import pytest

import fastnn
from fastnn import nn

torch = pytest.importorskip("torch")
OFFSETS = [[0, 3, 3, 7], [0], [0, 0, 9], [0, 9, 9]]


def both(mode, **options):
    table = np.random.default_rng(0).standard_normal((6, 4))
    ours = nn.EmbeddingBag(6, 4, mode=mode, _weight=fastnn.tensor(table), **options)
    theirs = torch.nn.EmbeddingBag(6, 4, mode=mode, _weight=torch.tensor(table), **options)
    return ours, theirs


def check(ours, theirs, *args):
    y = ours(*[None if a is None else fastnn.tensor(a) for a in args])
    u = theirs(*[None if a is None else torch.tensor(a) for a in args])
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-14, atol=1e-15)
    dy = np.random.default_rng(1).standard_normal(tuple(u.shape))
    y.backward(fastnn.tensor(dy))
    u.backward(torch.tensor(dy))
    np.testing.assert_allclose(ours.weight.grad.numpy(), theirs.weight.grad.numpy(), rtol=1e-13,
                               atol=1e-14)


@pytest.mark.parametrize("padding", [None, 2, -1])
@pytest.mark.parametrize("offsets", OFFSETS, ids=str)
@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_bags(mode, offsets, padding):
    index = np.array([1, 2, 2, 5, 0, 5, 1, 2, 3])
    check(*both(mode, padding_idx=padding), index, np.array(offsets))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_rows_of_a_matrix_are_bags(mode):
    check(*both(mode), np.array([[0, 1, 1], [5, 4, 3]]))


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
def test_include_last_offset(mode):
    check(*both(mode, include_last_offset=True), np.arange(6), np.array([0, 2, 5, 6]))


def test_per_sample_weights_have_a_gradient():
    ours, theirs = both("sum")
    index, w = np.array([1, 2, 2, 5]), np.array([0.5, -1.0, 2.0, 3.0])
    a, b = fastnn.tensor(w).requires_grad_(), torch.tensor(w).requires_grad_()
    y = ours(fastnn.tensor(index), fastnn.tensor(np.array([0, 3])), a)
    u = theirs(torch.tensor(index), torch.tensor([0, 3]), b)
    y.sum().backward()
    u.sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=1e-14)
    np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-14)


@pytest.mark.parametrize("call", [
    lambda m, i: m.nn.functional.embedding_bag(i, m.ones(6, 2)),
    lambda m, i: m.nn.functional.embedding_bag(i.reshape(2, 2), m.ones(6, 2), i),
    lambda m, i: m.nn.functional.embedding_bag(i, m.ones(6, 2), i + 1),
    lambda m, i: m.nn.functional.embedding_bag(i, m.ones(6, 2), i * 9),
    lambda m, i: m.nn.functional.embedding_bag(i, m.ones(6, 2), i, mode="last"),
    lambda m, i: m.nn.functional.embedding_bag(i, m.ones(6, 2), i, per_sample_weights=m.ones(3)),
    lambda m, i: m.nn.functional.embedding_bag(i, m.ones(6, 2), i, mode="mean",
                                               per_sample_weights=m.ones(4))])
def test_refusals_are_of_torchs_kind(call):
    with pytest.raises(Exception) as want:
        call(torch, torch.arange(4))
    with pytest.raises(want.type):
        call(fastnn, fastnn.arange(4))


def test_repr():
    for options in ({}, {"padding_idx": 1}, {"max_norm": 2.0}):
        ours, theirs = both("sum", **options)
        assert repr(ours) == repr(theirs)
