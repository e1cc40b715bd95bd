"""Iterating over a DataLoader in this process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from fastnn.utils.data.dataset import IterableDataset
from fastnn.utils.data.fetch import make_fetcher

if TYPE_CHECKING:
    from fastnn.utils.data.dataloader import DataLoader

__all__ = ["LoaderIterator", "SerialIterator"]


class LoaderIterator:
    """Base: counts batches, and warns where an iterable dataset is longer than it said."""

    def __init__(self, loader: DataLoader) -> None:
        self._dataset = loader.dataset
        self._sampler = loader._index_sampler
        self._begin(loader)

    def _begin(self, loader: DataLoader) -> None:
        self._indices = iter(self._sampler)
        self._num_yielded = 0
        self._promised = loader._iterable_length

    def _count(self) -> None:
        self._num_yielded += 1
        if self._promised is not None and self._num_yielded == self._promised + 1:
            warnings.warn(
                f"Length of IterableDataset {self._dataset} was reported to be {self._promised} "
                f"(when accessing len(dataloader)), but {self._num_yielded} samples have been "
                "fetched; with several workers each should iterate its own share",
                stacklevel=3,
            )

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._sampler)


class SerialIterator(LoaderIterator):
    """Fetches each batch when it is asked for."""

    def __init__(self, loader: DataLoader) -> None:
        super().__init__(loader)
        self._fetch = make_fetcher(
            loader.dataset, loader._auto_collation, loader.collate_fn, loader.drop_last
        )

    def __next__(self) -> Any:
        indices = next(self._indices)
        try:
            batch = self._fetch(indices)
        except StopIteration as stop:
            if isinstance(self._dataset, IterableDataset):
                raise
            raise RuntimeError("a sample of the dataset raised StopIteration") from stop
        self._count()
        return batch
