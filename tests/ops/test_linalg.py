"""Decompositions: what they rebuild, and derivatives that do not depend on the choice of signs."""

from __future__ import annotations

import numpy as np
import pytest

import fastnn
from fastnn import linalg
from fastnn.autograd import gradcheck

RNG = np.random.default_rng(0)


def matrix(*shape: int):
    return fastnn.from_numpy(RNG.standard_normal(shape)).requires_grad_()


def positive(n: int):
    a = RNG.standard_normal((n, n))
    return fastnn.from_numpy(a @ a.T + n * np.eye(n)).requires_grad_()


@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (2, 4, 2)])
def test_qr(shape):
    a = matrix(*shape)
    q, r = linalg.qr(a)
    assert np.allclose((q @ r).detach().numpy(), a.detach().numpy())
    assert gradcheck(lambda x: (linalg.qr(x).Q.abs(), linalg.qr(x).R.abs()), a)


@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (2, 3), (2, 3, 2)])
def test_svd(shape):
    a = matrix(*shape)
    u, s, vh = linalg.svd(a, full_matrices=False)
    assert np.allclose((u * s.unsqueeze(-2) @ vh).detach().numpy(), a.detach().numpy())
    assert gradcheck(lambda x: linalg.svd(x, full_matrices=False).S, a)
    weight = fastnn.from_numpy(RNG.standard_normal(tuple(u.shape)))

    def product(x):
        u, s, vh = linalg.svd(x, full_matrices=False)
        return u @ fastnn.diag_embed(s**2) @ vh, (u * weight).abs()

    assert gradcheck(product, a)


def test_cholesky():
    a = positive(3)
    assert np.allclose(linalg.cholesky(a).detach().numpy(), np.linalg.cholesky(a.detach().numpy()))
    assert gradcheck(lambda x: linalg.cholesky((x + x.mT) / 2), a)
    with pytest.raises(RuntimeError, match="positive definite"):
        linalg.cholesky(-fastnn.eye(2))


def test_eigh():
    a = positive(3)
    w, v = linalg.eigh(a)
    assert np.allclose((v * w @ v.mT).detach().numpy(), a.detach().numpy())
    assert gradcheck(lambda x: (linalg.eigh((x + x.mT) / 2).eigenvalues,
                                linalg.eigh((x + x.mT) / 2).eigenvectors.abs()), a)


def test_lstsq_is_numpys():
    a, b = matrix(5, 3), matrix(5, 2)
    want, residuals, rank, _ = np.linalg.lstsq(a.detach().numpy(), b.detach().numpy(), rcond=None)
    got = linalg.lstsq(a, b)
    assert np.allclose(got.solution.detach().numpy(), want)
    assert np.allclose(got.residuals.detach().numpy(), residuals) and got.rank.item() == rank
    assert gradcheck(lambda x, y: linalg.lstsq(x, y).solution, (a, b))


def test_methods():
    a = positive(3).detach()
    assert np.allclose(a.inverse().numpy(), np.linalg.inv(a.numpy()))
    assert np.allclose(a.det().numpy(), np.linalg.det(a.numpy()))


@pytest.mark.parametrize("call", [
    lambda T, A: T.linalg.pinv(A, atol=0.5), lambda T, A: T.linalg.pinv(A, rtol=0.5),
    lambda T, A: T.linalg.pinv(A, 0.1), lambda T, A: T.linalg.pinv(A, atol=0.1, rtol=0.7),
    lambda T, A: T.linalg.matrix_rank(A, 0.5), lambda T, A: T.linalg.matrix_rank(A, atol=2.0),
    lambda T, A: T.linalg.qr(A, mode="r")[1].abs(), lambda T, A: T.linalg.svdvals(A, driver=None),
    lambda T, A: T.linalg.matrix_norm(A, ord=2)])
def test_rarer_arguments(call):
    torch = pytest.importorskip("torch", reason="PyTorch is the oracle")
    A = np.random.default_rng(0).standard_normal((2, 4, 3)) * np.array([1.0, 0.3, 0.05])
    want = call(torch, torch.tensor(A))
    np.testing.assert_allclose(call(fastnn, fastnn.tensor(A)).numpy(), want, rtol=1e-9, atol=1e-10)
    assert linalg.norm(input=fastnn.eye(2), ord=2) == 1
