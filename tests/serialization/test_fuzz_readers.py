"""Files at random: the readers' checks behind the checksum, which finds most damage before them.

Headers and trees are mutated as JSON and given right checksums; each file ends in FormatError or
loads, in little memory. FASTNN_FUZZ_CALLS and FASTNN_FUZZ_SEED make it longer: make fuzz.
"""

import copy
import io
import json
import os
import random
import tracemalloc

import numpy as np
import pytest

import fastnn
from fastnn import _safetensors
from fastnn.serialization import FormatError

FILES = int(os.environ.get("FASTNN_FUZZ_CALLS", 30_000)) // 20
SEED = int(os.environ.get("FASTNN_FUZZ_SEED", 1))
VALUES = [0, 1, -1, 3, 2**31, 2**62, 2**63, 2**64, 10**400, 1.0, 1e308, True, False, None, "", "x",
          "tensor", "dict", "a", "F32", "I64", "float32", "0x7fffffffffffffff", "1e9999", [], {},
          [[]], {"tensor": 0}, {"dict": [[1, 2]]}, {"": {}}, "\ud83d\ude00",
          "../../etc"]  # fmt: skip
NAMES = [v for v in VALUES if isinstance(v, str)]
HUGE = 4_000_000  # bytes that a file of some hundred may take


def places(node, path=()):
    """The paths of all values within a JSON tree."""
    yield path
    items = node.items() if isinstance(node, dict) else enumerate(node) \
        if isinstance(node, list) else ()  # fmt: skip
    for key, value in items:
        yield from places(value, (*path, key))


def mutate(tree, draw):
    """A copy with some values replaced, removed, doubled or swapped."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw.choice([1, 1, 1, 2, 3, 6])):
        path = draw.choice([p for p in places(tree) if p])
        node = tree
        for key in path[:-1]:
            node = node[key]
        kind = draw.random()
        if kind < 0.6:
            node[path[-1]] = copy.deepcopy(draw.choice(VALUES))
        elif kind < 0.75:
            del node[path[-1]]
        elif isinstance(node, list):
            more = copy.deepcopy(draw.choice([*VALUES, node[path[-1]]]))
            node.insert(draw.randint(0, len(node)), more)
        else:
            node[draw.choice(NAMES)] = copy.deepcopy(node[path[-1]])
        if not tree:
            break
    return tree


def attempt(content):
    """Whether it loads; anything but a value or FormatError is what this looks for."""
    tracemalloc.start()
    try:
        fastnn.load(io.BytesIO(content))
        loaded = True
    except FormatError as error:
        assert str(error)
        loaded = False
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < HUGE
    return loaded


def foreign(header, data):
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


def tree_of(value):
    """The tree and the arrays of what save writes."""
    file = io.BytesIO()
    fastnn.save(value, file)
    content = file.getvalue()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    return json.loads(header["__metadata__"]["fastnn.tree"])


VALUE = {
    "weight": fastnn.arange(6.0).reshape(2, 3),
    "view": fastnn.arange(6.0).reshape(2, 3).T,
    "nested": [1, (2.5, "x", b"bytes", {3, 4}), {"n": None, 7: 2**70}],
    "array": np.arange(3),
}


@pytest.mark.timeout(36_000)
def test_trees(dump):
    draw = random.Random(SEED)
    tree, loaded = tree_of(VALUE), 0
    arrays = {
        name: _safetensors.Entry("F32", np.arange(6, dtype=np.float32))
        for name in ("weight", "view", "array", "a")
    }
    for _ in range(FILES):
        file = io.BytesIO()
        text = json.dumps(mutate(tree, draw))
        if draw.random() < 0.1:  # and as text
            at = draw.randrange(len(text))
            text = text[:at] + draw.choice('{}[]",:0eE-\\u') + text[at + draw.randint(0, 3) :]
        _safetensors.write(file, arrays, {"fastnn.format": "1", "fastnn.tree": text})
        loaded += attempt(file.getvalue())
    assert 0 < loaded < FILES


@pytest.mark.timeout(36_000)
def test_headers():
    draw = random.Random(SEED)
    header = {
        "__metadata__": {"format": "pt", "by": "somebody"},
        "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]},
        "b": {"dtype": "I64", "shape": [1], "data_offsets": [24, 32]},
        "c": {"dtype": "BOOL", "shape": [0, 5], "data_offsets": [32, 32]},
    }
    data, loaded = bytes(32), 0
    for _ in range(FILES):
        content = bytearray(foreign(mutate(header, draw), data))
        if draw.random() < 0.2:
            content[draw.randrange(len(content))] = draw.randrange(256)
        loaded += attempt(bytes(content))
    assert 0 < loaded < FILES
