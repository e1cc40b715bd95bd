"""Parametrizations that are often wanted: orthogonal, weight_norm, spectral_norm."""

from __future__ import annotations

from typing import Any

import numpy as np

import fastnn
from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor
from fastnn._matrices import householder_product, matrix_exp
from fastnn.autograd import no_grad
from fastnn.nn.functional.normalization import normalize
from fastnn.nn.modules.module import Module
from fastnn.nn.utils import parametrize
from fastnn.nn.utils.spectral_norm import as_matrix, default_dim, drawn, iterate
from fastnn.nn.utils.weight_norm import norm_except_dim, normalized

__all__ = ["orthogonal", "spectral_norm", "weight_norm"]

MAPS = ("matrix_exp", "cayley", "householder")


def _tall(x: Tensor) -> tuple[Tensor, bool]:
    """x, or its transpose, with at least as many rows as columns."""
    return (x.mT, True) if x.shape[-2] < x.shape[-1] else (x, False)


def _reflectors(x: Tensor) -> tuple[Tensor, Tensor]:
    """LAPACK's geqrf: R above and on the diagonal, the reflectors' vectors below it; tau."""
    def raw(a: Any) -> Any:
        h, tau = np.linalg.qr(a, mode="raw")
        return h.swapaxes(-1, -2), tau
    a, tau = host_op("linalg.geqrf", raw, x.detach())
    return a, tau


def _orthonormal(x: Tensor) -> Tensor:
    """Q of x = Q R, with the diagonal of R not negative."""
    a, tau = _reflectors(x)
    return householder_product(a, tau) * a.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


class _Orthogonal(Module):
    base: Tensor | None

    def __init__(self, weight: Tensor, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.size = tuple(weight.shape)
        self.orthogonal_map = orthogonal_map
        self.trivial = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def _map(self, x: Tensor) -> Tensor:
        """Columns that are orthonormal, of a tall x."""
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            tau = 2.0 / (1.0 + (a * a).sum(-2))
            signs = x.detach().diagonal(dim1=-2, dim2=-1).trunc()
            return householder_product(a, tau) * signs.unsqueeze(-2)
        low = x.tril()
        if n != k:
            low = fastnn.cat([low, x.new_zeros((*x.shape[:-1], n - k))], -1)
        skew = low - low.mT
        if self.orthogonal_map == "matrix_exp":
            return matrix_exp(skew)[..., :k]
        eye = fastnn.eye(n, dtype=x.dtype)
        return fastnn.linalg.solve(eye - skew / 2, eye + skew / 2)[..., :k]

    def forward(self, X: Tensor) -> Tensor:
        x, flipped = _tall(X)
        q = self._map(x)
        if self.trivial:
            q = self.base @ q
        return q.mT if flipped else q

    def right_inverse(self, Q: Tensor) -> Tensor:
        if tuple(Q.shape) != self.size:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.size}. Got a "
                             f"tensor of shape {tuple(Q.shape)}.")
        with no_grad():
            return self._right_inverse(Q.detach())

    def _right_inverse(self, Q: Tensor) -> Tensor:
        q, flipped = _tall(Q)
        n, k = q.shape[-2:]
        if self.trivial:
            if n != k:
                more = fastnn.randn(*q.shape[:-1], n - k, dtype=q.dtype)
                q = fastnn.cat([q, more], -1)
            near = 10.0 * n * fastnn.finfo(q.dtype).eps
            square = fastnn.allclose(q.mT @ q, fastnn.eye(n, dtype=q.dtype), atol=near)
            self.base = q.clone() if square and n == k else _orthonormal(q)
            minus = fastnn.zeros_like(Q)
            minus.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return minus
        if self.orthogonal_map != "householder":
            raise NotImplementedError("It is not possible to assign to the matrix exponential or "
                                      "the Cayley parametrizations when use_trivialization=False.")
        a, tau = _reflectors(q)
        diagonal = a.diagonal(dim1=-2, dim2=-1)
        diagonal.copy_(fastnn.where(tau == 0, -diagonal.sign(), diagonal.sign()))
        return a.mT if flipped else a


def orthogonal(module: Module, name: str = "weight", orthogonal_map: str | None = None, *,
               use_trivialization: bool = True) -> Module:
    """Let the matrix (or batch of matrices) have orthonormal columns, or rows if it is wide.

    orthogonal_map: "matrix_exp" (default for square ones), "cayley" or "householder" (default for
    others). use_trivialization: the map is taken around the present value, which is kept in the
    buffer base. Raises ValueError for less than two dimensions or another map. Source:
    Lezcano-Casado 2019, https://arxiv.org/abs/1909.09501.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    if weight.ndim < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} "
                         "dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError('orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
                         f"Got: {orthogonal_map}")
    made = _Orthogonal(weight, orthogonal_map, use_trivialization)
    parametrize.register_parametrization(module, name, made, unsafe=True)
    return module


class _WeightNorm(Module):
    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normalized(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        length = weight.abs() if weight.ndim == 1 and self.dim != -1 else norm_except_dim(
            weight, 2, self.dim)
        return length, weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """weight = v * g / |v|, the norm along dim (None: of all); original0 is g, original1 is v.

    A state_dict with name_g and name_v, of utils.weight_norm, loads as well. Salimans and Kingma
    2016, https://arxiv.org/abs/1602.07868.
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def rename(state_dict: Any, prefix: str, *rest: Any) -> None:
        old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
        if all(key in state_dict for key in old):
            for i, key in enumerate(old):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(rename)
    return module


class _SpectralNorm(Module):
    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0,
                 eps: float = 1e-12) -> None:
        super().__init__()
        if not -weight.ndim <= dim < weight.ndim:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{weight.ndim}, "
                             f"{weight.ndim - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.dim = dim % weight.ndim
        self.eps = eps
        if weight.ndim > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            u, v = drawn(matrix, eps)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            iterate(matrix.t(), v, u, 15, eps)

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            iterate(matrix.detach().t(), self._v, self._u, self.n_power_iterations, self.eps)
        return weight / self._u.clone().dot(matrix.mv(self._v.clone()))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(module: Module, name: str = "weight", n_power_iterations: int = 1,
                  eps: float = 1e-12, dim: int | None = None) -> Module:
    """weight = original / its largest singular value; see utils.spectral_norm.

    Raises ValueError for a name that is no parameter or buffer.
    """
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    made = _SpectralNorm(weight, n_power_iterations, default_dim(module) if dim is None else dim,
                         eps)
    parametrize.register_parametrization(module, name, made)
    return module
