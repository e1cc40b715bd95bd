"""Handles by which registered hooks are removed again."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, MutableMapping
from typing import Any

__all__ = ["RemovableHandle"]


class RemovableHandle:
    """Removes its hook from the registry it was put in, by ``remove()`` or at the end of a with."""

    _ids = itertools.count()

    def __init__(self, hooks: MutableMapping[int, Any]) -> None:
        self.id = next(self._ids)
        self._hooks: Callable[[], Any] = weakref.ref(hooks)

    @classmethod
    def register(
        cls, hooks: MutableMapping[int, Any], hook: Any, prepend: bool = False
    ) -> RemovableHandle:
        """Add hook to an OrderedDict of hooks, first or last, and return its handle."""
        handle = cls(hooks)
        hooks[handle.id] = hook
        if prepend:
            hooks.move_to_end(handle.id, last=False)  # type: ignore[attr-defined]
        return handle

    def remove(self) -> None:
        hooks = self._hooks()
        if hooks is not None:
            hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.remove()
