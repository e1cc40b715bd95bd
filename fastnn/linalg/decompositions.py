"""Decompositions of matrices, and what they give: pseudo-inverses, least squares, ranks.

Matrices may be batched: (..., M, N). Formulas of the derivatives: Giles, Collected matrix
derivative results for forward and reverse mode algorithmic differentiation, 2008.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn.autograd import Function
from fastnn.linalg.host import check, host
from fastnn.linalg.solving import inv, solve, tried

__all__ = ["cholesky", "cholesky_ex", "eigh", "eigvalsh", "lstsq", "matrix_rank", "pinv", "qr",
           "svd", "svdvals"]

QRResult = namedtuple("QRResult", ["Q", "R"])
SVDResult = namedtuple("SVDResult", ["U", "S", "Vh"])
EighResult = namedtuple("EighResult", ["eigenvalues", "eigenvectors"])
LstsqResult = namedtuple("LstsqResult", ["solution", "residuals", "rank", "singular_values"])


class _Cholesky(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        y = host("cholesky", np.linalg.cholesky, a)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        m = y.mT @ g
        phi = m.tril(-1) + ops.diag_embed(m.diagonal(dim1=-2, dim2=-1) / 2)
        back = inv(y)
        s = back.mT @ phi @ back
        return (s + s.mT) / 2


def cholesky(A: Tensor, *, upper: bool = False) -> Tensor:
    """L with A = L L^T (upper: L^T) of symmetric positive-definite matrices."""
    check("cholesky", A, True)
    y = _Cholesky.apply(A)
    return y.mT if upper else y


class _QR(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, mode: str) -> tuple[Tensor, Tensor]:
        q, r = host("qr", lambda x: tuple(np.linalg.qr(x, mode)), a)  # type: ignore[call-overload]
        ctx.save_for_backward(q, r)
        ctx.allowed = mode == "reduced" and a.shape[-2] >= a.shape[-1]
        return q, r

    @staticmethod
    def backward(ctx: Any, gq: Tensor, gr: Tensor) -> Any:
        if not ctx.allowed:
            raise NotImplementedError("linalg.qr: the derivative needs mode='reduced' and at least "
                                      "as many rows as columns")
        q, r = ctx.saved_tensors
        m = r @ gr.mT - gq.mT @ q
        low = m.tril(-1)
        both = low + low.mT + ops.diag_embed(m.diagonal(dim1=-2, dim2=-1))
        return solve(r, (gq + q @ both).mT).mT, None


def qr(A: Tensor, mode: str = "reduced") -> Any:
    """(Q, R) with A = Q R, Q orthonormal, R upper triangular; mode "reduced" or "complete", or "r"
    for an empty Q, without derivative."""
    check("qr", A)
    if mode == "r":
        r = _QR.apply(A.detach(), "reduced")[1]
        return QRResult(r.new_empty(0), r)
    if mode not in ("reduced", "complete"):
        raise RuntimeError(f"linalg.qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    return QRResult(*_QR.apply(A, mode))


def _inverse_gaps(x: Tensor) -> Tensor:
    """1 / (x[j] - x[i]) off the diagonal, 0 on it."""
    gap = x.unsqueeze(-2) - x.unsqueeze(-1)
    same = ops.eye(x.shape[-1], dtype=x.dtype)
    return (1 - same) / (gap + same)


class _SVD(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, s, vh = host("svd", lambda x: tuple(np.linalg.svd(x, full_matrices=False)), a)
        ctx.save_for_backward(u, s, vh)
        return u, s, vh

    @staticmethod
    def backward(ctx: Any, gu: Tensor, gs: Tensor, gvh: Tensor) -> Tensor:
        u, s, vh = ctx.saved_tensors
        v, gv = vh.mT, gvh.mT
        f = _inverse_gaps(s * s)
        j, k = f * (u.mT @ gu), f * (vh @ gv)
        row, col = s.unsqueeze(-2), s.unsqueeze(-1)
        core = (j + j.mT) * row + col * (k + k.mT) + ops.diag_embed(gs)
        da = u @ core @ vh
        if u.shape[-2] > s.shape[-1]:
            da = da + (gu / row - u @ (u.mT @ (gu / row))) @ vh
        if v.shape[-2] > s.shape[-1]:
            da = da + u @ ((gv / row).mT - ((gv / row).mT @ v) @ vh)
        return da


class _FullSVD(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Any:
        return host("svd", lambda x: tuple(np.linalg.svd(x)), a)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        raise NotImplementedError("linalg.svd: the derivative needs full_matrices=False")


def svd(A: Tensor, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh, S falling. Only full_matrices=False is differentiable."""
    check("svd", A)
    if full_matrices and A.shape[-1] != A.shape[-2]:
        return SVDResult(*_FullSVD.apply(A))
    return SVDResult(*_SVD.apply(A))


def svdvals(A: Tensor, *, driver: str | None = None) -> Tensor:
    """The singular values, falling."""
    return svd(A, full_matrices=False).S


class _Eigh(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, uplo: str) -> tuple[Tensor, Tensor]:
        w, v = host(
            "eigh", lambda x: tuple(np.linalg.eigh(x, uplo)), a)  # type: ignore[call-overload]
        ctx.save_for_backward(w, v)
        return w, v

    @staticmethod
    def backward(ctx: Any, gw: Tensor, gv: Tensor) -> Any:
        w, v = ctx.saved_tensors
        core = ops.diag_embed(gw) + (v.mT @ gv) * _inverse_gaps(w)
        return v @ core @ v.mT, None


def eigh(A: Tensor, UPLO: str = "L") -> Any:
    """(eigenvalues rising, eigenvectors as columns) of symmetric matrices, of which the triangle
    UPLO is read."""
    check("eigh", A, True)
    return EighResult(*_Eigh.apply(A, UPLO))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, rising."""
    return eigh(A, UPLO).eigenvalues


class _Pinv(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, rcond: float) -> Tensor:
        y = host("pinv", lambda x: np.linalg.pinv(x, rcond), a)
        ctx.save_for_backward(a, y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        a, p = ctx.saved_tensors
        t = g.mT
        da = (t - a @ (p @ t)) @ p @ p.mT + p.mT @ (p @ (t - (t @ p) @ a))
        return da - p.mT @ g @ p.mT, None


def pinv(A: Tensor, rcond: Any = None, hermitian: bool = False, *, atol: Any = None,
         rtol: Any = None) -> Tensor:
    """The Moore-Penrose inverse; singular values up to max(atol, rtol * the largest) count as 0.

    rcond is rtol's old name.
    """
    check("pinv", A)
    if 0 in A.shape:
        return A.mT.clone()
    if hermitian:  # the lower triangle is read
        A = A.tril() + A.tril(-1).mT
    share = _share(A, atol, rcond if rtol is None else rtol)
    if atol is not None:
        largest = svdvals(A.detach()).amax(-1).clamp(min=np.finfo(A.dtype.name).tiny)
        share = ops.maximum(atol / largest, largest * 0 + share).numpy()
    return _Pinv.apply(A, share)


def _share(A: Tensor, atol: Any, rtol: Any) -> Any:
    """rtol, or what it is by default."""
    if rtol is None:
        return 0.0 if atol else max(A.shape[-2:]) * float(np.finfo(A.dtype.name).eps)
    return rtol


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X of least norm that minimises |A X - B|: (solution, residuals, rank, singular_values).
    """
    check("lstsq", A)
    vector = B.ndim == A.ndim - 1
    b = B.unsqueeze(-1) if vector else B
    x = pinv(A, rtol=rcond) @ b
    rank = matrix_rank(A, rtol=rcond)
    rest = ops.empty(0, dtype=A.dtype)
    if A.shape[-2] > A.shape[-1] and bool((rank == A.shape[-1]).all()):
        rest = ((A @ x - b) ** 2).sum(-2)
    return LstsqResult(x.squeeze(-1) if vector else x, rest, rank, ops.empty(0, dtype=A.dtype))


def matrix_rank(A: Tensor, tol: Any = None, hermitian: bool = False, *, atol: Any = None,
                rtol: Any = None) -> Tensor:
    """How many singular values exceed max(atol, rtol * the largest). tol is atol's old name."""
    check("matrix_rank", A)
    if 0 in A.shape[-2:]:
        return ops.zeros(A.shape[:-2], dtype=ops.argsort(A.reshape(-1)).dtype)
    s = svdvals((A.tril() + A.tril(-1).mT if hermitian else A).detach())
    least = atol if tol is None else tol
    limit = s.amax(-1, keepdim=True) * _share(A, least, rtol)
    return (s > (limit if least is None else limit.clamp(min=least))).sum(-1)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(cholesky(A), info); info is 0 where it exists."""
    return tried(cholesky, check_errors, A, A, upper=upper)
