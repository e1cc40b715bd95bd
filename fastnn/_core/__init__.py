"""The compiled core. Where it is installed its modules share one file, which is smaller and loads
sooner than a file for each; built in place they have files of their own, which are found first."""

from __future__ import annotations

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from importlib.util import spec_from_file_location

_FILE = os.path.join(os.path.dirname(__file__), "modules" + EXTENSION_SUFFIXES[0])


class _Modules:
    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name.rpartition(".")[0] not in ("fastnn._core", "fastnn._core.ops"):
            return None
        return spec_from_file_location(name, _FILE)


if os.path.exists(_FILE):
    sys.meta_path.append(_Modules)  # type: ignore[arg-type]
