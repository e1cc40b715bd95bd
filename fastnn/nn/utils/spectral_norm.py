"""Spectral normalisation by a hook (Miyato et al. 2018, https://arxiv.org/abs/1802.05957).

parametrizations.spectral_norm is the newer form of it.
"""

from __future__ import annotations

from typing import Any, TypeVar

from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad
from fastnn.nn.functional.normalization import normalize
from fastnn.nn.modules.conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter, is_lazy
from fastnn.nn.utils.weight_norm import find

__all__ = ["SpectralNorm", "remove_spectral_norm", "spectral_norm"]

T = TypeVar("T", bound=Module)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """weight with dim as rows and all other dimensions as columns."""
    order = [dim, *[d for d in range(weight.ndim) if d != dim]]
    return weight.permute(order).reshape(weight.shape[dim], -1)


def iterate(matrix: Tensor, u: Tensor, v: Tensor, times: int, eps: float) -> None:
    """Power iterations towards the singular vectors of the largest singular value, in place.

    v = M^T u / |.|, then u = M v / |.|; with M^T, v and u it is the other order.
    """
    with no_grad():
        for _ in range(times):
            v.copy_(normalize(matrix.t().mv(u), dim=0, eps=eps))
            u.copy_(normalize(matrix.mv(v), dim=0, eps=eps))


def drawn(matrix: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Random unit vectors to begin with."""
    rows, columns = matrix.shape
    return (normalize(matrix.new_empty((rows,)).normal_(), dim=0, eps=eps),
            normalize(matrix.new_empty((columns,)).normal_(), dim=0, eps=eps))


def default_dim(module: Module) -> int:
    """The dimension of output channels."""
    return int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))


class SpectralNorm:
    """The hook: before each call, weight = weight_orig / its largest singular value."""

    _version = 1

    def __init__(self, name: str = "weight", n_power_iterations: int = 1, dim: int = 0,
                 eps: float = 1e-12) -> None:
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.name = name
        self.n_power_iterations = n_power_iterations
        self.dim = dim
        self.eps = eps

    def compute_weight(self, module: Any, do_power_iteration: bool) -> Tensor:
        """The weight divided by u^T W v."""
        weight = getattr(module, self.name + "_orig")
        u, v = getattr(module, self.name + "_u"), getattr(module, self.name + "_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            iterate(matrix.detach(), u, v, self.n_power_iterations, self.eps)
            u, v = u.clone(), v.clone()
        return weight / u.dot(matrix.mv(v))

    def __call__(self, module: Any, inputs: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(module: T, name: str = "weight", n_power_iterations: int = 1,
                  eps: float = 1e-12, dim: int | None = None) -> T:
    """Divide the parameter by its largest singular value, which n_power_iterations per call of a
    training module estimate. dim: the rows; the output channels, if it is None.

    Raises RuntimeError if it is normalised already, ValueError if it has no shape yet.
    """
    if find(module, SpectralNorm, name) is not None:
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    hook = SpectralNorm(name, n_power_iterations, default_dim(module) if dim is None else dim, eps)
    weight = getattr(module, name)
    if is_lazy(weight):
        raise ValueError("The module passed to `SpectralNorm` can't have uninitialized parameters. "
                         "Make sure to run the dummy forward before applying spectral "
                         "normalization")
    u, v = drawn(as_matrix(weight.detach(), hook.dim), eps)
    delattr(module, name)
    module.register_parameter(name + "_orig", weight)
    setattr(module, name, weight.detach())
    module.register_buffer(name + "_u", u)
    module.register_buffer(name + "_v", v)
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: T, name: str = "weight") -> T:
    """Make the normalised weight a plain parameter again. Raises ValueError if it is none."""
    number = find(module, SpectralNorm, name)
    if number is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    hook, _ = module.__dict__["_forward_pre_hooks"].pop(number)
    with no_grad():
        weight = hook.compute_weight(module, False)
    for gone in (name, name + "_orig", name + "_u", name + "_v"):
        delattr(module, gone)
    setattr(module, name, Parameter(weight.detach()))
    return module
