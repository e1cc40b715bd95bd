"""Inverses, solutions of equations, determinants.

Formulas of the derivatives: Giles, Collected matrix derivative results for forward and reverse mode
algorithmic differentiation, 2008.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn.autograd import Function
from fastnn.linalg.host import LinAlgError, check, host

__all__ = ["det", "inv", "inv_ex", "slogdet", "solve", "solve_ex", "solve_triangular"]

SlogdetResult = namedtuple("SlogdetResult", ["sign", "logabsdet"])
ExResult = namedtuple("ExResult", ["result", "info"])


class _Inv(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> Tensor:
        y = host("inv", np.linalg.inv, a)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        return -(y.mT @ g @ y.mT)


def inv(A: Tensor) -> Tensor:
    """The inverse of square matrices.  dA = -Y^T dY Y^T. Raises RuntimeError if singular."""
    check("inv", A, True)
    return _Inv.apply(A)


class _Solve(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor) -> Tensor:
        x = host("solve", np.linalg.solve, a, b)
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
    check("solve", A, True)
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
        return host("det", np.linalg.det, a)

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
        return host("cofactors", _cofactors, a)

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        y = inv(a).mT
        inner = (g * y).sum((-2, -1), keepdim=True)
        return det(a)[..., None, None] * (inner * y - y @ g.mT @ y)


def det(A: Tensor) -> Tensor:
    """The determinant of square matrices.  dA = dy det(A) A^-T."""
    check("det", A, True)
    return _Det.apply(A)


def slogdet(A: Tensor) -> Any:
    """(sign, log |det|) of square matrices.  dA = dlogabsdet A^-T."""
    check("slogdet", A, True)
    return SlogdetResult(*_Slogdet.apply(A))


class _Slogdet(Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor) -> tuple[Tensor, Tensor]:
        sign, value = host("slogdet", lambda x: tuple(np.linalg.slogdet(x)), a)
        ctx.save_for_backward(a)
        return sign, value

    @staticmethod
    def backward(ctx: Any, _: Tensor, g: Tensor) -> Tensor:
        (a,) = ctx.saved_tensors
        return g[..., None, None] * inv(a).mT


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True,
                     unitriangular: bool = False) -> Tensor:
    """X with A X = B (left) or X A = B, for the upper or lower triangle of A.

    unitriangular: its diagonal counts as ones.
    """
    check("solve_triangular", A, True)
    a = A.triu() if upper else A.tril()
    if unitriangular:
        a = (A.triu(1) if upper else A.tril(-1)) + ops.eye(A.shape[-1], dtype=A.dtype)
    return solve(a, B, left=left)


def tried(function: Callable[..., Tensor], check_errors: bool, like: Tensor, *args: Tensor,
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
    return tried(inv, check_errors, A, A)


def solve_ex(A: Tensor, B: Tensor, *, left: bool = True, check_errors: bool = False) -> Any:
    """(solve(A, B), info); info is 0 where it exists."""
    return tried(solve, check_errors, A, A, B, left=left)
