"""Tensor: a descriptor, its storage, and its place on the tape.

This module knows memory and geometry. What differentiates is in tape.pyx; what computes is in
ops/; what makes tensors of other things, and other things of them, is in convert.pyx. Methods of
Tensor that need more than memory and geometry are registered by the module that defines them.
"""

cimport cython
from cpython.buffer cimport PyBUF_STRIDES, PyBUF_WRITABLE
from cpython.mem cimport PyMem_Free, PyMem_Malloc

import sys

from .dtypes cimport device, dtype_of
from .fnn cimport (FNN_BF16, FNN_BOOL, FNN_F32, FNN_F64, FNN_I64, fnn_context_current, fnn_dtype,
                   fnn_dtype_size, fnn_storage_release, fnn_storage_retain, fnn_tensor_data,
                   fnn_tensor_empty, fnn_tensor_is_contiguous, fnn_tensor_numel, fnn_tensor_view)
from .size cimport size_tuple
from .status cimport raise_status

cdef extern from *:
    """
    /* struct module codes by fnn_dtype; bfloat16 has none and is refused before it is looked up */
    static char *const fnn_formats[] = {"f", "d", "q", "i", "B", "?", "b", "h", "e", "H"};
    """
    char **fnn_formats

cdef extern from "method.h":
    int fnn_set_method(object type, object name, object function) except -1
    object fnn_translated(object function)


cdef object no_binary(object a, object b):
    return NotImplemented


cdef object no_unary(Tensor a):
    raise TypeError("the operator is not defined for tensors")


cdef inline object one_of(object dim, object axis):
    """dim, by either of its names."""
    if axis is None:
        return dim
    if dim is not None:
        raise TypeError("dim and axis are the same argument")
    return axis


cdef object only_item(Tensor x):
    if fnn_tensor_numel(&x.t) != 1:
        raise ValueError("only one element tensors can be converted to Python scalars")
    return x.item()


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


def translate(function):
    """Make a function take axis and keepdims for dim and keepdim as well, where it is defined."""
    made = fnn_translated(function)
    setattr(sys.modules[function.__module__], function.__name__, made)
    return made


@cython.freelist(256)
@cython.c_api_binop_methods(True)
cdef class Tensor:
    """A strided, typed array with an optional gradient; the value that ops take and give."""

    def __init__(self, *args, dtype=None, device=None):
        """The legacy constructor: Tensor(data), or Tensor(*sizes) with undefined values."""
        cdef Tensor made = slots.construct(args, dtype, device)
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

    def size(self, dim=None, *, axis=None):
        """The shape, or the size of one dimension."""
        dim = one_of(dim, axis)
        if dim is None:
            return size_tuple(self.t.ndim, self.t.size)
        return self.t.size[wrap_dim(dim, self.t.ndim)]

    def stride(self, dim=None, *, axis=None):
        """The strides in elements, or the stride of one dimension."""
        dim = one_of(dim, axis)
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
    def _storage(self):
        """Address and bytes of the memory that views share."""
        return <size_t>self.t.storage.data, self.t.storage.nbytes

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
        return self._array().item()

    @property
    def __array_priority__(self):
        return 1000

    def __getbuffer__(self, Py_buffer *buf, int flags):
        cdef int i, n = self.t.ndim
        cdef Py_ssize_t *shape
        cdef Py_ssize_t item = fnn_dtype_size(<fnn_dtype>self.t.dtype)
        if wants(self):
            raise BufferError("can't export a tensor that requires grad; use tensor.detach()")
        if self.t.dtype == FNN_BF16:
            raise BufferError("the buffer protocol has no bfloat16")
        if (flags & PyBUF_WRITABLE) and not self.t.storage.writable:
            raise BufferError("the tensor's memory is read-only")
        if (flags & PyBUF_STRIDES) != PyBUF_STRIDES and not fnn_tensor_is_contiguous(&self.t):
            raise BufferError("the tensor is not contiguous")
        buf.internal = shape = <Py_ssize_t *>PyMem_Malloc(16 * sizeof(Py_ssize_t))
        if shape == NULL:
            raise MemoryError
        for i in range(n):
            shape[i] = self.t.size[i]
            shape[8 + i] = self.t.stride[i] * item
        buf.buf = fnn_tensor_data(&self.t)
        buf.obj = self
        buf.len = fnn_tensor_numel(&self.t) * item
        buf.itemsize = item
        buf.readonly = not self.t.storage.writable
        buf.ndim = n
        buf.format = fnn_formats[self.t.dtype]
        buf.shape = shape
        buf.strides = shape + 8
        buf.suboffsets = NULL

    def __releasebuffer__(self, Py_buffer *buf):
        PyMem_Free(buf.internal)

    def __bool__(self):
        cdef int64_t n = fnn_tensor_numel(&self.t)
        if n != 1:
            raise RuntimeError(f"the truth value of a tensor with {n} elements is ambiguous")
        return bool(self.item())

    def __int__(self):
        return int(only_item(self))

    def __float__(self):
        return float(only_item(self))

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
    def __add__(a, b): return slots.add(a, b)
    def __sub__(a, b): return slots.sub(a, b)
    def __mul__(a, b): return slots.mul(a, b)
    def __truediv__(a, b): return slots.truediv(a, b)
    def __floordiv__(a, b): return slots.floordiv(a, b)
    def __mod__(a, b): return slots.mod(a, b)
    def __pow__(a, b, modulo): return slots.pow(a, b)
    def __matmul__(a, b): return slots.matmul(a, b)
    def __and__(a, b): return slots.and_(a, b)
    def __or__(a, b): return slots.or_(a, b)
    def __xor__(a, b): return slots.xor(a, b)
    def __lshift__(a, b): return slots.lshift(a, b)
    def __rshift__(a, b): return slots.rshift(a, b)
    def __neg__(self): return slots.neg(self)
    def __pos__(self): return self
    def __abs__(self): return slots.abs(self)
    def __invert__(self): return slots.invert(self)
    def __iadd__(self, b): return slots.iadd(self, b)
    def __isub__(self, b): return slots.isub(self, b)
    def __imul__(self, b): return slots.imul(self, b)
    def __itruediv__(self, b): return slots.itruediv(self, b)
    def __ifloordiv__(self, b): return slots.ifloordiv(self, b)
    def __imod__(self, b): return slots.imod(self, b)
    def __ipow__(self, b, modulo): return slots.ipow(self, b)
    def __iand__(self, b): return slots.iand(self, b)
    def __ior__(self, b): return slots.ior(self, b)
    def __ixor__(self, b): return slots.ixor(self, b)
    def __richcmp__(self, b, int op): return slots.compare[op](self, b)
    def __getitem__(self, index): return slots.getitem(self, index)
    def __setitem__(self, index, value): slots.setitem(self, index, value)


_cpu = device()


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
