"""Decorators of programs that were compiled elsewhere: here they change nothing."""

from __future__ import annotations

from typing import Any, TypeVar

T = TypeVar("T")


def script(obj: T, *args: Any, **kwargs: Any) -> T:
    """obj as it is."""
    return obj


def trace(func: T, example_inputs: Any = None, *args: Any, **kwargs: Any) -> T:
    """func as it is."""
    return func


freeze = optimize_for_inference = script_if_tracing = script


def annotate(the_type: Any, the_value: T) -> T:
    """the_value."""
    return the_value


def ignore(drop: Any = False, **kwargs: Any) -> Any:
    """The function as it is; with or without arguments."""
    return drop if callable(drop) else lambda fn: fn


def unused(fn: T) -> T:
    """fn as it is."""
    return fn


def export(fn: T) -> T:
    """fn as it is."""
    return fn


def script_method(fn: T) -> T:
    """fn as it is."""
    return fn


def interface(obj: T) -> T:
    """obj as it is."""
    return obj


def is_scripting() -> bool:
    """False."""
    return False


def is_tracing() -> bool:
    """False."""
    return False


Final = Any


def __getattr__(name: str) -> Any:
    if name == "ScriptModule":  # the base of old programs' modules
        from fastnn.nn import Module
        return Module
    raise AttributeError(f"module 'fastnn.jit' has no attribute {name!r}")
