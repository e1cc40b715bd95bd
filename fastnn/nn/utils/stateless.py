"""Calling a module with other parameters than its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from fastnn._core.tensor import Tensor
from fastnn.nn.modules.module import Module

__all__ = ["functional_call"]


def _places(module: Module) -> dict[str, tuple[Module, str, str]]:
    """Dotted name -> the module that holds the tensor, which of its registries, and its name."""
    found = {}
    for path, m in module.named_modules(remove_duplicate=False):
        for kind in ("_parameters", "_buffers"):
            for name, value in getattr(m, kind).items():
                if value is not None:
                    found[f"{path}.{name}" if path else name] = (m, kind, name)
    return found


@contextmanager
def _given(module: Module, tensors: Mapping[str, Tensor], tie: bool,
           strict: bool) -> Iterator[None]:
    places = _places(module)
    unexpected = sorted(set(tensors) - set(places))
    missing = sorted(set(places) - set(tensors))
    if unexpected or (strict and missing):
        raise RuntimeError(f"functional_call: unexpected names {unexpected}"
                           + (f", missing names {missing}" if strict else ""))
    wanted = dict(tensors)
    if tie:  # other names of the same tensor follow
        same = {id(getattr(m, kind)[n]): tensors[k] for k, (m, kind, n) in places.items()
                if k in tensors}
        for k, (m, kind, n) in places.items():
            if k not in wanted and id(getattr(m, kind)[n]) in same:
                wanted[k] = same[id(getattr(m, kind)[n])]
    before = []
    try:
        for k, value in wanted.items():
            m, kind, n = places[k]
            before.append((getattr(m, kind), n, getattr(m, kind)[n]))
            getattr(m, kind)[n] = value
        yield
    finally:
        for registry, n, value in reversed(before):
            registry[n] = value


def functional_call(module: Module, parameters_and_buffers: Any, args: Any = None,
                    kwargs: dict[str, Any] | None = None, *, tie_weights: bool = True,
                    strict: bool = False) -> Any:
    """module(*args, **kwargs) with the tensors of a mapping in the place of its own.

    tie_weights: one that the module has under several names is replaced everywhere. strict: every
    name must be given. Raises RuntimeError for names that the module does not have.
    """
    if isinstance(parameters_and_buffers, (tuple, list)):
        parameters_and_buffers = {k: v for part in parameters_and_buffers for k, v in part.items()}
    args = () if args is None else args if isinstance(args, tuple) else (args,)
    with _given(module, parameters_and_buffers, tie_weights, strict):
        return module(*args, **(kwargs or {}))
