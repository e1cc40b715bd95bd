"""Automatic differentiation: modes, backward, grad, and functions with a backward of their own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from fastnn._core import tape as _tape
from fastnn._core.backward import backward, grad
from fastnn._core.engine import _set_detect_anomaly
from fastnn._core.tape import is_grad_enabled, is_inference_mode_enabled
from fastnn._core.tensor import Tensor

__all__ = ["Function", "Variable", "backward", "detect_anomaly", "enable_grad", "grad",
           "inference_mode", "is_grad_enabled", "is_inference_mode_enabled", "no_grad",
           "set_detect_anomaly", "set_grad_enabled"]


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


class FunctionCtx:
    """What forward leaves for backward."""

    needs_input_grad: tuple[bool, ...] = ()

    def __init__(self) -> None:
        self._to_save: tuple[Tensor | None, ...] = ()
        self._saved: tuple[tuple[Tensor | None, int, int], ...] = ()
        self._no_grad_out: set[int] = set()
        self._dirty: set[int] = set()
        self._materialize = True
        self._node: Any = None  # set while backward runs

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs of forward; backward gets them as ctx.saved_tensors."""
        self._to_save = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """These outputs have no gradient."""
        self._no_grad_out |= {id(t) for t in tensors}

    def mark_dirty(self, *tensors: Tensor) -> None:
        """These inputs were changed in place by forward, and are returned by it."""
        self._dirty |= {id(t) for t in tensors}

    def set_materialize_grads(self, value: bool) -> None:
        """False: gradients that do not exist reach backward as None instead of zeros."""
        self._materialize = value

    def _keep(self, outs: list[Any]) -> None:
        """Take over what was saved; outputs without their history, which would be a cycle."""
        kept: list[tuple[Tensor | None, int, int]] = []
        for t in self._to_save:
            nr = next((i for i, o in enumerate(outs) if o is t), -1)
            if t is None:
                kept.append((None, 0, -1))
            else:
                kept.append((t.detach() if nr >= 0 else t, t._version, nr))
        self._saved = tuple(kept)
        self._to_save = ()

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What save_for_backward kept. Raises RuntimeError if it was changed in place since."""
        out: list[Tensor | None] = []
        for t, version, nr in self._saved:
            if t is not None and t._version != version:
                raise RuntimeError("a value saved for backward has been modified by an in-place "
                                   f"operation: it is at version {t._version}, expected {version}")
            if nr >= 0 and self._node is not None and is_grad_enabled():
                t = _tape._with_history(t, self._node, nr)
            out.append(t)
        return tuple(out)


class Function:
    """A differentiable operation written in Python.

    Subclass it with static methods forward(ctx, *args) and backward(ctx, *grads), or forward
    without ctx beside setup_context(ctx, inputs, output); call it with .apply(*args). backward
    returns one gradient (or None) per argument of forward.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError("autograd.Function: forward is not defined")

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        raise NotImplementedError("autograd.Function: backward is not defined")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        raise NotImplementedError("autograd.Function: setup_context is not defined")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward and, where an argument requires grad, record backward."""
        ctx = FunctionCtx()
        ctx.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        record = is_grad_enabled() and any(ctx.needs_input_grad)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args)
        if not record:
            return result
        outs = list(result) if isinstance(result, tuple) else [result]
        if not all(isinstance(o, Tensor) for o in outs):
            raise TypeError(f"{cls.__name__}.forward must return tensors")
        ctx._keep(outs)
        differentiable = [o.dtype.is_floating_point and id(o) not in ctx._no_grad_out
                          for o in outs]
        given = {id(a) for a in args if isinstance(a, Tensor)} - ctx._dirty
        outs = [o.detach() if id(o) in given else o for o in outs]
        ctx._shapes = [(o.shape, o.dtype) for o in outs]  # type: ignore[attr-defined]
        ctx._count = len(args)  # type: ignore[attr-defined]
        _tape._record_function(outs, args, (cls, ctx), differentiable)
        return tuple(outs) if isinstance(result, tuple) else outs[0]

    @classmethod
    def _run_backward(cls, ctx: Any, grads: tuple[Any, ...], node: Any) -> tuple[Any, ...]:
        if ctx._materialize:
            from fastnn._core.ops import zeros
            grads = tuple(zeros(shape, dtype=dtype) if g is None else g
                          for g, (shape, dtype) in zip(grads, ctx._shapes, strict=True))
        ctx._node = node
        try:
            got = cls.backward(ctx, *grads)
        finally:
            ctx._node = None
        got = got if isinstance(got, tuple) else (got,)
        if len(got) < ctx._count or any(g is not None for g in got[ctx._count:]):
            raise RuntimeError(f"{cls.__name__}.backward returned {len(got)} gradients, expected "
                               f"{ctx._count}")
        return got[:ctx._count]


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
