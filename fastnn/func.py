"""Functions of functions: derivatives as functions of the arguments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn._core.tensor import Tensor
from fastnn._vmap import stack_module_state, vmap
from fastnn.autograd import enable_grad
from fastnn.autograd import grad as _grad
from fastnn.autograd.functional import hessian as _hessian
from fastnn.autograd.functional import jacobian as _jacobian
from fastnn.autograd.functional import jvp as _jvp
from fastnn.nn.utils.stateless import functional_call

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp",
           "stack_module_state", "vjp", "vmap"]


def _leaf(x: Any) -> Any:
    if isinstance(x, Tensor):
        return x.view_as(x) if x.requires_grad else x.detach().requires_grad_()
    if isinstance(x, dict):
        return {k: _leaf(v) for k, v in x.items()}
    if isinstance(x, (tuple, list)):
        return type(x)(_leaf(v) for v in x)
    raise TypeError(f"func: cannot differentiate by a {type(x).__name__}")


def _leaves(x: Any) -> list[Tensor]:
    if isinstance(x, Tensor):
        return [x]
    return [t for v in (x.values() if isinstance(x, dict) else x) for t in _leaves(v)]


def _shaped(x: Any, found: Any) -> Any:
    """The tensors of an iterator in the places of x's."""
    if isinstance(x, Tensor):
        return next(found)
    if isinstance(x, dict):
        return {k: _shaped(v, found) for k, v in x.items()}
    return type(x)(_shaped(v, found) for v in x)


def grad_and_value(func: Callable[..., Any], argnums: Any = 0,
                   has_aux: bool = False) -> Callable[..., Any]:
    """f(*args) -> (the gradient by the arguments argnums, func(*args)), for a scalar func.

    An argument may be a tensor, or a dict, list or tuple of them. has_aux: func gives (value, aux).
    """
    def both(*args: Any, **kwargs: Any) -> Any:
        chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        outer = any(t.requires_grad for i in chosen for t in _leaves(args[i]))
        with enable_grad():
            live = list(args)
            for i in chosen:
                live[i] = _leaf(args[i])
            got = func(*live, **kwargs)
            value, aux = got if has_aux else (got, None)
            if not isinstance(value, Tensor) or value.numel() != 1:
                raise RuntimeError("grad: Expected f(*args) to return a scalar tensor")
            flat = _leaves([live[i] for i in chosen])
            found = iter(_grad([value.reshape(())], flat, create_graph=outer, allow_unused=True,
                               materialize_grads=True))
            gradients = tuple(_shaped(live[i], found) for i in chosen)
        result = gradients[0] if isinstance(argnums, int) else gradients
        value = value if outer else value.detach()
        return (result, (value, aux)) if has_aux else (result, value)
    return both


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """f(*args) -> the gradient of a scalar func by the arguments argnums (and aux)."""
    both = grad_and_value(func, argnums, has_aux)

    def only(*args: Any, **kwargs: Any) -> Any:
        gradient, value = both(*args, **kwargs)
        return (gradient, value[1]) if has_aux else gradient
    return only


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), the function v -> v^T J, a tuple over primals[, aux])."""
    with enable_grad():
        live = [_leaf(p) for p in primals]
        got = func(*live)
    value, aux = got if has_aux else (got, None)

    def product(cotangents: Any, retain_graph: bool = True, create_graph: bool = False) -> Any:
        found = iter(_grad(_leaves(value), _leaves(live), _leaves(cotangents), retain_graph=True,
                           create_graph=create_graph, allow_unused=True, materialize_grads=True))
        return tuple(_shaped(x, found) for x in live)

    shown = _shaped(value, iter([t.detach() for t in _leaves(value)]))
    return (shown, product, aux) if has_aux else (shown, product)


def jvp(func: Callable[..., Any], primals: Any, tangents: Any, *, strict: bool = False,
        has_aux: bool = False) -> Any:
    """(func(*primals), J tangents[, aux]), by two derivatives backwards."""
    kept = []

    def value(*args: Any) -> Any:
        got = func(*args)
        kept.append(got[1] if has_aux else None)
        return got[0] if has_aux else got

    one = len(primals) == 1
    outer = any(t.requires_grad for t in _leaves([*primals, *tangents]))
    result = _jvp(value, primals[0] if one else tuple(primals),
                  tangents[0] if one else tuple(tangents), create_graph=outer, strict=strict)
    return (*result, kept[0]) if has_aux else result


def _by(argnums: Any, args: tuple[Any, ...], func: Callable[..., Any],
        derivative: Callable[..., Any]) -> Any:
    chosen = (argnums,) if isinstance(argnums, int) else tuple(argnums)

    def of_chosen(*xs: Tensor) -> Any:
        live = list(args)
        for i, x in zip(chosen, xs, strict=True):
            live[i] = x
        return func(*live)

    outer = any(args[i].requires_grad for i in chosen)
    inputs = tuple(args[i] for i in chosen)
    return derivative(of_chosen, inputs[0] if isinstance(argnums, int) else inputs,
                      create_graph=outer)


def jacrev(func: Callable[..., Any], argnums: Any = 0, *, has_aux: bool = False,
           chunk_size: int | None = None) -> Callable[..., Any]:
    """f(*args) -> the Jacobian of func by the arguments argnums (and aux)."""
    def jacobian(*args: Any) -> Any:
        kept = []

        def value(*live: Any) -> Any:
            got = func(*live)
            kept.append(got[1] if has_aux else None)
            return got[0] if has_aux else got

        found = _by(argnums, args, value, _jacobian)
        return (found, kept[0]) if has_aux else found
    return jacobian


def jacfwd(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False, *,
           randomness: str = "error") -> Callable[..., Any]:
    """jacrev: the same Jacobian, computed row by row."""
    return jacrev(func, argnums, has_aux=has_aux)


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """f(*args) -> the Hessian of a scalar func by the arguments argnums."""
    return lambda *args: _by(argnums, args, func, _hessian)
