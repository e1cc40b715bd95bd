"""The worker processes of a loader, seen from the main process."""

from __future__ import annotations

import os
import socket
import time
import warnings
from multiprocessing.connection import wait
from typing import Any

from fastnn.utils.data import transport
from fastnn.utils.data.worker import Job, run

__all__ = ["Pool"]

GRACE = 5.0  # seconds that a worker gets to finish its batch before it is terminated


class Pool:
    """Starts one process per job, sends requests, receives answers, and notices deaths."""

    def __init__(self, jobs: list[Job], context: Any) -> None:
        self.owner = os.getpid()  # a forked child inherits this object and must not touch it
        self.inline = jobs[0].inline
        self.processes: list[Any] = []
        self.sockets: list[socket.socket] = []
        try:
            for job in jobs:
                self._start(job, context)
        except BaseException:
            self.shutdown()
            raise

    def _start(self, job: Job, context: Any) -> None:
        ours, theirs = socket.socketpair()
        self.sockets.append(ours)
        with theirs:
            forks = context.get_start_method() == "fork"
            inherited = tuple(self.sockets) if forks else ()
            process = context.Process(target=run, args=(job, theirs, inherited), daemon=True)
            with warnings.catch_warnings():  # the engine's threads are paused while it forks
                warnings.filterwarnings("ignore", ".*use of fork", DeprecationWarning)
                process.start()
        self.processes.append(process)

    def __len__(self) -> int:
        return len(self.processes)

    def send(self, worker: int, message: Any) -> None:
        """Send a request. Errors: RuntimeError where the worker is dead."""
        try:
            transport.write(self.sockets[worker], transport.encode(message), self.inline)
        except transport.Closed:
            self._report_death(worker)

    def receive(self, workers: list[int], timeout: float | None) -> tuple[int, Any]:
        """The next answer of any of these workers, as (worker, message).

        Errors: RuntimeError where a worker dies or the time is up.
        """
        by_object = {self.sockets[w]: w for w in workers}
        dead = {self.processes[w].sentinel: w for w in workers}
        ready = wait([*by_object, *dead], timeout)
        if not ready:
            raise RuntimeError(f"DataLoader timed out after {timeout} seconds")
        for item in ready:  # what a dead worker had still sent is delivered first
            if isinstance(item, socket.socket):
                return by_object[item], self._read(by_object[item])
        self._report_death(dead[ready[0]])  # type: ignore[index]
        raise AssertionError("unreachable")

    def _read(self, worker: int) -> Any:
        try:
            return transport.read(self.sockets[worker])
        except transport.Closed:
            self._report_death(worker)
        except BaseException:  # half a message is lost: nothing after it can be understood
            self.shutdown()
            raise

    def _report_death(self, worker: int) -> None:
        process = self.processes[worker]
        process.join(1.0)
        code, pid = process.exitcode, process.pid
        self.shutdown()
        how = f"killed by signal {-code}" if code is not None and code < 0 else f"exit code {code}"
        raise RuntimeError(
            f"DataLoader worker {worker} (pid {pid}) exited unexpectedly: {how}"
        )

    def shutdown(self) -> None:
        """End all workers; those that do not stop by themselves are terminated."""
        if os.getpid() != self.owner:
            return
        for sock in self.sockets:
            with sock:  # a worker that reads, or writes its batch, sees the end and leaves
                sock.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + GRACE
        for process in self.processes:
            process.join(max(0.0, deadline - time.monotonic()))
        for process in self.processes:
            if process.is_alive():
                process.terminate()
                process.join(1.0)
            if process.is_alive():
                process.kill()
                process.join()
            process.close()
        self.sockets, self.processes = [], []
