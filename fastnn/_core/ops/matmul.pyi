# Made by python -m tools.stubs.
from typing import Any

from fastnn._core.tensor import Tensor

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "dot", "ger", "inner", "matmul",
           "mm", "mv", "outer", "vdot"]
def matmul(input: Tensor, other: Tensor | float, *, out: Any = None) -> Tensor: ...
def mm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor: ...
def bmm(input: Tensor, mat2: Tensor, *, out: Any = None) -> Tensor: ...
def mv(input: Tensor, vec: Tensor, *, out: Any = None) -> Tensor: ...
def dot(input: Tensor, tensor: Any, *, out: Any = None) -> Tensor: ...
def vdot(input: Tensor, other: Tensor | float, *, out: Any = None) -> Tensor: ...
def inner(input: Tensor, other: Tensor | float, *, out: Any = None) -> Tensor: ...
def outer(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor: ...
def ger(input: Tensor, vec2: Tensor, *, out: Any = None) -> Tensor: ...
def addmm(
    input: Tensor,
    mat1: Tensor,
    mat2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Any = None,
) -> Tensor: ...
def baddbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Any = None,
) -> Tensor: ...
def addbmm(
    input: Tensor,
    batch1: Tensor,
    batch2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Any = None,
) -> Tensor: ...
def addmv(
    input: Tensor,
    mat: Tensor,
    vec: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Any = None,
) -> Tensor: ...
def addr(
    input: Tensor,
    vec1: Tensor,
    vec2: Tensor,
    *,
    beta: float = 1,
    alpha: float = 1,
    out: Any = None,
) -> Tensor: ...
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor: ...
