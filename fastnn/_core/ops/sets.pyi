# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import dtype as DType
from fastnn._core.tensor import Tensor

__all__ = ["allclose", "bincount", "bucketize", "equal", "histc", "isclose", "isin", "searchsorted",
           "unique", "unique_consecutive"]
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any: ...
def _unique(a: Any, dim: Any) -> Any: ...
def unique_consecutive(
    input: Tensor,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: Any = None,
) -> Any: ...
def _unique_consecutive(a: Any, dim: Any) -> Any: ...
def isin(
    elements: Any,
    test_elements: Any,
    *,
    assume_unique: bool = False,
    invert: bool = False,
) -> Tensor: ...
def _isin(a: Any, b: Any, invert: Any) -> Any: ...
def searchsorted(
    sorted_sequence: Tensor,
    input: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: Any = None,
    sorter: Any = None,
    out: Any = None,
) -> Tensor: ...
def _searchsorted(
    edges: Any,
    values: Any,
    sorter: Any,
    right: Any,
    dtype: DType | type | None,
) -> Any: ...
def bucketize(
    input: Tensor,
    boundaries: Tensor,
    *,
    out_int32: bool = False,
    right: bool = False,
    out: Any = None,
) -> Tensor: ...
def histc(
    input: Tensor,
    bins: int = 100,
    min: Any = 0,
    max: Any = 0,
    *,
    out: Any = None,
) -> Tensor: ...
def _histc(a: Any, bins: Any, low: Any, high: Any) -> Any: ...
def bincount(input: Tensor, weights: Any = None, minlength: int = 0) -> Tensor: ...
def _bincount(a: Any, w: Any, minlength: Any) -> Any: ...
def isclose(
    input: Tensor,
    other: Tensor | float,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> Tensor: ...
def allclose(
    input: Tensor,
    other: Tensor | float,
    rtol: float = 1e-05,
    atol: float = 1e-08,
    equal_nan: bool = False,
) -> bool: ...
def equal(input: Tensor, other: Tensor | float) -> bool: ...
