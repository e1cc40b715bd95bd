# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import dtype as DType

__all__ = ["can_cast", "promote_types", "result_type"]

class Unary:
    ...

class Binary:
    ...

def promote_types(type1: Any, type2: Any) -> DType: ...
def result_type(tensor1: Any, tensor2: Any) -> DType: ...
def can_cast(from_: Any, to: Any) -> bool: ...
def publish_unary(m: Any, name: str, doc: Any, names: Any) -> None: ...
def publish_binary(
    m: Any,
    name: str,
    doc: Any,
    names: Any,
    tensors_only: bool = False,
    inplace: bool = True,
) -> None: ...
