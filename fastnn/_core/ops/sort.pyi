# Made by python -m tools.stubs.
from typing import Any, NamedTuple

from fastnn._core.tensor import Tensor

__all__ = ["argsort", "kthvalue", "median", "mode", "msort", "nanmedian", "nanquantile", "quantile",
           "sort", "topk"]

class SortResult(NamedTuple):
    values: Tensor
    indices: Tensor

class TopkResult(NamedTuple):
    values: Tensor
    indices: Tensor

class KthvalueResult(NamedTuple):
    values: Tensor
    indices: Tensor

class MedianResult(NamedTuple):
    values: Tensor
    indices: Tensor

class NanmedianResult(NamedTuple):
    values: Tensor
    indices: Tensor

class ModeResult(NamedTuple):
    values: Tensor
    indices: Tensor

def _order(a: Any, d: Any, descending: Any) -> Any: ...
def sort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    stable: bool = False,
    *,
    out: Any = None,
) -> SortResult: ...
def argsort(
    input: Tensor,
    dim: int = -1,
    descending: bool = False,
    stable: bool = False,
) -> Tensor: ...
def msort(input: Tensor, *, out: Any = None) -> Tensor: ...
def _largest(a: Any, d: Any, k: int, largest: Any) -> Any: ...
def topk(
    input: Tensor,
    k: int,
    dim: int = -1,
    largest: bool = True,
    sorted: bool = True,
    *,
    out: Any = None,
) -> TopkResult: ...
def _kth(a: Any, d: Any, k: int) -> Any: ...
def kthvalue(
    input: Tensor,
    k: int,
    dim: int = -1,
    keepdim: bool = False,
    *,
    out: Any = None,
) -> KthvalueResult: ...
def _median_position(a: Any, d: Any, skip_nan: Any) -> Any: ...
def median(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any: ...
def nanmedian(input: Tensor, dim: Any = None, keepdim: bool = False, *, out: Any = None) -> Any: ...
def _mode_position(a: Any, d: Any) -> Any: ...
def mode(input: Tensor, dim: int = -1, keepdim: bool = False, *, out: Any = None) -> ModeResult: ...
def _ranks(a: Any, q: Any, skip_nan: Any) -> Any: ...
def _quantile_positions(a: Any, q: Any, skip_nan: Any, how: Any) -> Any: ...
def quantile(
    input: Tensor,
    q: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    interpolation: str = 'linear',
    out: Any = None,
) -> Tensor: ...
def nanquantile(
    input: Tensor,
    q: Any,
    dim: Any = None,
    keepdim: bool = False,
    *,
    interpolation: str = 'linear',
    out: Any = None,
) -> Tensor: ...
