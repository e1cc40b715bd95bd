# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.dtypes import device as Device
from fastnn._core.tensor import Tensor

def to_dlpack(
    self,
    *,
    stream: Any = None,
    max_version: Any = None,
    dl_device: Any = None,
    copy: Any = None,
) -> Any: ...
def dlpack_device(self) -> Any: ...
def from_dlpack(
    ext_tensor: Any,
    *,
    device: Device | str | None = None,
    copy: Any = None,
) -> Tensor: ...
