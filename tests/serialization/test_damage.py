"""Damaged and hostile files end in FormatError: nothing loads, nothing big is allocated."""

import io
import json
import random
import tracemalloc
import zlib

import numpy as np
import pytest

import fastnn
from fastnn import _safetensors
from fastnn.serialization import FormatError

VALUE = {"w": np.arange(6, dtype=np.float32), "flag": np.array([True, False]), "n": [1, "x"]}


def load(content):
    return fastnn.load(io.BytesIO(content))


def test_every_flipped_bit_is_found(dump):
    content = dump(VALUE)
    assert load(content)["n"] == [1, "x"]
    for place in range(len(content)):
        for bit in (1, 0x20, 0xFF):
            damaged = bytearray(content)
            damaged[place] ^= bit
            with pytest.raises(FormatError):
                load(bytes(damaged))


def test_every_truncation_and_every_tail_is_found(dump):
    content = dump(VALUE)
    for length in range(len(content)):
        with pytest.raises(FormatError):
            load(content[:length])
    with pytest.raises(FormatError):
        load(content + b"\0")


def test_random_mutations_never_pass(dump):
    content = dump(VALUE)
    draw = random.Random(0)
    for _ in range(3000):
        damaged = bytearray(content)
        for _ in range(draw.randint(1, 8)):
            start = draw.randrange(len(damaged))
            damaged[start : start + draw.randint(0, 4)] = draw.randbytes(draw.randint(0, 4))
        if bytes(damaged) != content:
            with pytest.raises(FormatError):
                load(bytes(damaged))


def raw(header, data=b"", length=None):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


def entry(dtype="F32", shape=(1,), offsets=(0, 4), **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": list(offsets), **more}


BAD = {
    "empty": b"",
    "short": b"1234567",
    "zip": b"PK\x03\x04" + bytes(100),
    "header longer than file": raw(b"{}", length=3),
    "enormous header": raw(b"{}", length=2**63),
    "not JSON": raw(b"{]"),
    "array": raw(b"[]"),
    "leading space": raw(b" {}"),
    "deep": raw(b'{"a":' + b"[" * 100_000),
    "bad UTF-8": raw(b'{"\xff":1}'),
    "twice": raw(b'{"a":1,"a":1}'),
    "NaN": raw(b'{"a":NaN}'),
    "huge number": raw(b'{"a":' + b"9" * 5000 + b"}"),
    "entry is a list": raw({"a": []}),
    "missing key": raw({"a": {"dtype": "F32", "shape": [1]}}, bytes(4)),
    "extra key": raw({"a": entry(more=1)}, bytes(4)),
    "dtype unknown": raw({"a": entry("F8_E4M3", (4,))}, bytes(4)),
    "dtype no text": raw({"a": entry([1])}, bytes(4)),
    "negative size": raw({"a": entry(shape=(-1,), offsets=(4, 0))}, bytes(4)),
    "fraction": raw({"a": entry(shape=(1.0,))}, bytes(4)),
    "truth as size": raw({"a": entry(shape=(True,))}, bytes(4)),
    "product overflow": raw({"a": entry(shape=(2**32, 2**32, 4))}, bytes(4)),
    "too many sizes": raw({"a": entry(shape=[1] * 65)}, bytes(4)),
    "offsets beyond": raw({"a": entry(shape=(2,), offsets=(0, 8))}, bytes(4)),
    "hole": raw({"a": entry(offsets=(4, 8))}, bytes(8)),
    "overlap": raw({"a": entry(), "b": entry(offsets=(2, 6))}, bytes(6)),
    "same bytes": raw({"a": entry(), "b": entry()}, bytes(4)),
    "tail": raw({"a": entry()}, bytes(5)),
    "bool of 2": raw({"a": entry("BOOL", offsets=(0, 1))}, b"\x02"),
    "metadata no text": raw({"__metadata__": {"a": 1}}),
    "metadata list": raw({"__metadata__": []}),
    "checksum missing": raw({"__metadata__": {"fastnn.format": "1"}}),
    "more dimensions than arrays have": raw({"a": entry(shape=[1] * 64 + [1])}, bytes(4)),
    "zero among huge": raw({"a": entry(shape=(0, 2**62, 2**62), offsets=(0, 0))}),
}


@pytest.mark.parametrize("name", BAD)
def test_hostile_headers(name):
    tracemalloc.start()
    with pytest.raises(FormatError):
        load(BAD[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000  # the largest header here is 100 kB


def signed(tree, entries=None):
    """A file with right checksums around any tree."""
    file = io.BytesIO()
    text = tree if isinstance(tree, str) else json.dumps(tree)
    metadata = {"fastnn.format": "1", "fastnn.tree": text}
    arrays = {"a": _safetensors.Entry("F32", np.arange(6, dtype=np.float32))}
    _safetensors.write(file, arrays if entries is None else entries, metadata)
    return file.getvalue()


def view(dtype="float32", offset=0, size=(2,), stride=(1,)):
    return {"dtype": dtype, "offset": offset, "size": list(size), "stride": list(stride)}


def tensor(**record):
    return {"value": {"tensor": 0}, "tensors": [{"data": "a", **record}]}


TREES = {
    "not JSON": "{",
    "repeated key": '{"value": 1, "value": 1, "tensors": []}',
    "no tensors": {"value": 1},
    "tensors no list": {"value": 1, "tensors": {}},
    "record no object": {"value": 1, "tensors": [1]},
    "unknown tag": {"value": {"os.system": "ls"}, "tensors": []},
    "two tags": {"value": {"tuple": [], "list": []}, "tensors": []},
    "no tag": {"value": {}, "tensors": []},
    "deep": {"value": json.loads("[" * 80 + "]" * 80), "tensors": []},
    "too deep to parse": '{"value": ' + "[" * 100_000,
    "unhashable key": {"value": {"dict": [[[], 1]]}, "tensors": []},
    "pair of three": {"value": {"dict": [[1, 2, 3]]}, "tensors": []},
    "dict no list": {"value": {"dict": 5}, "tensors": []},
    "bad base64": {"value": {"bytes": "!"}, "tensors": []},
    "bad int": {"value": {"int": "zz"}, "tensors": []},
    "bad float": {"value": {"float": "one"}, "tensors": []},
    "bad complex": {"value": {"complex": [1]}, "tensors": []},
    "bad dtype": {"value": {"dtype": "__class__"}, "tensors": []},
    "number too high": {"value": {"tensor": 1}, "tensors": [{"data": "a"}]},
    "negative number": {"value": {"tensor": -1}, "tensors": [{"data": "a"}]},
    "number is text": {"value": {"tensor": "0"}, "tensors": [{"data": "a"}]},
    "missing entry": {"value": {"tensor": 0}, "tensors": [{"data": "b"}]},
    "unknown kind": tensor(kind="module"),
    "view beyond": tensor(view=view(offset=5)),
    "stride beyond": tensor(view=view(stride=(6,))),
    "view negative": tensor(view=view(offset=-1)),
    "view enormous": tensor(view=view(size=(2**62,), stride=(2**62,))),
    "view lopsided": tensor(view=view(size=(2, 2))),
    "view of text": tensor(view="whole"),
    "view of no dtype": tensor(view=view(dtype="Tensor")),
}


@pytest.mark.parametrize("name", TREES)
def test_hostile_trees(name):
    with pytest.raises(FormatError):
        load(signed(TREES[name]))


def test_the_hostile_trees_differ_from_a_good_one_only_in_the_fault():
    assert load(signed(tensor(view=view(offset=4)))).tolist() == [4, 5]


def test_newer_formats_are_refused(dump):
    content = dump(1).replace(b'"fastnn.format":"1"', b'"fastnn.format":"9"')
    length = int.from_bytes(content[:8], "little")
    blank = bytearray(content[: 8 + length])
    place = 8 + len(b'{"__metadata__":{"fastnn.crc32":"')
    blank[place : place + 8] = b"0" * 8
    blank[place : place + 8] = b"%08x" % zlib.crc32(bytes(blank))
    with pytest.raises(FormatError, match="newer"):
        load(bytes(blank) + content[8 + length :])
