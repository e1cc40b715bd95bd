"""Functions of matrices that are composed of products and of what fastnn.linalg has."""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor, register

__all__ = ["adjoint", "block_diag", "chain_matmul", "cholesky", "cholesky_inverse",
           "cholesky_solve", "logdet", "matrix_exp", "matrix_power", "pinverse", "qr", "slogdet",
           "svd", "triangular_solve"]

SVDResult = namedtuple("SVDResult", ["U", "S", "V"])
QRResult = namedtuple("QRResult", ["Q", "R"])
TriangularResult = namedtuple("TriangularResult", ["solution", "cloned_coefficient"])

TERMS = {"float32": 12, "float64": 18}  # of the series, where the 1-norm is at most a half


def matrix_exp(input: Tensor) -> Tensor:
    """The exponential of square matrices: the series of A / 2^s, squared s times."""
    if input.ndim < 2 or input.shape[-1] != input.shape[-2] or not input.is_floating_point():
        raise RuntimeError("linalg.matrix_exp: A must be batches of square floating matrices, but "
                           f"got {input.dtype} of shape {tuple(input.shape)}")
    largest = float(input.detach().abs().sum(-2).max()) if input.numel() else 0.0
    if not math.isfinite(largest):
        return input * math.nan
    times = max(0, math.ceil(math.log2(largest)) + 1) if largest > 0 else 0
    a = input / 2.0**times
    eye = ops.eye(input.shape[-1], dtype=input.dtype).expand(input.shape)
    terms = TERMS[str(input.dtype).rpartition(".")[2]]
    y = eye + a / terms
    for k in range(terms - 1, 0, -1):  # Horner
        y = eye + (a @ y) / k
    for _ in range(times):
        y = y @ y
    return y


def householder_product(input: Tensor, tau: Tensor) -> Tensor:
    """The first columns of H1 H2 ..., H = 1 - tau v v^T; v below the diagonal of each column."""
    n, k = input.shape[-2:]
    if n < k or tau.shape[-1] > k:
        raise RuntimeError("linalg.householder_product: input.shape[-2] must be greater than or "
                           "equal to input.shape[-1], which must be at least tau.shape[-1], but got"
                           f" {tuple(input.shape)} and {tuple(tau.shape)}")
    vectors = input.tril(-1) + ops.eye(n, k, dtype=input.dtype)
    q: Any = ops.eye(n, k, dtype=input.dtype).expand(input.shape)
    for i in reversed(range(tau.shape[-1])):
        v = vectors[..., i:i + 1]
        q = q - tau[..., i:i + 1].unsqueeze(-1) * (v @ (v.mT @ q))
    return q


def linalg() -> Any:
    """fastnn.linalg, loaded on first use."""
    from fastnn import linalg as found
    return found


def matrix_power(input: Tensor, n: int) -> Tensor:
    """linalg.matrix_power(input, n)."""
    return linalg().matrix_power(input, n)


def slogdet(input: Tensor) -> Any:
    """linalg.slogdet(input)."""
    return linalg().slogdet(input)


def logdet(input: Tensor) -> Tensor:
    """log det A; NaN where det A < 0, -inf where it is 0."""
    sign, value = linalg().slogdet(input)
    return value.masked_fill(sign < 0, math.nan)


def pinverse(input: Tensor, rcond: float = 1e-15) -> Tensor:
    """linalg.pinv(input, rtol=rcond)."""
    return linalg().pinv(input, rtol=rcond)


def cholesky(input: Tensor, upper: bool = False) -> Tensor:
    """linalg.cholesky(input, upper=upper)."""
    return linalg().cholesky(input, upper=upper)


def cholesky_solve(input: Tensor, L: Tensor, upper: bool = False) -> Tensor:
    """X with A X = input, for A = L L^T (upper: L^T L)."""
    low = L.mT if upper else L
    return linalg().solve(low.tril().mT, linalg().solve(low.tril(), input))


def cholesky_inverse(input: Tensor, upper: bool = False) -> Tensor:
    """The inverse of A = L L^T (upper: L^T L)."""
    eye = ops.eye(input.shape[-1], dtype=input.dtype)
    return cholesky_solve(eye.expand(input.shape), input, upper)


def triangular_solve(b: Tensor, A: Tensor, upper: bool = True, transpose: bool = False,
                     unitriangular: bool = False) -> Any:
    """(X, A) with A X = b (transpose: A^T X = b), A triangular."""
    a = A.mT if transpose else A
    x = linalg().solve_triangular(a, b, upper=upper != transpose, unitriangular=unitriangular)
    return TriangularResult(x, A.clone())


def qr(input: Tensor, some: bool = True) -> Any:
    """(Q, R) of linalg.qr: reduced if some, else complete."""
    return QRResult(*linalg().qr(input, "reduced" if some else "complete"))


def svd(input: Tensor, some: bool = True, compute_uv: bool = True) -> Any:
    """(U, S, V) with A = U diag(S) V^T; some: as many columns as there are singular values."""
    u, s, vh = linalg().svd(input, full_matrices=not some)
    if not compute_uv:
        m, n = input.shape[-2:]
        lead = tuple(input.shape[:-2])
        return SVDResult(input.new_zeros((*lead, m, m)), s, input.new_zeros((*lead, n, n)))
    return SVDResult(u, s, vh.mT)


def chain_matmul(*matrices: Tensor) -> Tensor:
    """linalg.multi_dot(matrices)."""
    return linalg().multi_dot(list(matrices))


def adjoint(input: Tensor) -> Tensor:
    """The last two dimensions swapped."""
    return input.mT


def block_diag(*tensors: Tensor) -> Tensor:
    """Matrices along the diagonal of a matrix; vectors count as rows, numbers as 1 x 1."""
    parts = [t.reshape(1, -1) if t.ndim < 2 else t for t in tensors]
    if any(t.ndim > 2 for t in parts):
        raise RuntimeError("block_diag: Input tensors must have 2 or fewer dimensions.")
    width = sum(t.shape[1] for t in parts)
    rows, at = [], 0
    for t in parts:
        rows.append(ops.constant_pad_nd(t, (at, width - at - t.shape[1])))
        at += t.shape[1]
    return ops.cat(rows) if rows else ops.empty(1, 0)


for _name in ("adjoint", "cholesky", "cholesky_inverse", "cholesky_solve", "logdet", "matrix_exp",
              "matrix_power", "pinverse", "qr", "slogdet", "svd", "triangular_solve"):
    register(_name, globals()[_name])


def _h(self: Tensor) -> Tensor:
    """The transpose of a matrix."""
    if self.ndim not in (0, 2):
        raise RuntimeError("tensor.H is only supported on matrices (2-D tensors). Got "
                           f"{self.ndim}-D tensor.")
    return self.mT if self.ndim else self


register("H", property(_h))
register("mH", property(adjoint))
