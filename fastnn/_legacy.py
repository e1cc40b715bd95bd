"""Functions of old programs."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.convert import from_numpy
from fastnn._core.tensor import Tensor

__all__ = ["fill", "frombuffer", "range"]


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of input's shape and dtype with this value."""
    return input.masked_fill(ops.ones_like(input, dtype=ops.eq(input, input).dtype), value)


def range(start: float, end: float | None = None, step: float = 1, *, dtype: Any = None,
          layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """start, start + step, ... up to and with end, as floats. Raises RuntimeError for step 0."""
    warnings.warn("range is deprecated and will be removed in a future release because its "
                  "behavior is inconsistent with Python's range builtin. Instead, use arange, "
                  "which produces values in [start, end).", UserWarning, stacklevel=2)
    if end is None:
        start, end = 0, start
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if (end - start) / step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    n = math.floor((end - start) / step) + 1
    whole = ops.arange(n, dtype=ops.empty(0, dtype=dtype).dtype) * step + start
    return whole.requires_grad_(requires_grad)


def frombuffer(buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0,
               requires_grad: bool = False) -> Tensor:
    """The memory of an object with the buffer protocol, as a vector. Raises ValueError where it
    does not fit."""
    size = dtype.itemsize
    room = memoryview(buffer).nbytes - offset
    n = room // size if count < 0 else count
    if room <= 0 or n * size > room or (count < 0 and room % size):
        raise ValueError(f"frombuffer: {room} bytes from offset {offset} do not hold {count} "
                         f"elements of {dtype}")
    brief = dtype.name == "bfloat16"  # which NumPy does not know
    raw = np.frombuffer(buffer, "int16" if brief else dtype.name, n, offset)
    made = from_numpy(raw if raw.flags.writeable else raw.copy())
    made = made.view(dtype) if brief else made
    return made.requires_grad_(requires_grad)
