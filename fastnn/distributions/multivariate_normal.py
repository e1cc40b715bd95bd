"""Normal vectors."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn.distributions import constraints
from fastnn.distributions.distribution import Distribution

__all__ = ["LowRankMultivariateNormal", "MultivariateNormal"]


class MultivariateNormal(Distribution):
    """exp(-(x - loc)^T C^-1 (x - loc) / 2) / sqrt(det(2 pi C)).

    One of covariance_matrix C, precision_matrix C^-1 and scale_tril L, C = L L^T, is given.
    """

    has_rsample = True
    arg_constraints = {"loc": constraints.real_vector, "scale_tril": constraints.lower_cholesky}
    support = constraints.real_vector

    def __init__(self, loc: Tensor, covariance_matrix: Tensor | None = None,
                 precision_matrix: Tensor | None = None, scale_tril: Tensor | None = None,
                 validate_args: bool | None = None) -> None:
        from fastnn import linalg
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        given = [m for m in (covariance_matrix, precision_matrix, scale_tril) if m is not None]
        if len(given) != 1:
            raise ValueError("Exactly one of covariance_matrix or precision_matrix or scale_tril "
                             "may be specified.")
        if given[0].ndim < 2:
            raise ValueError("the matrix must be at least two-dimensional, with optional leading "
                             "batch dimensions")
        try:
            low = (scale_tril if scale_tril is not None else linalg.cholesky(
                covariance_matrix if covariance_matrix is not None
                else linalg.inv(precision_matrix)))  # type: ignore[arg-type]
        except linalg.LinAlgError as error:
            raise ValueError(f"MultivariateNormal: the matrix is not positive definite: {error}"
                             ) from None
        n = loc.shape[-1]
        lead = ops.broadcast_tensors(loc.unsqueeze(-1), low)[1].shape[:-2]
        self.loc = loc.expand([*lead, n])
        self.scale_tril = low.expand([*lead, n, n])
        super().__init__(lead, (n,), validate_args)

    @property
    def covariance_matrix(self) -> Tensor:
        """C."""
        return self.scale_tril @ self.scale_tril.mT

    @property
    def precision_matrix(self) -> Tensor:
        """C^-1."""
        from fastnn import cholesky_inverse
        return cholesky_inverse(self.scale_tril)

    @property
    def mean(self) -> Tensor:
        return self.loc

    mode = mean

    @property
    def variance(self) -> Tensor:
        return (self.scale_tril ** 2).sum(-1)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        noise = ops.randn(self._extended_shape(sample_shape), dtype=self.loc.dtype)
        return self.loc + (self.scale_tril @ noise.unsqueeze(-1)).squeeze(-1)

    def _half_log_det(self) -> Tensor:
        return self.scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        from fastnn import linalg
        d = value - self.loc
        low, d = self.scale_tril, d.unsqueeze(-1)
        low = low.expand([*d.shape[:-2], *low.shape[-2:]])
        m = linalg.solve_triangular(low, d, upper=False).squeeze(-1).pow(2).sum(-1)
        return -0.5 * (self.loc.shape[-1] * math.log(2 * math.pi) + m) - self._half_log_det()

    def entropy(self) -> Tensor:
        return 0.5 * self.loc.shape[-1] * (1 + math.log(2 * math.pi)) + self._half_log_det()

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        n = self.loc.shape[-1]
        return MultivariateNormal(self.loc.expand([*batch_shape, n]), scale_tril=(
            self.scale_tril.expand([*batch_shape, n, n])), validate_args=False)


class LowRankMultivariateNormal(MultivariateNormal):
    """A normal vector of covariance W W^T + D: cov_factor W (*, n, rank), cov_diag D (*, n)."""

    arg_constraints = {"loc": constraints.real_vector,
                       "cov_factor": constraints.independent(constraints.real, 2),
                       "cov_diag": constraints.independent(constraints.positive, 1)}

    def __init__(self, loc: Tensor, cov_factor: Tensor, cov_diag: Tensor,
                 validate_args: bool | None = None) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        n = loc.shape[-1]
        if cov_factor.ndim < 2 or cov_factor.shape[-2] != n:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {n} x m")
        if cov_diag.shape[-1:] != (n,):
            raise ValueError(f"cov_diag must be a batch of vectors with shape ({n},)")
        lead = ops.broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        self.cov_factor = cov_factor.expand([*lead, *cov_factor.shape[-2:]])
        self.cov_diag = cov_diag.expand([*lead, n])
        whole = self.cov_factor @ self.cov_factor.mT + self.cov_diag.diag_embed()
        super().__init__(loc.expand([*lead, n]), whole, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        return LowRankMultivariateNormal(
            self.loc.expand([*batch_shape, *self.loc.shape[-1:]]),
            self.cov_factor.expand([*batch_shape, *self.cov_factor.shape[-2:]]),
            self.cov_diag.expand([*batch_shape, *self.loc.shape[-1:]]), validate_args=False)
