"""Products of matrices and tensors, and functions that are made of them."""

from __future__ import annotations

import math
from typing import Any

from fastnn._contractions import cross as _cross
from fastnn._core import ops
from fastnn._core.tensor import Tensor, translate
from fastnn._matrices import householder_product, matrix_exp
from fastnn._statistics import vander as _vander
from fastnn.linalg.host import check
from fastnn.linalg.solving import inv, solve

__all__ = ["cross", "diagonal", "householder_product", "matmul", "matrix_exp", "matrix_power",
           "multi_dot", "tensorinv", "tensorsolve", "vander", "vecdot"]

matmul = ops.matmul


def matrix_power(A: Tensor, n: int) -> Tensor:
    """A multiplied n times with itself; negative n: the inverse's power."""
    check("matrix_power", A, True)
    if n < 0:
        return matrix_power(inv(A), -n)
    y = ops.eye(A.shape[-1], dtype=A.dtype).expand(A.shape)
    while n:
        y = y @ A if n & 1 else y
        n >>= 1
        A = A @ A if n else A
    return y


def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices (the first and last may be vectors), left to right."""
    y = tensors[0]
    for t in tensors[1:]:
        y = y @ t
    return y


def cross(input: Tensor, other: Tensor, *, dim: int = -1) -> Tensor:
    """The vector product along dim, which has size 3."""
    return _cross(input, other, dim)


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a view."""
    return A.diagonal(offset, dim1, dim2)


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """The sum of x y along dim."""
    return (x * y).sum(dim)


def vander(x: Tensor, N: int | None = None) -> Tensor:
    """The powers 0, 1, ... of elements along a new last dimension."""
    return _vander(x, x.shape[-1] if N is None else N, True)


def tensorinv(A: Tensor, ind: int = 2) -> Tensor:
    """The inverse of A as a map from its last dimensions to its first `ind`."""
    rows, columns = list(A.shape[:ind]), list(A.shape[ind:])
    if math.prod(rows) != math.prod(columns):
        raise RuntimeError(f"linalg.tensorinv: {rows} and {columns} do not have as many elements")
    return inv(A.reshape(math.prod(rows), -1)).reshape(columns + rows)


def tensorsolve(A: Tensor, B: Tensor, dims: Any = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B; dims of A are first moved to its end."""
    if dims is not None:
        A = A.movedim(tuple(dims), tuple(range(A.ndim - len(dims), A.ndim)))
    shape = list(A.shape[B.ndim:])
    return solve(A.reshape(-1, math.prod(shape)), B.reshape(-1)).reshape(shape)


for _f in (cross, vecdot):
    translate(_f)
