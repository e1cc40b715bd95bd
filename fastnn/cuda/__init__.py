"""What programs ask before they use a GPU: there is none."""

from __future__ import annotations


def is_available() -> bool:
    """False."""
    return False


def device_count() -> int:
    """0."""
    return 0


def is_initialized() -> bool:
    """False."""
    return False


def manual_seed(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no generator on a GPU."""


def empty_cache() -> None:
    """Nothing: there is no memory on a GPU."""


def synchronize(device: object = None) -> None:
    """Nothing: everything has finished."""


def get_device_name(device: object = None) -> str:
    """Raises RuntimeError: there is no GPU."""
    raise RuntimeError("fastnn computes on the CPU; there is no cuda device")


def current_device() -> int:
    """Raises RuntimeError: there is no GPU."""
    raise RuntimeError("fastnn computes on the CPU; there is no cuda device")


def memory_allocated(device: object = None) -> int:
    """0: there is no memory on a GPU."""
    return 0


def max_memory_allocated(device: object = None) -> int:
    """0: there is no memory on a GPU."""
    return 0


def memory_reserved(device: object = None) -> int:
    """0: there is no memory on a GPU."""
    return 0


def __getattr__(name: str) -> object:
    if name == "amp":  # loaded on first use
        from importlib import import_module
        return import_module("fastnn.cuda.amp")
    raise AttributeError(f"module 'fastnn.cuda' has no attribute {name!r}")
