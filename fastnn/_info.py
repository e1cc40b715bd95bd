"""Facts about dtypes and objects: finfo, iinfo, is_tensor."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn._core.dtypes import dtype, get_default_dtype
from fastnn._core.tensor import Tensor

__all__ = ["finfo", "iinfo", "is_complex", "is_floating_point", "is_nonzero", "is_storage",
           "is_tensor", "numel", "typename"]


class finfo:
    """Limits of a floating-point dtype: bits, eps, max, min, tiny, smallest_normal, resolution."""

    def __init__(self, type: dtype | None = None) -> None:
        kind = get_default_dtype() if type is None else type
        if not kind.is_floating_point:
            raise TypeError(f"finfo: {kind} is not a floating-point dtype; use iinfo")
        self.dtype = kind.name
        self.bits = kind.itemsize * 8
        if kind.name == "bfloat16":
            self.eps, self.tiny, self.max = 2.0**-7, 2.0**-126, (2 - 2.0**-7) * 2.0**127
            self.resolution = 0.01
        else:
            own = np.finfo(kind.name)
            self.eps, self.tiny, self.max = float(own.eps), float(own.tiny), float(own.max)
            self.resolution = float(own.resolution)
        self.min = -self.max
        self.smallest_normal = self.tiny

    def __repr__(self) -> str:
        return (f"finfo(resolution={self.resolution:g}, min={self.min:g}, max={self.max:g}, "
                f"eps={self.eps:g}, smallest_normal={self.smallest_normal:g}, "
                f"tiny={self.tiny:g}, dtype={self.dtype})")


class iinfo:
    """Limits of an integer dtype: bits, max, min."""

    def __init__(self, type: dtype) -> None:
        if type.is_floating_point or type.name == "bool":
            raise TypeError(f"iinfo: {type} is not an integer dtype; use finfo")
        own = np.iinfo(type.name)
        self.dtype, self.bits, self.max, self.min = type.name, own.bits, int(own.max), int(own.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def is_tensor(obj: Any) -> bool:
    """Whether obj is a Tensor."""
    return isinstance(obj, Tensor)


def is_storage(obj: Any) -> bool:
    """False: storages are not Python objects."""
    return False


def is_floating_point(input: Tensor) -> bool:
    """Whether the tensor's dtype is a floating-point one."""
    return input.is_floating_point()


def is_complex(input: Tensor) -> bool:
    """False: there are no complex dtypes."""
    return False


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not zero. Raises RuntimeError for other sizes."""
    return bool(input)


def numel(input: Tensor) -> int:
    """Number of elements."""
    return input.numel()


def typename(obj: Any) -> str:
    """The legacy type name of a tensor, or the qualified name of an object's type."""
    if isinstance(obj, Tensor):
        return obj.type()
    return f"{type(obj).__module__}.{type(obj).__qualname__}"
