"""state_dict and load_state_dict, and the registries that modules keep."""

from __future__ import annotations

from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from fastnn._core.tape import Handle
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad

_EXTRA = "_extra_state"


class Hooks:
    """Hooks of one kind: a dict of the module's own, made when one is registered or asked for."""

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, module: Any, owner: type | None = None) -> Any:
        return self if module is None else module.__dict__.setdefault(self.name, OrderedDict())


class Registry(dict):  # type: ignore[type-arg]
    """Names and values of one kind; every change is mirrored in the module's attributes.

    So module.weight is an ordinary attribute look-up, and module._parameters["weight"] = p
    works as well.
    """

    __slots__ = ("own",)

    def __init__(self, own: dict[str, Any], items: Any = ()) -> None:
        super().__init__()
        self.own = own
        for name, value in dict(items).items():
            self[name] = value

    def __setitem__(self, name: str, value: Any) -> None:
        dict.__setitem__(self, name, value)
        self.own[name] = value

    def __delitem__(self, name: str) -> None:
        dict.__delitem__(self, name)
        self.own.pop(name, None)

    def pop(self, name: str, *default: Any) -> Any:
        if name not in self and default:
            return default[0]
        value = self[name]
        del self[name]
        return value

    def popitem(self) -> tuple[str, Any]:
        name = next(reversed(self))
        return name, self.pop(name)

    def clear(self) -> None:
        for name in list(self):
            del self[name]

    def update(self, *args: Any, **kwargs: Any) -> None:
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def setdefault(self, name: str, default: Any = None) -> Any:
        if name not in self:
            self[name] = default
        return self[name]

    def __reduce__(self) -> Any:
        return dict, (dict(self),)

    def copy(self) -> dict[str, Any]:
        return dict(self)


class IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What load_state_dict found different."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()


class StateDict:
    """The part of Module that gives and takes state."""

    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _version: int | None

    def get_extra_state(self) -> Any:
        """State of a subclass beside parameters and buffers; stored as `_extra_state`."""
        raise RuntimeError("get_extra_state is not defined")

    def set_extra_state(self, state: Any) -> None:
        """Take back what get_extra_state gave."""
        raise RuntimeError("set_extra_state is not defined")

    def _has_extra_state(self) -> bool:
        return type(self).get_extra_state is not StateDict.get_extra_state

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str,
                            keep_vars: bool) -> None:
        for name, p in self._parameters.items():
            if p is not None:
                destination[prefix + name] = p if keep_vars else p.detach()
        for name, b in self._buffers.items():
            if b is not None and name not in self._non_persistent_buffers_set:
                destination[prefix + name] = b if keep_vars else b.detach()
        if self._has_extra_state():
            destination[prefix + _EXTRA] = self.get_extra_state()

    def state_dict(self, *args: Any, destination: Any = None, prefix: str = "",
                   keep_vars: bool = False) -> Any:
        """Parameters and persistent buffers by dotted name; tensors share memory with them."""
        if args:
            given = [*args, *(destination, prefix, keep_vars)[len(args):]]
            destination, prefix, keep_vars = given
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = {"version": self._version}
        for hook, _ in self.__dict__.get("_state_dict_pre_hooks", {}).values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".",
                                  keep_vars=keep_vars)
        for hook, _ in self.__dict__.get("_state_dict_hooks", {}).values():
            new = hook(self, destination, prefix, {"version": self._version})
            destination = destination if new is None else new
        return destination

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str,
                              local_metadata: Any, strict: bool, missing_keys: list[str],
                              unexpected_keys: list[str], error_msgs: list[str]) -> None:
        for hook, options in self.__dict__.get("_load_state_dict_pre_hooks", {}).values():
            given = (self,) if options.get("with_module") else ()
            hook(*given, state_dict, prefix, local_metadata, strict, missing_keys,
                 unexpected_keys, error_msgs)
        assign = bool(local_metadata.get("assign_to_params_buffers", False))
        own = {**self._parameters, **{k: b for k, b in self._buffers.items()
                                      if k not in self._non_persistent_buffers_set}}
        for name, old in own.items():
            key = prefix + name
            if key in state_dict:
                if old is not None:
                    self._load_one(name, key, old, state_dict[key], assign, error_msgs)
                else:
                    unexpected_keys.append(key)
            elif old is not None and strict:
                missing_keys.append(key)
        if self._has_extra_state():
            if prefix + _EXTRA in state_dict:
                self.set_extra_state(state_dict[prefix + _EXTRA])
            elif strict:
                missing_keys.append(prefix + _EXTRA)
        if strict:
            self._find_unexpected(state_dict, prefix, own, unexpected_keys)

    def _load_one(self, name: str, key: str, old: Tensor, new: Any, assign: bool,
                  error_msgs: list[str]) -> None:
        if not isinstance(new, Tensor):
            error_msgs.append(f'While copying the parameter named "{key}", expected fastnn.Tensor '
                              f"but received {type(new)}")
            return
        if old.ndim == 0 and new.ndim == 1 and new.numel() == 1:
            new = new[0]
        if new.shape != old.shape:
            error_msgs.append(f"size mismatch for {key}: copying a param with shape "
                              f"{tuple(new.shape)} from checkpoint, the shape in current model is "
                              f"{tuple(old.shape)}.")
            return
        with no_grad():
            if assign:
                made = type(old)(new) if type(old) is not Tensor else new
                if name in self._parameters:
                    made.requires_grad_(old.requires_grad)
                    self._parameters[name] = made
                else:
                    self._buffers[name] = made
            else:
                old.copy_(new)

    def _find_unexpected(self, state_dict: Mapping[str, Any], prefix: str, own: dict[str, Any],
                         unexpected_keys: list[str]) -> None:
        for key in state_dict:
            if not key.startswith(prefix) or key == prefix + _EXTRA:
                continue
            rest = key[len(prefix):].split(".", 1)
            if rest[0] not in self._modules if len(rest) > 1 else rest[0] not in own:
                unexpected_keys.append(key)

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True,
                        assign: bool = False) -> IncompatibleKeys:
        """Copy state into the parameters and buffers of the same names.

        strict: raise RuntimeError for missing or unexpected keys. assign: take the tensors
        themselves instead of their values. Shape mismatches always raise.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing: list[str] = []
        unexpected: list[str] = []
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state = OrderedDict(state_dict)

        def load(module: Any, prefix: str) -> None:
            local = {} if metadata is None else dict(metadata.get(prefix[:-1], {}))
            if assign:
                local["assign_to_params_buffers"] = True
            part = {k: v for k, v in state.items() if k.startswith(prefix)} if prefix else state
            module._load_from_state_dict(part, prefix, local, True, missing, unexpected, errors)
            for name, child in module._modules.items():
                if child is not None:
                    load(child, prefix + name + ".")
            result = IncompatibleKeys(missing, unexpected)
            for hook, _ in module.__dict__.get("_load_state_dict_post_hooks", {}).values():
                hook(module, result)

        load(self, "")
        if strict:
            if unexpected:
                errors.insert(0, "Unexpected key(s) in state_dict: "
                              + ", ".join(f'"{k}"' for k in unexpected) + ".")
            if missing:
                errors.insert(0, "Missing key(s) in state_dict: "
                              + ", ".join(f'"{k}"' for k in missing) + ".")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t"
                               + "\n\t".join(errors))
        return IncompatibleKeys(missing, unexpected)

    def _state_hook(self, kind: str, hook: Callable[..., Any], **options: bool) -> Handle:
        hooks = self.__dict__.setdefault(kind, OrderedDict())
        handle = Handle(hooks, hook)
        hooks[handle.id] = (hook, options)
        return handle

    def register_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """hook(module, prefix, keep_vars) runs before state_dict collects this module."""
        return self._state_hook("_state_dict_pre_hooks", hook)

    def register_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """hook(module, state_dict, prefix, local_metadata) runs after state_dict collected it."""
        return self._state_hook("_state_dict_hooks", hook)

    _register_state_dict_hook = register_state_dict_post_hook

    def _register_load_state_dict_pre_hook(self, hook: Callable[..., Any],
                                           with_module: bool = False) -> Handle:
        return self._state_hook("_load_state_dict_pre_hooks", hook, with_module=with_module)

    def register_load_state_dict_pre_hook(self, hook: Callable[..., Any]) -> Handle:
        """hook(module, state_dict, prefix, ...) runs before this module takes its state."""
        return self._state_hook("_load_state_dict_pre_hooks", hook, with_module=True)

    def register_load_state_dict_post_hook(self, hook: Callable[..., Any]) -> Handle:
        """hook(module, incompatible_keys) runs after this module took its state."""
        return self._state_hook("_load_state_dict_post_hooks", hook)
