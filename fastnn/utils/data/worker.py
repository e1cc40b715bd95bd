"""What runs in a worker process: fetch what the loader asks for, send it back."""

from __future__ import annotations

import random
import signal
import socket
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import fastnn
from fastnn.utils.data import info, transport
from fastnn.utils.data.dataset import IterableDataset
from fastnn.utils.data.fetch import make_fetcher

__all__ = ["End", "Failure", "Job", "run"]


class End:
    """The answer of a worker whose iterable dataset is exhausted."""


@dataclass
class Job:
    """All that a worker needs to know when it starts."""

    dataset: Any
    auto_collation: bool
    collate_fn: Callable[[Any], Any]
    drop_last: bool
    base_seed: int
    worker_id: int
    num_workers: int
    init_fn: Callable[[int], None] | None
    inline: int


class Failure:
    """An exception that crosses processes: its type and the text of its traceback."""

    def __init__(self, error: BaseException, where: str) -> None:
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.kind: Any = type(error)
        self.message = f"Caught {self.kind.__name__} {where}.\nOriginal {text}"

    def raise_here(self) -> None:
        """Raise the same type with the text, or RuntimeError where the type needs more."""
        if self.kind is KeyError:  # KeyError shows the repr of its argument: keep the lines
            raise KeyError(_Verbatim(self.message))
        if issubclass(self.kind, StopIteration):  # would end the caller's loop in silence
            raise RuntimeError(self.message)
        try:
            error = self.kind(self.message)
        except Exception:
            raise RuntimeError(self.message) from None
        raise error


class _Verbatim(str):
    def __repr__(self) -> str:
        return str(self)


def _seed_everything(seed: int) -> None:
    random.seed(seed)
    fastnn.manual_seed(seed)
    np.random.seed(np.random.SeedSequence(seed).generate_state(4))


def _encode(key: tuple[int, int], answer: Any, where: str) -> list[Any]:
    """Encode the answer; what cannot be pickled is reported in its place."""
    try:
        return transport.encode((key, answer))
    except Exception as error:
        failure = answer if isinstance(answer, Failure) else Failure(error, where)
    try:
        return transport.encode((key, failure))
    except Exception:  # the exception's class itself cannot be pickled
        failure.kind = RuntimeError
        return transport.encode((key, failure))


class _Stream:
    """Answers requests of one epoch after the other; the dataset's iterator lives for an epoch."""

    def __init__(self, job: Job, where: str) -> None:
        self.job, self.where = job, where
        self.epoch = -1
        self.ended = False
        self.fetch: Callable[[Any], Any] | None = None
        self.startup: Failure | None = None

    def answer(self, epoch: int, indices: Any) -> Any:
        if epoch != self.epoch:
            self.epoch, self.ended, self.fetch = epoch, False, None
        if self.startup is not None:
            return self.startup
        if self.ended:
            return End()
        job = self.job
        try:
            if self.fetch is None:
                self.fetch = make_fetcher(
                    job.dataset, job.auto_collation, job.collate_fn, job.drop_last
                )
            return self.fetch(indices)
        except Exception as error:
            if isinstance(error, StopIteration) and isinstance(job.dataset, IterableDataset):
                self.ended = True
                return End()
            return Failure(error, self.where)


def _start(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the main process's to handle
    fastnn.set_num_threads(1)
    seed = job.base_seed + job.worker_id
    _seed_everything(seed)
    info.set_worker_info(
        id=job.worker_id, num_workers=job.num_workers, seed=seed, dataset=job.dataset
    )


def run(job: Job, sock: socket.socket, inherited: tuple[socket.socket, ...]) -> None:
    """Serve requests ``((epoch, number), indices)`` until the loader is gone."""
    for end in inherited:  # else this process would keep its siblings' sockets, and its own, open
        end.close()
    where = f"in DataLoader worker process {job.worker_id}"
    _start(job)
    stream = _Stream(job, where)
    if job.init_fn is not None:
        try:
            job.init_fn(job.worker_id)
        except Exception as error:
            stream.startup = Failure(error, where)
    try:
        while True:
            key, indices = transport.read(sock)
            body = _encode(key, stream.answer(key[0], indices), where)
            transport.write(sock, body, job.inline)
    except transport.Closed:
        pass
