"""Linear algebra: NumPy (LAPACK) computes, the derivatives are written in tensor operations.

Matrices may be batched: (..., M, N). Formulas of the derivatives: Giles, Collected matrix
derivative results for forward and reverse mode algorithmic differentiation, 2008.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor
from fastnn.autograd import Function

__all__ = ["LinAlgError", "cholesky", "cholesky_ex", "det", "eigh", "eigvalsh", "inv", "inv_ex",
           "lstsq", "matrix_rank", "pinv", "qr", "slogdet", "solve", "solve_ex",
           "solve_triangular", "svd", "svdvals"]

SlogdetResult = namedtuple("SlogdetResult", ["sign", "logabsdet"])
QRResult = namedtuple("QRResult", ["Q", "R"])
SVDResult = namedtuple("SVDResult", ["U", "S", "Vh"])
EighResult = namedtuple("EighResult", ["eigenvalues", "eigenvectors"])
ExResult = namedtuple("ExResult", ["result", "info"])
LstsqResult = namedtuple("LstsqResult", ["solution", "residuals", "rank", "singular_values"])


class LinAlgError(RuntimeError):
    """LAPACK refused a matrix: it is singular, or not positive definite."""


def _check(name: str, a: Tensor, square: bool = False) -> None:
    if not isinstance(a, Tensor):
        raise TypeError(f"linalg.{name}: expected a Tensor, got {type(a).__name__}")
    if a.ndim < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    if square and a.shape[-1] != a.shape[-2]:
        raise RuntimeError(f"linalg.{name}: A must be batches of square matrices, but they are "
                           f"{a.shape[-2]} by {a.shape[-1]} matrices")
    if not a.is_floating_point():
        raise RuntimeError(f"linalg.{name}: Expected a floating point tensor as input. Got "
                           f"{a.dtype}")


def _host(name: str, function: Callable[..., Any], *tensors: Tensor) -> Any:
    """function of the tensors' arrays as a host op; LAPACK's refusals become LinAlgError."""
    try:
        return host_op(f"linalg.{name}", function, *tensors)
    except np.linalg.LinAlgError as error:
        raise LinAlgError(f"linalg: {error}") from None


class _Inv(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        y = _host("inv", np.linalg.inv, a)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return -(y.mT @ g @ y.mT)


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices.  dA = -Y^T dY Y^T. Raises RuntimeError if singular."""
    _check("inv", A, True)
    return _Inv.apply(A)


class _Solve(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        x = _host("solve", np.linalg.solve, a, b)
        ctx.save_for_backward(a, x)
        return x

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        a, x = ctx.saved_tensors
        db = _Solve.apply(a.mT, g)
        return -(db @ x.mT), db


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:
    """X with A X = B (left) or X A = B.  dB = A^-T dX,  dA = -dB X^T.

    B is a vector (N,), vectors (..., N), or matrices (..., N, K).
    """
    _check("solve", A, True)
    if not left:
        return solve(A.mT, B.mT).mT
    vector = B.ndim == 1 or (A.ndim - 1 == B.ndim and B.shape == A.shape[:-1])
    b = B.unsqueeze(-1) if vector else B
    if b.shape[-2] != A.shape[-1]:
        raise RuntimeError(f"linalg.solve: Incompatible shapes of A and B for the equation AX = B "
                           f"({tuple(A.shape)} and {tuple(B.shape)})")
    x = _Solve.apply(A, b)
    return x.squeeze(-1) if vector else x


class _Det(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        ctx.save_for_backward(a)
        return _host("det", np.linalg.det, a)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return g[..., None, None] * _Cofactors.apply(a)


def _cofactors(a: Any) -> Any:
    u, s, vh = np.linalg.svd(a)
    others = np.stack([np.prod(np.delete(s, i, -1), -1) for i in range(s.shape[-1])], -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (u * others[..., None, :]) @ vh * sign[..., None, None]


class _Cofactors(Function):
    """det(A) A^-T, also of singular matrices: U diag(products of the others) V^T det(U V^T)."""

    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        ctx.save_for_backward(a)
        return _host("cofactors", _cofactors, a)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        y = inv(a).mT
        inner = (g * y).sum((-2, -1), keepdim=True)
        return det(a)[..., None, None] * (inner * y - y @ g.mT @ y)


def det(A: Tensor) -> Tensor:
    """The determinant of square matrices.  dA = dy det(A) A^-T."""
    _check("det", A, True)
    return _Det.apply(A)


def slogdet(A: Tensor) -> Any:
    """(sign, log |det|) of square matrices.  dA = dlogabsdet A^-T."""
    _check("slogdet", A, True)
    return SlogdetResult(*_Slogdet.apply(A))


class _Slogdet(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor]:
        sign, value = _host("slogdet", lambda x: tuple(np.linalg.slogdet(x)), a)
        ctx.save_for_backward(a)
        return sign, value

    @staticmethod
    def backward(ctx: Any, _: Tensor, g: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return g[..., None, None] * inv(a).mT


class _Cholesky(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        y = _host("cholesky", np.linalg.cholesky, a)
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
    _check("cholesky", A, True)
    y = _Cholesky.apply(A)
    return y.mT if upper else y


class _QR(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, mode: str) -> tuple[Tensor, Tensor]:
        q, r = _host("qr", lambda x: tuple(np.linalg.qr(x, mode)), a)  # type: ignore[call-overload]
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
    """(Q, R) with A = Q R, Q orthonormal, R upper triangular; mode "reduced" or "complete"."""
    _check("qr", A)
    if mode not in ("reduced", "complete"):
        raise RuntimeError(f"linalg.qr: mode must be 'reduced' or 'complete', got {mode!r}")
    return QRResult(*_QR.apply(A, mode))


def _inverse_gaps(x: Tensor) -> Tensor:
    """1 / (x[j] - x[i]) off the diagonal, 0 on it."""
    gap = x.unsqueeze(-2) - x.unsqueeze(-1)
    same = ops.eye(x.shape[-1], dtype=x.dtype)
    return (1 - same) / (gap + same)


class _SVD(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        u, s, vh = _host("svd", lambda x: tuple(np.linalg.svd(x, full_matrices=False)), a)
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


def svd(A: Tensor, full_matrices: bool = True) -> Any:
    """(U, S, Vh) with A = U diag(S) Vh, S falling. Only full_matrices=False is differentiable."""
    _check("svd", A)
    if full_matrices and A.shape[-1] != A.shape[-2]:
        if A.requires_grad:
            raise NotImplementedError("linalg.svd: the derivative needs full_matrices=False")
        return SVDResult(*_host("svd", lambda x: tuple(np.linalg.svd(x)), A))
    return SVDResult(*_SVD.apply(A))


def svdvals(A: Tensor) -> Tensor:
    """The singular values, falling."""
    return svd(A, full_matrices=False).S


class _Eigh(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, uplo: str) -> tuple[Tensor, Tensor]:
        w, v = _host(
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
    _check("eigh", A, True)
    return EighResult(*_Eigh.apply(A, UPLO))


def eigvalsh(A: Tensor, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, rising."""
    return eigh(A, UPLO).eigenvalues


class _Pinv(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, rcond: float) -> Tensor:
        y = _host("pinv", lambda x: np.linalg.pinv(x, rcond), a)
        ctx.save_for_backward(a, y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Any:
        a, p = ctx.saved_tensors
        t = g.mT
        da = (t - a @ (p @ t)) @ p @ p.mT + p.mT @ (p @ (t - (t @ p) @ a))
        return da - p.mT @ g @ p.mT, None


def pinv(A: Tensor, *, rtol: float | None = None, hermitian: bool = False) -> Tensor:
    """The Moore-Penrose inverse; singular values below rtol times the largest count as 0."""
    _check("pinv", A)
    if rtol is None:
        rtol = max(A.shape[-2:]) * float(np.finfo(A.dtype.name).eps)
    return _Pinv.apply(A, rtol)


def lstsq(A: Tensor, B: Tensor, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X of least norm that minimises |A X - B|: (solution, residuals, rank, singular_values).
    """
    _check("lstsq", A)
    vector = B.ndim == A.ndim - 1
    b = B.unsqueeze(-1) if vector else B
    x = pinv(A, rtol=rcond) @ b
    rank = matrix_rank(A, rtol=rcond)
    rest = ops.empty(0, dtype=A.dtype)
    if A.shape[-2] > A.shape[-1] and bool((rank == A.shape[-1]).all()):
        rest = ((A @ x - b) ** 2).sum(-2)
    return LstsqResult(x.squeeze(-1) if vector else x, rest, rank, ops.empty(0, dtype=A.dtype))


def matrix_rank(A: Tensor, *, rtol: float | None = None, atol: float = 0.0,
                hermitian: bool = False) -> Tensor:
    """How many singular values exceed max(atol, rtol * the largest)."""
    _check("matrix_rank", A)
    s = svdvals(A.detach())
    if rtol is None:
        rtol = max(A.shape[-2:]) * float(np.finfo(A.dtype.name).eps)
    limit = (s.amax(-1, keepdim=True) * rtol).clamp(min=atol)
    return (s > limit).sum(-1)


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Tensor:
    """X with A X = B (left) or X A = B, for the upper or lower triangle of A.

    unitriangular: its diagonal counts as ones.
    """
    _check("solve_triangular", A, True)
    a = A.triu() if upper else A.tril()
    if unitriangular:
        a = (A.triu(1) if upper else A.tril(-1)) + ops.eye(A.shape[-1], dtype=A.dtype)
    return solve(a, B, left=left)


def _tried(function: Callable[..., Tensor], check_errors: bool, like: Tensor, *args: Tensor,
           **kwargs: Any) -> Any:
    """(function(*args), 0), or (NaN, 1) where it fails and errors are not to be raised."""
    info = ops.zeros(tuple(like.shape[:-2])).int()
    try:
        return ExResult(function(*args, **kwargs), info)
    except LinAlgError:
        if check_errors:
            raise
        return ExResult(ops.full_like(args[-1], float("nan")), info + 1)


def inv_ex(A: Tensor, *, check_errors: bool = False) -> Any:
    """(inv(A), info); info is 0 where it exists."""
    return _tried(inv, check_errors, A, A)


def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: bool = False) -> Any:
    """(cholesky(A), info); info is 0 where it exists."""
    return _tried(cholesky, check_errors, A, A, upper=upper)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(solve(A, B), info); info is 0 where it exists."""
    return _tried(solve, check_errors, A, A, B, left=left)
