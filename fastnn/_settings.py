"""Switches of PyTorch that programs set; here most have one position."""

from __future__ import annotations

import warnings
from typing import Any

from fastnn._core import dtypes
from fastnn._core.dtypes import set_default_dtype

__all__ = ["are_deterministic_algorithms_enabled", "get_default_device",
           "get_deterministic_debug_mode", "get_float32_matmul_precision",
           "get_num_interop_threads", "set_default_device", "set_default_tensor_type",
           "set_deterministic_debug_mode", "set_float32_matmul_precision", "set_flush_denormal",
           "set_num_interop_threads", "set_warn_always", "use_deterministic_algorithms"]

_chosen: dict[str, Any] = {"deterministic": False, "precision": "highest", "interop": 1}


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Accepted: every op gives the same bits each time, whatever the number of threads."""
    _chosen["deterministic"] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What use_deterministic_algorithms was told."""
    return _chosen["deterministic"]


def set_deterministic_debug_mode(debug_mode: Any) -> None:
    """use_deterministic_algorithms of "default" (0) or "warn" (1), "error" (2)."""
    use_deterministic_algorithms(debug_mode not in (0, "default"))


def get_deterministic_debug_mode() -> int:
    """0 for "default", 2 for "error"."""
    return 2 * _chosen["deterministic"]


def set_float32_matmul_precision(precision: str) -> None:
    """Accepted: "highest", "high" or "medium"; products of float32 are float32's."""
    if precision not in ("highest", "high", "medium"):
        warnings.warn(f"{precision} is not one of 'highest', 'high', or 'medium'", stacklevel=2)
        return
    _chosen["precision"] = precision


def get_float32_matmul_precision() -> str:
    """What set_float32_matmul_precision was told."""
    return _chosen["precision"]


def set_num_interop_threads(value: int) -> None:
    """Accepted: one op runs at a time."""
    if value <= 0:
        raise RuntimeError("Expected positive number of threads")
    _chosen["interop"] = value


def get_num_interop_threads() -> int:
    """What set_num_interop_threads was told."""
    return _chosen["interop"]


def set_flush_denormal(mode: bool) -> bool:
    """False: the floating-point mode of the process is left as it is."""
    return False


def set_warn_always(b: bool) -> None:
    """Accepted; Python's warnings filter decides."""


def set_default_device(device: Any) -> None:
    """Accepts the CPU. Raises RuntimeError for any other device."""
    dtypes.device(device)


def get_default_device() -> Any:
    """The CPU."""
    return dtypes.device("cpu")


def set_default_tensor_type(t: Any) -> None:
    """set_default_dtype by the old name of a tensor type, or such a type itself."""
    name = t if isinstance(t, str) else getattr(t, "__name__", str(t))
    kinds = {"FloatTensor": "float32", "DoubleTensor": "float64"}
    short = name.rpartition(".")[2]
    if short not in kinds:
        raise TypeError(f"only floating-point types are supported as the default type, got {name}")
    set_default_dtype(dtypes.public[kinds[short]])
