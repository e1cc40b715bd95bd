"""Creation: tensors from sizes, ranges and values. Random ones are in random.pyx."""

__all__ = ["BFloat16Tensor", "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor",
           "FloatTensor", "HalfTensor", "IntTensor", "LongTensor", "ShortTensor",
           "arange", "asarray", "empty", "empty_like", "empty_strided", "eye", "full", "full_like",
           "linspace", "logspace", "meshgrid", "cartesian_prod", "ones", "ones_like",
           "scalar_tensor", "tril", "tril_indices", "triu", "triu_indices", "zeros", "zeros_like"]

cimport cython
from libc.math cimport ceil
from libc.stdint cimport int64_t

from ..convert import as_tensor, check_device, tensor
from ..door cimport attr_f, attr_i, attr_ints, attr_scalar, run1, run_many
from ..dtypes cimport as_dtype, default_code, dtype_of
from ..fnn cimport FNN_BOOL, FNN_I64, fnn_attr, fnn_tensor_numel
from ..tape cimport Node, record, recording
from ..tensor cimport Tensor, empty_tensor, is_float
from ..tensor import register

cdef extern from "fastnn.h":
    enum:
        FNN_OP_full, FNN_OP_arange, FNN_OP_linspace, FNN_OP_eye, FNN_OP_tri, FNN_OP_clone


# ------------------------------------------------------------------ arguments

cdef int sizes_of(object args, int64_t *out) except -1:
    """*sizes or one sequence of sizes into out; how many."""
    cdef int n = 0
    if len(args) == 1 and not isinstance(args[0], (int, Tensor)) and (
            hasattr(args[0], "__len__")):
        args = args[0]
    if len(args) > 8:
        raise ValueError(f"{len(args)} dimensions; a tensor has at most 8")
    for a in args:
        out[n] = a
        n += 1
    return n


cdef int code_of(object dtype, int default) except -1:
    return default if dtype is None else as_dtype(dtype).code


cdef int code_of_value(object value) except -1:
    """The dtype that a number stands for: bool, int64 or the default one."""
    if isinstance(value, Tensor):
        return (<Tensor>value).t.dtype
    if isinstance(value, bool):
        return FNN_BOOL
    return FNN_I64 if isinstance(value, int) else default_code()


cdef Tensor c_full(int n, const int64_t *size, int code, object value):
    cdef fnn_attr attr[3]
    attr[0] = attr_ints(size, n)
    attr[1] = attr_i(code)
    attr[2] = attr_scalar(value)
    return <Tensor>run_many(FNN_OP_full, [], 1, attr)[0]


cdef Tensor made(Tensor y, object device, bint requires_grad):
    """The options that every creation function has."""
    if device is not None:
        check_device(device)
    if requires_grad:
        y.requires_grad_(True)
    return y


cdef Tensor in_format(Tensor y, Tensor like, object memory_format):
    """y with the strides that a *_like function gives it: like's where like is dense."""
    cdef fnn_attr attr[1]
    name = "preserve_format" if memory_format is None else memory_format.name
    if name == "contiguous_format" or y.t.ndim < 2:
        return y
    if name == "preserve_format":
        attr[0] = attr_i(0)
        if like.is_contiguous():
            return y
        like = run1(FNN_OP_clone, like, attr)
        return restrided(y, like)
    attr[0] = attr_i(2 if name == "channels_last" else 3)
    return run1(FNN_OP_clone, y, attr)


cdef Tensor restrided(Tensor y, Tensor like):
    """y, contiguous and of one value or none, under like's dense strides."""
    cdef int i
    for i in range(y.t.ndim):
        y.t.stride[i] = like.t.stride[i]
    return y


# ------------------------------------------------------------------ of one value

def zeros(*size, out=None, dtype=None, layout=None, device=None, bint pin_memory=False,
          bint requires_grad=False):
    """Zeros of the given shape."""
    return filled(size, 0, out, dtype, device, requires_grad)


def ones(*size, out=None, dtype=None, layout=None, device=None, bint pin_memory=False,
         bint requires_grad=False):
    """Ones of the given shape."""
    return filled(size, 1, out, dtype, device, requires_grad)


cdef object filled(object sizes, object value, object out, object dtype, object device,
                   bint requires_grad):
    cdef int64_t size[8]
    cdef int n = sizes_of(sizes, size)
    if out is not None:
        return into(out, c_full(n, size, (<Tensor?>out).t.dtype, value))
    return made(c_full(n, size, code_of(dtype, default_code()), value), device, requires_grad)


cdef object into(Tensor out, Tensor value):
    """Write a result into the caller's tensor, whose shape must be right."""
    if out.shape != value.shape:
        raise RuntimeError(f"out has shape {tuple(out.shape)}, the result {tuple(value.shape)}")
    return out.copy_(value)


def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None,
         bint pin_memory=False, bint requires_grad=False):
    """fill_value everywhere; its kind gives the dtype."""
    cdef int code = code_of(dtype, code_of_value(fill_value))
    cdef int64_t csize[8]
    cdef int n = sizes_of((size,), csize)
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    if out is not None:
        return into(out, c_full(n, csize, (<Tensor?>out).t.dtype, fill_value))
    return made(c_full(n, csize, code, fill_value), device, requires_grad)


def empty(*size, out=None, dtype=None, layout=None, device=None, bint pin_memory=False,
          bint requires_grad=False, memory_format=None):
    """A tensor of undefined values."""
    cdef int64_t csize[8]
    cdef int n = sizes_of(size, csize)
    cdef Tensor y
    if out is not None:
        return out
    y = empty_tensor(code_of(dtype, default_code()), n, csize)
    if memory_format is not None:
        y = in_format(y, y, memory_format)
    return made(y, device, requires_grad)


def empty_strided(size, stride, *, dtype=None, layout=None, device=None,
                  bint requires_grad=False, bint pin_memory=False):
    """Undefined values with the given strides."""
    cdef int64_t extent = 1
    if len(size) != len(stride):
        raise RuntimeError(f"empty_strided: {len(size)} sizes and {len(stride)} strides")
    for n, s in zip(size, stride):
        extent += (n - 1) * s
    if 0 in tuple(size):
        extent = 0
    y = empty_tensor(code_of(dtype, default_code()), 1, &extent).as_strided(size, stride)
    return made((<Tensor>y).detach(), device, requires_grad)


def zeros_like(Tensor input not None, *, dtype=None, layout=None, device=None,
               bint requires_grad=False, memory_format=None):
    """Zeros with input's shape and dtype."""
    return like(input, 0, dtype, device, requires_grad, memory_format)


def ones_like(Tensor input not None, *, dtype=None, layout=None, device=None,
              bint requires_grad=False, memory_format=None):
    """Ones with input's shape and dtype."""
    return like(input, 1, dtype, device, requires_grad, memory_format)


def full_like(Tensor input not None, fill_value, *, dtype=None, layout=None, device=None,
              bint requires_grad=False, memory_format=None):
    """fill_value in input's shape and dtype."""
    if isinstance(fill_value, Tensor):
        fill_value = fill_value.item()
    return like(input, fill_value, dtype, device, requires_grad, memory_format)


def empty_like(Tensor input not None, *, dtype=None, layout=None, device=None,
               bint requires_grad=False, memory_format=None):
    """Undefined values in input's shape and dtype."""
    y = empty_tensor(code_of(dtype, input.t.dtype), input.t.ndim, input.t.size)
    return made(in_format(y, input, memory_format), device, requires_grad)


cdef object like(Tensor x, object value, object dtype, object device, bint requires_grad,
                 object memory_format):
    cdef Tensor y = c_full(x.t.ndim, x.t.size, code_of(dtype, x.t.dtype), value)
    return made(in_format(y, x, memory_format), device, requires_grad)


def scalar_tensor(value, *, dtype=None, layout=None, device=None, bint pin_memory=False,
                  bint requires_grad=False):
    """A tensor of rank 0, of the default dtype."""
    return made(c_full(0, NULL, code_of(dtype, default_code()), value), device, requires_grad)


def asarray(obj, *, dtype=None, device=None, copy=None, bint requires_grad=False):
    """obj as a tensor; shares memory where it can unless copy is True."""
    y = tensor(obj, dtype=dtype) if copy else as_tensor(obj, dtype=dtype)
    return made(y, device, requires_grad)


# ------------------------------------------------------------------ ranges

def arange(start=None, end=None, step=1, *, out=None, dtype=None, layout=None, device=None,
           bint pin_memory=False, bint requires_grad=False):
    """start, start + step, ... before end; one argument is the end. Integers give int64."""
    cdef fnn_attr attr[4]
    cdef int code
    if end is None:
        if start is None:
            raise TypeError("arange: end is missing")
        start, end = None, start
    if start is None:
        start = 0
    start, end, step = plain(start), plain(end), plain(step)
    if dtype is not None and not as_dtype(dtype).is_floating_point:
        start, end, step = int(start), int(end), int(step)
    whole = isinstance(start, int) and isinstance(end, int) and isinstance(step, int)
    if step == 0:
        raise RuntimeError("arange: step must be nonzero")
    if (end - start) * (1 if step > 0 else -1) < 0:
        raise RuntimeError("arange: upper bound and lower bound inconsistent with step sign")
    if whole:
        count = -((start - end) // step)
    else:
        if start != start or end != end or abs(end - start) == float("inf"):
            raise RuntimeError(f"arange: unsupported range: {start} -> {end}")
        count = <int64_t>ceil((end - start) / <double>step)
    code = code_of(dtype, FNN_I64 if whole else default_code())
    if not whole and not dtype_of(code).is_floating_point:
        start, step = int(start), int(step)
    attr[0] = attr_scalar(start)
    attr[1] = attr_scalar(step)
    attr[2] = attr_i(count)
    attr[3] = attr_i(code)
    y = <Tensor>run_many(FNN_OP_arange, [], 1, attr)[0]
    return made(y, device, requires_grad) if out is None else into(out, y)


cdef object plain(object v):
    """A Python number of a number, a NumPy scalar or a tensor of one element."""
    return v if type(v) is int or type(v) is float else v.item() if hasattr(v, "item") else v


cdef object line(object start, object end, object steps, double base, object out, object dtype,
                 object device, bint requires_grad):
    cdef fnn_attr attr[5]
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    attr[0] = attr_f(start)
    attr[1] = attr_f(end)
    attr[2] = attr_i(steps)
    attr[3] = attr_f(base)
    attr[4] = attr_i(code_of(dtype, default_code()))
    y = <Tensor>run_many(FNN_OP_linspace, [], 1, attr)[0]
    return made(y, device, requires_grad) if out is None else into(out, y)


def linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None,
             bint pin_memory=False, bint requires_grad=False):
    """`steps` numbers from start to end, both included, at equal distances."""
    return line(start, end, steps, 0, out, dtype, device, requires_grad)


def logspace(start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None,
             bint pin_memory=False, bint requires_grad=False):
    """base to the powers of linspace(start, end, steps)."""
    return line(start, end, steps, base, out, dtype, device, requires_grad)


def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, bint pin_memory=False,
        bint requires_grad=False):
    """Ones on the diagonal of an n x m (or n x n) matrix of zeros."""
    cdef fnn_attr attr[3]
    attr[0] = attr_i(n)
    attr[1] = attr_i(n if m is None else m)
    attr[2] = attr_i(code_of(dtype, default_code()))
    y = <Tensor>run_many(FNN_OP_eye, [], 1, attr)[0]
    return made(y, device, requires_grad) if out is None else into(out, y)


# ------------------------------------------------------------------ triangles

cdef object tri_vjp(Node n, object g):
    """y = x inside the triangle, else 0;  dx = dy inside the triangle."""
    return c_tri(<Tensor>g, n.i0, n.i1)


cdef Tensor c_tri(Tensor x, int64_t diagonal, bint upper):
    cdef fnn_attr attr[2]
    cdef Node n
    cdef Tensor y
    attr[0] = attr_i(diagonal)
    attr[1] = attr_i(upper)
    y = run1(FNN_OP_tri, x, attr)
    if recording(x):
        n = record(tri_vjp, b"triu" if upper else b"tril", y, x)
        n.i0 = diagonal
        n.i1 = upper
    return y


def tril(Tensor input not None, diagonal=0, *, out=None):
    """The elements on and below a diagonal of the last two dimensions; others 0."""
    y = c_tri(input, diagonal, False)
    return y if out is None else into(out, y)


def triu(Tensor input not None, diagonal=0, *, out=None):
    """The elements on and above a diagonal of the last two dimensions; others 0."""
    y = c_tri(input, diagonal, True)
    return y if out is None else into(out, y)


def _tril_(Tensor self not None, diagonal=0):
    """tril in place."""
    return self.copy_(c_tri(self, diagonal, False))


def _triu_(Tensor self not None, diagonal=0):
    """triu in place."""
    return self.copy_(c_tri(self, diagonal, True))


def tril_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """The indices of the lower triangle of a row x col matrix: (2, count)."""
    return triangle_indices(row, col, offset, False, dtype, device)


def triu_indices(row, col, offset=0, *, dtype=None, device=None, layout=None):
    """The indices of the upper triangle of a row x col matrix: (2, count)."""
    return triangle_indices(row, col, offset, True, dtype, device)


cdef object triangle_indices(object row, object col, object offset, bint upper, object dtype,
                             object device):
    cdef int64_t size[2]
    check_device(device)
    size[0] = row
    size[1] = col
    y = c_tri(c_full(2, size, FNN_BOOL, 1), offset, upper).nonzero().t().contiguous()
    return y if dtype is None else y.to(dtype=dtype)


# ------------------------------------------------------------------ grids

def meshgrid(*tensors, indexing="ij"):
    """Every tensor expanded over a grid with one dimension per tensor; a tuple."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tuple(tensors[0])
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f'meshgrid: indexing must be "ij" or "xy", not {indexing!r}')
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty list of tensors")
    for t in tensors:
        if t.ndim > 1:
            raise RuntimeError("meshgrid: expected tensors of at most 1 dimension, got "
                               f"{tuple(t.shape)}")
        if t.dtype is not tensors[0].dtype:
            raise RuntimeError("meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(tensors) >= 2
    if swap:
        tensors = (tensors[1], tensors[0], *tensors[2:])
    n = len(tensors)
    shape = [t.numel() for t in tensors]
    grids = [t.reshape([-1 if i == k else 1 for i in range(n)]).expand(shape)
             for k, t in enumerate(tensors)]
    if swap:
        grids[0], grids[1] = grids[1], grids[0]
    return tuple(grids)


def cartesian_prod(*tensors):
    """All combinations of the elements of the given vectors, one per row."""
    if len(tensors) == 1:
        return tensors[0]
    from .join import stack
    return stack([g.reshape(-1) for g in meshgrid(*tensors)], 1)


# ------------------------------------------------------------------ of another tensor's kind

def _new_zeros(Tensor self not None, *size, dtype=None, device=None, bint requires_grad=False,
               layout=None, bint pin_memory=False):
    """Zeros of self's dtype."""
    return filled(size, 0, None, self.dtype if dtype is None else dtype, device, requires_grad)


def _new_ones(Tensor self not None, *size, dtype=None, device=None, bint requires_grad=False,
              layout=None, bint pin_memory=False):
    """Ones of self's dtype."""
    return filled(size, 1, None, self.dtype if dtype is None else dtype, device, requires_grad)


def _new_full(Tensor self not None, size, fill_value, *, dtype=None, device=None,
              bint requires_grad=False, layout=None, bint pin_memory=False):
    """fill_value in self's dtype."""
    return full(size, fill_value, dtype=self.dtype if dtype is None else dtype, device=device,
                requires_grad=requires_grad)


def _new_empty(Tensor self not None, *size, dtype=None, device=None, bint requires_grad=False,
               layout=None, bint pin_memory=False):
    """Undefined values of self's dtype."""
    return empty(*size, dtype=self.dtype if dtype is None else dtype, device=device,
                 requires_grad=requires_grad)


def _new_tensor(Tensor self not None, data, *, dtype=None, device=None,
                bint requires_grad=False, layout=None, bint pin_memory=False):
    """A copy of data in self's dtype."""
    return tensor(data, dtype=self.dtype if dtype is None else dtype, device=device,
                  requires_grad=requires_grad)


def _new(Tensor self not None, *args, device=None):
    """The legacy constructor with self's dtype: new(*sizes) or new(data)."""
    if len(args) == 1 and not isinstance(args[0], int) and not hasattr(args[0], "numel"):
        return tensor(args[0], dtype=self.dtype)
    if len(args) == 1 and isinstance(args[0], Tensor):
        return args[0].to(dtype=self.dtype)
    return empty(*(args or (0,)), dtype=self.dtype)


class _Legacy(type):
    """A type of old programs. A call makes a tensor of its dtype; isinstance asks for that."""

    def __call__(cls, *args, device=None):
        check_device(device)
        if not args:
            return empty(0, dtype=cls.dtype)
        if len(args) == 1 and not isinstance(args[0], int) and type(args[0]).__name__ != "Size":
            return tensor(args[0], dtype=cls.dtype)
        return empty(*args, dtype=cls.dtype)

    def __instancecheck__(cls, x):
        return isinstance(x, Tensor) and x.dtype == cls.dtype


def _legacy(name, code):
    doc = f"Legacy: {name}(data), or {name}(*sizes) with undefined values."
    return _Legacy(name, (), {"__doc__": doc, "dtype": dtype_of(code), "__module__": __name__})


FloatTensor = _legacy("FloatTensor", 0)
DoubleTensor = _legacy("DoubleTensor", 1)
LongTensor = _legacy("LongTensor", 2)
IntTensor = _legacy("IntTensor", 3)
ByteTensor = _legacy("ByteTensor", 4)
BoolTensor = _legacy("BoolTensor", 5)
CharTensor = _legacy("CharTensor", 6)
ShortTensor = _legacy("ShortTensor", 7)
HalfTensor = _legacy("HalfTensor", 8)
BFloat16Tensor = _legacy("BFloat16Tensor", 9)

for _name, _f in dict(tril=tril, triu=triu, tril_=_tril_, triu_=_triu_, new_zeros=_new_zeros,
                      new_ones=_new_ones, new_full=_new_full, new_empty=_new_empty,
                      new_tensor=_new_tensor, new=_new).items():
    register(_name, _f)
