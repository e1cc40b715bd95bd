# Made by python -m tools.stubs.
from typing import Any, NamedTuple

from fastnn._core.dtypes import dtype as DType
from fastnn._core.tensor import Tensor

__all__ = ["cummax", "cummin", "cumprod", "cumsum", "diff", "logcumsumexp"]

class CummaxResult(NamedTuple):
    values: Tensor
    indices: Tensor

class CumminResult(NamedTuple):
    values: Tensor
    indices: Tensor

def cumsum(
    input: Tensor,
    dim: Any,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def cumprod(
    input: Tensor,
    dim: Any,
    *,
    dtype: DType | type | None = None,
    out: Any = None,
) -> Tensor: ...
def logcumsumexp(input: Tensor, dim: Any, *, out: Any = None) -> Tensor: ...
def cummax(input: Tensor, dim: Any, *, out: Any = None) -> CummaxResult: ...
def cummin(input: Tensor, dim: Any, *, out: Any = None) -> CumminResult: ...
def diff(
    input: Tensor,
    n: int = 1,
    dim: int = -1,
    prepend: Any = None,
    append: Any = None,
    *,
    out: Any = None,
) -> Tensor: ...
def _in_place(function: Any) -> Any: ...
