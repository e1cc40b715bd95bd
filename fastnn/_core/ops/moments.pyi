# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import dtype as DType
from fastnn._core.tensor import Tensor

__all__ = ["logsumexp", "norm", "std", "std_mean", "var", "var_mean"]
def var(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> Tensor: ...
def std(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
    out: Any = None,
) -> Tensor: ...
def var_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]: ...
def std_mean(
    input: Tensor,
    dim: Any = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> tuple[Tensor, Tensor]: ...
def norm(
    input: Tensor,
    p: Any = 'fro',
    dim: Any = None,
    keepdim: bool = False,
    out: Any = None,
    dtype: DType | type | None = None,
) -> Tensor: ...
def logsumexp(input: Tensor, dim: Any, keepdim: bool = False, *, out: Any = None) -> Tensor: ...
