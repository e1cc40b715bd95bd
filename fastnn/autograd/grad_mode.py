"""Modes: whether ops are recorded."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from fastnn._core import tape as _tape

__all__ = ["enable_grad", "inference_mode", "no_grad", "set_grad_enabled"]


class _Mode:
    """A context manager that is also a decorator, of functions and of generators."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            @functools.wraps(function)
            def generator(*args: Any, **kwargs: Any) -> Any:
                inner = function(*args, **kwargs)
                sent = None
                while True:
                    with self._again():
                        try:
                            got = inner.send(sent)
                        except StopIteration as stop:
                            return stop.value
                    sent = yield got
            return generator

        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)
        return wrapped

    def _again(self) -> _Mode:
        return type(self)()

    def __enter__(self) -> None:
        raise NotImplementedError

    def __exit__(self, *exc: object) -> None:
        raise NotImplementedError


class _GradMode(_Mode):
    on = False

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        mode = super().__new__(cls)
        return mode(function) if callable(function) else mode

    def __enter__(self) -> None:
        self.before = _tape._set_grad_enabled(self.on)

    def __exit__(self, *exc: object) -> None:
        _tape._set_grad_enabled(self.before)


class no_grad(_GradMode):
    """Inside, nothing is recorded. A context manager and a decorator."""


class enable_grad(_GradMode):
    """Inside, ops are recorded, also where an outer no_grad says otherwise."""

    on = True


class set_grad_enabled(_Mode):
    """Switch recording on or off: at once when called, back again at the end of a with block."""

    def __init__(self, mode: bool) -> None:
        self.mode = mode
        self.before = _tape._set_grad_enabled(mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        _tape._set_grad_enabled(self.before)
        return super().__call__(function)

    def _again(self) -> _Mode:
        return set_grad_enabled(self.mode)

    def __enter__(self) -> None:
        _tape._set_grad_enabled(self.mode)

    def __exit__(self, *exc: object) -> None:
        _tape._set_grad_enabled(self.before)


class inference_mode(_Mode):
    """no_grad for code that never differentiates; inference_mode(False) switches it off."""

    mode: bool

    def __new__(cls, mode: bool | Callable[..., Any] = True) -> Any:
        made = super().__new__(cls)
        made.mode = mode if isinstance(mode, bool) else True
        return made if isinstance(mode, bool) else made(mode)

    def _again(self) -> _Mode:
        return inference_mode(self.mode)

    def __enter__(self) -> None:
        self.before = (_tape._set_grad_enabled(not self.mode), _tape._set_inference(self.mode))

    def __exit__(self, *exc: object) -> None:
        _tape._set_grad_enabled(self.before[0])
        _tape._set_inference(self.before[1])
