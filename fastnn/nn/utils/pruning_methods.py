"""Ways of pruning: each is a hook that computes name = name_orig * name_mask before each call."""

from __future__ import annotations

import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from fastnn._core.ops import ones_like, rand, rand_like, topk, zeros_like
from fastnn._core.tensor import Tensor
from fastnn.nn.modules.module import Module

__all__ = ["BasePruningMethod", "CustomFromMask", "Identity", "L1Unstructured", "LnStructured",
           "PruningContainer", "RandomStructured", "RandomUnstructured"]


def hooks_of(module: Module) -> list[tuple[int, BasePruningMethod]]:
    """The pruning hooks of the module itself, with their numbers."""
    found = module.__dict__.get("_forward_pre_hooks", {})
    return [(n, hook) for n, (hook, _) in found.items() if isinstance(hook, BasePruningMethod)]


class BasePruningMethod(ABC):
    """A way of pruning: subclasses define compute_mask, and PRUNING_TYPE, which says what it looks
    at in a tensor that is pruned already: "unstructured" the elements that are left, "structured"
    the channels of self.dim, "global" everything."""

    PRUNING_TYPE: str
    _tensor_name: str

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self._tensor_name, self.apply_mask(module))

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """default_mask with 0 where more of t goes."""

    def apply_mask(self, module: Any) -> Tensor:
        """name_orig * name_mask."""
        orig = getattr(module, self._tensor_name + "_orig")
        return getattr(module, self._tensor_name + "_mask").to(orig.dtype) * orig

    @classmethod
    def apply(cls, module: Any, name: str, *args: Any, importance_scores: Tensor | None = None,
              **kwargs: Any) -> Any:
        """Prune module.name, and have it computed before each call. Returns the method."""
        method: BasePruningMethod = cls(*args, **kwargs)
        method._tensor_name = name
        old = [(n, hook) for n, hook in hooks_of(module) if hook._tensor_name == name]
        if old:
            number, before = old[0]
            chain = before if isinstance(before, PruningContainer) else PruningContainer(before)
            chain.add_pruning_method(method)
            del module.__dict__["_forward_pre_hooks"][number]
            method = chain
        present = getattr(module, name)
        scores = present if importance_scores is None else importance_scores
        if scores.shape != present.shape:
            raise AssertionError("importance_scores should have the same shape as parameter "
                                 f"{name} of {module}")
        fresh = module._parameters[name] if not old else None
        mask = ones_like(fresh) if fresh is not None else module._buffers[name + "_mask"].clone()
        mask = method.compute_mask(scores.detach(), mask.detach())
        if fresh is not None:
            del module._parameters[name]
            module.register_parameter(name + "_orig", fresh)
        module.register_buffer(name + "_mask", mask)
        setattr(module, name, method.apply_mask(module))
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Tensor | None = None,
              importance_scores: Tensor | None = None) -> Tensor:
        """t, pruned; nothing is kept."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError("importance_scores should have the same shape as tensor t")
        return t * self.compute_mask(scores, ones_like(t) if default_mask is None
                                     else default_mask)

    def remove(self, module: Any) -> None:
        """Make the pruned tensor the parameter itself; what went stays 0."""
        name = self._tensor_name
        pruned = self.apply_mask(module).detach()
        orig = module._parameters.pop(name + "_orig")
        orig.data = pruned
        del module._buffers[name + "_mask"]
        delattr(module, name)
        module.register_parameter(name, orig)


class PruningContainer(BasePruningMethod):
    """Methods that follow each other on one parameter."""

    def __init__(self, *args: Any) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        methods = args[0] if len(args) == 1 and not isinstance(args[0], BasePruningMethod) else args
        for method in methods:
            if not self._pruning_methods and hasattr(method, "_tensor_name"):
                self._tensor_name = method._tensor_name
            self.add_pruning_method(method)

    def add_pruning_method(self, method: Any) -> None:
        """Append one; raises TypeError if it is none, ValueError if it is for another tensor."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if self._tensor_name != method._tensor_name:
            raise ValueError("Can only add pruning methods acting on the parameter named "
                             f"'{self._tensor_name}' to PruningContainer {self}. Found "
                             f"'{method._tensor_name}'")
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, idx: int) -> BasePruningMethod:
        return self._pruning_methods[idx]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method on what the others left."""
        method: Any = self._pruning_methods[-1]
        mask = default_mask.to(t.dtype)
        if method.PRUNING_TYPE == "unstructured":
            where: Any = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = method.dim % t.ndim
            kept = mask.sum([d for d in range(t.ndim) if d != dim]) != 0
            where = (slice(None),) * dim + (kept,)
        elif method.PRUNING_TYPE == "global":
            where = (slice(None),) * t.ndim
        else:
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        made = mask.clone()
        made[where] = method.compute_mask(t[where], mask[where]).to(t.dtype)
        return made


def _check_amount(amount: Any) -> None:
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    whole = isinstance(amount, numbers.Integral)
    if amount < 0 or (not whole and float(amount) > 1.0):
        raise ValueError(f"amount={amount} should either be a float in the range [0, 1] or a "
                         "non-negative integer")


def _count(amount: Any, size: int) -> int:
    """How many of `size` go."""
    if isinstance(amount, numbers.Integral):
        if int(amount) > size:
            raise ValueError(f"amount={amount} should be smaller than the number of parameters to "
                             f"prune={size}")
        return int(amount)
    return round(float(amount) * size)


class Identity(BasePruningMethod):
    """Prunes nothing; the mask is there."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _Unstructured(BasePruningMethod):
    PRUNING_TYPE = "unstructured"

    def __init__(self, amount: Any) -> None:
        _check_amount(amount)
        self.amount = amount

    def _scores(self, t: Tensor) -> Tensor:
        raise NotImplementedError

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if tuple(default_mask.shape) != tuple(t.shape):
            raise AssertionError("default_mask should have the shape of the tensor")
        gone = _count(self.amount, t.numel())
        mask = default_mask.clone().contiguous()
        if gone:
            lowest: Any = topk(self._scores(t).reshape(-1), gone, largest=False).indices
            mask.view(-1)[lowest] = 0
        return mask


class RandomUnstructured(_Unstructured):
    """Prunes elements at random: a fraction (float) or a number (int)."""

    def _scores(self, t: Tensor) -> Tensor:
        return rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the smallest elements: a fraction (float) or a number (int)."""

    def _scores(self, t: Tensor) -> Tensor:
        return t.abs()


class RandomStructured(BasePruningMethod):
    """Prunes channels of dim at random: a fraction (float) or a number (int)."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Any, dim: int = -1) -> None:
        _check_amount(amount)
        self.amount = amount
        self.dim = dim

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        return rand(t.shape[dim])

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.ndim <= 1:
            raise ValueError("Structured pruning can only be applied to multidimensional tensors. "
                             f"Found tensor of shape {tuple(t.shape)} with {t.ndim} dims")
        if self.dim >= t.ndim:
            raise IndexError(f"Invalid index {self.dim} for tensor of size {tuple(t.shape)}")
        dim, size = self.dim % t.ndim, t.shape[self.dim]
        gone = _count(self.amount, size)
        if gone == 0:
            return default_mask
        kept: Any = topk(self._scores(t, dim), size - gone).indices
        mask: Any = zeros_like(t)
        mask[(slice(None),) * dim + (kept,)] = 1
        return mask * default_mask.to(t.dtype)


class LnStructured(RandomStructured):
    """Prunes the channels of dim of the smallest n-norms: a fraction (float) or a number (int)."""

    def __init__(self, amount: Any, n: Any, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _scores(self, t: Tensor, dim: int) -> Tensor:
        return t.norm(self.n, [d for d in range(t.ndim) if d != dim])


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is 0."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if self.mask.shape != default_mask.shape:
            raise AssertionError("the mask should have the shape of the tensor")
        return default_mask * self.mask.to(default_mask.dtype)
