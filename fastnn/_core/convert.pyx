"""Tensors from and to what is not one: numbers, sequences, arrays, buffers, pickles."""

from cpython.buffer cimport (PyBUF_FORMAT, PyBUF_STRIDES, PyBuffer_Release, PyObject_GetBuffer)
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t

from .dtypes cimport as_dtype, default_code, device, dtype_of
from .fnn cimport (FNN_BF16, FNN_BOOL, FNN_ENOMEM, FNN_F16, FNN_F32, FNN_F64, FNN_I8, FNN_I16,
                   FNN_I32, FNN_I64, FNN_U8, fnn_dtype_size, fnn_storage, fnn_storage_borrow,
                   fnn_storage_release, fnn_tensor_data, fnn_tensor_view)
from .status cimport raise_status
from .tensor cimport Tensor, alias, empty_tensor, is_float, slots, wants
from .status import DTypeError
from .tensor import make_subclass, register

import numpy as np


# ------------------------------------------------------------------ from buffers

cdef void release_buffer(void *p) noexcept with gil:
    PyBuffer_Release(<Py_buffer *>p)
    PyMem_Free(p)


cdef dict _codes = {"f": FNN_F32, "d": FNN_F64, "b": FNN_I8, "B": FNN_U8, "h": FNN_I16,
                    "i": FNN_I32, "q": FNN_I64, "?": FNN_BOOL, "e": FNN_F16, "l": FNN_I64}


cdef Tensor from_array(object array):
    """A tensor over the memory of an object with the buffer protocol (a NumPy array)."""
    cdef Py_buffer *buf = <Py_buffer *>PyMem_Malloc(sizeof(Py_buffer))
    cdef Tensor y
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int64_t low = 0, high = 0, n = 1, item
    cdef fnn_storage *s
    if buf == NULL:
        raise MemoryError
    try:
        PyObject_GetBuffer(array, buf, PyBUF_STRIDES | PyBUF_FORMAT)
    except BaseException:
        PyMem_Free(buf)
        raise
    try:
        fmt = (buf.format or b"B").decode().lstrip("=<@")
        code = _codes.get(fmt)
        if code is None or fnn_dtype_size(code) != buf.itemsize:
            raise TypeError(f"cannot make a tensor of {getattr(array, 'dtype', fmt)} elements")
        if buf.ndim > 8:
            raise ValueError(f"{buf.ndim} dimensions; a tensor has at most 8")
        item = buf.itemsize
        for i in range(buf.ndim):
            size[i] = buf.shape[i]
            n *= size[i]
            if buf.strides[i] % item:
                raise ValueError("from_numpy: strides must be multiples of the element size")
            stride[i] = buf.strides[i] // item
            if size[i] > 1:
                if stride[i] < 0:
                    low += (size[i] - 1) * stride[i]
                else:
                    high += (size[i] - 1) * stride[i]
        if n == 0:
            low = high = 0
        s = fnn_storage_borrow(<char *>buf.buf + low * item,
                               (high - low + 1) * item if n else 0, not buf.readonly,
                               release_buffer, buf)
        if s == NULL:
            raise_status(FNN_ENOMEM)
    except BaseException:
        release_buffer(buf)
        raise
    y = Tensor.__new__(Tensor)
    try:
        raise_status(fnn_tensor_view(&y.t, s, -low * item, code, buf.ndim, size, stride))
    finally:
        fnn_storage_release(s)
    return y


# ------------------------------------------------------------------ from values

def _to_array(data, copy):
    """A C-contiguous NumPy array of data, in native byte order."""
    a = np.array(data) if copy else np.asarray(data)
    if a.dtype == object:
        raise DTypeError(f"cannot make a tensor of {type(data).__name__}: {data!r:.60}")
    if a.dtype.kind not in "fiub":
        raise TypeError(f"cannot make a tensor of {a.dtype} elements")
    if a.dtype.kind == "u" and a.dtype.itemsize > 1:
        a = a.astype(np.int64)
    if not a.dtype.isnative:
        a = a.astype(a.dtype.newbyteorder("="))
    return a


cdef Tensor scalar_tensor(object v, int code):
    cdef Tensor y = empty_tensor(code, 0, NULL)
    cdef void *p = fnn_tensor_data(&y.t)
    if code == FNN_F32:
        (<float *>p)[0] = <float><double>v
    elif code == FNN_F64:
        (<double *>p)[0] = v
    elif code == FNN_I64:
        (<int64_t *>p)[0] = v
    elif code == FNN_BOOL:
        (<unsigned char *>p)[0] = 1 if v else 0
    else:
        return from_array(np.array(v, dtype=dtype_of(code).name))
    return y


def tensor(data, *, dtype=None, device=None, bint requires_grad=False, bint pin_memory=False):
    """A new leaf tensor that copies data (numbers, nested sequences, arrays, tensors).

    Python floats become the default dtype, ints int64, bools bool; arrays keep their dtype.
    Raises TypeError for data that is not numeric, ValueError for ragged sequences.
    """
    cdef Tensor y
    cdef int code = -1 if dtype is None else as_dtype(dtype).code
    check_device(device)
    kind = type(data)
    if kind is float or kind is int or kind is bool:
        if code < 0:
            code = default_code() if kind is float else FNN_I64 if kind is int else FNN_BOOL
        y = scalar_tensor(data, code)
    else:
        if isinstance(data, Tensor):
            data = (<Tensor>data).detach().numpy() if (<Tensor>data).t.dtype != FNN_BF16 else data
            if isinstance(data, Tensor):
                return data.detach().clone().to(dtype=dtype).requires_grad_(requires_grad)
            array = _to_array(data, True)
        else:
            array = _to_array(data, True)
            if code < 0 and not isinstance(data, (np.ndarray, np.generic)):
                if array.size == 0 and array.dtype == np.float64:
                    code = default_code()
                elif array.dtype == np.float64 and not _holds_float64(data):
                    code = default_code()
        if code >= 0 and code != FNN_BF16 and array.dtype.name != dtype_of(code).name:
            array = array.astype(dtype_of(code).name)
        y = own(array)
        if code == FNN_BF16:
            y = y.to(dtype=dtype_of(code))
    if requires_grad:
        y.requires_grad_(True)
    return y


cdef Tensor uninitialised(int code, sizes):
    cdef int64_t size[8]
    if len(sizes) > 8:
        raise ValueError(f"{len(sizes)} dimensions; a tensor has at most 8")
    for i in range(len(sizes)):
        size[i] = sizes[i]
    return empty_tensor(code, <int>len(sizes), size)


cdef bint _holds_float64(object data):
    """Whether a nested sequence is made of float64 arrays, scalars or tensors."""
    while isinstance(data, (list, tuple)) and len(data):
        data = data[0]
    if isinstance(data, Tensor):
        return (<Tensor>data).t.dtype == FNN_F64
    return isinstance(data, (np.ndarray, np.float64)) and not isinstance(data, float)


cdef Tensor own(object array):
    """A tensor with storage of its own and array's elements."""
    cdef Tensor src = from_array(array)
    cdef Tensor y = empty_tensor(src.t.dtype, src.t.ndim, src.t.size)
    np.asarray(y)[...] = array
    return y


def check_device(d):
    """Raise RuntimeError unless d is None or a CPU device."""
    if d is not None and not isinstance(d, device):
        device(d)


def from_numpy(array):
    """A tensor that shares memory with a NumPy array. Raises TypeError for other objects."""
    if not isinstance(array, np.ndarray):
        raise TypeError(f"from_numpy: expected np.ndarray, got {type(array).__name__}")
    return from_array(array)


def as_tensor(data, dtype=None, device=None):
    """data as a tensor, sharing memory with it where it can (tensors, NumPy arrays)."""
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(dtype=dtype)
    if isinstance(data, np.ndarray) and (
            dtype is None or data.dtype.name == as_dtype(dtype).name):
        if data.dtype.isnative and not (data.dtype.kind == "u" and data.dtype.itemsize > 1):
            return from_array(data)
    return tensor(data, dtype=dtype)


cdef Tensor as_tensor_like(object value, Tensor like):
    """value as a tensor; a Python or NumPy scalar takes like's dtype within its category."""
    if isinstance(value, Tensor):
        return <Tensor>value
    if isinstance(value, (np.ndarray, np.generic)):
        return as_tensor(np.asarray(value))
    if isinstance(value, (list, tuple)):
        raise TypeError(f"expected a tensor or a number, got {type(value).__name__}")
    if isinstance(value, float) and not is_float(like):
        return scalar_tensor(value, default_code())
    if isinstance(value, int) and not isinstance(value, bool) and like.t.dtype == FNN_BOOL:
        return scalar_tensor(value, FNN_I64)
    return scalar_tensor(value, like.t.dtype)


cdef Tensor construct(tuple args, object dtype, object device):
    """What Tensor(data) or Tensor(*sizes) shares its memory with."""
    cdef int code
    check_device(device)
    code = default_code() if dtype is None else as_dtype(dtype).code
    if len(args) == 1 and not isinstance(args[0], int):
        return args[0] if isinstance(args[0], Tensor) else tensor(args[0], dtype=dtype_of(code))
    return uninitialised(code, args if args else (0,))


slots.construct = construct


# ------------------------------------------------------------------ to arrays

def tolist(Tensor self not None):
    """The elements as nested lists, or one number."""
    if self.t.ndim == 0:
        return self.item()
    return self._array().tolist()


def _array(Tensor self not None):
    """A NumPy array over this memory, history ignored; bfloat16 as a float32 copy."""
    cdef Tensor plain = alias(self)
    if self.t.dtype == FNN_BF16:
        plain = plain.to(dtype=dtype_of(FNN_F32))
    return np.asarray(memoryview(plain))


def numpy(Tensor self not None, *, bint force=False):
    """A NumPy array that shares this memory. Raises RuntimeError if it requires grad."""
    if force:
        return self._array()
    if wants(self):
        raise RuntimeError("can't call numpy() on a tensor that requires grad; use "
                           "tensor.detach().numpy()")
    if self.t.dtype == FNN_BF16:
        raise TypeError("NumPy has no bfloat16; use tensor.float().numpy()")
    return np.asarray(memoryview(self))


def __array__(Tensor self not None, dtype=None, copy=None):
    if wants(self):
        raise RuntimeError("can't call numpy() on a tensor that requires grad; use "
                           "tensor.detach().numpy()")
    a = self._array()
    if dtype is not None and a.dtype != dtype:
        return a.astype(dtype)
    return a.copy() if copy else a


def __array_wrap__(Tensor self not None, array, context=None, return_scalar=False):
    return as_tensor(np.asarray(array))


# ------------------------------------------------------------------ copies and pickles

def __copy__(Tensor self not None):
    return make_subclass(type(self), self, wants(self) and self.fn is None)


def __deepcopy__(Tensor self not None, memo):
    """A copy with memory of its own. Raises RuntimeError for a tensor with history."""
    cdef Tensor made
    if id(self) in memo:
        return memo[id(self)]
    if wants(self) and self.fn is not None:
        raise RuntimeError("only leaf tensors can be deepcopied; detach() it first")
    made = alias(self).clone()
    made.req = self.req
    if self.gradient is not None:
        made.gradient = self.gradient.__deepcopy__(memo)
    memo[id(self)] = made
    return made


def __reduce_ex__(Tensor self not None, protocol):
    if wants(self) and self.fn is not None:
        raise RuntimeError("only leaf tensors can be pickled; detach() it first")
    if self.t.dtype == FNN_BF16:
        return _unpickle, (alias(self).view(dtype_of(FNN_I16)).numpy().copy(), bool(self.req),
                           dtype_of(FNN_BF16))
    return _unpickle, (np.ascontiguousarray(self._array()).reshape(self.shape),
                       bool(self.req), None)


def _unpickle(array, requires_grad, reinterpret):
    """A leaf with array's values. For pickle."""
    cdef Tensor y = own(array)
    if reinterpret is not None:
        y = y.view(reinterpret)
        y.base = None
    y.req = requires_grad
    return y


for _f in (tolist, _array, numpy, __array__, __array_wrap__, __copy__, __deepcopy__, __reduce_ex__):
    register(_f.__name__, _f)
