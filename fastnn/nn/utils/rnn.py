"""Sequences of different lengths: packed row by row of time, padded, or as a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

import fastnn
from fastnn._core.tensor import Tensor

__all__ = ["PackedSequence", "invert_permutation", "pack_padded_sequence", "pack_sequence",
           "pad_packed_sequence", "pad_sequence", "unpack_sequence", "unpad_sequence"]


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Steps of many sequences without padding: data holds batch_sizes[0] rows of step 0, then
    batch_sizes[1] of step 1, and so on, the longest sequence first; sorted_indices is the order
    that they were put in, unsorted_indices its inverse. Made by pack_padded_sequence."""

    __slots__ = ()

    def __new__(cls, data: Tensor, batch_sizes: Tensor | None = None,
                sorted_indices: Tensor | None = None, unsorted_indices: Tensor | None = None
                ) -> PackedSequence:
        if batch_sizes is None:
            data, batch_sizes = data  # type: ignore[misc]
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """With data converted as Tensor.to says."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else PackedSequence(data, *self[1:])

    def float(self) -> PackedSequence:
        return self.to(fastnn.float32)

    def double(self) -> PackedSequence:
        return self.to(fastnn.float64)

    def cpu(self) -> PackedSequence:
        return self

    @property
    def is_cuda(self) -> bool:
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes it."""
    if permutation is None:
        return None
    order = np.empty(permutation.shape[0], np.int64)
    order[permutation.numpy()] = np.arange(order.size)
    return fastnn.tensor(order)


def _rows(lengths: np.ndarray, batch: int) -> tuple[np.ndarray, np.ndarray]:
    """Of sorted lengths: batch sizes, and where each packed row stands among steps x batch."""
    steps = int(lengths[0])
    sizes = (lengths[None, :] > np.arange(steps)[:, None]).sum(1)
    rows = [t * batch + np.arange(n) for t, n in enumerate(sizes)]
    return sizes.astype(np.int64), np.concatenate(rows).astype(np.int64)


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """A PackedSequence of padded (T, B, *), with batch_first (B, T, *), and their lengths.

    enforce_sorted: lengths must fall; else they are sorted here, and the order is remembered.
    Raises RuntimeError for lengths that are not positive, too long, out of order or too few.
    """
    x = input.transpose(0, 1) if batch_first else input
    steps, batch = x.shape[:2]
    found = np.asarray(lengths.tolist() if isinstance(lengths, Tensor) else lengths, np.int64)
    if found.shape != (batch,):
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got "
                           f"{found.size} (batch_size={batch})")
    if batch == 0 or found.min() <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element "
                           "in 'lengths' that is <= 0")
    if found.max() > steps:
        raise RuntimeError(f"pack_padded_sequence: a length of {found.max()} is more than the "
                           f"input's {steps} steps")
    order = None
    if not enforce_sorted:
        order = np.argsort(-found, kind="stable")
        found, x = found[order], x.index_select(1, fastnn.tensor(order))
    elif (np.diff(found) > 0).any():
        raise RuntimeError("`lengths` array must be sorted in decreasing order when "
                           "`enforce_sorted` is True. You can pass `enforce_sorted=False` to "
                           "pack_padded_sequence and/or pack_sequence to sidestep this requirement")
    sizes, rows = _rows(found, batch)
    data = x.reshape(steps * batch, *x.shape[2:]).index_select(0, fastnn.tensor(rows))
    return PackedSequence(data, fastnn.tensor(sizes),
                          None if order is None else fastnn.tensor(order))


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False,
                        padding_value: float = 0.0, total_length: int | None = None
                        ) -> tuple[Tensor, Tensor]:
    """(padded (T, B, *), lengths): the inverse of pack_padded_sequence.

    total_length: the number of steps of the result. Raises ValueError where it is too small.
    """
    sizes = sequence.batch_sizes.numpy()
    batch, steps = int(sizes[0]), sizes.size
    lengths = (sizes[None, :] > np.arange(batch)[:, None]).sum(1)
    if total_length is not None:
        if total_length < steps:
            raise ValueError(f"Expected total_length to be at least the length of the longest "
                             f"sequence in input, but got total_length={total_length} and max "
                             f"sequence length being {steps}")
        steps = total_length
    _, rows = _rows(lengths, batch)
    shape = sequence.data.shape[1:]
    padded = fastnn.full((steps * batch, *shape), padding_value, dtype=sequence.data.dtype)
    padded = padded.index_copy(0, fastnn.tensor(rows), sequence.data)
    padded = padded.reshape(steps, batch, *shape)
    if sequence.unsorted_indices is not None:
        padded = padded.index_select(1, sequence.unsorted_indices)
        lengths = lengths[sequence.unsorted_indices.numpy()]
    return (padded.transpose(0, 1) if batch_first else padded), fastnn.tensor(lengths)


def pad_sequence(sequences: Iterable[Tensor], batch_first: bool = False,
                 padding_value: float = 0.0, padding_side: str = "right") -> Tensor:
    """Tensors (T_i, *) as one (T, B, *), with batch_first (B, T, *), padded to the longest."""
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"padding_side should be one of left or right, but found {padding_side}")
    parts = list(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    steps = max(p.shape[0] for p in parts)

    def padded(x: Tensor) -> Tensor:
        missing = steps - x.shape[0]
        if missing == 0:
            return x
        more = fastnn.full((missing, *x.shape[1:]), padding_value, dtype=x.dtype)
        return fastnn.cat([x, more] if padding_side == "right" else [more, x])

    return fastnn.stack([padded(p) for p in parts], 0 if batch_first else 1)


def unpad_sequence(padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
                   ) -> list[Tensor]:
    """The sequences of a padded tensor, each of its own length: the inverse of pad_sequence."""
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [x[i][:int(n)] for i, n in enumerate(lengths.tolist())]


def pack_sequence(sequences: list[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """A PackedSequence of tensors (T_i, *)."""
    lengths = [s.shape[0] for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The tensors (T_i, *) of a PackedSequence: the inverse of pack_sequence."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)
