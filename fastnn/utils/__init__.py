"""Tools around training that are neither modules nor optimizers."""

import importlib
from typing import Any

__all__ = ["checkpoint", "data", "hooks"]


def __getattr__(name: str) -> Any:
    if name in __all__:  # imported when first used: the loader is half of fastnn's import time
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
