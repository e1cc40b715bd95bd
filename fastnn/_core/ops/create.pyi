# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import device as Device
from fastnn._core.dtypes import dtype as DType
from fastnn._core.dtypes import memory_format as MemoryFormat
from fastnn._core.tensor import Tensor

__all__ = ["BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor",
           "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor", "arange",
           "asarray", "empty", "empty_like", "empty_strided", "eye", "full", "full_like",
           "linspace", "logspace", "meshgrid", "cartesian_prod", "ones", "ones_like",
           "scalar_tensor", "tril", "tril_indices", "triu", "triu_indices", "zeros", "zeros_like"]
def zeros(
    *size: Any,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def ones(
    *size: Any,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def full(
    size: Any,
    fill_value: Any,
    *,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def empty(
    *size: Any,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor: ...
def empty_strided(
    size: Any,
    stride: Any,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    pin_memory: bool = False,
) -> Tensor: ...
def zeros_like(
    input: Tensor,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor: ...
def ones_like(
    input: Tensor,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor: ...
def full_like(
    input: Tensor,
    fill_value: Any,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor: ...
def empty_like(
    input: Tensor,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor: ...
def scalar_tensor(
    value: Any,
    *,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def asarray(
    obj: Any,
    *,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    copy: Any = None,
    requires_grad: bool = False,
) -> Tensor: ...
def arange(
    start: Any = None,
    end: Any = None,
    step: float = 1,
    *,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def linspace(
    start: Any,
    end: Any,
    steps: Any,
    *,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def logspace(
    start: Any,
    end: Any,
    steps: Any,
    base: float = 10.0,
    *,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def eye(
    n: Any,
    m: Any = None,
    *,
    out: Any = None,
    dtype: DType | type | None = None,
    layout: Any = None,
    device: Device | str | None = None,
    pin_memory: bool = False,
    requires_grad: bool = False,
) -> Tensor: ...
def tril(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Tensor: ...
def triu(input: Tensor, diagonal: int = 0, *, out: Any = None) -> Tensor: ...
def _tril_(self, diagonal: int = 0) -> Any: ...
def _triu_(self, diagonal: int = 0) -> Any: ...
def tril_indices(
    row: Any,
    col: Any,
    offset: int = 0,
    *,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    layout: Any = None,
) -> Tensor: ...
def triu_indices(
    row: Any,
    col: Any,
    offset: int = 0,
    *,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    layout: Any = None,
) -> Tensor: ...
def meshgrid(*tensors: Any, indexing: str = 'ij') -> tuple[Tensor, ...]: ...
def cartesian_prod(*tensors: Any) -> Tensor: ...
def _new_zeros(
    self,
    *size: Any,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Any: ...
def _new_ones(
    self,
    *size: Any,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Any: ...
def _new_full(
    self,
    size: Any,
    fill_value: Any,
    *,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Any: ...
def _new_empty(
    self,
    *size: Any,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Any: ...
def _new_tensor(
    self,
    data: Any,
    *,
    dtype: DType | type | None = None,
    device: Device | str | None = None,
    requires_grad: bool = False,
    layout: Any = None,
    pin_memory: bool = False,
) -> Any: ...
def _new(self, *args: Any, device: Device | str | None = None) -> Any: ...
def _legacy(name: str, code: Any) -> Any: ...

class FloatTensor(Tensor): ...

class DoubleTensor(Tensor): ...

class LongTensor(Tensor): ...

class IntTensor(Tensor): ...

class ByteTensor(Tensor): ...

class BoolTensor(Tensor): ...

class CharTensor(Tensor): ...

class ShortTensor(Tensor): ...

class HalfTensor(Tensor): ...

class BFloat16Tensor(Tensor): ...
