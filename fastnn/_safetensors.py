"""The safetensors format, read strictly and written with checksums (docs/format.md).

    8 bytes   length of the header, little endian
    header    JSON: name -> {"dtype", "shape", "data_offsets"}, and "__metadata__": text -> text
    data      the elements, little endian, without gaps

Nothing is allocated before the sizes it follows from were checked against the file's own size.
"""

import io
import json
import math
import re
import zlib
from typing import Any, BinaryIO, NamedTuple

import numpy as np

MAX_HEADER = 100_000_000
METADATA = "__metadata__"
OURS = "fastnn."
CRC_KEY = "fastnn.crc32"
CRC_START = re.compile(rb'\{"__metadata__":\{"fastnn\.crc32":"([0-9a-f]{8})([0-9a-f]{8})"')
NUMPY = {
    "BOOL": "|b1", "U8": "|u1", "I8": "|i1", "U16": "<u2", "I16": "<i2", "F16": "<f2",
    "BF16": "<u2", "U32": "<u4", "I32": "<i4", "F32": "<f4", "U64": "<u8", "I64": "<i8",
    "F64": "<f8",
}  # fmt: skip


class FormatError(RuntimeError):
    """The file is not what it should be: cut short, damaged, or of another kind."""


class Entry(NamedTuple):
    """One named array; bfloat16 travels as the uint16 of its bits."""

    dtype: str
    array: np.ndarray


class Extent(NamedTuple):
    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


# ---------------------------------------------------------------- write
def write(file: BinaryIO, entries: dict[str, Entry], metadata: dict[str, str]) -> None:
    """Writes the header and the arrays, wider elements first so that all stay aligned."""
    order = sorted(entries, key=lambda name: -entries[name].array.itemsize)
    buffers = [flat_bytes(entries[name]).data for name in order]
    header = encode_header(order, entries, metadata, checksum(buffers))
    file.write(header)
    for buffer in buffers:
        file.write(buffer)


def flat_bytes(entry: Entry) -> np.ndarray:
    array = np.ascontiguousarray(entry.array, np.dtype(NUMPY[entry.dtype]))
    return array.reshape(-1).view(np.uint8)


def checksum(buffers: list[memoryview]) -> int:
    crc = 0
    for buffer in buffers:
        crc = zlib.crc32(buffer, crc)
    return crc


def encode_header(
    order: list[str], entries: dict[str, Entry], metadata: dict[str, str], data_crc: int
) -> bytes:
    tree: dict[str, Any] = {METADATA: {CRC_KEY: f"{0:08x}{data_crc:08x}", **metadata}}
    at = 0
    for name in order:
        dtype, array = entries[name]
        end = at + array.nbytes
        tree[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(tree, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    blank = len(text).to_bytes(8, "little") + text
    place = CRC_START.match(text).start(1) + 8  # type: ignore[union-attr]
    return blank[:place] + b"%08x" % zlib.crc32(blank) + blank[place + 8 :]


# ---------------------------------------------------------------- read
def read(file: BinaryIO) -> tuple[dict[str, str], dict[str, Entry]]:
    """(metadata, arrays in file order). FormatError on anything that the format does not allow."""
    file, size = sized(file)
    header, length = read_header(file, size)
    metadata, extents = parse_header(header, size - 8 - length)
    data_crc = check_header(length, header, metadata)
    crc, entries = 0, {}
    for extent in sorted(extents, key=lambda e: (e.begin, e.end)):
        raw = np.empty(extent.end - extent.begin, np.uint8)
        fill(file, raw)
        crc = zlib.crc32(raw.data, crc)
        entries[extent.name] = view(extent, raw)
    if data_crc is not None and crc != data_crc:
        raise FormatError("checksum of the data does not match: the file is damaged")
    return metadata, {extent.name: entries[extent.name] for extent in extents}


def sized(file: BinaryIO) -> tuple[BinaryIO, int]:
    """The file, from its position on, and how many bytes are left in it."""
    if hasattr(file, "readinto") and hasattr(file, "seekable") and file.seekable():
        here = file.tell()
        size = file.seek(0, io.SEEK_END) - here
        file.seek(here)
        return file, size
    content = file.read()
    return io.BytesIO(content), len(content)


def read_header(file: BinaryIO, size: int) -> tuple[bytes, int]:
    if size == 0:
        raise FormatError("the file is empty")
    if size < 8:
        raise FormatError(f"the file is cut short: {size} bytes")
    start = file.read(8)
    if start[:4] == b"PK\x03\x04":
        raise FormatError("this is a zip archive (PyTorch's .pt?), not a safetensors file")
    length = int.from_bytes(start, "little")
    if length > min(size - 8, MAX_HEADER):
        raise FormatError(f"header of {length} bytes in a file of {size}: damaged or foreign")
    header = file.read(length)
    if len(header) != length:
        raise FormatError("the file is cut short within its header")
    return header, length


def parse_header(header: bytes, data_size: int) -> tuple[dict[str, str], list[Extent]]:
    if not header.startswith(b"{"):
        raise FormatError("the header is not a JSON object: damaged or not a safetensors file")
    try:
        tree = json.loads(header.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise FormatError(f"the header is not valid JSON: {error}") from None
    if not isinstance(tree, dict):
        raise FormatError("the header is not a JSON object")
    metadata = tree.pop(METADATA, {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        raise FormatError("__metadata__ must map text to text")
    extents = [parse_extent(name, record) for name, record in tree.items()]
    at = 0
    for extent in sorted(extents, key=lambda e: (e.begin, e.end)):
        if extent.begin != at:
            raise FormatError(f"{extent.name!r} begins at byte {extent.begin}, expected {at}")
        at = extent.end
    if at != data_size:
        raise FormatError(f"the header describes {at} bytes of data, the file holds {data_size}")
    return metadata, extents


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key appears twice")
    return result


def refuse(text: str) -> None:
    raise ValueError(f"{text} is not JSON")


def parse_extent(name: str, record: Any) -> Extent:
    if not isinstance(record, dict) or set(record) != {"dtype", "shape", "data_offsets"}:
        raise FormatError(f"{name!r} must have exactly dtype, shape and data_offsets")
    dtype, shape, offsets = record["dtype"], record["shape"], record["data_offsets"]
    if not isinstance(dtype, str) or dtype not in NUMPY:
        raise FormatError(f"{name!r} has the unknown dtype {dtype!r}")
    if not sizes(shape) or not sizes(offsets) or len(offsets) != 2:
        raise FormatError(f"{name!r} has a malformed shape or data_offsets")
    begin, end = offsets
    if math.prod(shape) * np.dtype(NUMPY[dtype]).itemsize != end - begin:
        raise FormatError(f"{name!r}: shape {shape} of {dtype} is not {end - begin} bytes")
    return Extent(name, dtype, tuple(shape), begin, end)


def sizes(values: Any) -> bool:
    return (
        isinstance(values, list)
        and len(values) <= 64
        and all(type(v) is int and 0 <= v < 2**63 for v in values)
    )


def check_header(length: int, header: bytes, metadata: dict[str, str]) -> int | None:
    """The checksum that the data must have; None for a file that some other program wrote."""
    if not any(key.startswith(OURS) for key in metadata):
        return None
    match = CRC_START.match(header)
    if match is None:
        raise FormatError("the header lacks its checksum: the file is damaged")
    place = match.start(1)
    blank = header[:place] + b"0" * 8 + header[place + 8 :]
    if zlib.crc32(blank, zlib.crc32(length.to_bytes(8, "little"))) != int(match[1], 16):
        raise FormatError("checksum of the header does not match: the file is damaged")
    return int(match[2], 16)


def fill(file: BinaryIO, raw: np.ndarray) -> None:
    view, at = raw.data, 0
    while at < len(view):
        got = file.readinto(view[at:])  # type: ignore[attr-defined]
        if not got:
            raise FormatError("the file is cut short within its data")
        at += got


def view(extent: Extent, raw: np.ndarray) -> Entry:
    if extent.dtype == "BOOL" and raw.size and raw.max() > 1:
        raise FormatError(f"{extent.name!r} holds bytes that are neither true nor false")
    try:
        array = raw.view(NUMPY[extent.dtype]).reshape(extent.shape)
    except ValueError as error:
        raise FormatError(f"{extent.name!r}: {error}") from None
    return Entry(extent.dtype, array)
