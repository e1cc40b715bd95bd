"""Tensors with a part of them replaced, and tensors that change their shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor, register, translate
from fastnn._elementwise import inplace

__all__ = ["as_strided_scatter", "diagflat", "diagonal_scatter", "index_reduce", "narrow_copy",
           "put", "select_scatter", "slice_scatter", "unravel_index", "unsafe_chunk",
           "unsafe_split"]


def _with(input: Tensor, src: Tensor, view: Any, name: str) -> Tensor:
    """A copy of input with src in the place of view(copy)."""
    y = input.clone()
    part = view(y)
    if part.shape != src.shape:
        raise RuntimeError(f"{name}: expected src of shape {tuple(part.shape)}, the part that is "
                           f"replaced, but got {tuple(src.shape)}")
    part.copy_(src)
    return y


def diagonal_scatter(input: Tensor, src: Tensor, offset: int = 0, dim1: int = 0,
                     dim2: int = 1) -> Tensor:
    """input with src on its diagonal."""
    return _with(input, src, lambda y: y.diagonal(offset, dim1, dim2), "diagonal_scatter")


def select_scatter(input: Tensor, src: Tensor, dim: int, index: int) -> Tensor:
    """input with src at one index of dim."""
    return _with(input, src, lambda y: y.select(dim, index), "select_scatter")


def slice_scatter(input: Tensor, src: Tensor, dim: int = 0, start: int | None = None,
                  end: int | None = None, step: int = 1) -> Tensor:
    """input with src at start:end:step of dim."""
    place: Any = (slice(None),) * (dim % input.ndim) + (slice(start, end, step),)
    return _with(input, src, lambda y: y[place], "slice_scatter")


def as_strided_scatter(input: Tensor, src: Tensor, size: Sequence[int], stride: Sequence[int],
                       storage_offset: int | None = None) -> Tensor:
    """input with src in the place of as_strided(size, stride, storage_offset)."""
    more = () if storage_offset is None else (storage_offset,)
    return _with(input, src, lambda y: y.as_strided(size, stride, *more), "as_strided_scatter")


def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """input with source at places that count through all its elements."""
    if index.numel() != source.numel():
        raise IndexError(f"put: index has {index.numel()} elements, source {source.numel()}")
    flat = input.reshape(-1)
    made = ops.index_put(flat, (index.reshape(-1),), source.reshape(-1), accumulate)
    return made.reshape(input.shape)


def index_reduce(input: Tensor, dim: int, index: Tensor, source: Tensor, reduce: str, *,
                 include_self: bool = True) -> Tensor:
    """Slices of source reduced ("prod", "mean", "amax", "amin") into input's at index of dim."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError("index_reduce: Expected reduce to be one of prod, mean, amax or amin but"
                           f" got {reduce}.")
    shape = [1] * source.ndim
    shape[dim] = -1
    places = index.reshape(shape).expand(source.shape)
    return ops.scatter_reduce(input, dim, places, source, reduce, include_self=include_self)


def narrow_copy(input: Tensor, dim: int, start: int, length: int) -> Tensor:
    """narrow, copied."""
    return input.narrow(dim, start, length).clone()


def diagflat(input: Tensor, offset: int = 0) -> Tensor:
    """A matrix with all elements on its diagonal."""
    return ops.diag_embed(input.reshape(-1), offset)


def unravel_index(indices: Tensor, shape: Any) -> tuple[Tensor, ...]:
    """The coordinates of places that count through all elements of a shape."""
    sizes = [shape] if isinstance(shape, int) else list(shape)
    if indices.numel() and not -1 < int(indices.min()) <= int(indices.max()) < math.prod(sizes):
        raise ValueError(f"unravel_index: an index lies outside shape {tuple(sizes)}")
    found, rest = [], indices
    for size in reversed(sizes):
        found.append(rest % size)
        rest = rest // size
    return ops.stack(found[::-1], -1).unbind(-1)


def unsafe_chunk(input: Tensor, chunks: int, dim: int = 0) -> Any:
    """chunk."""
    return input.chunk(chunks, dim)


def unsafe_split(tensor: Tensor, split_size: Any, dim: int = 0) -> Any:
    """split."""
    return tensor.split(split_size, dim)


# ------------------------------------------------------------------ methods alone

def fill_diagonal_(self: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Fill the main diagonal, which wrap lets begin anew below a tall matrix's last column."""
    if self.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    if self.ndim > 2 and len(set(self.shape)) > 1:
        raise RuntimeError("all dimensions of input must be of equal length")
    n = min(self.shape)
    if self.ndim > 2:
        self.as_strided((n,), (sum(self.stride()),), self.storage_offset()).fill_(fill_value)
        return self
    for top in range(0, self.shape[0] if wrap else 1, self.shape[1] + 1):
        self[top:].diagonal().fill_(fill_value)
    return self


def sum_to_size(self: Tensor, *size: Any) -> Tensor:
    """Summed over what broadcasting would repeat, to a shape that expands to this one."""
    wanted = list(size[0]) if len(size) == 1 and not isinstance(size[0], int) else list(size)
    lead = self.ndim - len(wanted)
    if lead < 0 or any(w not in (1, s) for w, s in zip(wanted, self.shape[lead:], strict=True)):
        raise RuntimeError(f"size {wanted} is not expandable to size {list(self.shape)}.")
    gone = [*range(lead), *[lead + i for i, w in enumerate(wanted)
                            if w == 1 and self.shape[lead + i] != 1]]
    return (self.sum(gone, keepdim=True) if gone else self).reshape(wanted)


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Take a shape; elements keep their order, what is added is undefined."""
    wanted = list(sizes[0]) if len(sizes) == 1 and not isinstance(sizes[0], int) else list(sizes)
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    flat, count = self.detach().reshape(-1), math.prod(wanted)
    if count > flat.numel():
        flat = ops.cat([flat, flat.new_empty((count - flat.numel(),))])
    self.data = flat[:count].reshape(wanted)
    return self


def resize_as_(self: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """resize_ to the shape of another tensor."""
    return resize_(self, *the_template.shape)


def set_(self: Tensor, source: Tensor | None = None) -> Tensor:
    """Take memory and shape of source; without one, none."""
    self.data = self.new_empty((0,)) if source is None else source.detach()
    return self


def share_memory_(self: Tensor) -> Tensor:
    """self: memory is copied between processes, not shared."""
    return self


def is_shared(self: Tensor) -> bool:
    """False: memory is copied between processes."""
    return False


def is_pinned(self: Tensor) -> bool:
    """False: CPU memory needs no pinning."""
    return False


def is_set_to(self: Tensor, tensor: Tensor) -> bool:
    """Whether both are the same view of the same memory."""
    return (self.data_ptr() == tensor.data_ptr() and self.shape == tensor.shape
            and self.stride() == tensor.stride())


def apply_(self: Tensor, callable: Any) -> Tensor:
    """Every element x becomes callable(x), in Python: for small tensors."""
    return self.copy_(self.new_tensor([callable(x) for x in self.flatten().tolist()]).reshape(
        self.shape))


def map_(self: Tensor, tensor: Tensor, callable: Any) -> Tensor:
    """Every element x becomes callable(x, y) with that of tensor, in Python: for small tensors."""
    pairs = zip(self.flatten().tolist(), tensor.expand(self.shape).flatten().tolist(),
                strict=True)
    return self.copy_(self.new_tensor([callable(x, y) for x, y in pairs]).reshape(self.shape))


def new_empty_strided(self: Tensor, size: Sequence[int], stride: Sequence[int],
                      dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor of undefined values with these strides."""
    return ops.empty_strided(size, stride, dtype=dtype or self.dtype,
                             requires_grad=requires_grad)


def log_normal_(self: Tensor, mean: float = 1, std: float = 2, *,
                generator: Any = None) -> Tensor:
    """Fill with numbers whose logarithms are normal."""
    return self.normal_(mean, std, generator=generator).exp_()


def cauchy_(self: Tensor, median: float = 0, sigma: float = 1, *,
            generator: Any = None) -> Tensor:
    """Fill from the Cauchy distribution."""
    return self.uniform_(generator=generator).sub_(0.5).mul_(math.pi).tan_().mul_(sigma).add_(
        median)


def geometric_(self: Tensor, p: float, *, generator: Any = None) -> Tensor:
    """Fill with the number of trials up to the first success, of probability p."""
    if not 0 < p < 1:
        raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
    floats = self if self.is_floating_point() else ops.empty(tuple(self.shape))
    floats.uniform_(generator=generator).neg_().log1p_().div_(math.log1p(-p)).ceil_()
    return self.copy_(floats.clamp_(min=1)) if floats is not self else self.clamp_(min=1)


for _name in __all__:
    if _name != "unravel_index":
        register(_name, globals()[_name])
for _f in (fill_diagonal_, sum_to_size, resize_, resize_as_, set_, share_memory_, is_shared,
           is_pinned, is_set_to, apply_, map_, new_empty_strided, log_normal_, cauchy_,
           geometric_):
    register(_f.__name__, _f)
register("put_", inplace(put))
register("index_reduce_", inplace(index_reduce))
translate(unsafe_chunk)
translate(unsafe_split)
