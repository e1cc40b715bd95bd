"""Fetchers: from the indices of one batch to the batch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import fastnn
from fastnn.utils.data.collate import default_collate
from fastnn.utils.data.dataset import IterableDataset, Subset, TensorDataset, _fetch_many

__all__ = ["make_fetcher"]


def _whole_rows(dataset: Any, indices: list[int]) -> list[Any] | None:
    """The collated batch by one index_select per tensor, or None where that may differ.

    It holds for a TensorDataset, or Subsets of one, whose item access nobody has overridden.
    """
    while type(dataset) is Subset:
        indices = [dataset.indices[i] for i in indices]
        dataset = dataset.dataset
    if not isinstance(dataset, TensorDataset) or hasattr(dataset, "__getitems__"):
        return None
    if type(dataset).__getitem__ is not TensorDataset.__getitem__:
        return None
    if not dataset.tensors or set(map(type, indices)) != {int}:
        return None
    n = len(dataset)
    if indices and min(indices) < 0:
        indices = [i + n if -n <= i < 0 else i for i in indices]
    rows = fastnn.tensor(indices, dtype=fastnn.int64)
    return [t.index_select(0, rows) for t in dataset.tensors]


def _map_batches(dataset: Any, collate_fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def fetch(indices: Any) -> Any:
        if collate_fn is default_collate and type(indices) is list and indices:
            batch = _whole_rows(dataset, indices)
            if batch is not None:
                return batch
        return collate_fn(_fetch_many(dataset, indices))

    return fetch


def _map_samples(dataset: Any, collate_fn: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda index: collate_fn(dataset[index])


def _stream(
    dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Callable[[Any], Any]:
    samples = iter(dataset)

    def fetch(indices: Any) -> Any:
        if not auto_collation:
            return collate_fn(next(samples))
        batch = list(itertools.islice(samples, len(indices)))
        if not batch or (drop_last and len(batch) < len(indices)):
            raise StopIteration
        return collate_fn(batch)

    return fetch


def make_fetcher(
    dataset: Any, auto_collation: bool, collate_fn: Callable[[Any], Any], drop_last: bool
) -> Callable[[Any], Any]:
    """A function from what the index sampler gives to a batch; StopIteration ends a stream."""
    if isinstance(dataset, IterableDataset):
        return _stream(dataset, auto_collation, collate_fn, drop_last)
    build = _map_batches if auto_collation else _map_samples
    return build(dataset, collate_fn)
