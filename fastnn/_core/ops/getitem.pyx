"""t[...] and t[...] = v: integers, slices, None, Ellipsis, masks, index tensors, and mixes.

Integers, slices, None and Ellipsis make a view. What is left, tensors of indices and of bools
(and lists and arrays, which become tensors), goes through the instruction `index`: the index
tensors broadcast together, and their dimensions take the place of the indexed ones where these
are neighbours, else the front.
"""

__all__ = ["index_put"]

from cpython.slice cimport PySlice_AdjustIndices, PySlice_Unpack
from libc.stdint cimport int64_t

from ..convert cimport as_tensor_like
from ..convert import as_tensor
from ..door cimport attr_scalar, door, run1, run_into
from ..fnn cimport (FNN_BOOL, FNN_I32, FNN_I64, FNN_U8, fnn_attr, fnn_call, fnn_dtype, fnn_op,
                    fnn_dtype_size, fnn_storage_retain, fnn_tensor, fnn_tensor_numel)
from ..tape cimport Node, record, record_view, recording, recording2
from ..tensor cimport Tensor, alias, empty_tensor, slots
from ..tensor import register
from ..views cimport check_inplace
from .copy cimport c_cast, c_copy_, c_fill_
from .index cimport c_index, c_index_put_, c_masked_select

import numpy as np

cdef extern from "fastnn.h":
    enum:
        FNN_OP_copy_, FNN_OP_fill_, FNN_OP_nonzero

# A view of x under construction.
cdef struct Geometry:
    int nd
    int64_t offset      # bytes
    int64_t size[9]     # one place more than a tensor has, to find out that it is too many
    int64_t stride[9]


# ------------------------------------------------------------------ reading the expression

cdef inline int add_dim(Geometry *g, int64_t size, int64_t stride) except -1:
    if g.nd == 8:
        raise IndexError("the indexed view would have more than 8 dimensions")
    g.size[g.nd] = size
    g.stride[g.nd] = stride
    g.nd += 1
    return 0


cdef int pick(Geometry *g, Tensor x, int d, int64_t i) except -1:
    """x[..., i, ...] along dimension d."""
    cdef int64_t n = x.t.size[d]
    if i < -n or i >= n:
        raise IndexError(f"index {i} is out of bounds for dimension {d} with size {n}")
    g.offset += (i + n if i < 0 else i) * x.t.stride[d] * fnn_dtype_size(<fnn_dtype>x.t.dtype)
    return 0


cdef int cut(Geometry *g, Tensor x, int d, object s) except -1:
    """x[..., start:stop:step, ...] along dimension d."""
    cdef Py_ssize_t start, stop, step, n
    if s.start is None and s.stop is None and s.step is None:
        return add_dim(g, x.t.size[d], x.t.stride[d])
    PySlice_Unpack(s, &start, &stop, &step)
    if step <= 0:
        raise ValueError("step must be greater than zero")
    n = PySlice_AdjustIndices(x.t.size[d], &start, &stop, step)
    if n > 0:
        g.offset += start * x.t.stride[d] * fnn_dtype_size(<fnn_dtype>x.t.dtype)
    return add_dim(g, n, x.t.stride[d] * step)


cdef int consumed(object item) except -1:
    """How many dimensions of the tensor an item of the expression stands for."""
    cdef type t = type(item)
    if t is int or t is slice:
        return 1
    if item is None or item is Ellipsis or t is bool:
        return 0
    if isinstance(item, Tensor):
        return max((<Tensor>item).t.ndim, 0) if is_mask(<Tensor>item) else 1
    return 1


cdef inline bint is_mask(Tensor a) noexcept:
    return a.t.dtype == FNN_BOOL or a.t.dtype == FNN_U8


cdef object normal(object item):
    """An item as int, slice, None, Ellipsis, bool or Tensor."""
    cdef type t = type(item)
    if t is int or t is slice or t is bool or item is None or item is Ellipsis:
        return item
    if isinstance(item, Tensor):
        if (<Tensor>item).t.ndim == 0 and not is_mask(<Tensor>item):
            return item.__index__()
        return item
    if isinstance(item, np.bool_):
        return bool(item)
    if isinstance(item, (list, tuple, range)) or (isinstance(item, np.ndarray) and item.ndim):
        return index_tensor(item)
    if isinstance(item, np.ndarray) and item.dtype == bool:
        return bool(item)
    try:
        return item.__index__()
    except (AttributeError, TypeError):
        raise IndexError("only integers, slices (`:`), ellipsis (`...`), None and long or byte "
                         f"tensors are valid indices (got {type(item).__name__})") from None


cdef Tensor index_tensor(object sequence):
    """A list or an array of integers or bools as a tensor."""
    cdef Tensor a
    if isinstance(sequence, np.ndarray):
        a = as_tensor(sequence)
    else:
        array = np.asarray([x.item() if isinstance(x, Tensor) and x.ndim == 0 else x
                            for x in sequence])
        a = as_tensor(array.astype(np.int64) if array.size == 0 else array)
    return a


cdef tuple items_of(object index):
    """The expression as a tuple of normal items."""
    if type(index) is not tuple:
        if not isinstance(index, tuple):
            return (normal(index),)
        index = tuple(index)
    for item in <tuple>index:
        if type(item) is not int and type(item) is not slice and item is not None and (
                item is not Ellipsis):
            return tuple([normal(i) for i in <tuple>index])
    return <tuple>index


cdef int read(Tensor x, tuple items, Geometry *g, list places) except -1:
    """The view that the basic items make into g; (dimension of the view, tensor) into places."""
    cdef int need = 0, d = 0, k, dots = 0
    cdef type t
    g.nd = 0
    g.offset = x.t.offset
    for item in items:
        need += consumed(item)
        dots += item is Ellipsis
    if need > x.t.ndim:
        if x.t.ndim == 0:
            raise IndexError("invalid index of a 0-dim tensor; use tensor.item() to get its value")
        raise IndexError(f"too many indices for tensor of dimension {x.t.ndim}")
    if dots > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    for item in items:
        t = type(item)
        if t is int:
            pick(g, x, d, item)
            d += 1
        elif t is slice:
            cut(g, x, d, item)
            d += 1
        elif item is None:
            add_dim(g, 1, 0)
        elif item is Ellipsis:
            for k in range(x.t.ndim - need):
                add_dim(g, x.t.size[d], x.t.stride[d])
                d += 1
        elif t is bool:
            places.append((g.nd, flag(item)))
            add_dim(g, 1, 0)
        else:
            d = read_tensor(x, <Tensor>item, d, g, places)
    while d < x.t.ndim:
        add_dim(g, x.t.size[d], x.t.stride[d])
        d += 1
    return 0


cdef int read_tensor(Tensor x, Tensor item, int d, Geometry *g, list places) except -1:
    """An index tensor or a mask at dimension d; returns the next dimension."""
    cdef int k
    if not is_mask(item):
        if item.t.dtype != FNN_I64 and item.t.dtype != FNN_I32:
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        places.append((g.nd, item))
        add_dim(g, x.t.size[d], x.t.stride[d])
        return d + 1
    if item.t.ndim == 0:
        places.append((g.nd, flag(bool(item))))
        add_dim(g, 1, 0)
        return d
    for k in range(item.t.ndim):
        if item.t.size[k] != x.t.size[d + k]:
            raise IndexError(f"the shape of the mask {list(item.shape)} at index {k} does not "
                             f"match the shape of the indexed tensor {list(x.shape)} at index "
                             f"{d + k}")
    places.append((g.nd, item))
    for k in range(item.t.ndim):
        add_dim(g, x.t.size[d + k], x.t.stride[d + k])
    return d + item.t.ndim


cdef Tensor flag(bint value):
    """A bool as an index of a dimension of size 1: there or not."""
    cdef int64_t n = 1 if value else 0
    cdef Tensor y = empty_tensor(FNN_I64, 1, &n)
    c_fill_(y, 0)
    return y


cdef int spread(list places, list dims, list tensors) except -1:
    """Masks become index tensors, one per dimension that they stand for."""
    cdef Tensor a, where
    cdef int k
    for d, item in places:
        a = <Tensor>item
        if not is_mask(a):
            dims.append(d)
            tensors.append(a)
            continue
        where = run1(FNN_OP_nonzero, a)
        for k in range(a.t.ndim):
            dims.append(d + k)
            tensors.append(where.select(1, k))
    return 0


# ------------------------------------------------------------------ views

cdef Tensor view_as(Tensor x, Geometry *g):
    """The view of x that g describes; g lies inside x, so nothing is left to check."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef int i
    y.t.storage = x.t.storage
    fnn_storage_retain(x.t.storage)
    y.t.offset = g.offset
    y.t.dtype = x.t.dtype
    y.t.layout = x.t.layout
    y.t.ndim = g.nd
    for i in range(g.nd):
        y.t.size[i] = g.size[i]
        y.t.stride[i] = g.stride[i]
        if g.size[i] == 0:
            y.t.offset = x.t.offset  # an empty view lies anywhere, but inside its storage
    y.base = x if x.base is None else x.base
    y.view_version = x.t.storage.version
    return y


cdef Tensor c_basic(Tensor x, tuple items):
    """x[items] for items that make a view."""
    cdef Geometry g
    read(x, items, &g, None)
    return recorded(x, view_as(x, &g), items)


cdef Tensor recorded(Tensor x, Tensor y, tuple items):
    cdef int i
    if recording(x):
        record_view(basic_vjp, b"getitem", y, x)
        (<Node>y.fn).extra = (without_tensors(items), [x.t.size[i] for i in range(x.t.ndim)])
    return y


cdef tuple without_tensors(tuple items):
    """Where index tensors follow, the view takes their dimensions whole."""
    cdef list out = []
    for item in items:
        if isinstance(item, Tensor):
            if is_mask(<Tensor>item) and (<Tensor>item).t.ndim == 0:
                out.append(None)
            else:
                out += [slice(None)] * consumed(item)
        else:
            out.append(None if type(item) is bool else item)
    return tuple(out)


cdef object basic_vjp(Node n, object g):
    """y = x[items];  dx = zeros with dy at [items]."""
    items, shape = n.extra
    return c_basic_bwd(<Tensor>g, <tuple>items, <list>shape)


cdef Tensor c_basic_bwd(Tensor g, tuple items, list shape):
    cdef int64_t size[8]
    cdef int i
    cdef Geometry where
    cdef Tensor z
    for i in range(len(shape)):
        size[i] = shape[i]
    z = empty_tensor(g.t.dtype, <int>len(shape), size)
    run_into(FNN_OP_fill_, z, None, None, None, &zero)
    read(z, items, &where, None)
    run_into(FNN_OP_copy_, view_as(z, &where), g)
    if recording(g):
        record(basic_bwd_vjp, b"getitem_bwd", z, g).extra = items
    return z


cdef object basic_bwd_vjp(Node n, object g):
    """z = zeros with dy at [items];  d(dy) = dz[items]."""
    return c_basic(<Tensor>g, <tuple>n.extra)


cdef fnn_attr zero = attr_scalar(0)


# ------------------------------------------------------------------ t[...]

cdef object getitem(object self, object index):
    cdef Tensor x = <Tensor?>self, y
    cdef Geometry g
    cdef tuple items
    cdef list places = None
    cdef int i
    if type(index) is int and x.t.ndim:
        g.nd = x.t.ndim - 1
        g.offset = x.t.offset
        pick(&g, x, 0, index)
        for i in range(g.nd):
            g.size[i] = x.t.size[i + 1]
            g.stride[i] = x.t.stride[i + 1]
        y = view_as(x, &g)
        return recorded(x, y, (index,)) if recording(x) else y
    items = items_of(index)
    for item in items:
        if type(item) is bool or isinstance(item, Tensor):
            places = []
            break
    read(x, items, &g, places)
    y = recorded(x, view_as(x, &g), items)
    return y if not places else take(y, places)


cdef Tensor take(Tensor y, list places):
    cdef list dims = [], tensors = []
    cdef Tensor a = places[0][1]
    if len(places) == 1 and is_mask(a) and a.t.ndim == y.t.ndim:
        return c_masked_select(y, a)
    spread(places, dims, tensors)
    return c_index(y, dims, tensors)


# ------------------------------------------------------------------ t[...] = v

cdef int setitem(Tensor x, object index, object value) except -1:
    cdef Geometry g
    cdef tuple items = items_of(index)
    cdef list places = None
    cdef Tensor y, v
    cdef bint number = type(value) is float or type(value) is int or type(value) is bool
    for item in items:
        if type(item) is bool or isinstance(item, Tensor):
            places = []
            break
    read(x, items, &g, places)
    if not places and number and not recording(x):
        return fill_place(x, &g, value)
    y = recorded(x, view_as(x, &g), items)
    if places:
        return put(y, places, value, number)
    if number:
        c_fill_(y, value)
        return 0
    c_copy_(y, fitting(as_tensor_like(value, x), y.t.ndim))
    return 0


cdef int fill_place(Tensor x, Geometry *g, object value) except -1:
    """x[...] = number where no tape runs: no tensor is made of the place."""
    cdef fnn_tensor place
    cdef fnn_tensor *outs[1]
    cdef fnn_attr attr[1]
    cdef fnn_call c
    cdef int i
    place.storage = x.t.storage
    place.offset = g.offset
    place.dtype = x.t.dtype
    place.layout = x.t.layout
    place.ndim = g.nd
    for i in range(g.nd):
        place.size[i] = g.size[i]
        place.stride[i] = g.stride[i]
    outs[0] = &place
    attr[0] = attr_scalar(value)
    c.op = FNN_OP_fill_; c.nin = 0; c.nout = 1; c.ins = NULL; c.out = outs; c.attr = attr
    door(&c, fnn_tensor_numel(&place) > 16384)
    return 0


cdef Tensor fitting(Tensor v, int ndim):
    """v without leading dimensions of size 1 that its place does not have."""
    cdef int lead = 0
    if v.t.ndim <= ndim:
        return v
    while v.t.ndim - lead > ndim and v.t.size[lead] == 1:
        lead += 1
    return v if lead == 0 else v.reshape(v.shape[lead:])


cdef int put(Tensor y, list places, object value, bint number) except -1:
    cdef list dims = [], tensors = []
    cdef Tensor a = places[0][1], v
    cdef int k, nd
    if len(places) == 1 and is_mask(a) and a.t.ndim == y.t.ndim and number:
        y.masked_fill_(a if a.t.dtype == FNN_BOOL else c_cast(a, FNN_BOOL), value)
        return 0
    v = as_tensor_like(value, y)
    if v.t.dtype != y.t.dtype:
        v = c_cast(v, y.t.dtype)
    spread(places, dims, tensors)
    nd = y.t.ndim - <int>len(dims)
    k = 0
    for t in tensors:
        k = max(k, (<Tensor>t).t.ndim)
    c_index_put_(y, dims, tensors, fitting(v, nd + k), False)
    return 0


def index_put_(Tensor self not None, indices, values, bint accumulate=False):
    """self[indices] = values, or += with every duplicate counted."""
    cdef Geometry g
    cdef list places = [], dims = [], tensors = []
    cdef Tensor y, v = as_tensor_like(values, self)
    cdef tuple items = items_of(tuple([slice(None) if i is None else i for i in indices]))
    if v.t.dtype != self.t.dtype:
        raise RuntimeError("index_put_: source and destination dtypes match; got "
                           f"{self.dtype.name} and {v.dtype.name}")
    read(self, items, &g, places)
    spread(places, dims, tensors)
    c_index_put_(self, dims, tensors, v, accumulate)
    return self


def index_put(Tensor input not None, indices, values, bint accumulate=False):
    """A copy of input with values at the given places."""
    return index_put_(input.clone(), indices, values, accumulate)


slots.getitem = getitem
slots.setitem = setitem
register("index_put_", index_put_)
register("index_put", index_put)
