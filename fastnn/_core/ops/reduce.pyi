# Made by python -m tools.stubs.
from typing import Any, NamedTuple

from fastnn._core.dtypes import dtype as DType
from fastnn._core.tensor import Tensor

__all__ = ["all", "amax", "amin", "aminmax", "any", "argmax", "argmin", "count_nonzero", "max",
           "mean", "min", "nanmean", "nansum", "prod", "sum"]

class MaxResult(NamedTuple):
    values: Tensor
    indices: Tensor

class MinResult(NamedTuple):
    values: Tensor
    indices: Tensor

class AminmaxResult(NamedTuple):
    min: Tensor
    max: Tensor

def sum(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def mean(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def nansum(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def nanmean(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def prod(
    input: Tensor,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def amax(input: Tensor, dim: Any = (), keepdim: bool = False, *, out: Any = None) -> Tensor: ...
def amin(input: Tensor, dim: Any = (), keepdim: bool = False, *, out: Any = None) -> Tensor: ...
def aminmax(
    input: Tensor,
    *,
    dim: Any = None,
    keepdim: bool = False,
    out: Any = None,
) -> AminmaxResult: ...
def max(
    input: Tensor,
    other: Tensor | float | None = None,
    keepdim: bool = False,
    *,
    dim: Any = None,
    out: Any = None,
) -> Any: ...
def min(
    input: Tensor,
    other: Tensor | float | None = None,
    keepdim: bool = False,
    *,
    dim: Any = None,
    out: Any = None,
) -> Any: ...
def argmax(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Tensor: ...
def argmin(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Tensor: ...
def any(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Tensor: ...
def all(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Tensor: ...
def count_nonzero(input: Tensor, dim: Any = None) -> Tensor: ...
