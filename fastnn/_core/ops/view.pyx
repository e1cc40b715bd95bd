"""Views: the same storage under another geometry. Metadata only; nothing computes here.

The derivative of a view is a view of the gradient, or the gradient in a field of zeros.
"""

__all__ = ["as_strided", "flatten", "narrow", "permute", "reshape", "select", "squeeze", "t",
           "transpose", "unsqueeze"]

from libc.stdint cimport int64_t

from ..door cimport attr_i, run1, run_into
from ..fnn cimport (fnn_attr, fnn_dtype, fnn_dtype_size, fnn_tensor_is_contiguous,
                    fnn_tensor_numel, fnn_tensor_view)
from ..host import host_op
from ..status cimport raise_status
from ..tape cimport Node, record_view, recording
from ..tensor cimport Tensor, alias, empty_tensor, view_of, wrap_dim
from ..tensor import register

cdef extern from "fastnn.h":
    enum:
        FNN_OP_clone, FNN_OP_fill_, FNN_OP_copy_

import numpy as np


# ------------------------------------------------------------------ arguments

cdef int sizes_of(object args, int64_t *out) except -1:
    """*sizes or one sequence of sizes into out; how many."""
    cdef int n = 0
    if len(args) == 1 and not isinstance(args[0], int) and hasattr(args[0], "__iter__"):
        args = args[0]
    if len(args) > 8:
        raise ValueError(f"{len(args)} dimensions; a tensor has at most 8")
    for a in args:
        out[n] = a
        n += 1
    return n


cdef int infer_size(Tensor x, int n, int64_t *size) except -1:
    """Replace a single -1 by what is left of x's elements; check the total."""
    cdef int64_t total = 1, numel = fnn_tensor_numel(&x.t)
    cdef int i, free = -1
    for i in range(n):
        if size[i] == -1:
            if free >= 0:
                raise RuntimeError("only one dimension can be inferred")
            free = i
        elif size[i] < 0:
            raise RuntimeError(f"invalid shape dimension {size[i]}")
        else:
            total *= size[i]
    if free >= 0:
        if total == 0 or numel % total:
            raise RuntimeError(f"shape {[size[i] for i in range(n)]} is invalid for input of "
                               f"shape {tuple(x.shape)}")
        size[free] = numel // total
    elif total != numel:
        raise RuntimeError(f"shape {[size[i] for i in range(n)]} is invalid for input of shape "
                           f"{tuple(x.shape)}")
    return 0


cdef bint view_strides(Tensor x, int n, const int64_t *size, int64_t *stride) noexcept:
    """The strides that give x the new shape without a copy; False where there are none."""
    cdef int64_t run, s
    cdef int i = n - 1, d = x.t.ndim - 1, first
    if fnn_tensor_numel(&x.t) == 0 or fnn_tensor_is_contiguous(&x.t):
        s = 1
        for i in range(n - 1, -1, -1):
            stride[i] = s
            if size[i] > 1:
                s *= size[i]
        return True
    while d >= 0:
        # A run of x's dimensions [first, d] that lie as one in memory ...
        run = x.t.size[d]
        s = x.t.stride[d]
        first = d
        while first > 0 and (x.t.size[first - 1] == 1 or run == 1 or
                             x.t.stride[first - 1] == run * s):
            first -= 1
            if run == 1:
                s = x.t.stride[first]
            run *= x.t.size[first]
        # ... is to be split among new dimensions whose sizes multiply to the same.
        while i >= 0 and run > 1 and run % size[i] == 0:
            stride[i] = s
            s *= size[i]
            run //= size[i]
            i -= 1
        while i >= 0 and run == 1 and size[i] == 1:
            stride[i] = s
            i -= 1
        if run != 1:
            return False
        d = first - 1
    return i < 0


# ------------------------------------------------------------------ reshaping

cdef object reshape_vjp(Node n, object g):
    """y = x.reshape(shape);  dx = dy.reshape(x.shape)."""
    return reshape_to(<Tensor>g, <list>n.extra)


cdef Tensor reshape_to(Tensor x, list shape):
    return c_reshape(x, shape, False)


cdef Tensor c_reshape(Tensor x, object args, bint view_only):
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int n = sizes_of(args, size)
    cdef Tensor y, src = x
    infer_size(x, n, size)
    if not view_strides(x, n, size, stride):
        if view_only:
            raise RuntimeError(f"view: shape {[size[i] for i in range(n)]} is not compatible with "
                               f"the input's size {tuple(x.shape)} and stride {x.stride()}; use "
                               "reshape")
        src = x.contiguous()
        view_strides(src, n, size, stride)
    y = view_of(src, src.t.offset, n, size, stride)
    return record_reshape(y, src)


cdef Tensor record_reshape(Tensor y, Tensor x):
    if recording(x):
        record_view(reshape_vjp, b"view", y, x)
        (<Node>y.fn).extra = [x.t.size[i] for i in range(x.t.ndim)]
    return y


def view(Tensor self not None, *shape):
    """The same memory with another shape; a dtype reinterprets its bytes.

    Raises RuntimeError where the strides do not allow it (use reshape).
    """
    if len(shape) == 1 and hasattr(shape[0], "itemsize"):
        return view_dtype(self, shape[0])
    return c_reshape(self, shape, True)


cdef Tensor view_dtype(Tensor x, object dtype):
    cdef Tensor y
    if dtype is x.dtype:
        return view_of(x, x.t.offset, x.t.ndim, x.t.size, x.t.stride)
    if dtype.itemsize != fnn_dtype_size(<fnn_dtype>x.t.dtype):
        return view_width(x, dtype)
    y = view_of(x, x.t.offset, x.t.ndim, x.t.size, x.t.stride)
    y.t.dtype = <signed char>dtype.code
    return y


cdef Tensor view_width(Tensor x, object dtype):
    """The bytes of x, whose last dimension is dense, as elements of another size."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int64_t old = fnn_dtype_size(<fnn_dtype>x.t.dtype), new = dtype.itemsize
    cdef int i, last = x.t.ndim - 1
    if last < 0 or x.t.stride[last] != 1:
        raise RuntimeError(f"view: a tensor of {x.dtype} with strides {x.stride()} cannot be seen "
                           f"as {dtype}: its last dimension must be there, with stride 1")
    for i in range(last + 1):
        size[i] = x.t.size[i] if i < last else x.t.size[i] * old // new
        stride[i] = x.t.stride[i] * old // new if i < last else 1
        if (x.t.size[i] if i == last else x.t.stride[i]) * old % new or x.t.offset % new:
            raise RuntimeError(f"view: sizes {tuple(x.shape)}, strides {x.stride()} and offset of "
                               f"{x.dtype} are no multiples of {dtype}'s {new} bytes")
    raise_status(fnn_tensor_view(&y.t, x.t.storage, x.t.offset, <fnn_dtype><int>dtype.code,
                                 x.t.ndim, size, stride))
    y.base = x if x.base is None else x.base
    y.view_version = y.t.storage.version
    return y


def view_as(Tensor self not None, Tensor other not None):
    """self.view(other.shape)."""
    return c_reshape(self, (other.shape,), True)


def reshape(Tensor input not None, *shape):
    """The elements in another shape: a view where the strides allow it, else a copy."""
    return c_reshape(input, shape, False)


def reshape_as(Tensor self not None, Tensor other not None):
    """self.reshape(other.shape)."""
    return c_reshape(self, (other.shape,), False)


def flatten(Tensor input not None, start_dim=0, end_dim=-1):
    """Dimensions start_dim to end_dim as one."""
    cdef int a = wrap_dim(start_dim, input.t.ndim), b = wrap_dim(end_dim, input.t.ndim), i
    cdef int64_t n = 1
    if a > b:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    if input.t.ndim == 0:
        return c_reshape(input, ([1],), False)
    if a == b:
        return input
    for i in range(a, b + 1):
        n *= input.t.size[i]
    shape = [input.t.size[i] for i in range(a)]
    shape.append(n)
    shape += [input.t.size[i] for i in range(b + 1, input.t.ndim)]
    return c_reshape(input, (shape,), False)


# ------------------------------------------------------------------ reordering

cdef object permute_vjp(Node n, object g):
    """y = x.permute(dims);  dx = dy.permute(inverse of dims)."""
    dims = n.extra
    inverse = [0] * len(dims)
    for i, d in enumerate(dims):
        inverse[d] = i
    return c_permute(<Tensor>g, inverse)


cdef Tensor c_permute(Tensor x, list dims):
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int i, d
    cdef Tensor y
    for i in range(x.t.ndim):
        d = dims[i]
        size[i] = x.t.size[d]
        stride[i] = x.t.stride[d]
    y = view_of(x, x.t.offset, x.t.ndim, size, stride)
    if recording(x):
        record_view(permute_vjp, b"permute", y, x)
        (<Node>y.fn).extra = dims
    return y


def permute(Tensor input not None, *dims):
    """A view with the dimensions in the given order."""
    if len(dims) == 1 and not isinstance(dims[0], int):
        dims = dims[0]
    order = [wrap_dim(d, input.t.ndim) for d in dims]
    if len(order) != input.t.ndim or len(set(order)) != len(order):
        raise RuntimeError(f"permute: {tuple(dims)} is not an order of the {input.t.ndim} "
                           "dimensions")
    return c_permute(input, order)


cdef object transpose_vjp(Node n, object g):
    """y = x.transpose(a, b);  dx = dy.transpose(a, b)."""
    return c_transpose(<Tensor>g, <int>n.i0, <int>n.i1)


cdef Tensor c_transpose(Tensor x, int a, int b):
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int i, d
    cdef Tensor y
    for i in range(x.t.ndim):
        d = b if i == a else a if i == b else i
        size[i] = x.t.size[d]
        stride[i] = x.t.stride[d]
    y = view_of(x, x.t.offset, x.t.ndim, size, stride)
    if recording(x):
        record_view(transpose_vjp, b"transpose", y, x)
        (<Node>y.fn).i0 = a
        (<Node>y.fn).i1 = b
    return y


def transpose(Tensor input not None, dim0, dim1):
    """A view with two dimensions exchanged."""
    return c_transpose(input, wrap_dim(dim0, input.t.ndim), wrap_dim(dim1, input.t.ndim))


def t(Tensor input not None):
    """The transpose of a matrix; vectors and scalars as they are."""
    if input.t.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is "
                           f"{input.t.ndim}D")
    if input.t.ndim < 2:
        return input
    return c_transpose(input, 0, 1)


def _T(Tensor self not None):
    if self.t.ndim == 2:
        return c_transpose(self, 0, 1)
    return c_permute(self, list(range(self.t.ndim - 1, -1, -1)))


def _mT(Tensor self not None):
    if self.t.ndim < 2:
        raise RuntimeError(f"tensor.mT is only supported on matrices or batches of them, got "
                           f"{self.t.ndim}-D")
    return c_transpose(self, self.t.ndim - 2, self.t.ndim - 1)


# ------------------------------------------------------------------ expanding

cdef object expand_vjp(Node n, object g):
    """y = x expanded;  dx = dy summed over the repeated dimensions (done by the tape)."""
    return g


def expand(Tensor self not None, *sizes):
    """A view in which dimensions of size 1 repeat; -1 keeps a size. Raises RuntimeError."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int n = sizes_of(sizes, size), i, k, lead
    cdef Tensor y
    lead = n - self.t.ndim
    if lead < 0:
        raise RuntimeError(f"expand: {n} sizes for a tensor of {self.t.ndim} dimensions")
    for i in range(n):
        k = i - lead
        if k < 0:
            if size[i] < 0:
                raise RuntimeError("expand: -1 is not allowed in a new leading dimension")
            stride[i] = 0
        elif size[i] == -1 or size[i] == self.t.size[k]:
            size[i] = self.t.size[k]
            stride[i] = self.t.stride[k]
        elif self.t.size[k] == 1:
            stride[i] = 0
        else:
            raise RuntimeError(f"expand: the size {size[i]} must match the existing size "
                               f"{self.t.size[k]} at dimension {i}")
    y = view_of(self, self.t.offset, n, size, stride)
    return record_view(expand_vjp, b"expand", y, self)


def expand_as(Tensor self not None, Tensor other not None):
    """self.expand(other.shape)."""
    return self.expand(other.shape)


# ------------------------------------------------------------------ squeezing

cdef Tensor with_shape(Tensor x, int n, const int64_t *size, const int64_t *stride):
    """A view of x that differs in dimensions of size 1 only."""
    return record_reshape(view_of(x, x.t.offset, n, size, stride), x)


def squeeze(Tensor input not None, dim=None):
    """A view without the dimensions of size 1 (all, or those named)."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int n = 0, i
    if dim is None:
        drop = set(range(input.t.ndim))
    elif isinstance(dim, (tuple, list)):
        drop = {wrap_dim(d, input.t.ndim) for d in dim}
    else:
        drop = {wrap_dim(dim, input.t.ndim)}
    for i in range(input.t.ndim):
        if input.t.size[i] == 1 and i in drop:
            continue
        size[n] = input.t.size[i]
        stride[n] = input.t.stride[i]
        n += 1
    return with_shape(input, n, size, stride)


def unsqueeze(Tensor input not None, dim):
    """A view with a new dimension of size 1 before dim."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int at, i
    if input.t.ndim == 8:
        raise ValueError("unsqueeze: a tensor has at most 8 dimensions")
    at = wrap_dim(dim, input.t.ndim + 1)
    for i in range(input.t.ndim + 1):
        if i < at:
            size[i] = input.t.size[i]
            stride[i] = input.t.stride[i]
        elif i == at:
            size[i] = 1
            stride[i] = input.t.size[i] * input.t.stride[i] if i < input.t.ndim else 1
        else:
            size[i] = input.t.size[i - 1]
            stride[i] = input.t.stride[i - 1]
    return with_shape(input, input.t.ndim + 1, size, stride)


# ------------------------------------------------------------------ parts

cdef object slice_vjp(Node n, object g):
    """y = x[start:start+length*step:step] along dim;  dx = zeros with dy in that part."""
    cdef Tensor gy = <Tensor>g
    if recording(gy):
        return slice_backward(gy, <list>n.extra, <int>n.i0, n.i1, n.i2)
    return c_slice_backward(gy, <list>n.extra, <int>n.i0, n.i1, n.i2)


cdef Tensor c_slice_backward(Tensor g, list shape, int dim, int64_t start, int64_t step):
    cdef int64_t size[8]
    cdef int i
    cdef Tensor z
    for i in range(len(shape)):
        size[i] = shape[i]
    z = empty_tensor(g.t.dtype, <int>len(shape), size)
    z.zero_()
    run_into(FNN_OP_copy_, c_slice(z, dim, start, g.t.size[dim], step), g)
    return z


cdef object slice_backward_vjp(Node n, object g):
    """The slice of zeros-with-a-part is its own inverse: d(dy) = slice of the gradient."""
    return c_slice(<Tensor>g, <int>n.i0, n.i1, n.i3, n.i2)


cdef Tensor slice_backward(Tensor g, list shape, int dim, int64_t start, int64_t step):
    cdef Tensor z = c_slice_backward(alias(g), shape, dim, start, step)
    cdef Node n
    record_view(slice_backward_vjp, b"slice_backward", z, g)
    n = <Node>z.fn
    n.i0 = dim; n.i1 = start; n.i2 = step; n.i3 = g.t.size[dim]
    return z


cdef Tensor c_slice(Tensor x, int dim, int64_t start, int64_t length, int64_t step):
    """x[..., start : start + length * step : step, ...]; arguments already checked."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int i
    cdef Node n
    cdef Tensor y
    for i in range(x.t.ndim):
        size[i] = x.t.size[i]
        stride[i] = x.t.stride[i]
    size[dim] = length
    stride[dim] = x.t.stride[dim] * step
    y = view_of(x, x.t.offset + start * x.t.stride[dim] * fnn_dtype_size(<fnn_dtype>x.t.dtype)
                if length and fnn_tensor_numel(&x.t) else x.t.offset, x.t.ndim, size, stride)
    if recording(x):
        record_view(slice_vjp, b"slice", y, x)
        n = <Node>y.fn
        n.extra = [x.t.size[i] for i in range(x.t.ndim)]
        n.i0 = dim; n.i1 = start; n.i2 = step
    return y


cdef object select_vjp(Node n, object g):
    """y = x.select(dim, i);  dx = zeros with dy at i."""
    return slice_from(<Tensor>unsqueeze(<Tensor>g, n.i0), <list>n.extra, <int>n.i0, n.i1)


cdef Tensor slice_from(Tensor g, list shape, int dim, int64_t start):
    if recording(g):
        return slice_backward(g, shape, dim, start, 1)
    return c_slice_backward(g, shape, dim, start, 1)


cdef Tensor c_select(Tensor x, int dim, int64_t at):
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int64_t offset = x.t.offset + at * x.t.stride[dim] * (
        fnn_dtype_size(<fnn_dtype>x.t.dtype))
    cdef int i, n = 0
    cdef Tensor y
    for i in range(x.t.ndim):
        if i != dim:
            size[n] = x.t.size[i]
            stride[n] = x.t.stride[i]
            n += 1
            if x.t.size[i] == 0:
                offset = x.t.offset  # an empty view lies anywhere, but inside its storage
    y = view_of(x, offset, n, size, stride)
    if recording(x):
        record_view(select_vjp, b"select", y, x)
        (<Node>y.fn).extra = [x.t.size[i] for i in range(x.t.ndim)]
        (<Node>y.fn).i0 = dim
        (<Node>y.fn).i1 = at
    return y


def select(Tensor input not None, dim, index):
    """A view of one index of a dimension, without that dimension."""
    cdef int d
    cdef int64_t i = index
    if input.t.ndim == 0:
        raise IndexError("select() cannot be applied to a 0-dim tensor")
    d = wrap_dim(dim, input.t.ndim)
    if i < -input.t.size[d] or i >= input.t.size[d]:
        raise IndexError(f"select(): index {i} out of range for tensor of size "
                         f"{list(input.shape)} at dimension {d}")
    return c_select(input, d, i + input.t.size[d] if i < 0 else i)


def narrow(Tensor input not None, dim, start, length):
    """A view of `length` indices of a dimension from `start` on."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    cdef int64_t a = int(start), k = length
    if input.t.ndim == 0:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor")
    if a < -input.t.size[d] or a > input.t.size[d]:
        raise IndexError(f"narrow: start {a} is out of range for size {input.t.size[d]}")
    if a < 0:
        a += input.t.size[d]
    if k < 0 or a + k > input.t.size[d]:
        raise RuntimeError(f"narrow: start ({a}) + length ({k}) exceeds dimension size "
                           f"({input.t.size[d]})")
    return c_slice(input, d, a, k, 1)


# ------------------------------------------------------------------ as_strided

cdef object as_strided_vjp(Node n, object g):
    """y = elements of x's storage at strides;  dx = dy added where it was taken from."""
    spec = n.extra
    return as_strided_backward(<Tensor>g, spec[0], spec[1])


def as_strided_backward(Tensor g not None, Tensor view not None, Tensor base not None):
    """The gradient of base for a view of it, by position in memory: add dy at every place."""
    where = _positions(base)
    index = np.full(_extent(base, view), -1, dtype=np.int64)
    lowest = min(base.storage_offset(), view.storage_offset())
    index[where.reshape(-1) - lowest] = np.arange(where.size)
    taken = index[_positions(view).reshape(-1) - lowest]
    keep = taken >= 0
    from ..convert import from_numpy
    out = zeros_flat(base, where.size)
    part = g.reshape(-1)
    if not keep.all():
        part = part.index_select(0, from_numpy(np.flatnonzero(keep)))
    out = out.index_add(0, from_numpy(taken[keep]), part)
    return out.reshape(list(base.shape))


cdef Tensor zeros_flat(Tensor like, int64_t n):
    cdef Tensor z = empty_tensor(like.t.dtype, 1, &n)
    z.zero_()
    return z


def _positions(Tensor a not None):
    """The place in storage of every element of a, in a's shape."""
    at = np.array(a.storage_offset())
    for size, stride in zip(a.shape, a.stride()):
        at = at[..., None] + np.arange(size) * stride
    return at


def _extent(Tensor a not None, Tensor b not None):
    both = [_positions(a).reshape(-1), _positions(b).reshape(-1)]
    lowest = min(a.storage_offset(), b.storage_offset())
    return max([int(p.max()) for p in both if p.size] + [lowest]) - lowest + 1


def add_overlapping(Tensor part not None, Tensor g not None):
    """part += g where elements of part share memory: every contribution counts."""
    def add(_, values):
        np.add.at(np.asarray(memoryview(_flat_storage(part))), _positions(part), values)

    host_op("add_overlapping", add, part, g)


cdef Tensor _flat_storage(Tensor a):
    cdef int64_t size[1]
    cdef int64_t stride[1]
    size[0] = a.t.storage.nbytes // fnn_dtype_size(<fnn_dtype>a.t.dtype)
    stride[0] = 1
    return view_of(a, 0, 1, size, stride)


def as_strided(Tensor input not None, size, stride, storage_offset=None):
    """A view of input's storage with any geometry inside it. Raises RuntimeError outside."""
    cdef int64_t csize[8]
    cdef int64_t cstride[8]
    cdef int n = sizes_of((size,), csize)
    cdef int64_t offset = input.t.offset
    cdef Tensor y
    if len(stride) != n:
        raise RuntimeError(f"as_strided: {n} sizes and {len(stride)} strides")
    for i in range(n):
        cstride[i] = stride[i]
        if cstride[i] < 0:
            raise RuntimeError("as_strided: strides must not be negative")
    if storage_offset is not None:
        offset = storage_offset * fnn_dtype_size(<fnn_dtype>input.t.dtype)
    y = view_of(input, offset, n, csize, cstride)
    if recording(input):
        record_view(as_strided_vjp, b"as_strided", y, input)
        (<Node>y.fn).extra = (alias(y), alias(input))
    return y


for _name, _f in dict(view=view, view_as=view_as, reshape=reshape, reshape_as=reshape_as,
                      flatten=flatten, permute=permute, transpose=transpose, t=t, T=property(_T),
                      mT=property(_mT), expand=expand, expand_as=expand_as, squeeze=squeeze,
                      unsqueeze=unsqueeze, select=select, narrow=narrow,
                      as_strided=as_strided).items():
    register(_name, _f)
