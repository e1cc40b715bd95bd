"""Differentiable operations written in Python."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from fastnn._core import tape as _tape
from fastnn._core.tape import is_grad_enabled
from fastnn._core.tensor import Tensor
from fastnn.autograd.grad_mode import no_grad

__all__ = ["Function", "FunctionCtx", "InplaceFunction", "once_differentiable"]


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


class InplaceFunction(Function):
    """A Function that may change its inputs."""


def once_differentiable(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator of backward: what it computes is not differentiated again, but refused."""
    @functools.wraps(fn)
    def backward(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            got = fn(ctx, *grads)
        if not is_grad_enabled() or not any(
                isinstance(g, Tensor) and g.requires_grad for g in grads):
            return got
        out = [g.detach().requires_grad_() if isinstance(g, Tensor) else g
               for g in (got if isinstance(got, tuple) else (got,))]
        made = [_Once.apply(g) if isinstance(g, Tensor) else g for g in out]
        return tuple(made) if isinstance(got, tuple) else made[0]
    return backward


class _Once(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.clone()

    @staticmethod
    def backward(ctx: Any, g: Tensor) -> Tensor:
        raise RuntimeError("trying to differentiate twice a function that was marked with "
                           "@once_differentiable")
