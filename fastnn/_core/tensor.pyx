"""Tensor: a descriptor, its storage, and its place on the tape.

This module knows memory and geometry. What differentiates is in tape.pyx; what computes is in
ops/. Methods of Tensor that need an op are registered by the module that defines the op.
"""

cimport cython
from cpython.buffer cimport (PyBUF_FORMAT, PyBUF_STRIDES, PyBUF_WRITABLE, PyBuffer_Release,
                             PyObject_GetBuffer)
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_INCREF

from .dtypes cimport as_dtype, default_code, device, dtype, dtype_of
from .fnn cimport (FNN_ABI_VERSION, fnn_abi_version, fnn_check_environment,
                   FNN_BOOL, FNN_EINDEX, FNN_ENOMEM, FNN_ENOTIMPL, FNN_ETYPE, FNN_EVALUE, FNN_F32,
                   FNN_F64, FNN_I8, FNN_I16, FNN_I32, FNN_I64, FNN_OK, FNN_U8, FNN_BF16, FNN_F16,
                   fnn_context_current, fnn_dtype, fnn_dtype_size, fnn_last_error,
                   fnn_storage_borrow, fnn_storage_release, fnn_storage_retain, fnn_tensor_data,
                   fnn_tensor_empty, fnn_tensor_is_contiguous, fnn_tensor_release,
                   fnn_tensor_view)

import numpy as np

cdef extern from "Python.h":
    void PyTuple_SET_ITEM(object, Py_ssize_t, object)


class Size(tuple):
    """The shape of a tensor: a tuple of ints."""

    __slots__ = ()

    def numel(self):
        """Number of elements: the product of the sizes."""
        n = 1
        for s in self:
            n *= s
        return n

    def __repr__(self):
        return f"fastnn.Size({list(self)})"

    def __getitem__(self, i):
        got = tuple.__getitem__(self, i)
        return Size(got) if isinstance(i, slice) else got

    def __add__(self, other):
        return Size(tuple.__add__(self, other))

    def __reduce__(self):
        return Size, (tuple(self),)


cdef extern from *:
    """
    /* A tuple subclass of n empty slots, without the constructor's detour. */
    static PyObject *fnn_new_tuple(PyObject *type, Py_ssize_t n) {
      return ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, n);
    }
    static int fnn_set_method(PyObject *type, PyObject *name, PyObject *function) {
      int failed = PyDict_SetItem(((PyTypeObject *)type)->tp_dict, name, function);
      PyType_Modified((PyTypeObject *)type);
      return failed;
    }
    /* struct module codes by fnn_dtype; bfloat16 has none and is refused before it is looked up */
    static char *const fnn_formats[] = {"f", "d", "q", "i", "B", "?", "b", "h", "e", "H"};
    """
    object fnn_new_tuple(object type, Py_ssize_t n)
    int fnn_set_method(object type, object name, object function) except -1
    char **fnn_formats


cdef object _size_type = Size


cdef object size_tuple(int n, const int64_t *v):
    cdef object out = fnn_new_tuple(_size_type, n)
    cdef object item  # typed: were it inferred to be an int64_t, each use would be a new object
    cdef int i
    for i in range(n):
        item = v[i]
        Py_INCREF(item)
        PyTuple_SET_ITEM(out, i, item)
    return out


cdef object no_binary(object a, object b):
    return NotImplemented


cdef object no_unary(Tensor a):
    raise TypeError("the operator is not defined for tensors")


cdef int no_setitem(Tensor a, object index, object value) except -1:
    raise TypeError("the operator is not defined for tensors")


cdef int no_refresh(Tensor a) except -1:
    return 0


cdef Slots slots
slots.add = slots.sub = slots.mul = slots.truediv = slots.floordiv = slots.mod = no_binary
slots.pow = slots.matmul = slots.and_ = slots.or_ = slots.xor = no_binary
slots.lshift = slots.rshift = slots.iadd = slots.isub = slots.imul = no_binary
slots.itruediv = slots.ifloordiv = slots.imod = slots.ipow = no_binary
slots.iand = slots.ior = slots.ixor = slots.getitem = no_binary
slots.neg = slots.abs = slots.invert = no_unary
slots.setitem = no_setitem
slots.refresh = no_refresh
for _i in range(6):
    slots.compare[_i] = no_binary


cdef fnn_context *ctx() noexcept:
    return fnn_context_current()


# ------------------------------------------------------------------ the door

_exceptions = {FNN_EVALUE: ValueError, FNN_ETYPE: TypeError, FNN_EINDEX: IndexError,
               FNN_ENOMEM: MemoryError, FNN_ENOTIMPL: NotImplementedError}


cdef int raise_status(fnn_status st) except -1:
    if st == FNN_OK:
        return 0
    message = fnn_last_error().decode("utf-8", "replace")
    raise _exceptions.get(st, RuntimeError)(message)


if fnn_abi_version() != FNN_ABI_VERSION:
    raise ImportError(f"fastnn was built for version {FNN_ABI_VERSION} of libfastnn's interface, "
                      f"but the libfastnn found has version {fnn_abi_version()}")
raise_status(fnn_check_environment())


cdef enum:
    # Elements above which other Python threads may run meanwhile (giving up the GIL costs 30 ns).
    RELEASE_ABOVE = 16384


cdef int door(fnn_call *c, bint release_gil) except -1:
    cdef fnn_status st
    if release_gil:
        with nogil:
            st = fnn_run(c)
    else:
        st = fnn_run(c)
    if st != FNN_OK:
        raise_status(st)
    return 0


cdef fnn_attr attr_i(int64_t v) noexcept:
    cdef fnn_attr a
    a.v.i = v
    a.n = 0
    return a


cdef fnn_attr attr_f(double v) noexcept:
    cdef fnn_attr a
    a.v.f = v
    a.n = 0
    return a


cdef fnn_attr attr_ints(const int64_t *v, int64_t n) noexcept:
    cdef fnn_attr a
    a.v.ints = v
    a.n = n
    return a


cdef fnn_attr attr_scalar(object v) except *:
    cdef fnn_attr a
    if type(v) is float:
        a.v.f = v
        a.n = 1
    elif type(v) is bool:
        a.v.i = v
        a.n = 2
    elif isinstance(v, int) or hasattr(v, "__index__"):
        a.v.i = v
        a.n = 0
    else:
        a.v.f = float(v)
        a.n = 1
    return a


cdef inline const fnn_tensor *desc(Tensor a) noexcept:
    return NULL if a is None else &a.t


cdef inline bint large(Tensor a) noexcept:
    return a is not None and fnn_tensor_numel(&a.t) > RELEASE_ABOVE


cdef Tensor run1(fnn_op op, Tensor a, const fnn_attr *attr=NULL):
    """A new tensor: op(a)."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[1]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a)
    outs[0] = &y.t
    c.op = op; c.nin = 1; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, large(a))
    return y


cdef Tensor run2(fnn_op op, Tensor a, Tensor b, const fnn_attr *attr=NULL):
    """A new tensor: op(a, b); None stands for an operand that is absent."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[2]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a); ins[1] = desc(b)
    outs[0] = &y.t
    c.op = op; c.nin = 2; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, large(a) or large(b))
    return y


cdef Tensor run3(fnn_op op, Tensor a, Tensor b, Tensor d, const fnn_attr *attr=NULL):
    """A new tensor: op(a, b, d)."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef const fnn_tensor *ins[3]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a); ins[1] = desc(b); ins[2] = desc(d)
    outs[0] = &y.t
    c.op = op; c.nin = 3; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    door(&c, large(a) or large(b) or large(d))
    return y


cdef Tensor run_into(fnn_op op, Tensor out, Tensor a, Tensor b=None, Tensor d=None,
                     const fnn_attr *attr=NULL):
    """out[...] = op(a, b, d) in out's memory; trailing operands may be absent."""
    cdef const fnn_tensor *ins[3]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    ins[0] = desc(a); ins[1] = desc(b); ins[2] = desc(d)
    outs[0] = &out.t
    c.op = op; c.nout = 1; c.ins = ins; c.out = outs; c.attr = attr
    c.nin = 3 if d is not None else 2 if b is not None else 1 if a is not None else 0
    door(&c, large(out))
    return out


cdef enum:
    MANY = 64  # operands that fit on the stack


cdef int call_lists(fnn_op op, list ins, list outs, const fnn_attr *attr) except -1:
    cdef const fnn_tensor *few_in[MANY]
    cdef fnn_tensor *few_out[MANY]
    cdef const fnn_tensor **pin = few_in
    cdef fnn_tensor **pout = few_out
    cdef fnn_call c
    cdef Py_ssize_t i
    cdef Tensor a
    cdef bint big = False
    c.op = op; c.nin = <int>len(ins); c.nout = <int>len(outs); c.attr = attr
    if c.nin > MANY:
        pin = <const fnn_tensor **>PyMem_Malloc(c.nin * sizeof(void *))
    if c.nout > MANY:
        pout = <fnn_tensor **>PyMem_Malloc(c.nout * sizeof(void *))
    try:
        if pin == NULL or pout == NULL:
            raise MemoryError
        for i in range(c.nin):
            a = <Tensor?>ins[i] if ins[i] is not None else None
            pin[i] = desc(a)
            big = big or large(a)
        for i in range(c.nout):
            a = <Tensor?>outs[i] if outs[i] is not None else None
            pout[i] = NULL if a is None else &a.t
            big = big or (a is not None and a.t.storage != NULL and large(a))
        c.ins = pin
        c.out = pout
        door(&c, big)
    finally:
        if pin != few_in:
            PyMem_Free(pin)
        if pout != few_out:
            PyMem_Free(pout)
    return 0


cdef list run_many(fnn_op op, list ins, int nout, const fnn_attr *attr=NULL):
    """nout new tensors: op(*ins); None in ins stands for an absent operand."""
    cdef list outs = [Tensor.__new__(Tensor) for _ in range(nout)]
    call_lists(op, ins, outs, attr)
    return outs


cdef int run_given(fnn_op op, list ins, list outs, const fnn_attr *attr=NULL) except -1:
    """op(*ins) into the given tensors; a None in outs is an output that is not wanted."""
    return call_lists(op, ins, outs, attr)


# ------------------------------------------------------------------ making tensors

cdef bint is_float(Tensor a) noexcept:
    return a.t.dtype == FNN_F32 or a.t.dtype == FNN_F64


cdef Tensor empty_tensor(int code, int ndim, const int64_t *size):
    cdef Tensor y = Tensor.__new__(Tensor)
    raise_status(fnn_tensor_empty(&y.t, <fnn_dtype>code, ndim, size))
    return y


cdef Tensor alias(Tensor a):
    cdef Tensor y = Tensor.__new__(Tensor)
    y.t = a.t
    fnn_storage_retain(y.t.storage)
    return y


cdef Tensor view_of(Tensor a, int64_t offset, int ndim, const int64_t *size,
                    const int64_t *stride):
    """A view of a's storage; offset in bytes. The geometry is checked. No history."""
    cdef Tensor y = Tensor.__new__(Tensor)
    raise_status(fnn_tensor_view(&y.t, a.t.storage, offset, <fnn_dtype>a.t.dtype, ndim, size,
                                 stride))
    y.base = a if a.base is None else a.base
    y.view_version = y.t.storage.version
    return y


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


cdef int _narrow_code(object array) except -2:
    """The dtype that a new tensor of this array's elements has by default; -1: its own."""
    return default_code() if array.dtype == np.float64 else -1


def _to_array(data, copy):
    """A C-contiguous NumPy array of data, in native byte order."""
    a = np.array(data) if copy else np.asarray(data)
    if a.dtype == object:
        raise TypeError(f"cannot make a tensor of {type(data).__name__}: {data!r:.60}")
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


def make_subclass(cls, Tensor data not None, bint requires_grad=False):
    """A leaf of a subclass of Tensor that shares data's memory."""
    cdef Tensor y = Tensor.__new__(cls)
    y.t = data.t
    fnn_storage_retain(y.t.storage)
    if requires_grad:
        y.requires_grad_(True)
    return y


# ------------------------------------------------------------------ Tensor

def register(name, function):
    """Make function the method `name` of Tensor. For the op modules."""
    fnn_set_method(Tensor, name, function)


@cython.freelist(256)
@cython.c_api_binop_methods(True)
cdef class Tensor:
    """A strided, typed array with an optional gradient; the value that ops take and give."""

    def __init__(self, *args, dtype=None, device=None):
        """The legacy constructor: Tensor(data), or Tensor(*sizes) with undefined values."""
        cdef Tensor made
        check_device(device)
        code = default_code() if dtype is None else as_dtype(dtype).code
        if len(args) == 1 and not isinstance(args[0], int):
            made = args[0] if isinstance(args[0], Tensor) else tensor(args[0],
                                                                      dtype=dtype_of(code))
            made = alias(made)
        else:
            made = uninitialised(code, args if args else (0,))
        fnn_storage_retain(made.t.storage)
        fnn_storage_release(self.t.storage)
        self.t = made.t

    def __dealloc__(self):
        if self.t.storage != NULL:
            fnn_storage_release(self.t.storage)

    # -------------------------------------------------- geometry
    @property
    def shape(self):
        return size_tuple(self.t.ndim, self.t.size)

    def size(self, dim=None):
        """The shape, or the size of one dimension."""
        if dim is None:
            return size_tuple(self.t.ndim, self.t.size)
        return self.t.size[wrap_dim(dim, self.t.ndim)]

    def stride(self, dim=None):
        """The strides in elements, or the stride of one dimension."""
        if dim is None:
            return tuple([self.t.stride[i] for i in range(self.t.ndim)])
        return self.t.stride[wrap_dim(dim, self.t.ndim)]

    @property
    def ndim(self):
        return self.t.ndim

    def dim(self):
        """Number of dimensions."""
        return self.t.ndim

    ndimension = dim

    def numel(self):
        """Number of elements."""
        return fnn_tensor_numel(&self.t)

    nelement = numel

    def __len__(self):
        if self.t.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self.t.size[0]

    def element_size(self):
        """Bytes of one element."""
        return fnn_dtype_size(<fnn_dtype>self.t.dtype)

    @property
    def itemsize(self):
        return fnn_dtype_size(<fnn_dtype>self.t.dtype)

    @property
    def nbytes(self):
        return fnn_tensor_numel(&self.t) * fnn_dtype_size(<fnn_dtype>self.t.dtype)

    def storage_offset(self):
        """Distance in elements from the start of the storage to the first element."""
        return self.t.offset // fnn_dtype_size(<fnn_dtype>self.t.dtype)

    def data_ptr(self):
        """Address of the first element."""
        return <size_t>fnn_tensor_data(&self.t)

    def is_contiguous(self, memory_format=None):
        """Whether the elements lie in memory in the order of the given format."""
        if memory_format is None or memory_format.name == "contiguous_format":
            return bool(fnn_tensor_is_contiguous(&self.t))
        return is_channels_last(&self.t, memory_format.name)

    def is_set_to(self, Tensor tensor not None):
        """Whether both have the same memory and geometry."""
        return (self.t.storage == tensor.t.storage and self.t.offset == tensor.t.offset
                and self.shape == tensor.shape and self.stride() == tensor.stride())

    @property
    def dtype(self):
        return dtype_of(self.t.dtype)

    @property
    def device(self):
        return _cpu

    @property
    def layout(self):
        return "fastnn.strided"

    @property
    def is_cuda(self):
        return False

    @property
    def is_sparse(self):
        return False

    @property
    def is_quantized(self):
        return False

    def is_floating_point(self):
        """Whether the dtype is a floating-point one."""
        return dtype_of(self.t.dtype).is_floating_point

    def is_complex(self):
        """False: there are no complex dtypes."""
        return False

    def get_device(self):
        """-1, the number of the CPU."""
        return -1

    # -------------------------------------------------- values
    def item(self):
        """The one element as a Python number. Raises RuntimeError for other sizes."""
        cdef const void *p
        if fnn_tensor_numel(&self.t) != 1:
            raise RuntimeError(f"a tensor with {self.numel()} elements cannot be converted to a "
                               "scalar")
        p = fnn_tensor_data(&self.t)
        if self.t.dtype == FNN_F32:
            return (<const float *>p)[0]
        if self.t.dtype == FNN_F64:
            return (<const double *>p)[0]
        if self.t.dtype == FNN_I64:
            return (<const int64_t *>p)[0]
        if self.t.dtype == FNN_BOOL:
            return (<const unsigned char *>p)[0] != 0
        if self.t.dtype == FNN_BF16:
            return self.to(dtype=dtype_of(FNN_F32)).item()
        return np.asarray(memoryview(self)).item()

    def tolist(self):
        """The elements as nested lists, or one number."""
        if self.t.ndim == 0:
            return self.item()
        return self._array().tolist()

    def _array(self):
        """A NumPy array over this memory, history ignored; bfloat16 as a float32 copy."""
        cdef Tensor plain = alias(self)
        if self.t.dtype == FNN_BF16:
            plain = plain.to(dtype=dtype_of(FNN_F32))
        return np.asarray(memoryview(plain))

    def numpy(self, *, bint force=False):
        """A NumPy array that shares this memory. Raises RuntimeError if it requires grad."""
        if force:
            return self._array()
        if wants(self):
            raise RuntimeError("can't call numpy() on a tensor that requires grad; use "
                               "tensor.detach().numpy()")
        if self.t.dtype == FNN_BF16:
            raise TypeError("NumPy has no bfloat16; use tensor.float().numpy()")
        return np.asarray(memoryview(self))

    def __array__(self, dtype=None, copy=None):
        if wants(self):
            raise RuntimeError("can't call numpy() on a tensor that requires grad; use "
                               "tensor.detach().numpy()")
        a = self._array()
        if dtype is not None and a.dtype != dtype:
            return a.astype(dtype)
        return a.copy() if copy else a

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return as_tensor(np.asarray(array))

    @property
    def __array_priority__(self):
        return 1000

    def __getbuffer__(self, Py_buffer *buf, int flags):
        cdef int i, n = self.t.ndim
        cdef Py_ssize_t item = fnn_dtype_size(<fnn_dtype>self.t.dtype)
        if wants(self):
            raise BufferError("can't export a tensor that requires grad; use tensor.detach()")
        if self.t.dtype == FNN_BF16:
            raise BufferError("the buffer protocol has no bfloat16")
        if (flags & PyBUF_WRITABLE) and not self.t.storage.writable:
            raise BufferError("the tensor's memory is read-only")
        if (flags & PyBUF_STRIDES) != PyBUF_STRIDES and not fnn_tensor_is_contiguous(&self.t):
            raise BufferError("the tensor is not contiguous")
        for i in range(n):
            self.buffer_shape[i] = self.t.size[i]
            self.buffer_shape[8 + i] = self.t.stride[i] * item
        buf.buf = fnn_tensor_data(&self.t)
        buf.obj = self
        buf.len = fnn_tensor_numel(&self.t) * item
        buf.itemsize = item
        buf.readonly = not self.t.storage.writable
        buf.ndim = n
        buf.format = fnn_formats[self.t.dtype]
        buf.shape = self.buffer_shape
        buf.strides = self.buffer_shape + 8
        buf.suboffsets = NULL
        buf.internal = NULL

    def __releasebuffer__(self, Py_buffer *buf):
        pass

    def __bool__(self):
        cdef int64_t n = fnn_tensor_numel(&self.t)
        if n != 1:
            raise RuntimeError(f"the truth value of a tensor with {n} elements is ambiguous")
        return bool(self.item())

    def __int__(self):
        return int(self.item())

    def __float__(self):
        return float(self.item())

    def __index__(self):
        if is_float(self) or fnn_tensor_numel(&self.t) != 1:
            raise TypeError("only integer tensors of a single element can be used as an index")
        return int(self.item())

    def __hash__(self):
        return <Py_ssize_t><void *>self >> 4

    def __iter__(self):
        if self.t.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, value):
        return bool((self == value).any())

    def __repr__(self):
        from fastnn._tensor_str import tensor_str
        return tensor_str(self)

    def __format__(self, spec):
        if self.t.ndim == 0:
            return format(self.item(), spec)
        return format(repr(self), spec)

    def __copy__(self):
        return make_subclass(type(self), self, wants(self) and self.fn is None)

    def __deepcopy__(self, memo):
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

    def __reduce_ex__(self, protocol):
        if wants(self) and self.fn is not None:
            raise RuntimeError("only leaf tensors can be pickled; detach() it first")
        if self.t.dtype == FNN_BF16:
            return _unpickle, (alias(self).view(dtype_of(FNN_I16)).numpy().copy(), bool(self.req),
                               dtype_of(FNN_BF16))
        return _unpickle, (np.ascontiguousarray(self._array()).reshape(self.shape),
                           bool(self.req), None)

    # -------------------------------------------------- the tape's side
    @property
    def requires_grad(self):
        return wants(self)

    @requires_grad.setter
    def requires_grad(self, bint value):
        self.requires_grad_(value)

    def requires_grad_(self, bint requires_grad=True):
        """Set whether a leaf is differentiated; returns self."""
        if requires_grad and not dtype_of(self.t.dtype).is_floating_point:
            raise RuntimeError("only tensors of floating-point dtype can require gradients, not "
                               f"{dtype_of(self.t.dtype).name}")
        if wants(self) and self.fn is not None:
            if not requires_grad:
                raise RuntimeError("you can only change requires_grad flags of leaf tensors; use "
                                   "detach()")
            return self
        self.req = requires_grad
        return self

    @property
    def is_leaf(self):
        wants(self)
        return self.fn is None

    @property
    def grad_fn(self):
        wants(self)
        return self.fn

    @property
    def grad(self):
        return self.gradient

    @grad.setter
    def grad(self, Tensor value):
        if value is not None:
            if value is self:
                raise RuntimeError("a tensor cannot be its own gradient")
            if value.t.dtype != self.t.dtype or value.shape != self.shape:
                raise RuntimeError(f"assigned grad is {value.dtype.name}{tuple(value.shape)}, the "
                                   f"tensor is {self.dtype.name}{tuple(self.shape)}")
        self.gradient = value

    @grad.deleter
    def grad(self):
        self.gradient = None

    @property
    def output_nr(self):
        return self.out_nr

    @property
    def _version(self):
        return self.t.storage.version

    @property
    def _base(self):
        return self.base

    def _is_view(self):
        return self.base is not None

    def detach(self):
        """The same memory without history. In-place writes to either are seen by both."""
        return alias(self)

    def detach_(self):
        """Forget how this tensor was computed; returns self."""
        if self.base is not None and wants(self) and self.fn is not None:
            raise RuntimeError("can't detach views in place; use detach() instead")
        self.fn = None
        self.req = False
        self.out_nr = 0
        return self

    @property
    def data(self):
        return alias(self)

    @data.setter
    def data(self, Tensor value not None):
        fnn_storage_retain(value.t.storage)
        fnn_storage_release(self.t.storage)
        self.t = value.t

    # -------------------------------------------------- operators: see Slots
    def __add__(a, b):
        return slots.add(a, b)

    def __sub__(a, b):
        return slots.sub(a, b)

    def __mul__(a, b):
        return slots.mul(a, b)

    def __truediv__(a, b):
        return slots.truediv(a, b)

    def __floordiv__(a, b):
        return slots.floordiv(a, b)

    def __mod__(a, b):
        return slots.mod(a, b)

    def __pow__(a, b, modulo):
        return slots.pow(a, b)

    def __matmul__(a, b):
        return slots.matmul(a, b)

    def __and__(a, b):
        return slots.and_(a, b)

    def __or__(a, b):
        return slots.or_(a, b)

    def __xor__(a, b):
        return slots.xor(a, b)

    def __lshift__(a, b):
        return slots.lshift(a, b)

    def __rshift__(a, b):
        return slots.rshift(a, b)

    def __neg__(self):
        return slots.neg(self)

    def __pos__(self):
        return self

    def __abs__(self):
        return slots.abs(self)

    def __invert__(self):
        return slots.invert(self)

    def __iadd__(self, b):
        return slots.iadd(self, b)

    def __isub__(self, b):
        return slots.isub(self, b)

    def __imul__(self, b):
        return slots.imul(self, b)

    def __itruediv__(self, b):
        return slots.itruediv(self, b)

    def __ifloordiv__(self, b):
        return slots.ifloordiv(self, b)

    def __imod__(self, b):
        return slots.imod(self, b)

    def __ipow__(self, b, modulo):
        return slots.ipow(self, b)

    def __iand__(self, b):
        return slots.iand(self, b)

    def __ior__(self, b):
        return slots.ior(self, b)

    def __ixor__(self, b):
        return slots.ixor(self, b)

    def __richcmp__(self, b, int op):
        return slots.compare[op](self, b)

    def __getitem__(self, index):
        return slots.getitem(self, index)

    def __setitem__(self, index, value):
        slots.setitem(self, index, value)


_cpu = device()


def _unpickle(array, requires_grad, reinterpret):
    """A leaf with array's values. For pickle."""
    cdef Tensor y = own(array)
    if reinterpret is not None:
        y = y.view(reinterpret)
        y.base = None
    y.req = requires_grad
    return y


cdef int wrap_dim(object dim, int ndim) except -1:
    cdef int64_t d = dim, n = ndim if ndim else 1
    if d < -n or d >= n:
        raise IndexError(f"dimension out of range (expected to be in range of [{-n}, {n - 1}], "
                         f"but got {d})")
    return <int>(d + n if d < 0 else d)


cdef bint is_channels_last(const fnn_tensor *t, str name):
    """Whether the order in memory is N, spatial dimensions, C (4-d, or 5-d for the 3d form)."""
    cdef int i, n = 4 if name == "channels_last" else 5
    cdef int64_t expected
    if t.ndim != n:
        return False
    expected = t.size[1]
    if t.size[1] != 1 and t.stride[1] != 1:
        return False
    for i in range(n - 1, 1, -1):
        if t.size[i] != 1 and t.stride[i] != expected:
            return False
        expected *= t.size[i]
    return t.size[0] == 1 or t.stride[0] == expected
