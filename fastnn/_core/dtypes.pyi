# Made by python -m tools.stubs.
from typing import Any

class dtype:
    name: str
    itemsize: int
    is_floating_point: bool
    is_signed: bool
    is_complex: bool
    @property
    def code(self) -> Any: ...
    def to_real(self) -> Any: ...

class memory_format:
    name: str

class device:
    type: str
    index: int | None
    def __init__(self, type: Any = ..., index: int | None = None) -> None: ...

def _dtype_by_name(name: str) -> Any: ...
def get_default_dtype() -> dtype: ...
def set_default_dtype(d: Any) -> None: ...
def _format_by_name(name: str) -> Any: ...
public: dict[str, Any]
