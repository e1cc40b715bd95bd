# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.tensor import Tensor

__all__ = ["index_put"]
def index_put_(self, indices: Any, values: Any, accumulate: bool = False) -> Tensor: ...
def index_put(input: Tensor, indices: Any, values: Any, accumulate: bool = False) -> Tensor: ...
