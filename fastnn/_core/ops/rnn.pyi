# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.tensor import Tensor

def recurrence(
    kind: Any,
    x: Any,
    weight: Tensor,
    h0: Any,
    c0: Any = None,
    bias: Tensor | None = None,
    batch_sizes: Any = None,
    reverse: bool = False,
) -> Any: ...
