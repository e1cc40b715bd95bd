"""Packages of PyTorch that are named here and not there yet: calling what is in them raises
NotImplementedError."""

from __future__ import annotations

from types import ModuleType
from typing import Any

REASONS = {
    "distributed": "several processes that train one model",
    "nn.intrinsic": "layers fused for quantisation", "nn.qat": "training for quantisation",
    "nn.quantizable": "layers that can be quantised", "nn.quantized": "quantised layers",
}


def absent(package: str, name: str) -> type:
    def refuse(cls: type, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{package}.{name}: {REASONS[package]} are not there yet; see "
                                  "docs/compat.md")
    return type(name, (), {"__new__": refuse})


class Later(ModuleType):
    """A package whose every public name can be named."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module 'fastnn.{self.__name__}' has no attribute {name!r}")
        value = absent(self.__name__, name)
        setattr(self, name, value)
        return value
