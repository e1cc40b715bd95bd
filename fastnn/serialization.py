"""save and load: nested values and tensors in one checksummed safetensors file (docs/format.md)."""

import json
import os
import pickle
from typing import Any, BinaryIO

import numpy as np

from . import _container, _safetensors
from ._atomic import atomic_write
from ._safetensors import OURS, Entry, FormatError
from ._tensor_table import Reader, Writer, engine

__all__ = ["FormatError", "load", "save"]

FORMAT, TREE, PICKLE = OURS + "format", OURS + "tree", OURS + "pickle"
VERSION = "1"


def save(
    obj: Any,
    f: str | os.PathLike | BinaryIO,
    pickle_module: Any = pickle,
    pickle_protocol: int = 2,
    _use_new_zipfile_serialization: bool = True,
) -> None:
    """Writes obj to a path (atomically) or to a binary file object.

    Tensors, parameters, NumPy arrays, None, bool, int, float, complex, str, bytes, dtype, Size,
    and list, tuple, dict, OrderedDict, set, frozenset of these are stored as safetensors, which
    ``load`` reads without running code; tensors that share memory still share it when loaded. A
    tensor that is a view of memory of which nothing else is saved is stored packed. Anything else,
    a whole module for instance, is pickled, and only ``load(..., weights_only=False)`` reads it.
    """
    table = Writer()
    try:
        tree = _container.encode(obj, table)
    except _container.Unsupported:
        content = np.frombuffer(pickle_module.dumps(obj, protocol=pickle_protocol), np.uint8)
        entries, metadata = {"pickle": Entry("U8", content)}, {FORMAT: VERSION, PICKLE: "1"}
    else:
        entries, records = table.finish()
        text = json.dumps({"value": tree, "tensors": records}, separators=(",", ":"))
        metadata = {FORMAT: VERSION, TREE: text}
    if not isinstance(f, (str, os.PathLike)):
        _safetensors.write(f, entries, metadata)
        return
    with atomic_write(f) as file:
        _safetensors.write(file, entries, metadata)


def load(
    f: str | os.PathLike | BinaryIO,
    map_location: Any = None,
    pickle_module: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
    **pickle_load_args: Any,
) -> Any:
    """Reads what ``save`` wrote, or any safetensors file (as a dict of tensors).

    With weights_only=True, the default, no input makes it run code. weights_only=False unpickles
    what was saved as a pickle, which RUNS WHATEVER CODE THE FILE'S AUTHOR CHOSE: use it only on
    files that you wrote. map_location may say anything that means the CPU; mmap is accepted.
    Raises FormatError (a RuntimeError) if the file is damaged or of another kind, and
    pickle.UnpicklingError if it needs weights_only=False.
    """
    check_location(map_location)
    if isinstance(f, (str, os.PathLike)):
        with open(f, "rb") as file:
            metadata, entries = named_read(file, f)
    else:
        metadata, entries = named_read(f, getattr(f, "name", None))
    if PICKLE in metadata:
        if weights_only:
            raise pickle.UnpicklingError(
                "this file holds pickled Python objects, which can run any code when loaded; pass "
                "weights_only=False if you trust where it comes from"
            )
        content = entries["pickle"].array.tobytes()
        return (pickle_module or pickle).loads(content, **pickle_load_args)
    if TREE not in metadata:
        reader = Reader(entries, [{"data": name} for name in entries])
        return {name: reader.get(i) for i, name in enumerate(entries)}
    return decode(metadata, entries)


def named_read(file: BinaryIO, name: Any) -> tuple[dict[str, str], dict[str, Entry]]:
    try:
        metadata, entries = _safetensors.read(file)
        if metadata.get(FORMAT, VERSION) != VERSION:
            raise FormatError(f"format {metadata[FORMAT]!r} is newer than this fastnn reads")
    except FormatError as error:
        raise FormatError(f"{os.fspath(name)}: {error}" if name else str(error)) from None
    return metadata, entries


def decode(metadata: dict[str, str], entries: dict[str, Entry]) -> Any:
    try:
        tree = json.loads(
            metadata[TREE],
            object_pairs_hook=_safetensors.unique,
            parse_constant=_safetensors.refuse,
        )
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the tree of values is not valid JSON: {error}") from None
    if not isinstance(tree, dict) or set(tree) != {"value", "tensors"}:
        raise FormatError("the tree of values must hold exactly value and tensors")
    return _container.decode(tree["value"], Reader(entries, tree["tensors"]))


def check_location(location: Any) -> None:
    if isinstance(location, str) and location.partition(":")[0] != "cpu":
        raise RuntimeError(f"map_location={location!r}: fastnn computes on the CPU alone")
    if isinstance(location, engine().device) and location.type != "cpu":
        raise RuntimeError(f"map_location={location}: fastnn computes on the CPU alone")
