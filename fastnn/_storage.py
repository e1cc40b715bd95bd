"""Storages, as programs ask about them: which memory, how much, which elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastnn._core.tensor import Tensor, register

__all__ = ["TypedStorage", "UntypedStorage"]


class UntypedStorage:
    """The memory of a tensor and of its views."""

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = tensor.detach()
        self._item = 1

    @property
    def device(self) -> Any:
        """The CPU."""
        return self._tensor.device

    def data_ptr(self) -> int:
        """Its address."""
        return self._tensor._storage[0]

    def nbytes(self) -> int:
        """How large it is."""
        return self._tensor._storage[1]

    def size(self) -> int:
        """How many elements it has."""
        return self.nbytes() // self._item

    __len__ = size

    def __eq__(self, other: object) -> bool:
        return isinstance(other, UntypedStorage) and self.data_ptr() == other.data_ptr()

    def __hash__(self) -> int:
        return hash(self.data_ptr())


class TypedStorage(UntypedStorage):
    """The memory of a tensor as elements of its dtype."""

    def __init__(self, tensor: Tensor) -> None:
        super().__init__(tensor)
        self._item = tensor.element_size()
        self._all = self._tensor.as_strided((self.size(),), (1,), 0)

    @property
    def dtype(self) -> Any:
        """The elements'."""
        return self._tensor.dtype

    def untyped(self) -> UntypedStorage:
        """The same memory as bytes."""
        return UntypedStorage(self._tensor)

    def tolist(self) -> list[Any]:
        """All elements."""
        return self._all.tolist()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def __getitem__(self, i: int) -> Any:
        return self._all[i].item()

    def __setitem__(self, i: int, value: Any) -> None:
        self._all[i] = value

    def __repr__(self) -> str:
        return "".join(f" {x}\n" for x in self) + f"[{type(self).__name__} of size {len(self)}]"


register("storage", lambda self: TypedStorage(self))
register("untyped_storage", lambda self: UntypedStorage(self))
