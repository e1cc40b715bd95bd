"""Automatic differentiation: modes, backward, grad, and functions with a backward of their own."""

from __future__ import annotations

from typing import Any

from fastnn._core.backward import backward, grad
from fastnn._core.engine import _set_detect_anomaly
from fastnn._core.tape import is_grad_enabled, is_inference_mode_enabled
from fastnn._core.tensor import Tensor
from fastnn.autograd.function import Function, FunctionCtx
from fastnn.autograd.grad_mode import enable_grad, inference_mode, no_grad, set_grad_enabled

__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad",
           "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad",
           "set_detect_anomaly", "set_grad_enabled"]


class set_detect_anomaly:
    """Let backward raise RuntimeError where a derivative is NaN."""

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self.before = _set_detect_anomaly(mode and check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        _set_detect_anomaly(self.before)


class detect_anomaly(set_detect_anomaly):
    """A with block in which backward raises RuntimeError where a derivative is NaN."""

    def __init__(self, check_nan: bool = True) -> None:
        self.check_nan = check_nan

    def __enter__(self) -> None:
        self.before = _set_detect_anomaly(self.check_nan)


class _VariableMeta(type):
    def __instancecheck__(cls, other: object) -> bool:
        return isinstance(other, Tensor)


class Variable(metaclass=_VariableMeta):
    """The old name of a tensor on the tape: Variable(t, requires_grad) is t, so marked."""

    def __new__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Any:
        return data.detach().requires_grad_(requires_grad) if requires_grad else data


def __getattr__(name: str) -> Any:
    if name in ("GradcheckError", "gradcheck", "gradgradcheck"):  # loaded on first use
        from fastnn import _gradcheck
        return getattr(_gradcheck, name)
    if name == "functional":
        from importlib import import_module
        return import_module("fastnn.autograd.functional")
    raise AttributeError(f"module 'fastnn.autograd' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), "GradcheckError", "functional", "gradcheck",
                   "gradgradcheck"})
