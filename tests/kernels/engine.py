"""libfastnn through ctypes: NumPy arrays in, instructions run by the door, arrays out."""

import ctypes as C
import mmap
import os
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
lib = C.CDLL(os.environ.get("FASTNN_LIB", str(ROOT / "fastnn/lib/libfastnn.so")))

NAMES = ["float32", "float64", "int64", "int32", "uint8", "bool", "int8", "int16", "float16",
         "bfloat16"]
ERRORS = {1: ValueError, 2: TypeError, 3: RuntimeError, 4: IndexError, 5: MemoryError,
          6: NotImplementedError}
MAX_DIMS = 8


class _Tensor(C.Structure):
    _fields_ = [("storage", C.c_void_p), ("offset", C.c_int64), ("dtype", C.c_int8),
                ("layout", C.c_int8), ("ndim", C.c_int8), ("reserved", C.c_int8 * 5),
                ("size", C.c_int64 * MAX_DIMS), ("stride", C.c_int64 * MAX_DIMS)]


class _Value(C.Union):
    _fields_ = [("i", C.c_int64), ("f", C.c_double), ("p", C.c_void_p)]


class _Attr(C.Structure):
    _fields_ = [("v", _Value), ("n", C.c_int64)]


class _Call(C.Structure):
    _fields_ = [("op", C.c_int), ("nin", C.c_int), ("nout", C.c_int), ("in_", C.c_void_p),
                ("out", C.c_void_p), ("attr", C.c_void_p)]


_DELETER = C.CFUNCTYPE(None, C.c_void_p)
lib.fnn_storage_borrow.restype = C.c_void_p
lib.fnn_storage_borrow.argtypes = [C.c_void_p, C.c_int64, C.c_int, _DELETER, C.c_void_p]
lib.fnn_storage_release.argtypes = [C.c_void_p]
lib.fnn_tensor_release.argtypes = [C.c_void_p]
lib.fnn_last_error.restype = C.c_char_p
lib.fnn_op_find.argtypes = [C.c_char_p]
lib.fnn_op_signature.restype = C.c_char_p
lib.fnn_isa.restype = C.c_char_p
lib.fnn_isa_best.restype = C.c_char_p
lib.fnn_set_isa.argtypes = [C.c_char_p]
_keep = _DELETER(lambda ctx: None)
_LADDER = ["base", "avx2", "avx512"]
BEST = lib.fnn_isa_best().decode()
ISAS = _LADDER[: _LADDER.index(BEST) + 1] if BEST in _LADDER else ["base", BEST]


class Array:
    """A NumPy array as a tensor; dtype names the element type where NumPy has no such type."""

    def __init__(self, a, dtype=None):
        self.a = a
        self.dtype = NAMES.index(dtype or str(a.dtype))
        spans = [(n - 1) * s for n, s in zip(a.shape, a.strides, strict=True)] if a.size else [0]
        low = a.ctypes.data + sum(s for s in spans if s < 0)
        high = a.ctypes.data + sum(s for s in spans if s > 0) + (a.itemsize if a.size else 0)
        self.d = _Tensor(dtype=self.dtype, ndim=a.ndim)
        self.d.storage = lib.fnn_storage_borrow(low, high - low, 1, _keep, None)
        self.d.offset = a.ctypes.data - low
        for i in range(a.ndim):
            self.d.size[i] = a.shape[i]
            self.d.stride[i] = a.strides[i] // a.itemsize

    def __del__(self):
        lib.fnn_storage_release(self.d.storage)


def _wrap(x):
    return x if x is None or isinstance(x, Array) else Array(np.asarray(x))


def _attr(kind, value, keep):
    a = _Attr()
    if kind == "s":
        a.n = 2 if isinstance(value, (bool, np.bool_)) else int(isinstance(value, float))
        kind = "f" if a.n == 1 else "i"
    if kind in "ib":
        a.v.i = int(value)
    elif kind == "f":
        a.v.f = value
    else:
        ints = np.ascontiguousarray(value, np.int64 if kind == "I" else np.float64)
        keep.append(ints)
        a.v.p, a.n = ints.ctypes.data, ints.size
    return a


def _result(t):
    name = NAMES[t.dtype]
    item = np.dtype("uint16" if name == "bfloat16" else name)
    data = C.cast(t.storage, C.POINTER(C.c_void_p))[0]
    shape, stride = list(t.size[: t.ndim]), [s * item.itemsize for s in t.stride[: t.ndim]]
    if 0 in shape:
        return np.empty(shape, item)
    span = sum((n - 1) * s for n, s in zip(shape, stride, strict=True)) + item.itemsize
    raw = (C.c_char * span).from_address(data + t.offset)
    out = np.empty_like(np.ndarray(shape, item, raw, strides=stride), subok=False)
    out[...] = np.ndarray(shape, item, raw, strides=stride)
    return out


def run(op, *ins, out=None, nout=1, attrs=(), unwanted=()):
    """Run an instruction. out: arrays to write (a list, None for a fresh one); returns outputs.

    unwanted: numbers of optional outputs that are passed as NULL and come back as None.
    """
    code = lib.fnn_op_find(op.encode())
    signature = lib.fnn_op_signature(code).decode()
    kinds = [p.split(":")[1].strip() for p in signature.split(";")[1].split(",")] \
        if ";" in signature else []
    assert len(kinds) == len(attrs), signature
    keep = []
    ins = [_wrap(x) for x in ins]
    given = [_wrap(x) for x in (out if out is not None else [None] * nout)]
    slots = [g.d if g else _Tensor() for g in given]
    pin = (C.c_void_p * max(1, len(ins)))(*[C.addressof(x.d) if x else None for x in ins])
    pout = (C.c_void_p * max(1, len(slots)))(*[
        None if i in unwanted else C.addressof(s) for i, s in enumerate(slots)])
    pattr = (_Attr * max(1, len(attrs)))(*[_attr(k, v, keep) for k, v in zip(kinds, attrs,
                                                                 strict=True)])
    call = _Call(code, len(ins), len(slots), C.addressof(pin), C.addressof(pout),
                 C.addressof(pattr))
    status = lib.fnn_run(C.byref(call))
    if status:
        raise ERRORS[status](lib.fnn_last_error().decode())
    results = []
    for i, (g, s) in enumerate(zip(given, slots, strict=True)):
        if i in unwanted:
            results.append(None)
        elif g:
            results.append(g.a)
        else:
            results.append(_result(s))
            lib.fnn_tensor_release(C.byref(s))
    return results[0] if len(results) == 1 else results


def set_isa(name):
    assert lib.fnn_set_isa(name.encode()) == 0, lib.fnn_last_error()


def guarded(shape, dtype, at_end=True):
    """An array that ends at (or begins after) a page that must not be touched."""
    dtype = np.dtype(dtype)
    page = mmap.PAGESIZE
    n = int(np.prod(shape)) * dtype.itemsize
    body = -(-max(n, 1) // page) * page
    m = mmap.mmap(-1, body + 2 * page)
    base = C.addressof(C.c_char.from_buffer(m))
    protect = C.CDLL(None).mprotect
    protect.argtypes = [C.c_void_p, C.c_size_t, C.c_int]
    assert protect(base, page, 0) == 0 and protect(base + page + body, page, 0) == 0
    offset = page + (body - n if at_end else 0)
    return np.frombuffer(m, dtype, int(np.prod(shape)), offset).reshape(shape)
