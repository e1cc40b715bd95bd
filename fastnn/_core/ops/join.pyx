"""Joining and splitting: cat, stack and their kin; split, chunk, unbind and theirs."""

__all__ = ["cat", "chunk", "column_stack", "concat", "concatenate", "dsplit", "dstack", "hsplit",
           "hstack", "row_stack", "split", "stack", "tensor_split", "unbind", "vsplit", "vstack"]

from libc.stdint cimport int64_t

from ..door cimport attr_i, run_many
from ..fnn cimport fnn_attr, fnn_dtype, fnn_dtype_size
from ..tape cimport Node, record_many, recording, recording_any
from ..tensor cimport Tensor, alias, empty_tensor, view_of, wrap_dim
from ..tensor import register
from .copy cimport c_cast, c_fill_

cdef extern from "fastnn.h":
    enum:
        FNN_OP_cat


# ------------------------------------------------------------------ joining

cdef Tensor c_cat(list tensors, int64_t dim):
    cdef fnn_attr attr[1]
    cdef Node n
    cdef Tensor y
    attr[0] = attr_i(dim)
    y = <Tensor>run_many(FNN_OP_cat, tensors, 1, attr)[0]
    if recording_any(tensors):
        n = record_many(cat_vjp, b"cat", [y], tensors)
        n.i0 = wrap_dim(dim, y.t.ndim)
        n.extra = [(<Tensor>t).t.size[n.i0] if (<Tensor>t).t.ndim == y.t.ndim else -1
                   for t in tensors]
    return y


cdef object cat_vjp(Node n, object g):
    """y = x0, x1, ... end to end;  dxk = its part of dy."""
    cdef list out = []
    cdef int64_t at = 0
    cdef int i = 0
    for size in <list>n.extra:
        if size < 0:
            out.append(None)
        else:
            out.append(g.narrow(n.i0, at, size) if n.needs(i) else None)
            at += size
        i += 1
    return tuple(out)


cdef list same_dtype(object tensors, str name):
    """The tensors in their common dtype."""
    cdef list out = list(tensors)
    cdef int code
    cdef bint mixed = False
    if not out:
        raise ValueError(f"{name}: expected a non-empty list of tensors")
    code = (<Tensor?>out[0]).t.dtype
    for t in out:
        mixed = mixed or (<Tensor?>t).t.dtype != code
    if not mixed:
        return out
    from .pointwise import promote_types
    common = (<Tensor>out[0]).dtype
    for t in out:
        common = promote_types(common, t.dtype)
    return [c_cast(<Tensor>t, common.code) for t in out]


def cat(tensors, dim=0, *, out=None):
    """The tensors end to end along dim; other sizes must agree. Mixed dtypes are promoted."""
    y = c_cat(same_dtype(tensors, "cat"), dim)
    return y if out is None else out.copy_(y)


def concat(tensors, dim=0, *, out=None):
    """cat."""
    return cat(tensors, dim, out=out)


def concatenate(tensors, axis=0, *, dim=None, out=None):
    """cat."""
    return cat(tensors, axis if dim is None else dim, out=out)


cdef Tensor stood(Tensor x, int at, bint taped):
    """x.unsqueeze(at)."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int i, k = 0
    if taped or x.t.ndim == 8:
        return x.unsqueeze(at)
    for i in range(x.t.ndim + 1):
        if i == at:
            size[i] = 1
            stride[i] = 1
        else:
            size[i] = x.t.size[k]
            stride[i] = x.t.stride[k]
            k += 1
    return view_of(x, x.t.offset, x.t.ndim + 1, size, stride)


def stack(tensors, dim=0, *, out=None):
    """Tensors of one shape along a new dimension."""
    cdef list ts = same_dtype(tensors, "stack")
    cdef Tensor first = <Tensor>ts[0]
    cdef int at = wrap_dim(dim, first.t.ndim + 1), i
    cdef bint taped = recording_any(ts)
    for t in ts:
        if (<Tensor>t).t.ndim != first.t.ndim or (<Tensor>t).shape != first.shape:
            raise RuntimeError("stack expects each tensor to be equal size, but got "
                               f"{list(first.shape)} and {list(t.shape)}")
    y = c_cat([stood(<Tensor>t, at, taped) for t in ts], at)
    return y if out is None else out.copy_(y)


def hstack(tensors, *, out=None):
    """cat along dim 1, of vectors along dim 0."""
    ts = [t.reshape(1) if t.ndim == 0 else t for t in tensors]
    return cat(ts, 0 if ts and ts[0].ndim == 1 else 1, out=out)


def vstack(tensors, *, out=None):
    """cat of rows."""
    return cat([t.reshape(1, -1) if t.ndim < 2 else t for t in tensors], 0, out=out)


def row_stack(tensors, *, out=None):
    """vstack."""
    return vstack(tensors, out=out)


def dstack(tensors, *, out=None):
    """cat along the third dimension."""
    from .shape import atleast_3d
    return cat([atleast_3d(t) for t in tensors], 2, out=out)


def column_stack(tensors, *, out=None):
    """Vectors as columns; matrices side by side."""
    return cat([t.reshape(-1, 1) if t.ndim < 2 else t for t in tensors], 1, out=out)


# ------------------------------------------------------------------ splitting

cdef Tensor part(Tensor x, int dim, int64_t start, int64_t length, bint keep):
    """x[start : start + length] along dim, or x[start] where not keep. No history."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int i, n = 0
    for i in range(x.t.ndim):
        if x.t.size[i] == 0 or length == 0:
            start = 0  # an empty view lies anywhere, but inside its storage
        if i == dim and not keep:
            continue
        size[n] = length if i == dim else x.t.size[i]
        stride[n] = x.t.stride[i]
        n += 1
    return view_of(x, x.t.offset + start * x.t.stride[dim] *
                   fnn_dtype_size(<fnn_dtype>x.t.dtype), n, size, stride)


cdef list c_split(Tensor x, int dim, list lengths):
    """Views of consecutive parts; one node for all of them."""
    cdef list out = []
    cdef int64_t at = 0
    cdef Node n
    for length in lengths:
        out.append(part(x, dim, at, length, True))
        at += <int64_t>length
    if recording(x):
        n = record_many(split_vjp, b"split", out, [x])
        n.i0 = dim
    return out


cdef list filled_in(Node n, object gs):
    """The gradients of all outputs, zeros where there is none."""
    cdef list out = [], given = [gs] if n.n_out == 1 else list(gs)
    cdef int64_t size[8]
    cdef int k, i
    cdef Tensor z
    for k in range(n.n_out):
        if given[k] is not None:
            out.append(given[k])
            continue
        shape = n.out_shape() if k == 0 else n.outs[k - 1][0]
        for i in range(len(shape)):
            size[i] = shape[i]
        z = empty_tensor(n.out_dtype, <int>len(shape), size)
        out.append(c_fill_(z, 0))
    return out


cdef object split_vjp(Node n, object gs):
    """y0, y1, ... = the parts of x;  dx = dy0, dy1, ... end to end."""
    return c_cat(filled_in(n, gs), n.i0)


cdef object unbind_vjp(Node n, object gs):
    """y0, y1, ... = x[0], x[1], ...;  dx = the dy stacked."""
    return stack(filled_in(n, gs), n.i0)


def unbind(Tensor input not None, dim=0):
    """The slices of a dimension, as a tuple of views without it."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    cdef int64_t i
    cdef list out
    cdef Node n
    if input.t.ndim == 0:
        raise RuntimeError("unbind: a tensor of rank 0 has no dimension to unbind")
    out = [part(input, d, i, 1, False) for i in range(input.t.size[d])]
    if out and recording(input):
        n = record_many(unbind_vjp, b"unbind", out, [input])
        n.i0 = d
    return tuple(out)


def split(Tensor tensor not None, split_size_or_sections, dim=0):
    """Views of parts of the given size (the last may be smaller), or of the given sizes."""
    cdef int d = wrap_dim(dim, tensor.t.ndim)
    cdef int64_t n, step
    if tensor.t.ndim == 0:
        raise RuntimeError("split expects at least a 1-dimensional tensor")
    n = tensor.t.size[d]
    if not isinstance(split_size_or_sections, (list, tuple)):
        step = split_size_or_sections
        if step < 0 or (step == 0 and n):
            raise RuntimeError(f"split expects split_size be non-negative, but got {step}")
        lengths = [min(step, n - at) for at in range(0, n, step)] if n else [0]
    else:
        lengths = [int(s) for s in split_size_or_sections]
        if min(lengths, default=0) < 0 or sum(lengths) != n:
            raise RuntimeError(f"split_with_sizes expects split_sizes to sum exactly to {n} (input "
                               f"tensor's size at dimension {d}), but got {lengths}")
    return tuple(c_split(tensor, d, lengths))


def _split_with_sizes(Tensor self not None, split_sizes, dim=0):
    """split into parts of the given sizes."""
    return split(self, list(split_sizes), dim)


def chunk(Tensor input not None, chunks, dim=0):
    """At most `chunks` views of equal size; the last may be smaller."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    cdef int64_t n, step
    if input.t.ndim == 0:
        raise RuntimeError("chunk expects at least a 1-dimensional tensor")
    if chunks < 1:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = input.t.size[d]
    step = -(-n // chunks)
    if step == 0:
        return tuple(c_split(input, d, [0] * chunks))
    return tuple(c_split(input, d, [min(step, n - at) for at in range(0, n, step)]))


def tensor_split(Tensor input not None, indices_or_sections, dim=0):
    """Views of nearly equal parts (an int), or split at the given indices."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    cdef int64_t n
    if input.t.ndim == 0:
        raise RuntimeError("tensor_split expected at least a 1-dimensional tensor")
    n = input.t.size[d]
    if isinstance(indices_or_sections, Tensor):
        indices_or_sections = indices_or_sections.tolist()
    if isinstance(indices_or_sections, int):
        k = indices_or_sections
        if k <= 0:
            raise RuntimeError(f"number of sections must be larger than 0, got {k}")
        return tuple(c_split(input, d, [n // k + (i < n % k) for i in range(k)]))
    out, start = [], 0
    for stop in [*indices_or_sections, n]:
        a, b, _ = slice(start, stop).indices(n)
        out.append(input.narrow(d, a, max(b - a, 0)))
        start = stop
    return tuple(out)


cdef object split_along(Tensor x, object how, int dim, str name):
    if x.t.ndim <= dim:
        raise RuntimeError(f"{name} requires a tensor with at least {dim + 1} dimensions, but got "
                           f"{x.t.ndim}")
    if isinstance(how, int) and (how == 0 or x.t.size[dim] % how):
        raise RuntimeError(f"{name}: size {x.t.size[dim]} of dimension {dim} is not divisible by "
                           f"{how}")
    return tensor_split(x, how, dim)


def hsplit(Tensor input not None, indices_or_sections):
    """tensor_split along dim 1, of a vector along dim 0."""
    if input.t.ndim == 0:
        raise RuntimeError("hsplit requires a tensor with at least 1 dimension")
    return split_along(input, indices_or_sections, 0 if input.t.ndim == 1 else 1, "hsplit")


def vsplit(Tensor input not None, indices_or_sections):
    """tensor_split along dim 0 of a matrix."""
    if input.t.ndim < 2:
        raise RuntimeError("vsplit requires a tensor with at least 2 dimensions")
    return split_along(input, indices_or_sections, 0, "vsplit")


def dsplit(Tensor input not None, indices_or_sections):
    """tensor_split along dim 2."""
    return split_along(input, indices_or_sections, 2, "dsplit")


for _name, _f in dict(split=split, split_with_sizes=_split_with_sizes, chunk=chunk, unbind=unbind,
                      tensor_split=tensor_split, hsplit=hsplit, vsplit=vsplit,
                      dsplit=dsplit).items():
    register(_name, _f)
