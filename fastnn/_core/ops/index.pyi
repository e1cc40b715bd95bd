# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.tensor import Tensor

__all__ = ["argwhere", "embedding", "gather", "index_add", "index_copy", "index_fill",
           "index_select", "masked_scatter", "masked_select", "nonzero", "one_hot", "scatter",
           "scatter_add", "scatter_reduce", "take", "take_along_dim"]
def index_select(input: Tensor, dim: Any, index: Any, *, out: Any = None) -> Tensor: ...
def index_add_(self, dim: Any, index: Any, source: Any, *, alpha: float = 1) -> Tensor: ...
def index_copy_(self, dim: Any, index: Any, source: Any) -> Tensor: ...
def index_fill_(self, dim: Any, index: Any, value: Any) -> Tensor: ...
def index_add(
    input: Tensor,
    dim: Any,
    index: Any,
    source: Any,
    *,
    alpha: float = 1,
    out: Any = None,
) -> Tensor: ...
def index_copy(input: Tensor, dim: Any, index: Any, source: Any, *, out: Any = None) -> Tensor: ...
def index_fill(input: Tensor, dim: Any, index: Any, value: Any) -> Tensor: ...
def embedding(
    weight: Tensor,
    indices: Any,
    padding_idx: int = -1,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor: ...
def gather(
    input: Tensor,
    dim: Any,
    index: Any,
    *,
    sparse_grad: bool = False,
    out: Any = None,
) -> Tensor: ...
def scatter_(
    self,
    dim: Any,
    index: Any,
    src: Any = None,
    value: Any = None,
    reduce: Any = None,
) -> Tensor: ...
def scatter_add_(self, dim: Any, index: Any, src: Any) -> Tensor: ...
def scatter(
    input: Tensor,
    dim: Any,
    index: Any,
    src: Any = None,
    value: Any = None,
    *,
    reduce: Any = None,
    out: Any = None,
) -> Tensor: ...
def scatter_add(input: Tensor, dim: Any, index: Any, src: Any, *, out: Any = None) -> Tensor: ...
def scatter_reduce(
    input: Tensor,
    dim: Any,
    index: Any,
    src: Any,
    reduce: Any,
    *,
    include_self: bool = True,
    out: Any = None,
) -> Tensor: ...
def scatter_reduce_(
    self,
    dim: Any,
    index: Any,
    src: Any,
    reduce: Any,
    *,
    include_self: bool = True,
) -> Tensor: ...
def masked_select(input: Tensor, mask: Tensor, *, out: Any = None) -> Tensor: ...
def masked_scatter_(self, mask: Tensor, source: Any) -> Tensor: ...
def masked_scatter(input: Tensor, mask: Tensor, source: Any) -> Tensor: ...
def nonzero(input: Tensor, *, out: Any = None, as_tuple: bool = False) -> Any: ...
def argwhere(input: Tensor) -> Tensor: ...
def take(input: Tensor, index: Any) -> Tensor: ...
def take_along_dim(input: Tensor, indices: Any, dim: Any = None, *, out: Any = None) -> Tensor: ...
def one_hot(tensor: Any, num_classes: int = -1) -> Tensor: ...
