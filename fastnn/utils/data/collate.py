"""Collating: from a list of samples to one batch of the same structure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, MutableMapping, MutableSequence, Sequence
from typing import Any

import numpy as np

import fastnn

__all__ = ["collate", "default_collate", "default_convert"]

NO_TENSOR = "SaUOMm"  # NumPy kinds that no tensor can hold: bytes, text, objects, dates


def _rebuild(like: Any, items: dict[Any, Any]) -> Any:
    """A mapping of like's type holding items, or a dict where the type cannot be rebuilt."""
    try:
        if isinstance(like, MutableMapping):
            clone = copy.copy(like)
            clone.update(items)
            return clone
        return type(like)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def _resequence(like: Any, items: list[Any]) -> Any:
    """A sequence of like's type holding items, or a list where the type cannot be rebuilt."""
    try:
        if isinstance(like, MutableSequence):
            clone = copy.copy(like)
            for i, item in enumerate(items):
                clone[i] = item
            return clone
        return type(like)(items)  # type: ignore[call-arg]
    except TypeError:
        return items


def default_convert(data: Any) -> Any:
    """Turn every NumPy array or scalar in a nested structure into a tensor; keep the rest."""
    if isinstance(data, fastnn.Tensor) or isinstance(data, (str, bytes)):
        return data
    if isinstance(data, (np.ndarray, np.generic)):
        return data if data.dtype.kind in NO_TENSOR else fastnn.as_tensor(data)
    if isinstance(data, Mapping):
        return _rebuild(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple):
        return [default_convert(value) for value in data]
    if isinstance(data, Sequence):
        return _resequence(data, [default_convert(value) for value in data])
    return data


def _refuse(kind: Any) -> TypeError:
    return TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {kind}"
    )


def _collate_arrays(batch: Sequence[Any]) -> Any:
    first = batch[0]
    if first.dtype.kind in NO_TENSOR:
        raise _refuse(first.dtype)
    if isinstance(first, np.generic) or first.ndim == 0:
        return fastnn.as_tensor(np.asarray(batch))
    return fastnn.from_numpy(np.stack(batch))


def collate(batch: Any, *, collate_fn_map: Mapping[Any, Callable[..., Any]] | None = None) -> Any:
    """Collate by the first sample's type, looked up in collate_fn_map, then by its structure.

    Mappings, named tuples and sequences are collated element by element. Errors: TypeError for a
    type that is neither in the map nor a container, RuntimeError for sequences of unequal length.
    """
    first = batch[0]
    kind = type(first)
    if collate_fn_map is not None:
        known = collate_fn_map.get(kind) or next(
            (fn for types, fn in collate_fn_map.items() if isinstance(first, types)), None
        )
        if known is not None:
            return known(batch, collate_fn_map=collate_fn_map)

    def inner(samples: Any) -> Any:
        return collate(samples, collate_fn_map=collate_fn_map)

    if isinstance(first, Mapping):
        return _rebuild(first, {key: inner([d[key] for d in batch]) for key in first})
    if isinstance(first, tuple) and hasattr(first, "_fields"):
        return kind(*map(inner, zip(*batch, strict=True)))
    if isinstance(first, Sequence):
        if any(len(sample) != len(first) for sample in batch):
            raise RuntimeError("each element in list of batch should be of equal size")
        columns = [inner(column) for column in zip(*batch, strict=True)]
        return columns if isinstance(first, tuple) else _resequence(first, columns)
    raise _refuse(kind)


def _stack(batch: Any, **_: Any) -> Any:
    return fastnn.stack(list(batch), 0)


def _arrays(batch: Any, **_: Any) -> Any:
    return _collate_arrays(batch)


def _floats(batch: Any, **_: Any) -> Any:
    return fastnn.tensor(list(batch), dtype=fastnn.float64)


def _ints(batch: Any, **_: Any) -> Any:
    return fastnn.tensor(list(batch))


def _same(batch: Any, **_: Any) -> Any:
    return batch


default_collate_fn_map: dict[Any, Callable[..., Any]] = {
    fastnn.Tensor: _stack,
    np.ndarray: _arrays,
    (np.bool_, np.number, np.object_): _arrays,
    float: _floats,
    int: _ints,
    str: _same,
    bytes: _same,
}


def default_collate(batch: Any) -> Any:
    """Stack samples: tensors and arrays along a new dim 0, numbers into a 1-D tensor.

    Text stays a list; tuples become lists of columns; dicts, named tuples and lists keep their
    type. Python floats become float64, as in torch. Errors: TypeError, RuntimeError (see collate).
    """
    return collate(batch, collate_fn_map=default_collate_fn_map)
