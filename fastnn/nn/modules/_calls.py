"""Calling a module that has hooks."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from fastnn._core.tape import Handle
from fastnn._core.tensor import Tensor
from fastnn.autograd import Function, is_grad_enabled

# Hooks of all modules: kind -> {id: (hook, options)}; empty means that no call looks further.
global_hooks: dict[str, OrderedDict[int, Any]] = {}


def _add_global(kind: str, hook: Callable[..., Any], **options: bool) -> Handle:
    hooks = global_hooks.setdefault(kind, OrderedDict())
    handle = Handle(hooks, hook)
    hooks[handle.id] = (hook, options)
    return handle


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """hook(module, args) runs before the forward of every module."""
    return _add_global("_forward_pre_hooks", hook)


def register_module_forward_hook(hook: Callable[..., Any], *, with_kwargs: bool = False,
                                 always_call: bool = False) -> Handle:
    """hook(module, args, output) runs after the forward of every module."""
    return _add_global("_forward_hooks", hook, with_kwargs=with_kwargs, always_call=always_call)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> Handle:
    """hook(module, grad_input, grad_output) runs in the backward of every module."""
    return _add_global("_backward_hooks", hook)


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> Handle:
    """hook(module, grad_output) runs before the backward of every module."""
    return _add_global("_backward_pre_hooks", hook)


register_module_backward_hook = register_module_full_backward_hook


def _hooks(module: Any, kind: str) -> list[tuple[Callable[..., Any], dict[str, bool]]]:
    return [*global_hooks.get(kind, {}).values(), *module.__dict__.get(kind, {}).values()]


class _Gate(Function):
    """The identity, with a hook on the gradients that pass back through it together."""

    @staticmethod
    def forward(ctx: Any, hook: Callable[..., Any], *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.hook = hook
        ctx.set_materialize_grads(False)
        return tuple(t.view_as(t) for t in tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        new = ctx.hook(grads)
        return (None, *(grads if new is None else new))


def _as_tuple(x: Any) -> tuple[Any, ...]:
    return x if isinstance(x, tuple) else (x,)


def _through_gate(hook: Callable[..., Any], values: Any) -> Any:
    """values (a tensor or a tuple) with its differentiable tensors led through a _Gate."""
    items = list(_as_tuple(values))
    where = [i for i, v in enumerate(items) if isinstance(v, Tensor) and v.requires_grad]
    if not where:
        return values

    def spread(grads: tuple[Any, ...]) -> Any:
        full: list[Any] = [None] * len(items)
        for i, g in zip(where, grads, strict=True):
            full[i] = g
        new = hook(tuple(full))
        return None if new is None else tuple(_as_tuple(new)[i] for i in where)

    gated = _as_tuple(_Gate.apply(spread, *(items[i] for i in where)))
    for i, v in zip(where, gated, strict=True):
        items[i] = v
    return tuple(items) if isinstance(values, tuple) else items[0]


def _run_pre_hooks(module: Any, args: Any, kwargs: Any) -> tuple[Any, Any]:
    for hook, options in _hooks(module, "_forward_pre_hooks"):
        if options.get("with_kwargs"):
            got = hook(module, args, kwargs)
            if got is not None:
                if not (isinstance(got, tuple) and len(got) == 2):
                    raise RuntimeError("forward pre-hook must return None or a tuple of "
                                       f"(new_args, new_kwargs), but got {got}")
                args, kwargs = got
        else:
            got = hook(module, args)
            if got is not None:
                args = _as_tuple(got)
    return args, kwargs


def call_with_hooks(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """module.forward(*args, **kwargs) with all hooks of the module and the global ones."""
    args, kwargs = _run_pre_hooks(module, args, kwargs)
    back = _hooks(module, "_backward_hooks")
    pre = _hooks(module, "_backward_pre_hooks")
    gates = bool(back or pre) and is_grad_enabled()
    seen_output: list[Any] = [None]

    def at_input(grads: tuple[Any, ...]) -> Any:
        current = grads
        for hook, _ in back:
            new = hook(module, current, seen_output[0])
            current = current if new is None else _as_tuple(new)
        return None if current is grads else current

    def at_output(grads: tuple[Any, ...]) -> Any:
        current = grads
        for hook, _ in pre:
            new = hook(module, current)
            current = current if new is None else _as_tuple(new)
        seen_output[0] = current
        return None if current is grads else current

    has_grad_input = any(isinstance(a, Tensor) and a.requires_grad for a in args)
    if gates and has_grad_input:
        args = _as_tuple(_through_gate(at_input, args))
    done = False
    try:
        result = module.forward(*args, **kwargs)
        for hook, options in _hooks(module, "_forward_hooks"):
            given = (args, kwargs) if options.get("with_kwargs") else (args,)
            got = hook(module, *given, result)
            result = result if got is None else got
        done = True
    finally:
        if not done:
            for hook, options in _hooks(module, "_forward_hooks"):
                if options.get("always_call"):
                    given = (args, kwargs) if options.get("with_kwargs") else (args,)
                    hook(module, *given, None)
    if gates:
        def last(grads: tuple[Any, ...]) -> Any:
            new = at_output(grads)
            if not has_grad_input:
                for hook, _ in back:
                    hook(module, (None,) * len(args), seen_output[0])
            return new
        result = _through_gate(last, result)
    return result
