# Made by python -m tools.stubs.
from typing import Any

class Size(tuple[int, ...]):
    def numel(self) -> int: ...
    def __add__(self, other: Any) -> Size: ...  # type: ignore[override]
