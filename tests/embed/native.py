"""The raw functions of fastnn.h by ctypes, on NumPy arrays."""

import ctypes as c
import re

import numpy as np

import fastnn
from tests.embed.programs import ROOT

lib = c.CDLL(f"{fastnn.get_lib()}/libfastnn.so")
lib.fnn_last_error.restype = c.c_char_p
lib.fnn_op_find.argtypes = [c.c_char_p]
lib.fnn_memory_fail_at.argtypes = [c.c_int64]
DTYPES = {np.dtype(np.float32): 0, np.dtype(np.float64): 1, np.dtype(np.int64): 2}
ERRORS = {1: ValueError, 2: TypeError, 3: RuntimeError, 4: IndexError, 5: MemoryError,
          6: NotImplementedError}  # fmt: skip
KINDS = {"int64_t": c.c_int64, "int": c.c_int, "double": c.c_double, "fnn_op": c.c_int,
         "fnn_dtype": c.c_int}  # fmt: skip


def declared():
    """Name -> ctypes argument types, read off the header."""
    text = re.sub(r"/\*.*?\*/", " ", (ROOT / "csrc/include/fastnn.h").read_text(), flags=re.S)
    for name, arguments in re.findall(r"fnn_status (fnn_raw_\w+)\(([^)]*)\)", text):
        yield name, [c.c_void_p if "*" in a else KINDS[a.split()[0]] for a in arguments.split(",")]


for _name, _types in declared():
    getattr(lib, _name).argtypes = _types


class Stats(c.Structure):
    _fields_ = [(n, c.c_int64) for n in ("live", "blocks", "cached", "peak", "requests")]


def live_blocks():
    stats = Stats()
    lib.fnn_memory_get_stats(c.byref(stats))
    return stats.blocks


def pointer(value):
    if isinstance(value, np.ndarray):
        return value.ctypes.data
    if isinstance(value, (list, tuple)):
        return c.cast((c.c_int64 * len(value))(*value), c.c_void_p)
    return value


def raw(name, *arguments):
    """fnn_raw_<name>; a failure is raised as Python's own kind of it."""
    before = live_blocks()
    kept = [pointer(a) for a in arguments]
    status = getattr(lib, f"fnn_raw_{name}")(*kept)
    assert live_blocks() == before
    if status:
        raise ERRORS[status](lib.fnn_last_error().decode())


class Attr(c.Structure):
    _fields_ = [("f", c.c_double), ("n", c.c_int64)]


def numbers(*values):
    """Attributes that are real numbers."""
    return c.cast((Attr * len(values))(*[Attr(v, 0) for v in values]), c.c_void_p)


def op(name):
    return lib.fnn_op_find(name.encode())
