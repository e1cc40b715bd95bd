"""Questions about a tensor's kind that have one answer here, and constants."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core.tensor import Tensor, register

__all__ = ["e", "get_device", "inf", "is_conj", "is_distributed", "is_inference", "is_neg", "nan",
           "newaxis", "pi"]

e, inf, nan, pi = math.e, math.inf, math.nan, math.pi
newaxis = None


def is_conj(input: Tensor) -> bool:
    """False: no tensor is complex."""
    return False


def is_neg(input: Tensor) -> bool:
    """False: no tensor waits to be negated."""
    return False


def is_distributed(input: Tensor) -> bool:
    """False."""
    return False


def is_inference(input: Tensor) -> bool:
    """False: a tensor made in inference_mode is like any other."""
    return False


def get_device(input: Tensor) -> int:
    """-1, which stands for the CPU."""
    return -1


def as_subclass(self: Tensor, cls: Any) -> Any:
    """The same memory as a tensor of a subclass."""
    from fastnn._core.tensor import make_subclass
    return make_subclass(cls, self.detach())


for _f in (is_conj, is_neg, is_distributed, is_inference, as_subclass, get_device):
    register(_f.__name__, _f)
register("is_cpu", property(lambda self: True, doc="True."))
for _name in ("ipu", "maia", "meta", "mkldnn", "mps", "mtia", "nested", "sparse_csr", "vulkan",
              "xla", "xpu"):
    register(f"is_{_name}", property(lambda self: False, doc="False."))
