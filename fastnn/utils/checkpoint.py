"""Trading time for memory: what a function computed on its way is computed again in backward."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from fastnn._core.ops.random import get_rng_state, set_rng_state
from fastnn._core.tensor import Tensor
from fastnn.autograd import Function, backward, enable_grad, grad, is_grad_enabled
from fastnn.nn.modules.module import Module
from fastnn.random import fork_rng

__all__ = ["checkpoint", "checkpoint_sequential"]


def _parameters(function: Callable[..., Any]) -> list[Tensor] | None:
    """The trained parameters that function reaches, or None where that is not known."""
    owner = function if isinstance(function, Module) else getattr(function, "__self__", None)
    if not isinstance(owner, Module):
        return None
    return [p for p in owner.parameters() if p.requires_grad]


class _Call:
    """A call that can be repeated: same arguments, same random numbers."""

    def __init__(self, function: Callable[..., Any], args: tuple[Any, ...],
                 kwargs: dict[str, Any], keep_random: bool, contexts: Any) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.places = [i for i, a in enumerate(args) if isinstance(a, Tensor)]
        self.state = get_rng_state() if keep_random else None
        self.first, self.again = contexts
        self.known = False  # whether the parameters are among the arguments
        self.shape: Any = None  # the result with its tensors taken out

    def run(self, tensors: Any, context: Any) -> list[Tensor]:
        """The tensors of the result, in their order."""
        args = list(self.args)
        for i, t in zip(self.places, tensors, strict=True):
            args[i] = t
        with context:
            result = self.function(*args, **self.kwargs)
        items = list(result) if isinstance(result, (tuple, list)) else [result]
        self.shape = type(result) if isinstance(result, (tuple, list)) else None, [
            None if isinstance(x, Tensor) else x for x in items]
        self.at = [i for i, x in enumerate(items) if isinstance(x, Tensor)]
        return [items[i] for i in self.at]

    def repeat(self, tensors: Any) -> list[Tensor]:
        with fork_rng(enabled=self.state is not None), enable_grad():
            if self.state is not None:
                set_rng_state(self.state)
            return self.run(tensors, self.again)

    def result(self, tensors: Any) -> Any:
        kind, items = self.shape
        for i, t in zip(self.at, tensors, strict=True):
            items[i] = t
        return kind(items) if kind is not None else items[0]


class _Checkpoint(Function):
    @staticmethod
    def forward(ctx: Any, call: _Call, count: int, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.call, ctx.count = call, count
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*tensors)
        return tuple(y.view_as(y) if any(y is t for t in tensors) else y
                     for y in call.run(tensors[:count], call.first))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> Any:
        inputs = list(ctx.saved_tensors)
        again = is_grad_enabled()
        xs = inputs if again else [t.detach().requires_grad_(t.requires_grad) if i < ctx.count
                                   else t for i, t in enumerate(inputs)]
        ys = ctx.call.repeat(xs[:ctx.count])
        pairs = [(y, g) for y, g in zip(ys, grads, strict=True) if y.requires_grad
                 and g is not None]
        wanted = [x for x in xs if x.requires_grad and x.is_floating_point()]
        outs, seeds = [y for y, _ in pairs], [g for _, g in pairs]
        got: list[Tensor | None]
        if ctx.call.known or again:
            got = list(grad(outs, wanted, seeds, create_graph=again, allow_unused=True))
        else:  # which parameters there are is not known: they get their gradients directly
            backward(outs, seeds)
            got = [x.grad for x in wanted]
        found = iter(got)
        return (None, None, *[next(found) if x.requires_grad and x.is_floating_point() else None
                              for x in xs])


def _no_contexts() -> Any:
    return contextlib.nullcontext(), contextlib.nullcontext()


def checkpoint(function: Callable[..., Any], *args: Any, use_reentrant: bool | None = None,
               context_fn: Callable[[], Any] = _no_contexts, determinism_check: str = "default",
               debug: bool = False, early_stop: bool = True, preserve_rng_state: bool = True,
               **kwargs: Any) -> Any:
    """function(*args, **kwargs), which keeps its arguments alone and runs again in backward.

    preserve_rng_state: with the random numbers of the first time. The parameters of a Module, or of
    a method of one, are arguments like any other; a function's own get their gradients as
    backward() gives them. use_reentrant True: nothing is recorded unless an argument requires
    grad; the other options are accepted. Chen et al. 2016, https://arxiv.org/abs/1604.06174.
    """
    if use_reentrant and kwargs:
        raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}")
    if not is_grad_enabled():
        return function(*args, **kwargs)
    call = _Call(function, args, kwargs, preserve_rng_state, context_fn())
    tensors = [args[i] for i in call.places]
    more = [] if use_reentrant else _parameters(function)
    call.known = bool(more)
    if more is None:
        more = [] if any(t.requires_grad for t in tensors) else [_gate()]
    return call.result(_Checkpoint.apply(call, len(tensors), *tensors, *more))


def _gate() -> Tensor:
    """An argument that requires grad, so that backward runs for parameters that are not known."""
    from fastnn._core.ops import zeros
    return zeros(0).requires_grad_()


def checkpoint_sequential(functions: Any, segments: int, input: Any,
                          use_reentrant: bool | None = None, **kwargs: Any) -> Any:
    """A Sequential, or list of functions, divided into segments; all but the last keep only their
    inputs."""
    preserve = kwargs.pop("preserve_rng_state", True)
    if kwargs:
        raise ValueError(f"Unexpected keyword arguments: {', '.join(kwargs)}")
    from fastnn.nn.modules.container import Sequential
    layers = list(functions.children()) if isinstance(functions, Module) else list(functions)
    size = max(len(layers) // segments, 1)
    for i in range(segments - 1):
        part = layers[i * size:(i + 1) * size]
        run: Any = Sequential(*part) if all(isinstance(m, Module) for m in part) else _chain(part)
        input = checkpoint(run, input, use_reentrant=use_reentrant, preserve_rng_state=preserve)
    for layer in layers[(segments - 1) * size:]:
        input = layer(input)
    return input


def _chain(functions: list[Callable[..., Any]]) -> Callable[..., Any]:
    def run(x: Any) -> Any:
        for f in functions:
            x = f(x)
        return x
    return run
