"""Packages of PyTorch that are named here and not there yet: calling what is in them raises
NotImplementedError."""

from __future__ import annotations

from types import ModuleType
from typing import Any

REASONS = {
    "intrinsic": "layers fused for quantisation", "qat": "training for quantisation",
    "quantizable": "layers that can be quantised", "quantized": "quantised layers",
}


def _absent(package: str, name: str) -> type:
    def refuse(cls: type, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"nn.{package}.{name}: {REASONS[package]} are not there yet; see "
                                  "docs/compat.md")
    return type(name, (), {"__new__": refuse})


class Later(ModuleType):
    """A package whose every public name can be named."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"module 'fastnn.nn.{self.__name__}' has no attribute {name!r}")
        value = _absent(self.__name__, name)
        setattr(self, name, value)
        return value
