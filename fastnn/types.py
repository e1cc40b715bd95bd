"""Names for annotations."""

from typing import Union

from fastnn._core.dtypes import device

__all__ = ["Device", "FileLike", "Number"]

Number = (int, float, bool)
Device = Union[device, str, int, None]  # noqa: UP007
FileLike = Union[str, bytes, object]  # noqa: UP007
