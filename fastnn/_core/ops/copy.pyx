"""Copies and conversions: clone, contiguous, to, copy_, fill_."""

__all__ = ["clone"]

cimport cython
from libc.stdint cimport int64_t

from ..convert cimport as_tensor_like
from ..door cimport attr_i, attr_scalar, run1, run_into
from ..tape cimport Node, record, recording, recording2
from ..tensor cimport Tensor
from ..views cimport check_inplace, record_inplace
from ..convert import check_device
from ..dtypes cimport as_dtype, dtype, dtype_of, memory_format
from ..fnn cimport fnn_attr, fnn_tensor, fnn_tensor_is_contiguous
from ..tensor import register

cdef extern from "fastnn.h":
    enum:
        FNN_OP_clone, FNN_OP_cast, FNN_OP_copy_, FNN_OP_fill_

cdef enum:
    PRESERVE, CONTIGUOUS, CHANNELS_LAST, CHANNELS_LAST_3D

cdef dict _formats = {"preserve_format": PRESERVE, "contiguous_format": CONTIGUOUS,
                      "channels_last": CHANNELS_LAST, "channels_last_3d": CHANNELS_LAST_3D}


cdef int format_code(object f, int default) except -1:
    return default if f is None else _formats[(<memory_format?>f).name]


# ------------------------------------------------------------------ clone

cdef Tensor c_clone(Tensor x, int format):
    cdef fnn_attr attr[1]
    cdef Tensor y
    attr[0] = attr_i(format)
    y = run1(FNN_OP_clone, x, attr)
    if recording(x):
        record(clone_vjp, b"clone", y, x)
    return y


cdef object clone_vjp(Node n, object g):
    """y = x copied;  dx = dy."""
    return g


def clone(Tensor input not None, *, memory_format=None):
    """A copy with memory of its own; strides are kept where they are dense."""
    return c_clone(input, format_code(memory_format, PRESERVE))


def contiguous(Tensor self not None, memory_format=None):
    """self if its elements already lie in that order, else a copy that does."""
    cdef int f = format_code(memory_format, CONTIGUOUS)
    if f == CONTIGUOUS:
        return self if fnn_tensor_is_contiguous(&self.t) else c_clone(self, f)
    return self if f == PRESERVE or self.is_contiguous(memory_format) else c_clone(self, f)


# ------------------------------------------------------------------ layouts of images

cdef bint suggests_last(const fnn_tensor *t) noexcept:
    """torch's rule: whether strides grow in the order C, last, ..., first spatial, N."""
    cdef int i, d
    cdef int64_t least = 0
    if t.ndim < 4:
        return False
    for i in range(t.ndim):
        d = 1 if i == 0 else 0 if i == t.ndim - 1 else t.ndim - i
        if t.size[d] == 0 or t.stride[d] < least or t.stride[1] == 0:
            return False
        if d == 0 and least == t.stride[1]:
            return False
        least = t.stride[d] * t.size[d]
    return True


cdef Tensor in_layout(Tensor x, bint last):
    """x in channels-last or contiguous order, copied (off the tape) where it is not."""
    cdef fnn_attr attr[1]
    cdef int i, d
    cdef int64_t dense = 1
    if not last and fnn_tensor_is_contiguous(&x.t):
        return x
    if last and suggests_last(&x.t):
        for i in range(x.t.ndim):
            d = 1 if i == 0 else 0 if i == x.t.ndim - 1 else x.t.ndim - i
            if x.t.size[d] > 1 and x.t.stride[d] != dense:
                break
            dense *= x.t.size[d]
        else:
            return x
    attr[0] = attr_i(x.t.ndim - 2 if last else CONTIGUOUS)
    return run1(FNN_OP_clone, x, attr)


# ------------------------------------------------------------------ conversion

cdef Tensor c_cast(Tensor x, int code):
    cdef fnn_attr attr[1]
    cdef Tensor y
    if x.t.dtype == code:
        return x
    attr[0] = attr_i(code)
    y = run1(FNN_OP_cast, x, attr)
    if recording(x) and dtype_of(code).is_floating_point:
        record(cast_vjp, b"to_copy", y, x)
    return y


cdef object cast_vjp(Node n, object g):
    """y = x in another dtype;  dx = dy in x's dtype (the tape converts)."""
    return g


def to(Tensor self not None, *args, dtype=None, device=None, bint non_blocking=False,
       bint copy=False, memory_format=None):
    """self with another dtype or memory format; to(dtype), to(device), to(other), to(device, dtype).

    Returns self where nothing changes and copy is False. Any device but the CPU raises.
    """
    for a in args:
        if isinstance(a, Tensor):
            dtype = (<Tensor>a).dtype
        elif isinstance(a, bool):
            pass
        elif isinstance(a, str) or type(a).__name__ == "device":
            device = a
        elif a is not None:
            dtype = a
    check_device(device)
    cdef int code = self.t.dtype if dtype is None else as_dtype(dtype).code
    cdef Tensor y = c_cast(self, code)
    if memory_format is not None and memory_format.name != "preserve_format":
        y = y.contiguous(memory_format=memory_format)
    return c_clone(y, PRESERVE) if copy and y is self else y


def _converter(name, code):
    @cython.binding(True)
    def convert(Tensor self not None, memory_format=None):
        return c_cast(self, code)
    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"self as {dtype_of(code).name}; self where it is that already."
    return convert


def type_(Tensor self not None, dtype=None, non_blocking=False):
    """The legacy type's name, or self converted to a dtype or legacy type."""
    if dtype is None:
        return "fastnn." + _legacy[self.t.dtype]
    if isinstance(dtype, str):
        dtype = dtype.rpartition(".")[2]
        if dtype not in _legacy:
            raise ValueError(f"type: no such tensor type: {dtype!r}")
        return c_cast(self, _legacy.index(dtype))
    return c_cast(self, as_dtype(getattr(dtype, "dtype", dtype)).code)


cdef list _legacy = ["FloatTensor", "DoubleTensor", "LongTensor", "IntTensor", "ByteTensor",
                     "BoolTensor", "CharTensor", "ShortTensor", "HalfTensor", "BFloat16Tensor"]


def type_as(Tensor self not None, Tensor other not None):
    """self in other's dtype."""
    return c_cast(self, other.t.dtype)


def cpu(Tensor self not None, memory_format=None):
    """self: tensors live on the CPU."""
    return self


def cuda(Tensor self not None, *args, **kwargs):
    """Raises RuntimeError: fastnn computes on the CPU."""
    raise RuntimeError("fastnn computes on the CPU; there is no cuda device")


def pin_memory(Tensor self not None, device=None):
    """self: there is no device that pinning would serve."""
    return self


# ------------------------------------------------------------------ writing

cdef object copy__vjp(Node n, object g):
    """x[...] = src;  dx = 0, dsrc = dy."""
    return (None, g)


cdef Tensor c_copy_(Tensor x, Tensor src):
    cdef bint rec = recording2(x, src)
    if rec:
        check_inplace(x)
    run_into(FNN_OP_copy_, x, src)
    if rec and dtype_of(x.t.dtype).is_floating_point:
        record_inplace(copy__vjp, b"copy", x, src)
    return x


def copy_(Tensor self not None, src, bint non_blocking=False):
    """Write src, broadcast and converted, into self."""
    return c_copy_(self, as_tensor_like(src, self))


cdef object fill__vjp(Node n, object g):
    """x[...] = value;  dx = 0."""
    return None


cdef Tensor c_fill_(Tensor x, object value):
    cdef fnn_attr attr[1]
    cdef bint rec = recording(x)
    if rec:
        check_inplace(x)
    attr[0] = attr_scalar(value)
    run_into(FNN_OP_fill_, x, None, None, None, attr)
    if rec:
        record_inplace(fill__vjp, b"fill", x)
    return x


def fill_(Tensor self not None, value):
    """Set every element to value, a number or a 0-d tensor."""
    if isinstance(value, Tensor):
        if (<Tensor>value).t.ndim:
            raise RuntimeError("fill_ only supports 0-dimension value tensor but got tensor with "
                               f"{(<Tensor>value).t.ndim} dimensions")
        return c_copy_(self, value)
    return c_fill_(self, value)


def zero_(Tensor self not None):
    """Set every element to 0."""
    return c_fill_(self, 0)


for _name, _f in dict(clone=clone, contiguous=contiguous, to=to, type=type_, type_as=type_as,
                      cpu=cpu, cuda=cuda, pin_memory=pin_memory, copy_=copy_, fill_=fill_,
                      zero_=zero_).items():
    register(_name, _f)
for _name, _to in dict(float="float32", double="float64", long="int64", int="int32", bool="bool",
                       byte="uint8", char="int8", short="int16", half="float16",
                       bfloat16="bfloat16").items():
    from ..dtypes import public as _dtypes
    register(_name, _converter(_name, _dtypes[_to].code))
