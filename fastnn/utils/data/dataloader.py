"""DataLoader: batches of a dataset, in this process or through worker processes."""

from __future__ import annotations

import itertools
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from fastnn.utils.data.collate import default_collate, default_convert
from fastnn.utils.data.dataset import Dataset, IterableDataset
from fastnn.utils.data.info import get_worker_info
from fastnn.utils.data.iterate import LoaderIterator, SerialIterator
from fastnn.utils.data.sampler import BatchSampler, RandomSampler, Sampler, SequentialSampler

T_co = TypeVar("T_co", covariant=True)

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]

FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class _Endless(Sampler[None]):
    """The index sampler of an iterable dataset: None for ever."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


def _cpus() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _check_workers(
    num_workers: int, timeout: float, prefetch_factor: int | None, persistent_workers: bool
) -> None:
    if num_workers < 0:
        raise ValueError(
            "num_workers option should be non-negative; use num_workers=0 to load in this process"
        )
    if timeout < 0:
        raise ValueError("timeout option should be non-negative")
    if num_workers == 0 and prefetch_factor is not None:
        raise ValueError("prefetch_factor option needs num_workers > 0")
    if prefetch_factor is not None and prefetch_factor < 0:
        raise ValueError("prefetch_factor option should be non-negative")
    if persistent_workers and num_workers == 0:
        raise ValueError("persistent_workers option needs num_workers > 0")
    if num_workers > _cpus():
        warnings.warn(
            f"This DataLoader will create {num_workers} worker processes, but this process may "
            f"use only {_cpus()} CPUs: that can make loading slower",
            stacklevel=3,
        )


def _check_sampling(
    stream: bool, batch_size: Any, shuffle: Any, sampler: Any, batch_sampler: Any, drop_last: bool
) -> None:
    if stream:
        for name, value in (
            ("shuffle", shuffle or None),
            ("sampler", sampler),
            ("batch_sampler", batch_sampler),
        ):
            if value is not None:
                raise ValueError(
                    f"DataLoader with IterableDataset: expected unspecified {name} option, "
                    f"but got {name}={value}"
                )
    if sampler is not None and shuffle:
        raise ValueError("sampler option is mutually exclusive with shuffle")
    if batch_sampler is not None and (batch_size != 1 or shuffle or sampler or drop_last):
        raise ValueError(
            "batch_sampler option is mutually exclusive with batch_size, shuffle, sampler, and "
            "drop_last"
        )
    if batch_sampler is None and batch_size is None and drop_last:
        raise ValueError(
            "batch_size=None option disables auto-batching and is mutually exclusive with drop_last"
        )


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches.

    Args:
        dataset: map-style (``__getitem__``, ``__len__``) or an IterableDataset.
        batch_size: samples per batch; None gives single samples through collate_fn.
        shuffle: a new random order in every epoch.
        sampler, batch_sampler: give indices, or lists of them, in place of shuffle/batch_size.
        num_workers: processes that load ahead; 0 loads here.
        collate_fn: list of samples -> batch (default_collate).
        pin_memory, pin_memory_device: accepted; memory needs no pinning on a CPU.
        drop_last: leave out a last batch that is not full.
        timeout: seconds to wait for a batch of a worker; 0 waits for ever.
        worker_init_fn: called with the worker's id in each worker after seeding.
        multiprocessing_context: start method or context; fork on Linux where none was set.
        generator: source of the shuffled order and of the workers' seeds.
        prefetch_factor: batches that each worker loads ahead (2).
        persistent_workers: keep the processes from epoch to epoch.
        in_order: give batches in the sampler's order; False gives them as they come.

    Worker w seeds ``random``, NumPy and fastnn with base_seed + w. An exception in a worker is
    raised here with its traceback's text; a dead worker raises RuntimeError.
    """

    dataset: Dataset[T_co]
    _initialized = False
    _iterator: LoaderIterator | None = None

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Sampler | Iterable | None = None,
        batch_sampler: Sampler[list] | Iterable[list] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        stream = isinstance(dataset, IterableDataset)
        _check_sampling(stream, batch_size, shuffle, sampler, batch_sampler, drop_last)
        self.dataset = dataset
        self.num_workers = num_workers
        self.prefetch_factor: Any = prefetch_factor or (2 if num_workers else prefetch_factor)
        self.pin_memory = pin_memory
        self.pin_memory_device = pin_memory_device
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn
        self.multiprocessing_context = multiprocessing_context
        self.in_order = in_order
        self.generator = generator
        self.persistent_workers = persistent_workers
        if batch_sampler is not None:
            batch_size, drop_last = None, False
        if sampler is None:
            sampler = self._default_sampler(stream, bool(shuffle))
        if batch_size is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size = batch_size
        self.drop_last = drop_last
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.collate_fn: Callable[[Any], Any] = collate_fn or (
            default_collate if self._auto_collation else default_convert
        )
        self._iterable_length: int | None = None
        self._initialized = True

    def _default_sampler(self, stream: bool, shuffle: bool) -> Sampler:
        if stream:
            return _Endless()
        if shuffle:
            return RandomSampler(self.dataset, generator=self.generator)  # type: ignore[arg-type]
        return SequentialSampler(self.dataset)  # type: ignore[arg-type]

    def __setattr__(self, name: str, value: Any) -> None:
        if self._initialized and name in FIXED:
            raise ValueError(
                f"{name} attribute should not be set after {type(self).__name__} is initialized"
            )
        super().__setattr__(name, value)

    @property
    def multiprocessing_context(self) -> Any:
        return self._context

    @multiprocessing_context.setter
    def multiprocessing_context(self, context: Any) -> None:
        if context is not None and self.num_workers == 0:
            raise ValueError(
                "multiprocessing_context can only be used with num_workers > 0, but got "
                f"num_workers={self.num_workers}"
            )
        if context is None:
            self._context = None
            return
        import multiprocessing.context

        if isinstance(context, str):
            known = multiprocessing.get_all_start_methods()
            if context not in known:
                raise ValueError(
                    f"multiprocessing_context option should specify a valid start method in "
                    f"{known}, but got multiprocessing_context={context!r}"
                )
            context = multiprocessing.get_context(context)
        if not isinstance(context, multiprocessing.context.BaseContext):
            raise TypeError(
                "multiprocessing_context option should be a context object or the name of a "
                f"start method, but got multiprocessing_context={context!r}"
            )
        self._context = context

    def _process_context(self) -> Any:
        if self._context is not None:
            return self._context
        import multiprocessing

        chosen = multiprocessing.get_start_method(allow_none=True)
        if chosen is None and sys.platform.startswith("linux"):
            chosen = "fork"
        return multiprocessing.get_context(chosen)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __iter__(self) -> Iterator[Any]:
        if self.num_workers == 0:
            if self.timeout:
                raise ValueError("timeout option needs num_workers > 0")
            return SerialIterator(self)
        from fastnn.utils.data.parallel import WorkerIterator

        if not self.persistent_workers:
            return WorkerIterator(self)
        if self._iterator is None:
            self._iterator = WorkerIterator(self)
        else:
            self._iterator._begin(self)
        return self._iterator

    def __len__(self) -> int:
        """Batches per epoch; TypeError where the sampler or the iterable dataset has no length."""
        if not isinstance(self.dataset, IterableDataset):
            return len(self._index_sampler)
        length = self._iterable_length = len(self.dataset)  # type: ignore[arg-type]
        if self.batch_size is None:
            return length
        return length // self.batch_size if self.drop_last else -(-length // self.batch_size)
