"""Calls of tensor functions and methods by name. Every file here defines CALLS."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

CALLS: dict[str, list[Any]] = {}
for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    CALLS.update(importlib.import_module(f"{__name__}.{_module}").CALLS)
