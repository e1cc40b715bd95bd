"""Settings that programs make for other engines."""

from __future__ import annotations

from typing import Any


class Flags:
    """Named settings; any other can be set as well."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)
