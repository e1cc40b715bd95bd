"""Tensors on their way to named arrays and back, with the memory that they share kept shared."""

import math
from typing import Any, NamedTuple

import numpy as np

from ._safetensors import METADATA, NUMPY, Entry, FormatError

NAMES = {
    "bool": "BOOL", "uint8": "U8", "int8": "I8", "uint16": "U16", "int16": "I16",
    "float16": "F16", "bfloat16": "BF16", "uint32": "U32", "int32": "I32", "float32": "F32",
    "uint64": "U64", "int64": "I64", "float64": "F64",
}  # fmt: skip
DTYPES = {code: name for name, code in NAMES.items()}


def engine() -> Any:
    import fastnn.nn

    return fastnn


def dtype_name(dtype: Any) -> str:
    return str(dtype).rpartition(".")[2]


def dtype_of(name: Any) -> Any:
    found = getattr(engine(), name, None) if name in NAMES else None
    if found is None:
        raise FormatError(f"fastnn has no dtype {name!r}")
    return found


# ---------------------------------------------------------------- write
class Kept(NamedTuple):
    """One tensor as saved: path, dtype code, memory as an array, and more keys of its record."""

    path: str
    dtype: str
    array: np.ndarray
    record: dict[str, Any]


class Writer:
    """Collects tensors and arrays; ``finish`` gives the named entries and one record per tensor."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.index: dict[int, int] = {}
        self.alive: list[Any] = []  # so that no id is reused while we collect
        self.tensor = engine().Tensor
        self.parameter = engine().nn.Parameter

    def takes(self, value: Any) -> bool:
        if isinstance(value, (np.ndarray, np.generic)):
            return type(value).__module__ == "numpy" and value.dtype.name in NAMES
        return type(value) in (self.tensor, self.parameter)

    def add(self, value: Any, path: str) -> int:
        """The number of value in the table; the same object has one number."""
        if id(value) not in self.index:
            self.index[id(value)] = len(self.kept)
            self.alive.append(value)
            self.kept.append(self.keep(value, path or "tensor"))
        return self.index[id(value)]

    def keep(self, value: Any, path: str) -> Kept:
        if isinstance(value, (np.ndarray, np.generic)):
            kind = "array" if isinstance(value, np.ndarray) else "scalar"
            array = np.array(value, order="C")  # a copy: memory that arrays share is not recorded
            return Kept(path, NAMES[array.dtype.name], array, {"kind": kind})
        record: dict[str, Any] = {}
        if type(value) is self.parameter:
            record["kind"] = "parameter"
        if value.requires_grad:
            record["grad"] = True
        name = dtype_name(value.dtype)
        plain = value.detach()
        if name == "bfloat16":
            plain = plain.view(engine().int16)
        return Kept(path, NAMES[name], plain.numpy(), record)

    def special(self, value: Any) -> dict[str, Any] | None:
        fnn = engine()
        if type(value) is fnn.Size:
            return {"size": [int(n) for n in value]}
        if isinstance(value, fnn.dtype):
            return {"dtype": dtype_name(value)}
        if isinstance(value, fnn.device):
            return {"device": str(value)}
        return None

    def finish(self) -> tuple[dict[str, Entry], list[dict[str, Any]]]:
        entries: dict[str, Entry] = {}
        records: list[dict[str, Any]] = [{} for _ in self.kept]
        for group in overlapping(self.kept):
            members = [self.kept[i] for i in group]
            first = members[0]
            name = free_name(first.path, entries)
            if len(group) == 1 and packs(first.array):
                entries[name] = Entry(first.dtype, first.array)
                records[group[0]] = {"data": name, **first.record}
                continue
            entries[name], low = whole(members)
            for i, kept in zip(group, members, strict=True):
                records[i] = {"data": name, **kept.record}
                if not covers(kept, entries[name]):
                    records[i]["view"] = placed(kept, low)
        return entries, records


def packs(array: np.ndarray) -> bool:
    """Stored on its own, an array is packed, unless its elements overlap or merely lie permuted."""
    if array.flags.c_contiguous or array.size == 0:
        return True
    low, high = bounds(array)
    return high - low > array.nbytes


def bounds(array: np.ndarray) -> tuple[int, int]:
    """The first address of the array's memory and the one behind its last."""
    low = high = array.__array_interface__["data"][0]
    for n, stride in zip(array.shape, array.strides, strict=True):
        low += min(0, (n - 1) * stride)
        high += max(0, (n - 1) * stride)
    return low, high + array.itemsize


def overlapping(kept: list[Kept]) -> list[list[int]]:
    """The tensors by number, in groups whose memory overlaps, each in the order of saving."""
    spans = [(bounds(k.array) if k.array.size else (i, i), i) for i, k in enumerate(kept)]
    groups: list[list[int]] = []
    reach = -1
    for (low, high), i in sorted(spans):
        if low < reach and kept[i].array.size:
            groups[-1].append(i)
        else:
            groups.append([i])
        reach = max(reach, high)
    return sorted(sorted(group) for group in groups)


def whole(members: list[Kept]) -> tuple[Entry, int]:
    """The memory that the members span as one entry, and its address."""
    low = min(bounds(kept.array)[0] for kept in members)
    high = max(bounds(kept.array)[1] for kept in members)
    for kept in members:
        if kept.array.flags.c_contiguous and bounds(kept.array) == (low, high):
            return Entry(kept.dtype, kept.array), low
    anchor = min(members, key=lambda kept: bounds(kept.array)[0]).array
    first = tuple(slice(-1, None) if stride < 0 else slice(0, 1) for stride in anchor.strides)
    single = len({kept.dtype for kept in members}) == 1
    code = members[0].dtype if single else "U8"
    step = np.dtype(NUMPY[code]).itemsize
    corner = anchor[first].reshape(-1)[:1].view(NUMPY[code])
    flat = np.lib.stride_tricks.as_strided(corner, ((high - low) // step,), (step,))
    return Entry(code, flat), low


def covers(kept: Kept, entry: Entry) -> bool:
    array = entry.array
    return (kept.dtype, kept.array.shape, kept.array.strides, bounds(kept.array)) == (
        entry.dtype, array.shape, array.strides, bounds(array))  # fmt: skip


def placed(kept: Kept, low: int) -> dict[str, Any]:
    """Where in the entry a view lies: dtype, and offset, size, stride in elements of it."""
    array = kept.array
    offset, step = array.__array_interface__["data"][0] - low, array.itemsize
    return {
        "dtype": DTYPES[kept.dtype],
        "offset": offset // step,
        "size": list(array.shape),
        "stride": [stride // step for stride in array.strides],
    }


def free_name(path: str, taken: dict[str, Entry]) -> str:
    name, number = path, 2
    while name in taken or name == METADATA:
        name, number = f"{path}#{number}", number + 1
    return name


# ---------------------------------------------------------------- read
class Reader:
    """Gives the tensors that the records describe, each one made once."""

    def __init__(self, entries: dict[str, Entry], records: Any) -> None:
        if not isinstance(records, list) or not all(isinstance(r, dict) for r in records):
            raise FormatError("the table of tensors is malformed")
        self.entries, self.records = entries, records
        self.bases: dict[str, Any] = {}
        self.made: dict[int, Any] = {}

    def get(self, number: Any) -> Any:
        if type(number) is not int or not 0 <= number < len(self.records):
            raise FormatError(f"there is no tensor number {number!r}")
        if number not in self.made:
            self.made[number] = self.make(self.records[number])
        return self.made[number]

    def make(self, record: dict[str, Any]) -> Any:
        name, kind = record.get("data"), record.get("kind", "tensor")
        if not isinstance(name, str) or name not in self.entries:
            raise FormatError(f"a tensor refers to the missing entry {name!r}")
        if kind in ("array", "scalar"):
            array = self.entries[name].array.astype(DTYPES[self.entries[name].dtype])
            return array if kind == "array" else array[()]
        if kind not in ("tensor", "parameter"):
            raise FormatError(f"{name!r} is of the unknown kind {kind!r}")
        value = self.base(name)
        if "view" in record:
            value = placed_view(name, value, record["view"])
        grad = record.get("grad", False) is True
        if kind == "parameter":
            return engine().nn.Parameter(value, requires_grad=grad)
        value = value.detach()  # two tensors of one memory are two objects
        return value.requires_grad_() if grad else value

    def base(self, name: str) -> Any:
        if name not in self.bases:
            self.bases[name] = to_tensor(name, self.entries[name])
        return self.bases[name]

    def special_value(self, tag: Any, body: Any) -> Any:
        fnn = engine()
        if tag == "size":
            return fnn.Size(body)
        if tag == "dtype":
            return dtype_of(body)
        if tag == "device":
            return fnn.device(body)
        raise FormatError(f"unknown kind of value {tag!r}")


def to_tensor(name: str, entry: Entry) -> Any:
    """A tensor on the entry's memory."""
    fnn = engine()
    dtype = dtype_of(DTYPES[entry.dtype])
    array = entry.array
    if array.dtype.byteorder == ">" or not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    try:
        if entry.dtype == "BF16":
            return fnn.from_numpy(array.view(np.int16)).view(dtype)
        return fnn.from_numpy(array)
    except (RuntimeError, TypeError, ValueError) as error:
        raise FormatError(f"{name!r}: {error}") from None


def placed_view(name: str, base: Any, view: Any) -> Any:
    """The view of a stored tensor; FormatError unless every element lies within it."""
    if not isinstance(view, dict) or set(view) != {"dtype", "offset", "size", "stride"}:
        raise FormatError(f"{name!r} has a malformed view")
    offset, size, stride = view["offset"], view["size"], view["stride"]
    if not isinstance(size, list) or not isinstance(stride, list) or len(size) != len(stride):
        raise FormatError(f"{name!r} has a malformed view")
    if any(type(n) is not int or not 0 <= n < 2**63 for n in (offset, *size, *stride)):
        raise FormatError(f"{name!r} has a view with an impossible number")
    flat = base.reshape(-1)
    dtype = dtype_of(view["dtype"])
    if flat.dtype != dtype:
        flat = flat.view(dtype)
    reach = offset + sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if math.prod(size) and reach >= flat.numel():
        raise FormatError(f"{name!r} has a view that reaches beyond it")
    return flat.as_strided(size, stride, offset if math.prod(size) else 0)
