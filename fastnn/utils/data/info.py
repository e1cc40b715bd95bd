"""Which worker am I? What a dataset can ask while it runs in a worker process."""

from __future__ import annotations

from typing import Any

__all__ = ["WorkerInfo", "get_worker_info", "set_worker_info"]


class WorkerInfo:
    """Who a worker is: id, num_workers, seed, dataset (its own copy). Read-only."""

    id: int
    num_workers: int
    seed: int
    dataset: Any

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise RuntimeError(f"Cannot assign attributes to {type(self).__name__} objects")

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({fields})"


_info: WorkerInfo | None = None


def get_worker_info() -> WorkerInfo | None:
    """The WorkerInfo of this worker process, None in the main process."""
    return _info


def set_worker_info(**fields: Any) -> None:
    """Called once, when a worker process starts."""
    global _info
    _info = WorkerInfo(**fields)
