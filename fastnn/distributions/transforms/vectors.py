"""Transforms of vectors and matrices, and of parts of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastnn._core import ops
from fastnn._core.ops.activation import softplus
from fastnn._core.tensor import Tensor
from fastnn._info import finfo
from fastnn.distributions import constraints
from fastnn.distributions.transforms.transform import Transform
from fastnn.linalg import cholesky

__all__ = ["CatTransform", "CorrCholeskyTransform", "LowerCholeskyTransform",
           "PositiveDefiniteTransform", "SoftmaxTransform", "StackTransform",
           "StickBreakingTransform"]


class _OfItsClass(Transform):
    def __eq__(self, other: object) -> bool:
        return type(self) is type(other)

    __hash__ = object.__hash__


class SoftmaxTransform(_OfItsClass):
    """y = softmax(x), of vectors. Not one to one: there is no jacobian."""

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return shape

    inverse_shape = forward_shape


class StickBreakingTransform(_OfItsClass):
    """K - 1 numbers to K that sum to 1: each takes its share of what those before have left.

    y_i = z_i prod_{j < i} (1 - z_j), z_i = sigmoid(x_i - log(K - i)), i from 1.
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    def _offset(self, x: Tensor) -> Tensor:
        return x - ops.arange(x.shape[-1], 0, -1, dtype=x.dtype).log()

    def _call(self, x: Tensor) -> Tensor:
        z = self._offset(x).sigmoid()
        one = z.new_ones([*z.shape[:-1], 1])
        return ops.cat([z, one], -1) * ops.cat([one, (1 - z).cumprod(-1)], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        cut = y[..., :-1]
        left = (1 - cut.cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        return cut.log() - left.log() + ops.arange(cut.shape[-1], 0, -1, dtype=y.dtype).log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = self._offset(x)
        return (-x - softplus(-x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*shape[:-1], shape[-1] + 1)

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 1:
            raise ValueError("Too few dimensions on input")
        return (*shape[:-1], shape[-1] - 1)


class CorrCholeskyTransform(_OfItsClass):
    """D (D - 1) / 2 numbers to the Cholesky factor L of a correlation matrix, L L^T.

    Below the diagonal z = tanh(x) are partial correlations: a row is z_j sqrt(prod of the
    1 - z^2 before), and its diagonal makes its length 1.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    @staticmethod
    def _places(n: int) -> tuple[Tensor, Tensor]:
        rows, columns = ops.tril_indices(n, n, -1)
        return rows, columns

    def _call(self, x: Tensor) -> Tensor:
        eps = finfo(x.dtype).eps
        n = self.forward_shape(x.shape)[-1]
        i, j = self._places(n)
        z = x.new_zeros([*x.shape[:-1], n * n]).index_copy(-1, i * n + j, x)
        z = z.unflatten(-1, (n, n)).tanh().clamp(-1 + eps, 1 - eps)
        left = (1 - z ** 2).sqrt().cumprod(-1)
        z = z + ops.eye(n, dtype=x.dtype)
        return z * ops.cat([ops.ones_like(left[..., :1]), left[..., :-1]], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        left = (1 - (y ** 2).cumsum(-1)).clamp(min=finfo(y.dtype).tiny)
        before = ops.cat([ops.ones_like(left[..., :1]), left[..., :-1]], -1)
        i, j = self._places(y.shape[-1])
        return (y[..., i, j] / before[..., i, j].sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        left = 1 - (y ** 2).cumsum(-1)
        i, j = self._places(y.shape[-1])
        inner = j < i - 1  # what a column leaves, for the columns before the last free one
        remaining = left[..., i[inner], j[inner]].log().sum(-1)
        tanh = -2 * (x + softplus(-2 * x) - math.log(2.0)).sum(-1)
        return 0.5 * remaining + tanh

    def forward_shape(self, shape: Any) -> Any:
        n = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return (*shape[:-1], n, n)

    def inverse_shape(self, shape: Any) -> Any:
        if len(shape) < 2 or shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return (*shape[:-2], shape[-1] * (shape[-1] - 1) // 2)


class LowerCholeskyTransform(_OfItsClass):
    """A matrix to one that is lower triangular, its diagonal positive: the exponential of x's."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_OfItsClass):
    """A matrix to L L^T, L its LowerCholeskyTransform."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        low = LowerCholeskyTransform()(x)
        return low @ low.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class CatTransform(Transform):
    """A transform for each part of a dimension, of the given lengths."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, lengths: Any = None,
                 cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.transforms = [t.with_cache(cache_size) for t in tseq]
        self.lengths = [1] * len(self.transforms) if lengths is None else list(lengths)
        self.dim = dim
        self.bijective = all(t.bijective for t in self.transforms)
        self.domain = self._constraint([t.domain for t in self.transforms])
        self.codomain = self._constraint([t.codomain for t in self.transforms])

    @property
    def length(self) -> int:
        """The size of the dimension."""
        return sum(self.lengths)

    def with_cache(self, cache_size: int = 1) -> Any:
        return CatTransform(self.transforms, self.dim, self.lengths, cache_size)

    def _constraint(self, parts: list[Any]) -> Any:
        return constraints.cat(parts, self.dim, self.lengths)

    def _split(self, x: Tensor) -> Any:
        return x.split(self.lengths, self.dim)

    def _join(self, parts: list[Tensor]) -> Tensor:
        return ops.cat(parts, self.dim)

    def _call(self, x: Tensor) -> Tensor:
        return self._join([t(v) for t, v in zip(self.transforms, self._split(x), strict=True)])

    def _inverse(self, y: Tensor) -> Tensor:
        return self._join([t.inv(v) for t, v in zip(self.transforms, self._split(y),
                                                    strict=True)])

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self._join([t.log_abs_det_jacobian(u, v) for t, u, v in zip(
            self.transforms, self._split(x), self._split(y), strict=True)])


class StackTransform(CatTransform):
    """A transform for each slice of a dimension."""

    def __init__(self, tseq: Sequence[Transform], dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(tseq, dim, None, cache_size)

    def with_cache(self, cache_size: int = 1) -> Any:
        return StackTransform(self.transforms, self.dim, cache_size)

    def _constraint(self, parts: list[Any]) -> Any:
        return constraints.stack(parts, self.dim)

    def _split(self, x: Tensor) -> Any:
        return x.unbind(self.dim)

    def _join(self, parts: list[Tensor]) -> Tensor:
        return ops.stack(parts, self.dim)
