"""Iterating over a DataLoader through worker processes."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from fastnn.utils.data.iterate import LoaderIterator
from fastnn.utils.data.pool import Pool
from fastnn.utils.data.sampler import draw_seed
from fastnn.utils.data.transport import INLINE
from fastnn.utils.data.worker import End, Failure, Job

if TYPE_CHECKING:
    from fastnn.utils.data.dataloader import DataLoader

__all__ = ["WorkerIterator"]

UNREAD = 65536  # bytes of answers that may wait in a worker's socket without blocking it


class WorkerIterator(LoaderIterator):
    """Keeps up to prefetch_factor batches per worker under way.

    Batch k goes to the workers in turn. A worker answers in the order it was asked, so with
    in_order the next batch is always the next answer of the worker it was given to.
    """

    def __init__(self, loader: DataLoader) -> None:
        self._timeout = loader.timeout or None
        self._prefetch = loader.prefetch_factor
        self._persistent = loader.persistent_workers
        self._in_order = loader.in_order
        self._epoch = -1
        self._owners: dict[int, int] = {}  # number of a batch under way -> its worker
        self._pool = Pool(_jobs(loader), loader._process_context())
        self._waiting = [0] * len(self._pool)  # batches under way, per worker
        weakref.finalize(self, self._pool.shutdown)
        super().__init__(loader)

    def _begin(self, loader: DataLoader) -> None:
        super()._begin(loader)
        while self._owners:  # what an epoch that was left early still has under way
            self._receive()
        self._epoch += 1
        self._sent = self._taken = self._turn = 0
        self._active = [True] * len(self._pool)
        for _ in range(self._prefetch * len(self._pool)):
            self._dispatch()

    def _dispatch(self) -> None:
        """Give the next batch to the next worker in turn that has room."""
        n = len(self._pool)
        order = ((self._turn + step) % n for step in range(n))
        free = (w for w in order if self._active[w] and self._waiting[w] < self._prefetch)
        worker = next(free, None)
        indices = next(self._indices, self) if worker is not None else self
        if worker is None or indices is self:
            return
        self._pool.send(worker, ((self._epoch, self._sent), indices))
        self._turn = worker + 1
        self._owners[self._sent] = worker
        self._waiting[worker] += 1
        self._sent += 1

    def _receive(self) -> Any:
        """The next answer: of the next batch with in_order, else whichever comes first."""
        if not len(self._pool):
            raise RuntimeError("the workers of this DataLoader iterator have been shut down")
        if self._in_order:
            wanted = [self._owners[self._taken]]
        else:
            wanted = sorted(set(self._owners.values()))
        worker, ((_, number), answer) = self._pool.receive(wanted, self._timeout)
        del self._owners[number]
        self._waiting[worker] -= 1
        self._taken += 1
        if isinstance(answer, End):
            self._active[worker] = False
        return answer

    def __next__(self) -> Any:
        while self._owners:
            answer = self._receive()
            self._dispatch()
            if isinstance(answer, Failure):
                answer.raise_here()
            if not isinstance(answer, End):
                self._count()
                return answer
        if not self._persistent:
            self._pool.shutdown()
        raise StopIteration


def _jobs(loader: DataLoader) -> list[Job]:
    seed = draw_seed(loader.generator)
    return [
        Job(
            dataset=loader.dataset,
            auto_collation=loader._auto_collation,
            collate_fn=loader.collate_fn,
            drop_last=loader.drop_last,
            base_seed=seed,
            worker_id=worker,
            num_workers=loader.num_workers,
            init_fn=loader.worker_init_fn,
            inline=min(INLINE, UNREAD // loader.prefetch_factor),
        )
        for worker in range(loader.num_workers)
    ]
