"""Looking up rows of a table, and sums, means and maxima of bags of them."""

from __future__ import annotations

from typing import Any

import fastnn
from fastnn._core.ops.index import one_hot
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad

__all__ = ["embedding", "embedding_bag", "one_hot"]


def embedding(input: Tensor, weight: Tensor, padding_idx: int | None = None,
              max_norm: float | None = None, norm_type: float = 2.0,
              scale_grad_by_freq: bool = False, sparse: bool = False) -> Tensor:
    """weight[input]: rows of a table, by integers of any shape.

    padding_idx: this row gets no gradient. max_norm: rows that are longer are first shortened to
    it, in place. scale_grad_by_freq: divide each row's gradient by how often it was looked up.
    Raises IndexError for an index outside the table.
    """
    if padding_idx is not None:
        if not -weight.size(0) <= padding_idx < weight.size(0):
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.size(0)
    if max_norm is not None:
        with no_grad():
            rows = input.flatten().unique()
            found = weight[rows]
            norms = found.norm(norm_type, 1, keepdim=True)
            factor = fastnn.where(norms > max_norm, max_norm / (norms + 1e-7), 1.0)
            weight.index_copy_(0, rows, (found * factor).to(weight.dtype))
    return fastnn.embedding(weight, input, -1 if padding_idx is None else padding_idx,
                            scale_grad_by_freq, sparse)


def _starts(input: Tensor, offsets: Tensor | None, include_last: bool) -> tuple[Tensor, Tensor]:
    """The flat indices, and where each bag begins."""
    if input.ndim == 2:
        if offsets is not None:
            raise ValueError("if input is 2D, then offsets has to be None, as input is treated as "
                             "a mini-batch of fixed length sequences.")
        n, length = input.shape
        return input.reshape(-1), fastnn.arange(n) * length
    if input.ndim != 1:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension "
                         f"{input.ndim}")
    if offsets is None:
        raise ValueError("offsets has to be a 1D Tensor but got None")
    if offsets.ndim != 1:
        raise ValueError("offsets has to be a 1D Tensor")
    offsets = offsets.long()
    if offsets.numel() and int(offsets[0]) != 0:
        raise RuntimeError("offsets[0] has to be 0, i.e., the first sequence in the mini-batch has "
                           f"to start from position 0. However, got {int(offsets[0])}")
    if offsets.numel() and int(offsets[-1]) > input.shape[0]:
        raise RuntimeError("offsets[-1] can not be greater than input's length "
                           f"({input.shape[0]}), but got {int(offsets[-1])}")
    if include_last:
        if offsets.numel() == 0:
            raise RuntimeError("include_last_offset: number of offset should be at least 1")
        return input[:int(offsets[-1])], offsets[:-1]
    return input, offsets


def embedding_bag(input: Tensor, weight: Tensor, offsets: Tensor | None = None,
                  max_norm: float | None = None, norm_type: float = 2,
                  scale_grad_by_freq: bool = False, mode: str = "mean", sparse: bool = False,
                  per_sample_weights: Tensor | None = None, include_last_offset: bool = False,
                  padding_idx: int | None = None) -> Tensor:
    """For each bag of indices, the sum, mean or max of weight's rows; an empty bag gives zeros.

    Shapes: input (B, n), or (N) with offsets (B), where bag b begins (include_last_offset: one
    more, the end of the last); per_sample_weights as input, for sums alone; y (B, D). Rows of
    padding_idx count in no bag. Other arguments are embedding's.
    """
    if isinstance(weight, Tensor) and weight.dtype in (fastnn.int64, fastnn.int32):
        raise TypeError("embedding_bag: expected indices first, then the table")
    if per_sample_weights is not None and per_sample_weights.shape != input.shape:
        raise ValueError(f"embedding_bag: If per_sample_weights ({list(per_sample_weights.shape)}) "
                         f"is not None, then it must have the same shape as the input "
                         f"({list(input.shape)})")
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    if mode == "max" and (scale_grad_by_freq or sparse):
        raise ValueError("max mode does not support scaling the gradient by the frequency, nor "
                         "sparse weights")
    if per_sample_weights is not None and mode != "sum":
        raise NotImplementedError("embedding_bag: per_sample_weights was not None. "
                                  "per_sample_weights is only supported for mode='sum' (got "
                                  f"mode='{mode}'). Please open a feature request on GitHub.")
    flat, starts = _starts(input, offsets, include_last_offset)
    bags, n = starts.shape[0], flat.shape[0]
    rows: Any = embedding(flat, weight, padding_idx, max_norm, norm_type, scale_grad_by_freq,
                          sparse)
    if bags == 0:
        return rows.new_zeros([0, weight.shape[1]])
    bag = fastnn.searchsorted(starts, fastnn.arange(n), right=True) - 1
    keep = fastnn.ones(n, dtype=fastnn.bool) if padding_idx is None \
        else flat != padding_idx % weight.shape[0]
    if mode == "max":
        return _largest(rows, bag, starts, keep)
    counted = keep.to(rows.dtype)
    if per_sample_weights is not None:
        counted = counted * per_sample_weights.reshape(-1)[:n]
    sums = rows.new_zeros([bags, weight.shape[1]]).index_add(0, bag, rows * counted.unsqueeze(1))
    if mode == "sum":
        return sums
    sizes = counted.new_zeros([bags]).index_add(0, bag, counted)
    return sums / sizes.clamp(min=1).unsqueeze(1)


def _largest(rows: Tensor, bag: Tensor, starts: Tensor, keep: Tensor) -> Tensor:
    """The maximum of each bag's rows, by way of bags padded to one length."""
    n, bags = rows.shape[0], starts.shape[0]
    place = fastnn.arange(n) - starts[bag]
    longest = int(place.max()) + 1 if n else 1
    slot = fastnn.full((bags, longest), n, dtype=fastnn.int64)  # n: a row that never wins
    slot[bag, place] = fastnn.where(keep, fastnn.arange(n), n)
    low = rows.new_full([1, rows.shape[1]], -float("inf"))
    y = fastnn.cat([rows, low]).index_select(0, slot.reshape(-1))
    y = y.reshape(bags, longest, rows.shape[1]).max(1).values
    full = (slot < n).any(1).unsqueeze(1)
    return fastnn.where(full, y, fastnn.zeros_like(y))
