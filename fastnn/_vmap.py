"""vmap: a function of one sample as one of a batch, sample by sample."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastnn._core import ops
from fastnn._core.ops.random import get_rng_state, set_rng_state
from fastnn._core.tensor import Tensor

__all__ = ["stack_module_state", "vmap"]


def _sizes(x: Any, dim: Any) -> set[int]:
    """The sizes of the dimensions that are mapped over."""
    if isinstance(x, Tensor):
        return set() if dim is None else {x.shape[dim]}
    if dim is None or not isinstance(x, (dict, tuple, list)):
        if isinstance(dim, int):
            raise ValueError(f"vmap: in_dims maps over an argument of type {type(x)}")
        return set()
    return set().union(*(_sizes(v, d) for v, d in _paired(x, dim)))


def _paired(x: Any, dim: Any) -> list[tuple[Any, Any]]:
    """The parts of x, each with its own part of dim, or with all of it."""
    parts = list(x.values()) if isinstance(x, dict) else list(x)
    if not isinstance(dim, (dict, tuple, list)):
        return [(v, dim) for v in parts]
    dims = [dim[k] for k in x] if isinstance(dim, dict) else list(dim)
    if len(dims) != len(parts):
        raise ValueError(f"vmap: in_dims {dim} does not have the structure of the arguments")
    return list(zip(parts, dims, strict=True))


def _sample(x: Any, dim: Any, i: int) -> Any:
    if isinstance(x, Tensor):
        return x if dim is None else x.select(dim, i)
    if dim is None or not isinstance(x, (dict, tuple, list)):
        return x
    parts = [_sample(v, d, i) for v, d in _paired(x, dim)]
    return dict(zip(x, parts, strict=True)) if isinstance(x, dict) else type(x)(parts)


def _stacked(results: list[Any], dim: Any) -> Any:
    first = results[0]
    if isinstance(first, Tensor):
        return first if dim is None else ops.stack(results, dim)
    if isinstance(first, dict):
        return {k: _stacked([r[k] for r in results], dim[k] if isinstance(dim, dict) else dim)
                for k in first}
    if isinstance(first, (tuple, list)):
        dims = dim if isinstance(dim, (tuple, list)) else [dim] * len(first)
        if len(dims) != len(first):
            raise ValueError(f"vmap: out_dims {dim} does not have the structure of the outputs")
        return type(first)(_stacked(list(r), d)
                           for r, d in zip(zip(*results, strict=True), dims, strict=True))
    raise ValueError("vmap: the function must only return Tensors, got type "
                     f"{type(first)}")


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error",
         *, chunk_size: int | None = None) -> Callable[..., Any]:
    """f(*args) -> func of each sample, stacked: in_dims are the dimensions of samples in args, None
    for what all of them share, as keywords are; out_dims those in the outputs.

    func is called once per sample: derivatives inside and outside work as everywhere, and it takes
    the time of a loop. randomness="same" gives all samples the same random numbers; "error" draws
    different ones, as "different" does. chunk_size is accepted. Raises ValueError for arguments of
    different batch sizes, or none that is mapped.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(f"Only allowed values for randomness are 'error', 'different', or "
                           f"'same'. Got {randomness}")

    def mapped(*args: Any, **kwargs: Any) -> Any:
        if isinstance(in_dims, (tuple, list)) and len(in_dims) != len(args):
            raise ValueError(f"vmap: in_dims has {len(in_dims)} entries for {len(args)} arguments")
        sizes = _sizes(args, in_dims)
        if len(sizes) != 1:
            raise ValueError("vmap: Expected all tensors to have the same size in the mapped "
                             f"dimension, got sizes {sorted(sizes)}" if sizes else
                             "vmap: no argument is mapped over")
        state, results = get_rng_state(), []
        for i in range(sizes.pop()):
            if randomness == "same":
                set_rng_state(state)
            results.append(func(*_sample(args, in_dims, i), **kwargs))
        if not results:
            raise ValueError("vmap: the batch is empty")
        return _stacked(results, out_dims)
    return mapped


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """(parameters, buffers) of models of one class, each stacked along a first dimension."""
    if len({type(m) for m in models}) != 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params: list[dict[str, Any]] = [dict(m.named_parameters()) for m in models]
    buffers: list[dict[str, Any]] = [dict(m.named_buffers()) for m in models]
    stacked = {k: ops.stack([p[k].detach() for p in params]).requires_grad_(
        params[0][k].requires_grad) for k in params[0]}
    return stacked, {k: ops.stack([b[k] for b in buffers]) for k in buffers[0]}
