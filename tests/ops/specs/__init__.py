"""The records of all ops, by family. Every module here defines SPECS."""

from __future__ import annotations

import importlib
import pkgutil

from tests.ops.spec import Spec

SPECS: list[Spec] = []
for _module in sorted(m.name for m in pkgutil.iter_modules(__path__)):
    SPECS += importlib.import_module(f"{__name__}.{_module}").SPECS
