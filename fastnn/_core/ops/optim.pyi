# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.tensor import Tensor

class Bucket:
    params: list[Any]
    states: list[Any]
    cell: Tensor
    def __init__(self, params: list[Any], states: list[Any], cell: Tensor) -> None: ...

class Plan:
    group: Any
    params: Any
    count: int
    names: Any
    buckets: Any
    idle: Any
    only: Any

class Plans:
    plans: list[Plan]
    state: Any
    size: int
    def run(self, groups: Any, state: Any, instruction: Any) -> int: ...

def sgd(b: Any, group: Any) -> bool: ...
def adam(b: Any, group: Any) -> bool: ...
def rmsprop(b: Any, group: Any) -> bool: ...
def adagrad(b: Any, group: Any) -> bool: ...
def adadelta(b: Any, group: Any) -> bool: ...
def clear_gradients(params: Any) -> None: ...
