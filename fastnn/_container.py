"""Nested Python values as one JSON tree, and the tensors in it as named arrays (docs/format.md).

None, True, False, text, short integers and finite floats are themselves; a list is a JSON array;
everything else is an object with one key that says what it is: {"dict": [[key, value], ...]}.
"""

import base64
import binascii
import math
from collections import OrderedDict
from typing import Any

from ._safetensors import FormatError
from ._tensor_table import Reader, Writer

MAX_DEPTH = 64
SAFE_INT = 2**53  # integers beyond are not exact in every JSON reader
SEQUENCES = {"tuple": tuple, "set": set, "frozenset": frozenset}
MAPPINGS = {"dict": dict, "odict": OrderedDict}
CHILDREN = "_metadata"  # the attribute by which a state_dict carries its modules' versions


class Unsupported(TypeError):
    """A value that the container does not hold."""


# ---------------------------------------------------------------- write
def encode(value: Any, tensors: Writer, path: str = "", depth: int = 0) -> Any:
    """The JSON form of value; its tensors and arrays go to ``tensors``, named by their path."""
    if depth > MAX_DEPTH:
        raise ValueError(f"cannot save values nested deeper than {MAX_DEPTH} levels")
    kind = type(value)
    if value is None or kind is bool or kind is str:
        return value
    if kind is int:
        return value if abs(value) < SAFE_INT else {"int": hex(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if kind is bytes:
        return {"bytes": base64.b64encode(value).decode()}
    if kind is complex:
        return {"complex": [encode(value.real, tensors), encode(value.imag, tensors)]}
    if tensors.takes(value):
        return {"tensor": tensors.add(value, path)}
    return encode_nested(value, tensors, path, depth + 1)


def encode_nested(value: Any, tensors: Writer, path: str, depth: int) -> Any:
    kind = type(value)

    def items(values: Any) -> list:
        return [encode(v, tensors, join(path, i), depth) for i, v in enumerate(values)]

    if kind is list:
        return items(value)
    if kind is dict or kind is OrderedDict:
        pairs = [
            [encode(k, tensors, path, depth), encode(v, tensors, join(path, k), depth)]
            for k, v in value.items()
        ]
        node = {"dict" if kind is dict else "odict": pairs}
        if getattr(value, CHILDREN, None) is not None:
            node[CHILDREN] = encode(value._metadata, tensors, join(path, CHILDREN), depth)
        return node
    for tag, sequence in SEQUENCES.items():
        if kind is sequence:
            return {tag: items(value)}
    special = tensors.special(value)
    if special is not None:
        return special
    raise Unsupported(f"cannot save a {kind.__module__}.{kind.__qualname__} at {path or 'the top'}")


def join(path: str, key: Any) -> str:
    return f"{path}.{key}" if path else str(key)


# ---------------------------------------------------------------- read
def decode(node: Any, tensors: Reader, depth: int = 0) -> Any:
    """The value of a JSON form; FormatError where it is malformed."""
    if depth > MAX_DEPTH:
        raise FormatError(f"values are nested deeper than {MAX_DEPTH} levels")
    if node is None or isinstance(node, (bool, str, int, float)):
        return node
    if isinstance(node, list):
        return [decode(child, tensors, depth + 1) for child in node]
    tag = next(iter(node), None)
    if len(node) != 1 and not (tag in MAPPINGS and list(node)[1:] == [CHILDREN]):
        raise FormatError(f"malformed value with the keys {list(node)[:3]}")
    try:
        return decode_tagged(tag, node, tensors, depth + 1)
    except (TypeError, ValueError, KeyError, binascii.Error, OverflowError) as error:
        raise FormatError(f"malformed {tag}: {error}") from None


def decode_tagged(tag: Any, node: dict, tensors: Reader, depth: int) -> Any:
    body = node[tag]
    if tag in MAPPINGS:
        result: Any = MAPPINGS[tag]()
        for key, value in body:
            result[decode(key, tensors, depth)] = decode(value, tensors, depth)
        if CHILDREN in node and tag == "odict":
            result._metadata = decode(node[CHILDREN], tensors, depth)
        return result
    if tag in SEQUENCES:
        return SEQUENCES[tag](decode(child, tensors, depth) for child in body)
    if tag == "tensor":
        return tensors.get(body)
    if tag == "int":
        return int(body, 16)
    if tag == "float":
        return float(body)
    if tag == "bytes":
        return base64.b64decode(body, validate=True)
    if tag == "complex":
        real, imag = (decode(part, tensors, depth) for part in body)
        return complex(real, imag)
    return tensors.special_value(tag, body)
