"""Python's multiprocessing, and spawn. Tensors travel as copies."""

from __future__ import annotations

import multiprocessing as _python
import traceback
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

__all__ = [*_python.__all__, "ProcessContext",  # type: ignore[attr-defined]
           "ProcessExitedException", "ProcessRaisedException", "get_all_sharing_strategies",
           "get_sharing_strategy", "set_sharing_strategy", "spawn", "start_processes"]


def __getattr__(name: str) -> Any:
    return getattr(_python, name)


def get_all_sharing_strategies() -> set[str]:
    """How tensors can travel."""
    return {"file_system"}


def get_sharing_strategy() -> str:
    """How tensors travel."""
    return "file_system"


def set_sharing_strategy(new_strategy: str) -> None:
    """Accepted: tensors are copied."""


class ProcessRaisedException(Exception):
    """A process raised; its traceback is in the message."""

    def __init__(self, msg: str, error_index: int, error_pid: Any) -> None:
        super().__init__(msg)
        self.error_index, self.error_pid = error_index, error_pid


class ProcessExitedException(ProcessRaisedException):
    """A process ended with another exit code than 0, or by a signal."""


def _run(function: Callable[..., None], i: int, args: tuple[Any, ...], errors: Any) -> None:
    try:
        function(i, *args)
    except KeyboardInterrupt:
        pass
    except Exception:
        errors.put(traceback.format_exc())
        raise SystemExit(1) from None


class ProcessContext:
    """The processes of start_processes; join waits for them."""

    def __init__(self, processes: list[Any], errors: list[Any]) -> None:
        self.processes, self._errors = processes, errors

    def pids(self) -> list[Any]:
        """Their numbers."""
        return [p.pid for p in self.processes]

    def join(self, timeout: float | None = None, grace_period: float | None = None) -> bool:
        """Whether all have ended. Raises when one failed, after stopping the others."""
        waiting = {p.sentinel: i for i, p in enumerate(self.processes) if p.exitcode is None}
        ended = wait(list(waiting), timeout) if waiting else []
        for i in [waiting[s] for s in ended]:  # type: ignore[index]
            self.processes[i].join()
        failed = next((i for i, p in enumerate(self.processes) if p.exitcode), None)
        if failed is None:
            return all(p.exitcode == 0 for p in self.processes)
        for p in self.processes:
            if p.is_alive():
                p.terminate()
            p.join(grace_period)
        one, errors = self.processes[failed], self._errors[failed]
        if errors.empty():
            raise ProcessExitedException(f"process {failed} terminated with exit code "
                                         f"{one.exitcode}", failed, one.pid)
        raise ProcessRaisedException(f"\n\n-- Process {failed} terminated with the following "
                                     f"error:\n{errors.get()}", failed, one.pid)


def start_processes(fn: Callable[..., None], args: tuple[Any, ...] = (), nprocs: int = 1,
                    join: bool = True, daemon: bool = False, start_method: str = "spawn"
                    ) -> ProcessContext | None:
    """Run fn(i, *args) in nprocs processes; with join wait for them, else give their context."""
    context = _python.get_context(start_method)
    errors = [context.SimpleQueue() for _ in range(nprocs)]
    processes = [context.Process(  # type: ignore[attr-defined]
        target=_run, args=(fn, i, args, errors[i]), daemon=daemon) for i in range(nprocs)]
    for p in processes:
        p.start()
    made = ProcessContext(processes, errors)
    if not join:
        return made
    while not made.join():
        pass
    return None


def spawn(fn: Callable[..., None], args: tuple[Any, ...] = (), nprocs: int = 1,
          join: bool = True, daemon: bool = False, start_method: str = "spawn"
          ) -> ProcessContext | None:
    """start_processes, each of them a fresh interpreter."""
    return start_processes(fn, args, nprocs, join, daemon, start_method)
