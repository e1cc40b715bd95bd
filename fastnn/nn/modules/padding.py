"""Borders around the last one, two or three dimensions of (N, C, ...) or (C, ...).

padding: one number for all sides, or before and after of the last dimension, of the one before it,
and so on. Negative numbers cut off. The modes are those of F.pad, which says what it refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from fastnn._core.tensor import Tensor
from fastnn.nn import functional as F
from fastnn.nn.modules.module import Module

__all__ = ["CircularPad1d", "CircularPad2d", "CircularPad3d", "ConstantPad1d", "ConstantPad2d",
           "ConstantPad3d", "ReflectionPad1d", "ReflectionPad2d", "ReflectionPad3d",
           "ReplicationPad1d", "ReplicationPad2d", "ReplicationPad3d", "ZeroPad1d", "ZeroPad2d",
           "ZeroPad3d"]


class _Pad(Module):
    _nd: int
    _mode: str

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__()
        self.padding = tuple(padding) if isinstance(padding, Sequence) else (
            (padding,) * (2 * self._nd))

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    def __init__(self, padding: int | Sequence[int], value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """value around the last dimension."""

    _nd = 1


class ConstantPad2d(_ConstantPad):
    """value around the last two dimensions."""

    _nd = 2


class ConstantPad3d(_ConstantPad):
    """value around the last three dimensions."""

    _nd = 3


class ZeroPad1d(ConstantPad1d):
    """Zeros around the last dimension."""

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    extra_repr = _Pad.extra_repr


class ZeroPad2d(ConstantPad2d):
    """Zeros around the last two dimensions."""

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    extra_repr = _Pad.extra_repr


class ZeroPad3d(ConstantPad3d):
    """Zeros around the last three dimensions."""

    def __init__(self, padding: int | Sequence[int]) -> None:
        super().__init__(padding, 0.0)

    extra_repr = _Pad.extra_repr


class ReflectionPad1d(_Pad):
    """The elements behind the edge, mirrored; the edge itself is not repeated."""

    _nd, _mode = 1, "reflect"


class ReflectionPad2d(_Pad):
    """ReflectionPad1d of two dimensions."""

    _nd, _mode = 2, "reflect"


class ReflectionPad3d(_Pad):
    """ReflectionPad1d of three dimensions."""

    _nd, _mode = 3, "reflect"


class ReplicationPad1d(_Pad):
    """The edge, repeated."""

    _nd, _mode = 1, "replicate"


class ReplicationPad2d(_Pad):
    """ReplicationPad1d of two dimensions."""

    _nd, _mode = 2, "replicate"


class ReplicationPad3d(_Pad):
    """ReplicationPad1d of three dimensions."""

    _nd, _mode = 3, "replicate"


class _CircularPad(_Pad):
    _mode = "circular"

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in (self._nd + 1, self._nd + 2):
            raise ValueError(f"expected {self._nd + 1}D or {self._nd + 2}D input (got "
                             f"{input.ndim}D input)")
        return super().forward(input)


class CircularPad1d(_CircularPad):
    """The elements from the other end."""

    _nd = 1


class CircularPad2d(_CircularPad):
    """CircularPad1d of two dimensions."""

    _nd = 2


class CircularPad3d(_CircularPad):
    """CircularPad1d of three dimensions."""

    _nd = 3
