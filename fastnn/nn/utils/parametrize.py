"""Parameters that are functions of others: weight = f(parametrizations.weight.original).

A parametrized module is of a class of its own, "Parametrized...", whose property computes the
tensor whenever it is read; within cached() once only.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad
from fastnn.nn.modules.container import ModuleDict, ModuleList
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter

__all__ = ["ParametrizationList", "cached", "is_parametrized", "register_parametrization",
           "remove_parametrizations", "transfer_parametrizations_and_params",
           "type_before_parametrizations"]

_depth = 0
_cache: dict[tuple[int, str], Tensor] = {}


@contextmanager
def cached() -> Iterator[None]:
    """Within it a parametrized tensor is computed when first read, and kept."""
    global _depth
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1
        if not _depth:
            _cache.clear()


def _register(module: Module, name: str, value: Tensor) -> None:
    if isinstance(value, Parameter):
        module.register_parameter(name, value)
    else:
        module.register_buffer(name, value)


def _same_kind(new: Any, old: Tensor, what: str) -> None:
    """Raises ValueError where a parametrization changes what it may not."""
    if not isinstance(new, Tensor):
        raise ValueError(f"{what} must return a tensor. Got {type(new).__name__}.")
    if new.dtype != old.dtype:
        raise ValueError(f"{what} may not change the dtype of the tensor, unless `unsafe` flag is "
                         f"enabled: {old.dtype} becomes {new.dtype}")
    if new.shape != old.shape:
        raise ValueError(f"{what} may not change the shape of the tensor, unless `unsafe` flag is "
                         f"enabled: {tuple(old.shape)} becomes {tuple(new.shape)}")


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor in their order, and its `original` (or original0, ...)."""

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        before = original.detach().clone()
        new = self._invert(original, lenient=True)
        if not isinstance(new, (Tensor, Sequence)):
            raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                             f"tuple...). Got {type(new).__name__}")
        self.is_tensor = isinstance(new, Tensor)
        self.ntensors = 1 if isinstance(new, Tensor) else len(new)
        if isinstance(new, Tensor):
            if new.dtype != original.dtype:
                raise ValueError("When `right_inverse` outputs one tensor, it may not change the "
                                 f"dtype: {original.dtype} becomes {new.dtype}")
            original.data = new.detach()
            _register(self, "original", original)
        else:
            for i, part in enumerate(new):
                if not isinstance(part, Tensor):
                    raise ValueError("'right_inverse' must return a Tensor or a Sequence of tensors"
                                     f" (list, tuple...). Got element {i} of the sequence with "
                                     f"type {type(part).__name__}.")
                part = part.detach()
                if isinstance(original, Parameter):
                    part = Parameter(part, original.requires_grad)
                _register(self, f"original{i}", part)
        if not unsafe:
            _same_kind(self(), before, "A parametrization")

    def _invert(self, value: Any, lenient: bool) -> Any:
        with no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    try:
                        value = module.right_inverse(value)
                        continue
                    except NotImplementedError:
                        pass
                if not lenient:
                    raise RuntimeError(f"parametrization {type(module).__name__} does not "
                                       "implement right_inverse.")
        return value

    def _originals(self) -> list[Tensor]:
        if self.is_tensor:
            return [self._parameters.get("original", self._buffers.get("original"))]  # type: ignore
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def right_inverse(self, value: Tensor) -> None:
        """Let the originals be such that the parametrized tensor is value."""
        new = self._invert(value, lenient=False)
        parts = [new] if isinstance(new, Tensor) else list(new)
        if len(parts) != self.ntensors or isinstance(new, Tensor) != self.is_tensor:
            raise ValueError("'right_inverse' must return as many tensors as it did when the "
                             f"parametrization was registered. Expected {self.ntensors}, got "
                             f"{len(parts)}.")
        for own, part in zip(self._originals(), parts, strict=True):
            if own.dtype != part.dtype:
                raise ValueError("The tensor returned by `right_inverse` may not change the dtype: "
                                 f"{own.dtype} becomes {part.dtype}")
            own.data = part.detach()

    def forward(self) -> Tensor:  # type: ignore[override]
        first, *rest = self
        x = first(*self._originals())
        for module in rest:
            x = module(x)
        return x


def _deepcopy(self: Any, memo: dict[int, Any]) -> Any:
    if id(self) not in memo:
        cls: Any = type(self)
        made = memo[id(self)] = cls.__new__(cls)
        made.__setstate__(copy.deepcopy(dict(self.__dict__), memo))
    return memo[id(self)]


def _getstate(self: Any) -> Any:
    raise RuntimeError("Serialization of parametrized modules is only supported through "
                       "state_dict().")


def _inject_class(module: Module) -> None:
    cls: Any = type(module)
    more: dict[str, Any] = {"__getstate__": _getstate}
    if not hasattr(cls, "__deepcopy__"):
        more["__deepcopy__"] = _deepcopy
    made: Any = type(f"Parametrized{cls.__name__}", (cls,), more)
    module.__class__ = made


def _inject_property(module: Module, name: str) -> None:
    def get(self: Any) -> Tensor:
        if not _depth:
            return self.parametrizations[name]()
        key = (id(self), name)
        if key not in _cache:
            _cache[key] = self.parametrizations[name]()
        return _cache[key]

    def put(self: Any, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    setattr(type(module), name, property(get, put))


def register_parametrization(module: Module, tensor_name: str, parametrization: Module, *,
                             unsafe: bool = False) -> Module:
    """Let module.tensor_name be parametrization(original), after those that it has already.

    right_inverse of the parametrization, where it has one, gives the original, or several, from the
    value before. Unless unsafe, shape and dtype must stay. Raises ValueError for a name that is no
    parameter or buffer.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        parts: Any = module.parametrizations[tensor_name]  # type: ignore[attr-defined]
        if not unsafe:
            value = getattr(module, tensor_name)
            _same_kind(parametrization(value), value, "A parametrization")
            if hasattr(parametrization, "right_inverse"):
                try:
                    _same_kind(parametrization.right_inverse(value), value, "right_inverse")
                except NotImplementedError:
                    pass
        parts.append(parametrization)
        parts.unsafe |= unsafe
    elif tensor_name in module._parameters or tensor_name in module._buffers:
        made = ParametrizationList([parametrization], getattr(module, tensor_name), unsafe)
        delattr(module, tensor_name)
        if not is_parametrized(module):
            _inject_class(module)
            module.parametrizations = ModuleDict()
        _inject_property(module, tensor_name)
        module.parametrizations[tensor_name] = made  # type: ignore[attr-defined]
    else:
        raise ValueError(f"Module '{module}' does not have a parameter, a buffer, or a "
                         f"parametrized element with name '{tensor_name}'")
    return module


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether the module has parametrizations, or one of that tensor."""
    found = getattr(module, "parametrizations", None)
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str,
                            leave_parametrized: bool = True) -> Module:
    """Make module.tensor_name a parameter or buffer again: of its value, or its original's.

    Raises ValueError where there is no parametrization, or no single original to go back to.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    every: Any = module.parametrizations  # type: ignore[attr-defined]
    parts = every[tensor_name]
    if not parts.is_tensor and not leave_parametrized:
        raise ValueError("Cannot leave unparametrized (`leave_parametrized=False`) a tensor that "
                         "is parametrized in terms of a sequence of tensors.")
    original: Any = parts.original if parts.is_tensor else None
    if leave_parametrized:
        with no_grad():
            value = getattr(module, tensor_name).detach().clone()
        first = parts._originals()[0]
        if original is not None:
            original.data = value
        else:
            original = Parameter(value, first.requires_grad) if isinstance(first, Parameter) \
                else value
    delattr(type(module), tensor_name)
    del every[tensor_name]
    if not len(every):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    _register(module, tensor_name, original)
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class of the module without its parametrizations."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(from_module: Module, to_module: Module,
                                         tensor_name: str | None = None) -> Module:
    """Give to_module the parametrizations of from_module, of one tensor or of all, and values."""
    if not is_parametrized(from_module):
        return to_module
    every: Any = from_module.parametrizations  # type: ignore[attr-defined]
    for name in list(every) if tensor_name is None else [tensor_name]:
        parts = every[name]
        if not hasattr(to_module, name):
            first = parts._originals()[0]
            _register(to_module, name, type(first)(getattr(from_module, name).detach().clone())
                      if isinstance(first, Parameter) else getattr(from_module, name).clone())
        for module in parts:
            register_parametrization(to_module, name, module, unsafe=parts.unsafe)
        mine: Any = to_module.parametrizations  # type: ignore[attr-defined]
        for own, other in zip(mine[name]._originals(), parts._originals(), strict=True):
            own.data = other.detach().clone()
    return to_module
