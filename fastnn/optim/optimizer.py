"""The base of every optimizer: parameter groups, state, and their saving and loading."""

from __future__ import annotations

import itertools
import warnings
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from typing import Any

import fastnn
from fastnn._core.ops.optim import clear_gradients
from fastnn.utils.hooks import RemovableHandle

__all__ = ["Optimizer"]


class _Required:
    """The default of an option that every group must give."""

    def __repr__(self) -> str:
        return "<required parameter>"


required = _Required()
ParamsT = Any

HOOKS = (
    "_optimizer_step_pre_hooks",
    "_optimizer_step_post_hooks",
    "_optimizer_state_dict_pre_hooks",
    "_optimizer_state_dict_post_hooks",
    "_optimizer_load_state_dict_pre_hooks",
    "_optimizer_load_state_dict_post_hooks",
)


def _named(params: list[Any]) -> tuple[list[str] | None, list[Any]]:
    """Split [(name, tensor), ...] into names and tensors; names is None for plain tensors."""
    named = [isinstance(p, tuple) for p in params]
    if not any(named):
        return None, params
    if not all(named):
        raise ValueError("all optimizer params should be with/without names, not a mixture")
    names = [name for name, _ in params]
    if len(set(names)) != len(names):
        raise ValueError("optimizer param names should be unique")
    return names, [tensor for _, tensor in params]


class Optimizer:
    """Holds ``param_groups`` (lists of tensors with their options) and ``state`` per parameter.

    Args:
        params: tensors, (name, tensor) pairs, or dicts, each a group with options of its own.
        defaults: the options that a group does not give.

    A subclass defines ``step(closure=None)``.
    """

    def __init__(self, params: Any, defaults: dict[str, Any]) -> None:
        self.defaults = defaults
        self.state: defaultdict[Any, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._make_hooks()
        if isinstance(params, fastnn.Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or "
                f"dicts, but got {type(params).__name__}"
            )
        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _make_hooks(self) -> None:
        for name in HOOKS:
            setattr(self, name, OrderedDict())

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._make_hooks()
        self._state_replaced()

    def __repr__(self) -> str:
        lines = [type(self).__name__ + " ("]
        for i, group in enumerate(self.param_groups):
            lines += [""] * (i > 0) + [f"Parameter Group {i}"]
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
        return "\n".join(lines) + "\n)"

    def _state_replaced(self) -> None:
        """Called after groups or state were replaced: forget what was derived from them."""

    # ------------------------------------------------------------------ groups

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Add a group: ``{"params": tensors, option: value, ...}``.

        Errors: TypeError for what is no dict, or params that are a set or no tensors; ValueError
        for a non-leaf, a missing required option, or a parameter that is in a group already.
        """
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params = param_group["params"]
        if isinstance(params, fastnn.Tensor):
            params = [params]
        elif isinstance(params, set):
            raise TypeError(
                "optimizer parameters need to be organized in ordered collections, but the "
                "ordering of tensors in sets changes between runs: use a list"
            )
        names, params = _named(list(params))
        param_group["params"] = params
        if names is not None:
            param_group["param_names"] = names
        self._check_params(params)
        for name, default in self.defaults.items():
            if default is required and name not in param_group:
                raise ValueError(
                    f"parameter group didn't specify a value of required optimization parameter "
                    f"{name}"
                )
            param_group.setdefault(name, default)
        self._check_group(params, names)
        self.param_groups.append(param_group)
        self._state_replaced()

    def _check_params(self, params: list[Any]) -> None:
        for param in params:
            if not isinstance(param, fastnn.Tensor):
                raise TypeError(
                    f"optimizer can only optimize Tensors, but one of the params is {type(param)}"
                )
            if not (self.defaults.get("differentiable") or param.is_leaf or param.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")

    def _check_group(self, params: list[Any], names: list[str] | None) -> None:
        ids = {id(p) for p in params}
        if len(ids) != len(params):
            warnings.warn(
                "optimizer contains a parameter group with duplicate parameters", stacklevel=4
            )
        for group in self.param_groups:
            if not ids.isdisjoint(map(id, group["params"])):
                raise ValueError("some parameters appear in more than one parameter group")
            if ("param_names" in group) != (names is not None):
                raise ValueError(
                    "all param groups should be with/without names, not a mixture of both"
                )
            if names is not None and not set(names).isdisjoint(group["param_names"]):
                raise ValueError("some parameter names appear in more than one parameter group")

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients, or with ``set_to_none=False`` fill them with zeros."""
        for group in self.param_groups:
            if set_to_none:
                clear_gradients(group["params"])
            else:
                _fill_gradients(group["params"])

    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Update the parameters once; closure, where given, evaluates the loss again."""
        raise NotImplementedError

    # ------------------------------------------------------------------ saving

    def state_dict(self) -> dict[str, Any]:
        """``{"state": {index: ...}, "param_groups": [{..., "params": [indices]}]}``.

        Parameters are numbered through all groups in order. Tensors in it are the optimizer's own.
        """
        for hook in self._optimizer_state_dict_pre_hooks.values():  # type: ignore[attr-defined]
            hook(self)
        index: dict[int, int] = {}
        groups = []
        for group in self.param_groups:
            for p in group["params"]:
                index.setdefault(id(p), len(index))
            packed = {k: v for k, v in group.items() if k != "params"}
            packed["params"] = [index[id(p)] for p in group["params"]]
            groups.append(packed)
        state = {
            index[id(k)] if isinstance(k, fastnn.Tensor) else k: self._saved(v)
            for k, v in self.state.items()
        }
        result = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():  # type: ignore[attr-defined]
            replaced = hook(self, result)
            result = result if replaced is None else replaced
        return result

    def _saved(self, state: Any) -> Any:
        """A parameter's state as state_dict gives it."""
        return state

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over groups' options and state; floating state gets its parameter's dtype.

        Errors: ValueError where groups or their numbers of parameters differ.
        """
        state_dict = dict(state_dict)
        pre = self._optimizer_load_state_dict_pre_hooks  # type: ignore[attr-defined]
        for hook in pre.values():
            replaced = hook(self, state_dict)
            state_dict = state_dict if replaced is None else replaced
        saved = deepcopy(state_dict["param_groups"])
        if len(saved) != len(self.param_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        pairs = list(zip(self.param_groups, saved, strict=True))
        if any(len(own["params"]) != len(new["params"]) for own, new in pairs):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of "
                "optimizer's group"
            )
        by_index = dict(
            itertools.chain.from_iterable(
                zip(new["params"], own["params"], strict=True) for own, new in pairs
            )
        )
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, value in state_dict["state"].items():
            param = by_index.get(key)
            state[key if param is None else param] = _cast(param, value)
        groups = [_merge(own, new) for own, new in pairs]
        self.__setstate_loaded(state, groups)
        post = self._optimizer_load_state_dict_post_hooks  # type: ignore[attr-defined]
        for hook in post.values():
            hook(self)

    def __setstate_loaded(self, state: Any, groups: list[dict[str, Any]]) -> None:
        self.state = state
        self.param_groups = groups
        self._state_replaced()

    # ------------------------------------------------------------------ hooks

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(optimizer, args, kwargs) before step; it may return new (args, kwargs)."""
        self._hook_step()
        return RemovableHandle.register(self._optimizer_step_pre_hooks, hook)  # type: ignore

    def register_step_post_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """hook(optimizer, args, kwargs) after step."""
        self._hook_step()
        return RemovableHandle.register(self._optimizer_step_post_hooks, hook)  # type: ignore

    def register_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """hook(optimizer) before state_dict."""
        hooks = self._optimizer_state_dict_pre_hooks  # type: ignore[attr-defined]
        return RemovableHandle.register(hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """hook(optimizer, state_dict) after state_dict; it may return another one."""
        hooks = self._optimizer_state_dict_post_hooks  # type: ignore[attr-defined]
        return RemovableHandle.register(hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """hook(optimizer, state_dict) before load_state_dict; it may return another one."""
        hooks = self._optimizer_load_state_dict_pre_hooks  # type: ignore[attr-defined]
        return RemovableHandle.register(hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """hook(optimizer) after load_state_dict."""
        hooks = self._optimizer_load_state_dict_post_hooks  # type: ignore[attr-defined]
        return RemovableHandle.register(hooks, hook, prepend)

    def _hook_step(self) -> None:
        """From the first step hook on, this optimizer's step runs the hooks; others pay nothing."""
        step = self.step
        if getattr(step, "runs_hooks", False):
            return

        def hooked(*args: Any, **kwargs: Any) -> Any:
            for hook in list(self._optimizer_step_pre_hooks.values()):  # type: ignore
                changed = hook(self, args, kwargs)
                if changed is not None:
                    args, kwargs = changed
            result = step(*args, **kwargs)
            for hook in list(self._optimizer_step_post_hooks.values()):  # type: ignore
                hook(self, args, kwargs)
            return result

        hooked.runs_hooks = True  # type: ignore[attr-defined]
        self.step = hooked  # type: ignore[method-assign]


def _fill_gradients(params: list[Any]) -> None:
    for param in params:
        if param.grad is None:
            continue
        if param.grad.grad_fn is not None:
            param.grad.detach_()
        else:
            param.grad.requires_grad_(False)
        param.grad.zero_()


def _cast(param: Any, value: Any, key: Any = None) -> Any:
    """Saved state as param needs it: copies of tensors, floating ones in param's dtype."""
    if isinstance(value, fastnn.Tensor):
        if param is None or key == "step" or not param.is_floating_point():
            return value.clone()
        return value.to(dtype=param.dtype).clone()
    if isinstance(value, dict):
        return {k: _cast(param, v, k) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cast(param, v) for v in value)
    return deepcopy(value)


def _merge(own: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The saved group with this optimizer's parameters and names."""
    merged = {**new, "params": own["params"]}
    merged.pop("param_names", None)
    if "param_names" in own:
        merged["param_names"] = own["param_names"]
    return merged


def check_option(name: str, value: Any, ok: bool) -> None:
    """Errors: ValueError naming the option and its value, unless ok."""
    if not ok:
        raise ValueError(f"Invalid {name}: {value}")


def dense_params(group: dict[str, Any], name: str) -> Iterable[Any]:
    """The group's parameters that have a gradient. Errors: RuntimeError for a sparse gradient."""
    for param in group["params"]:
        if param.grad is None:
            continue
        if param.grad.is_sparse:
            raise RuntimeError(f"{name} does not support sparse gradients")
        yield param


def evaluate(closure: Callable[[], Any] | None) -> Any:
    """The loss by closure, with gradients enabled; None without one."""
    if closure is None:
        return None
    with fastnn.enable_grad():
        return closure()
