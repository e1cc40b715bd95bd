"""Training by several processes, which is not there yet: programs can ask, and are told so."""

from __future__ import annotations

from typing import Any

from fastnn.nn._later import absent

__all__ = ["is_available", "is_initialized", "is_mpi_available", "is_nccl_available",
           "is_torchelastic_launched"]


def is_available() -> bool:
    """False."""
    return False


is_initialized = is_mpi_available = is_nccl_available = is_gloo_available = is_available
is_torchelastic_launched = is_available


def __getattr__(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'fastnn.distributed' has no attribute {name!r}")
    return absent("distributed", name)
