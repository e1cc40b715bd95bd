"""Weight normalisation by a hook (Salimans and Kingma 2016, https://arxiv.org/abs/1602.07868).

parametrizations.weight_norm is the newer form of it.
"""

from __future__ import annotations

import warnings
from typing import Any, TypeVar

from fastnn._core.tensor import Tensor
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter, is_lazy

__all__ = ["WeightNorm", "norm_except_dim", "remove_weight_norm", "weight_norm"]

T = TypeVar("T", bound=Module)


def norm_except_dim(v: Tensor, pow: int = 2, dim: int = 0) -> Tensor:
    """The p-norms of v over all dimensions but dim, which are kept; of all of v for dim = -1."""
    if dim == -1:
        return v.norm(pow)
    return v.norm(pow, [d for d in range(v.ndim) if d != dim % v.ndim], keepdim=True)


def normalized(v: Tensor, g: Tensor, dim: int = 0) -> Tensor:
    """v * (g / |v|)."""
    if v.ndim == 1 and dim != -1:
        return v * (g / v.abs())
    return v * (g / norm_except_dim(v, 2, dim))


class WeightNorm:
    """The hook: before each call, weight = weight_v * (weight_g / |weight_v|)."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name = name
        self.dim = -1 if dim is None else dim

    def compute_weight(self, module: Any) -> Tensor:
        """The weight from its direction and its length."""
        return normalized(getattr(module, self.name + "_v"), getattr(module, self.name + "_g"),
                          self.dim)

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: T, name: str = "weight", dim: int | None = 0) -> T:
    """Replace the parameter by its direction name_v and its length name_g, along dim (None: all).

    Raises RuntimeError if it is normalised already, ValueError if it has no shape yet.
    """
    warnings.warn("`fastnn.nn.utils.weight_norm` is deprecated in favor of "
                  "`fastnn.nn.utils.parametrizations.weight_norm`.", FutureWarning, stacklevel=2)
    if find(module, WeightNorm, name) is not None:
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook = WeightNorm(name, dim)
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError("The module passed to `WeightNorm` can't have uninitialized parameters. "
                         "Make sure to run the dummy forward before applying weight normalization")
    delattr(module, name)
    length = weight.detach().abs() if weight.ndim == 1 and hook.dim != -1 else norm_except_dim(
        weight.detach(), 2, hook.dim)
    module.register_parameter(name + "_g", Parameter(length))
    module.register_parameter(name + "_v", Parameter(weight.detach()))
    setattr(module, name, hook.compute_weight(module))
    module.register_forward_pre_hook(hook)
    return module


def find(module: Module, kind: type, name: str) -> int | None:
    """The number of the forward pre-hook of that kind for the parameter."""
    for number, (hook, _) in module.__dict__.get("_forward_pre_hooks", {}).items():
        if isinstance(hook, kind) and hook.name == name:  # type: ignore[attr-defined]
            return number
    return None


def remove_weight_norm(module: T, name: str = "weight") -> T:
    """Make the normalised weight a plain parameter again. Raises ValueError if it is none."""
    number = find(module, WeightNorm, name)
    if number is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    hook, _ = module.__dict__["_forward_pre_hooks"].pop(number)
    weight = hook.compute_weight(module).detach()
    for gone in (name, name + "_g", name + "_v"):
        delattr(module, gone)
    setattr(module, name, Parameter(weight))
    return module
