"""Modules without their initial values."""

from __future__ import annotations

import inspect
from typing import Any

from fastnn.nn.modules.module import Module

__all__ = ["skip_init"]


def skip_init(module_cls: Any, *args: Any, **kwargs: Any) -> Any:
    """module_cls(*args, **kwargs) whose parameters are not to be relied on: they wait for a
    state_dict. Raises RuntimeError unless it is a Module class that takes device.
    """
    if not issubclass(module_cls, Module):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    if "device" not in inspect.signature(module_cls).parameters:
        raise RuntimeError("Module must support a 'device' arg to skip initialization")
    return module_cls(*args, **kwargs)
