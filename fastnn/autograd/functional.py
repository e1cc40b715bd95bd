"""Jacobians, Hessians, and their products with vectors, of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor
from fastnn.autograd import enable_grad, grad

__all__ = ["hessian", "hvp", "jacobian", "jvp", "vhp", "vjp"]

Tensors = tuple[Tensor, ...]


def _tuple(value: Any, what: str) -> tuple[Tensors, bool]:
    """The tensors as a tuple, and whether there was one. Raises TypeError for anything else."""
    many = isinstance(value, (tuple, list))
    found = tuple(value) if many else (value,)
    if not all(isinstance(t, Tensor) for t in found):
        raise TypeError(f"The {what} must be a tensor or a tuple of tensors, got {type(value)}")
    return found, not many


def _leaves(inputs: Tensors, create_graph: bool) -> Tensors:
    """The inputs as tensors of their own; with create_graph they stay on the caller's tape."""
    return tuple(x.view_as(x) if create_graph and x.requires_grad else
                 x.detach().requires_grad_() for x in inputs)


def _ready(outputs: Tensors, create_graph: bool, one: bool) -> Any:
    kept = outputs if create_graph else tuple(y.detach() for y in outputs)
    return kept[0] if one else kept


def _filled(grads: Any, like: Tensors, strict: bool, what: str) -> Tensors:
    if strict and any(g is None for g in grads):
        raise RuntimeError(f"{what}: an output does not depend on one of the inputs. This is not "
                           "allowed in strict mode.")
    return tuple(ops.zeros_like(x) if g is None else g for g, x in zip(grads, like, strict=True))


def _vector(v: Any, like: Tensors, one: bool) -> Tensors:
    """v, checked to be of the shapes of like; ones where a single number makes it superfluous."""
    if v is None:
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError("The vector v can only be None if the function returns (or takes) a "
                               "single Tensor with a single element")
        return (ops.ones_like(like[0]),)
    found, _ = _tuple(v, "vector v")
    if len(found) != len(like):
        raise RuntimeError(f"v has {len(found)} tensors, expected {len(like)}")
    for a, b in zip(found, like, strict=True):
        if a.shape != b.shape:
            raise RuntimeError(f"v has the wrong size: {tuple(a.shape)} instead of "
                               f"{tuple(b.shape)}")
    return found


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:
    """(func(inputs), v^T J): the product of a vector with the Jacobian."""
    with enable_grad():
        given, one_in = _tuple(inputs, "inputs")
        xs = _leaves(given, create_graph)
        ys, one_out = _tuple(func(*xs), "outputs of the function")
        got = grad(list(ys), list(xs), list(_vector(v, ys, one_out)), create_graph=create_graph,
                   allow_unused=True)
        product = _filled(got, xs, strict, "vjp")
    return _ready(ys, create_graph, one_out), _ready(product, create_graph, one_in)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:
    """(func(inputs), J v): by differentiating v^T J, which is linear in its vector, once more."""
    with enable_grad():
        given, one_in = _tuple(inputs, "inputs")
        xs = _leaves(given, create_graph)
        direction = _vector(v, xs, one_in)
        ys, one_out = _tuple(func(*xs), "outputs of the function")
        dummies = [ops.zeros_like(y).requires_grad_() for y in ys]
        back = grad(list(ys), list(xs), dummies, create_graph=True, allow_unused=True)
        if strict and any(g is None for g in back):
            raise RuntimeError("jvp: an output does not depend on one of the inputs. This is not "
                               "allowed in strict mode.")
        pairs = [(g, d) for g, d in zip(back, direction, strict=True)
                 if g is not None and g.requires_grad]
        got = grad([g for g, _ in pairs], dummies, [d for _, d in pairs],
                   create_graph=create_graph, allow_unused=True) if pairs else [None] * len(ys)
        product = _filled(got, ys, strict, "jvp")
    return _ready(ys, create_graph, one_out), _ready(product, create_graph, one_out)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False,
             strict: bool = False, vectorize: bool = False,
             strategy: str = "reverse-mode") -> Any:
    """d outputs[i] / d inputs[j], of shape (*outputs[i].shape, *inputs[j].shape).

    A tensor for one output and one input, a tuple over inputs, over outputs, or over both. A
    backward pass for each element of the outputs; vectorize changes nothing.
    """
    with enable_grad():
        given, one_in = _tuple(inputs, "inputs")
        xs = _leaves(given, create_graph)
        ys, one_out = _tuple(func(*xs), "outputs of the function")
        rows = []
        for y in ys:
            flat = y.reshape(-1)
            found: list[list[Tensor]] = [[] for _ in xs]
            for i in range(flat.shape[0]):
                got = grad([flat[i]], list(xs), retain_graph=True, create_graph=create_graph,
                           allow_unused=True) if y.requires_grad else [None] * len(xs)
                for part, g in zip(found, _filled(got, xs, strict, "jacobian"), strict=True):
                    part.append(g)
            rows.append(tuple(
                (ops.stack(part) if part else x.new_zeros((0, *x.shape))).reshape(
                    [*y.shape, *x.shape]) for part, x in zip(found, xs, strict=True)))
        made = [_ready(row, create_graph, one_in) for row in rows]
    return made[0] if one_out else tuple(made)


def _scalar(func: Callable[..., Any]) -> Callable[..., Tensor]:
    def checked(*xs: Tensor) -> Tensor:
        y = func(*xs)
        if not isinstance(y, Tensor) or y.numel() != 1:
            raise RuntimeError("The function given should return a single Tensor with a single "
                               "element")
        return y.reshape(())
    return checked


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False,
            strict: bool = False, vectorize: bool = False,
            outer_jacobian_strategy: str = "reverse-mode") -> Any:
    """The second derivatives of a function that gives one number: the Jacobian of its gradient."""
    given, one = _tuple(inputs, "inputs")

    def gradient(*xs: Tensor) -> Any:
        live = tuple(x if x.requires_grad else x.requires_grad_() for x in xs)
        y = _scalar(func)(*live)
        return _filled(grad([y], list(live), create_graph=True, allow_unused=True), live, strict,
                       "hessian")

    made = jacobian(gradient, given, create_graph, strict)
    return made[0][0] if one else made


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:
    """(func(inputs), v^T H): the product of a vector with the Hessian."""
    with enable_grad():
        given, one = _tuple(inputs, "inputs")
        xs = _leaves(given, create_graph)
        direction = _vector(v, xs, one)
        y = _scalar(func)(*xs)
        first = _filled(grad([y], list(xs), create_graph=True, allow_unused=True), xs, strict,
                        "vhp")
        pairs = [(g, d) for g, d in zip(first, direction, strict=True) if g.requires_grad]
        got = grad([g for g, _ in pairs], list(xs), [d for _, d in pairs],
                   create_graph=create_graph, allow_unused=True) if pairs else [None] * len(xs)
        product = _filled(got, xs, strict, "vhp")
    return _ready((y,), create_graph, True), _ready(product, create_graph, one)


def hvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:
    """(func(inputs), H v); H is symmetric, so it is vhp."""
    return vhp(func, inputs, v, create_graph, strict)
