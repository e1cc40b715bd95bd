# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import dtype as DType
from fastnn._core.tensor import Tensor

__all__ = ["log_softmax", "softmax"]
def _dim(name: str, dim: Any, x: Any) -> Any: ...
def softmax(
    input: Tensor,
    dim: Any = None,
    dtype: DType | type | None = None,
    *,
    _stacklevel: int = 3,
) -> Tensor: ...
def log_softmax(
    input: Tensor,
    dim: Any = None,
    dtype: DType | type | None = None,
    *,
    _stacklevel: int = 3,
) -> Tensor: ...
def softmin(
    input: Tensor,
    dim: Any = None,
    dtype: DType | type | None = None,
    *,
    _stacklevel: int = 3,
) -> Tensor: ...
