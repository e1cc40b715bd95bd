"""libfastnn through ctypes: the runtime is tested without anything above it."""

import ctypes as c
import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path

PACKAGE = Path(importlib.util.find_spec("fastnn").submodule_search_locations[0])
LIBRARY = PACKAGE / "lib" / "libfastnn.so"
RANGE_FN = c.CFUNCTYPE(None, c.c_void_p, c.c_int64, c.c_int64, c.c_int)
PARALLEL_FN = c.CFUNCTYPE(
    None, c.c_void_p, c.c_int64, c.c_int64, c.c_int, RANGE_FN, c.c_void_p
)


class Stats(c.Structure):
    _fields_ = [(n, c.c_int64) for n in ("live", "blocks", "cached", "peak", "requests")]


class Storage(c.Structure):
    _fields_ = [
        ("data", c.c_void_p), ("nbytes", c.c_int64), ("serial", c.c_uint64),
        ("version", c.c_uint32), ("refcount", c.c_int32), ("deleter", c.c_void_p),
        ("ctx", c.c_void_p), ("writable", c.c_int32), ("reserved", c.c_int32),
    ]


class Tensor(c.Structure):
    _fields_ = [
        ("storage", c.POINTER(Storage)), ("offset", c.c_int64), ("dtype", c.c_int8),
        ("layout", c.c_int8), ("ndim", c.c_int8), ("reserved", c.c_int8 * 5),
        ("size", c.c_int64 * 8), ("stride", c.c_int64 * 8),
    ]


class Value(c.Union):
    _fields_ = [("i", c.c_int64), ("f", c.c_double), ("p", c.c_void_p)]


class Attr(c.Structure):
    _fields_ = [("v", Value), ("n", c.c_int64)]


class Call(c.Structure):
    _fields_ = [
        ("op", c.c_int), ("nin", c.c_int), ("nout", c.c_int),
        ("in_", c.POINTER(c.POINTER(Tensor))), ("out", c.POINTER(c.POINTER(Tensor))),
        ("attr", c.POINTER(Attr)),
    ]


lib = c.CDLL(str(LIBRARY))
lib.fnn_storage_new.restype = c.POINTER(Storage)
lib.fnn_storage_new.argtypes = [c.c_int64]
lib.fnn_storage_release.argtypes = [c.POINTER(Storage)]
lib.fnn_storage_release.restype = None
lib.fnn_memory_set_cache_limit.argtypes = [c.c_int64]
lib.fnn_memory_fail_at.argtypes = [c.c_int64]
for name in ("fnn_build", "fnn_last_error", "fnn_parallel_backend", "fnn_isa", "fnn_isa_best",
             "fnn_op_name", "fnn_op_signature"):
    getattr(lib, name).restype = c.c_char_p
OPENMP = lib.fnn_build().endswith(b", OpenMP")
lib.fnn_tensor_numel.restype = c.c_int64
lib.fnn_op_find.argtypes = [c.c_char_p]
lib.fnn_parallel_for.argtypes = [c.c_int64, c.c_int64, RANGE_FN, c.c_void_p]
lib.fnn_parallel_for.restype = None
lib.fnn_set_parallel_backend.argtypes = [c.c_void_p, c.c_void_p]


def stats() -> Stats:
    s = Stats()
    lib.fnn_memory_get_stats(c.byref(s))
    return s


def tensor(dtype: int, *size: int) -> Tensor:
    """A new uninitialised tensor."""
    t = Tensor()
    assert lib.fnn_tensor_empty(c.byref(t), dtype, len(size), (c.c_int64 * 8)(*size)) == 0, error()
    return t


def view(t: Tensor, ctype: type):
    """The elements of a contiguous tensor as a ctypes array."""
    n = lib.fnn_tensor_numel(c.byref(t))
    return (ctype * n).from_address(t.storage.contents.data + t.offset)


def run(name: str, inputs: list, outputs: list, *attrs) -> int:
    """One instruction; a Python float, int or bool in attrs becomes an attribute."""
    pointers = c.POINTER(Tensor)
    ins = (pointers * max(1, len(inputs)))(*[t and c.pointer(t) for t in inputs])
    outs = (pointers * max(1, len(outputs)))(*[t and c.pointer(t) for t in outputs])
    table = (Attr * max(1, len(attrs)))()
    for slot, value in zip(table, attrs, strict=False):
        if isinstance(value, float):
            slot.v.f = value
        else:
            slot.v.i = int(value)
    call = Call(lib.fnn_op_find(name.encode()), len(inputs), len(outputs), ins, outs, table)
    return lib.fnn_run(c.byref(call))


def error() -> str:
    return lib.fnn_last_error().decode()


def python(code: str, timeout: float = 60, **env: str) -> str:
    """Run code in a fresh interpreter that has imported everything of this module."""
    head = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\nfrom native import *\n"
    path = os.pathsep.join([str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(code)],
        env={**os.environ, "PYTHONPATH": path, **env}, timeout=timeout, capture_output=True,
        text=True, check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()
