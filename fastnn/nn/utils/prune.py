"""Pruning: a parameter becomes name = name_orig * name_mask, computed before each call.

Ways of choosing what goes: at random, by size, whole channels of either kind, everywhere at once,
or by a mask of one's own. Several on one parameter follow each other.
"""

from __future__ import annotations

from typing import Any

from fastnn._core.ops import cat, ones_like
from fastnn._core.tensor import Tensor
from fastnn.nn.modules.module import Module
from fastnn.nn.utils.pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
    hooks_of,
)

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
           "PruningContainer", "RandomStructured", "RandomUnstructured", "custom_from_mask",
           "global_unstructured", "identity", "is_pruned", "l1_unstructured", "ln_structured",
           "random_structured", "random_unstructured", "remove"]


def identity(module: Any, name: str) -> Any:
    """Give module.name a mask of ones. Returns the module."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Any, name: str, amount: Any) -> Any:
    """Prune elements of module.name at random. Returns the module."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(module: Any, name: str, amount: Any,
                    importance_scores: Tensor | None = None) -> Any:
    """Prune the elements of module.name that are smallest, or score least. Returns the module."""
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Any, name: str, amount: Any, dim: int) -> Any:
    """Prune channels of module.name at random. Returns the module."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(module: Any, name: str, amount: Any, n: Any, dim: int,
                  importance_scores: Tensor | None = None) -> Any:
    """Prune the channels of module.name whose n-norm is smallest. Returns the module."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Any, name: str, mask: Tensor) -> Any:
    """Prune module.name where mask is 0. Returns the module."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(parameters: Any, pruning_method: Any,
                        importance_scores: dict[Any, Tensor] | None = None,
                        **kwargs: Any) -> None:
    """Prune over all (module, name) pairs together, by an unstructured method's class.

    Raises TypeError for what is no sequence of pairs, or a method of another kind.
    """
    pairs = list(parameters)
    scores = importance_scores or {}
    if importance_scores is not None and not isinstance(importance_scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    found = [scores.get((m, n), getattr(m, n)).detach().reshape(-1) for m, n in pairs]
    masks = [m._buffers.get(n + "_mask", ones_like(getattr(m, n))).reshape(-1) for m, n in pairs]
    method = pruning_method(**kwargs)
    method._tensor_name = "temp"
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError('Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. '
                        f"Found method {pruning_method} of type {method.PRUNING_TYPE}")
    final = PruningContainer(method).compute_mask(cat(found), cat(masks))
    at = 0
    for module, name in pairs:
        param = getattr(module, name)
        custom_from_mask(module, name, final[at:at + param.numel()].reshape(param.shape))
        at += param.numel()


def remove(module: Any, name: str) -> Any:
    """Make pruning permanent. Returns the module; raises ValueError where there was none."""
    for number, hook in hooks_of(module):
        if hook._tensor_name == name:
            hook.remove(module)
            del module.__dict__["_forward_pre_hooks"][number]
            return module
    raise ValueError(f"Parameter '{name}' of module {module} has to be pruned before pruning can be"
                     " removed")


def is_pruned(module: Module) -> bool:
    """Whether a parameter of the module, or below it, is pruned."""
    return any(hooks_of(m) for m in module.modules())
