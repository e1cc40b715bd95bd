"""Normal vectors, and batches of distributions as one event."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn.distributions.distribution import Distribution

__all__ = ["Independent", "MultivariateNormal"]


class MultivariateNormal(Distribution):
    """exp(-(x - loc)^T C^-1 (x - loc) / 2) / sqrt(det(2 pi C)).

    One of covariance_matrix C, precision_matrix C^-1 and scale_tril L, C = L L^T, is given.
    """

    has_rsample = True
    arg_constraints = {"loc": "real vector", "scale_tril": "lower Cholesky"}
    support = "real vector"  # type: ignore[assignment]

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
        self._check(value)
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


class Independent(Distribution):
    """The last dimensions of a distribution's batch as dimensions of its events."""

    def __init__(self, base_distribution: Distribution, reinterpreted_batch_ndims: int,
                 validate_args: bool | None = None) -> None:
        n, shape = reinterpreted_batch_ndims, base_distribution.batch_shape
        if n > len(shape):
            raise ValueError("Expected reinterpreted_batch_ndims <= len(base_distribution."
                             f"batch_shape), actual {n} vs {len(shape)}")
        self.base_dist = base_distribution
        self.reinterpreted_batch_ndims = n
        cut = len(shape) - n
        super().__init__(shape[:cut], shape[cut:] + base_distribution.event_shape, validate_args)

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        """Whether the base distribution has it."""
        return self.base_dist.has_rsample

    @property
    def support(self) -> str:
        return self.base_dist.support

    @property
    def mean(self) -> Tensor:
        return self.base_dist.mean

    @property
    def mode(self) -> Tensor:
        return self.base_dist.mode

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance

    def sample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.sample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.base_dist.rsample(sample_shape)

    def _total(self, x: Tensor) -> Tensor:
        n = self.reinterpreted_batch_ndims
        return x.sum(list(range(-n, 0))) if n else x

    def log_prob(self, value: Tensor) -> Tensor:
        return self._total(self.base_dist.log_prob(value))

    def entropy(self) -> Tensor:
        return self._total(self.base_dist.entropy())

    def __repr__(self) -> str:
        return f"Independent({self.base_dist!r}, {self.reinterpreted_batch_ndims})"
