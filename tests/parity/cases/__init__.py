"""The cases of all modules by name. Every file here defines CASES."""

from __future__ import annotations

import importlib
import pkgutil

from tests.parity.case import Case

CASES: dict[str, list[Case]] = {}
for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    CASES.update(importlib.import_module(f"{__name__}.{_module}").CASES)
