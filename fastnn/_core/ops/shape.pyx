"""Rearranging: broadcasting, repeating, flipping, rolling, padding, windows, diagonals."""

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "broadcast_shapes", "broadcast_tensors",
           "broadcast_to", "constant_pad_nd", "diag", "diag_embed", "diagonal", "flip", "fliplr",
           "flipud", "moveaxis", "movedim", "ravel", "repeat_interleave", "roll", "rot90",
           "swapaxes", "swapdims", "tile", "unflatten", "unfold_copy"]

cimport cython
from libc.stdint cimport int64_t

from ..door cimport attr_i, attr_ints, attr_scalar, run1, run_into
from ..fnn cimport FNN_I32, FNN_I64, fnn_attr, fnn_dtype, fnn_dtype_size, fnn_tensor_numel
from ..size import Size
from ..tape cimport Node, record, record_view, recording
from ..tensor cimport Tensor, empty_tensor, view_of, wrap_dim
from ..tensor import register
from ..views cimport check_inplace
from .copy cimport c_clone, c_fill_
from .view cimport c_permute, c_reshape, c_transpose

cdef extern from "fastnn.h":
    enum:
        FNN_OP_roll, FNN_OP_pad, FNN_OP_repeat_index, FNN_OP_copy_


cdef list shape_of(Tensor x):
    return [x.t.size[i] for i in range(x.t.ndim)]


cdef Tensor zeros_of(Tensor like, list shape):
    cdef int64_t size[8]
    cdef int i
    for i in range(len(shape)):
        size[i] = shape[i]
    return c_fill_(empty_tensor(like.t.dtype, <int>len(shape), size), 0)


cdef list dims_of(object dims, int ndim):
    """One dimension or several, wrapped."""
    if isinstance(dims, (tuple, list)):
        return [wrap_dim(d, ndim) for d in dims]
    return [wrap_dim(dims, ndim)]


# ------------------------------------------------------------------ broadcasting

def broadcast_shapes(*shapes):
    """The shape to which all of the given ones broadcast."""
    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    n = max([len(s) for s in shapes], default=0)
    out = [1] * n
    for s in shapes:
        for k, size in enumerate(s):
            d = n - len(s) + k
            if size != 1 and out[d] != 1 and size != out[d]:
                raise RuntimeError("shape mismatch: objects cannot be broadcast to a single "
                                   f"shape: {shapes}")
            out[d] = size if size != 1 else out[d]
    return Size(out)


def broadcast_to(Tensor input not None, size):
    """input.expand(size)."""
    return input.expand(size)


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape."""
    if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
        tensors = tensors[0]
    shape = broadcast_shapes(*[t.shape for t in tensors])
    return tuple([t.expand(shape) for t in tensors])


cdef object at_least(object tensors, object one):
    if len(tensors) == 1 and isinstance(tensors[0], Tensor):
        return one(tensors[0])
    if len(tensors) == 1:
        tensors = tensors[0]
    return tuple([one(t) for t in tensors])


def atleast_1d(*tensors):
    """A view with 1 dimension where there is none."""
    return at_least(tensors, lambda t: t.reshape(1) if t.ndim == 0 else t)


def atleast_2d(*tensors):
    """A view with at least 2 dimensions: a vector becomes a row."""
    return at_least(tensors, lambda t: t.reshape(1, -1) if t.ndim < 2 else t)


def atleast_3d(*tensors):
    """A view with at least 3 dimensions: a vector n becomes (1, n, 1)."""
    return at_least(tensors, lambda t: t.reshape(1, -1, 1) if t.ndim < 2 else
                    t.unsqueeze(-1) if t.ndim == 2 else t)


# ------------------------------------------------------------------ order of dimensions

def movedim(Tensor input not None, source, destination):
    """A view with dimensions moved to new places; the others keep their order."""
    a, b = dims_of(source, input.t.ndim), dims_of(destination, input.t.ndim)
    if len(a) != len(b) or len(set(a)) != len(a) or len(set(b)) != len(b):
        raise RuntimeError(f"movedim: repeated or unequal dimensions: {source}, {destination}")
    rest = [d for d in range(input.t.ndim) if d not in a]
    order = [-1] * input.t.ndim
    for d, at in zip(a, b):
        order[at] = d
    for i in range(len(order)):
        if order[i] < 0:
            order[i] = rest.pop(0)
    return c_permute(input, order)


def moveaxis(Tensor input not None, source, destination):
    """movedim."""
    return movedim(input, source, destination)


def swapaxes(Tensor input not None, axis0, axis1):
    """transpose."""
    return c_transpose(input, wrap_dim(axis0, input.t.ndim), wrap_dim(axis1, input.t.ndim))


def swapdims(Tensor input not None, dim0, dim1):
    """transpose."""
    return c_transpose(input, wrap_dim(dim0, input.t.ndim), wrap_dim(dim1, input.t.ndim))


def ravel(Tensor input not None):
    """input.reshape(-1)."""
    return c_reshape(input, (-1,), False)


def unflatten(Tensor input not None, dim, sizes):
    """One dimension as several; one of sizes may be -1."""
    cdef int d = wrap_dim(dim, input.t.ndim)
    cdef list shape = shape_of(input)
    sizes = list(sizes)
    known = 1
    for s in sizes:
        known *= s if s != -1 else 1
    if -1 in sizes and known:
        sizes[sizes.index(-1)] = shape[d] // known
    total = 1
    for s in sizes:
        total *= s
    if not sizes or total != shape[d]:
        raise RuntimeError(f"unflatten: provided sizes {sizes} don't multiply up to the size of "
                           f"dim {d} ({shape[d]}) in the input tensor")
    return c_reshape(input, (shape[:d] + sizes + shape[d + 1:],), False)


# ------------------------------------------------------------------ repeating

def repeat(Tensor self not None, *sizes):
    """Copies side by side: sizes[i] times along dimension i; may add leading dimensions."""
    if len(sizes) == 1 and not isinstance(sizes[0], int) and (
            not hasattr(sizes[0], "__index__")):
        sizes = tuple(sizes[0])
    lead = len(sizes) - self.t.ndim
    if lead < 0:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of "
                           "dimensions of tensor")
    x = self.reshape([1] * lead + shape_of(self)) if lead else self
    if len(sizes) > 4:
        from .join import cat
        for d, r in enumerate(sizes):
            x = x.narrow(d, 0, 0) if r == 0 else cat([x] * r, d) if r > 1 else x
        return x.clone() if x is self else x
    pairs, wide, last = [], [], []
    for n, r in zip(x.shape, sizes):
        pairs += [1, n]
        wide += [r, n]
        last.append(r * n)
    y = x.reshape(pairs).expand(wide).clone(memory_format=_contiguous_format())
    return y.reshape(last)


cdef object _contiguous_format():
    from ..dtypes import public
    return public["contiguous_format"]


def tile(Tensor input not None, *dims):
    """repeat, with ones put before too short a list."""
    if len(dims) == 1 and not isinstance(dims[0], int) and (
            not hasattr(dims[0], "__index__")):
        dims = tuple(dims[0])
    return repeat(input, *((1,) * (input.t.ndim - len(dims)) + tuple(dims)))


def repeat_interleave(input, repeats=None, dim=None, *, output_size=None):
    """Every element (or index of dim) repeats times; repeats may be a tensor of counts."""
    if repeats is None:
        return run1(FNN_OP_repeat_index, input.to(dtype=_int64()))
    if dim is None:
        input, dim = input.reshape(-1), 0
    if input.ndim == 0:
        input = input.reshape(1)
    d = wrap_dim(dim, input.ndim)
    if isinstance(repeats, Tensor) and repeats.numel() == 1:
        repeats = repeats.item()
    if isinstance(repeats, Tensor):
        if repeats.ndim != 1 or repeats.numel() != input.shape[d]:
            raise RuntimeError("repeats must have the same size as input along dim, but got "
                               f"{tuple(repeats.shape)} for size {input.shape[d]}")
        return input.index_select(d, run1(FNN_OP_repeat_index, repeats.to(dtype=_int64())))
    if repeats < 0:
        raise RuntimeError("Repeats must be non-negative")
    shape = list(input.shape)
    wide = shape[:d + 1] + [repeats] + shape[d + 1:]
    y = input.unsqueeze(d + 1).expand(wide).clone(memory_format=_contiguous_format())
    return y.reshape(shape[:d] + [shape[d] * repeats] + shape[d + 1:])


cdef object _int64():
    from ..dtypes import public
    return public["int64"]


# ------------------------------------------------------------------ flipping and rolling

cdef object flip_vjp(Node n, object g):
    """y = x reversed;  dx = dy reversed."""
    return c_flip(<Tensor>g, <list>n.extra)


cdef Tensor c_flip(Tensor x, list dims):
    cdef int64_t stride[8]
    cdef int64_t offset = x.t.offset
    cdef int i
    cdef Tensor y
    for i in range(x.t.ndim):
        stride[i] = x.t.stride[i]
    for d in dims:
        i = d
        if fnn_tensor_numel(&x.t) > 0:
            offset += (x.t.size[i] - 1) * stride[i] * fnn_dtype_size(<fnn_dtype>x.t.dtype)
        stride[i] = -stride[i]
    y = view_of(x, offset, x.t.ndim, x.t.size, stride)
    y = run_clone(y)
    if recording(x):
        record(flip_vjp, b"flip", y, x).extra = dims
    return y


cdef Tensor run_clone(Tensor view):
    """A contiguous copy without history."""
    cdef Tensor z = empty_tensor(view.t.dtype, view.t.ndim, view.t.size)
    return run_into(FNN_OP_copy_, z, view)


def flip(Tensor input not None, *dims):
    """A copy in the reverse order along the given dimensions."""
    if len(dims) == 1 and not isinstance(dims[0], int) and (
            not hasattr(dims[0], "__index__")):
        dims = tuple(dims[0])
    wrapped = dims_of(tuple(dims), input.t.ndim)
    if len(set(wrapped)) != len(wrapped):
        raise RuntimeError("flip: dim appears multiple times in the list of dims")
    return c_flip(input, wrapped)


def fliplr(Tensor input not None):
    """flip along dim 1."""
    if input.t.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return c_flip(input, [1])


def flipud(Tensor input not None):
    """flip along dim 0."""
    if input.t.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return c_flip(input, [0])


def rot90(Tensor input not None, k=1, dims=(0, 1)):
    """A copy turned k times by 90 degrees in the plane of two dimensions."""
    cdef int a, b
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    a, b = wrap_dim(dims[0], input.t.ndim), wrap_dim(dims[1], input.t.ndim)
    if a == b:
        raise RuntimeError("rot90: expected rotation dims to be different")
    k %= 4
    if k == 2:
        return c_flip(input, [a, b])
    if k == 1:
        return c_transpose(c_flip(input, [b]), a, b)
    if k == 3:
        return c_transpose(c_flip(input, [a]), a, b)
    return c_clone(input, 1)


cdef object roll_vjp(Node n, object g):
    """y = x rolled;  dx = dy rolled back."""
    return c_roll(<Tensor>g, -n.i0, n.i1)


cdef Tensor c_roll(Tensor x, int64_t shift, int64_t dim):
    cdef fnn_attr attr[2]
    cdef Node n
    cdef Tensor y
    attr[0] = attr_i(shift)
    attr[1] = attr_i(dim)
    y = run1(FNN_OP_roll, x, attr)
    if recording(x):
        n = record(roll_vjp, b"roll", y, x)
        n.i0 = shift
        n.i1 = dim
    return y


def roll(Tensor input not None, shifts, dims=None):
    """Elements moved along dims, those that leave coming back in; dims None: flattened."""
    if dims is None or dims == ():
        if isinstance(shifts, (tuple, list)) and len(shifts) != 1:
            raise RuntimeError("shifts and dimensions must align. shifts: "
                               f"{len(shifts)}, dims: 0")
        shift = shifts[0] if isinstance(shifts, (tuple, list)) else shifts
        return c_roll(input.reshape(-1), shift, 0).reshape(shape_of(input))
    shifts = list(shifts) if isinstance(shifts, (tuple, list)) else [shifts]
    dims = list(dims) if isinstance(dims, (tuple, list)) else [dims]
    if len(shifts) != len(dims):
        raise RuntimeError("shifts and dimensions must align. shifts: "
                           f"{len(shifts)}, dims: {len(dims)}")
    for s, d in zip(shifts, dims):
        input = c_roll(input, s, wrap_dim(d, input.t.ndim))
    return input


# ------------------------------------------------------------------ padding

cdef object pad_vjp(Node n, object g):
    """y = x with a border;  dx = dy without it."""
    return c_pad(<Tensor>g, [-p for p in <list>n.extra], 0)


cdef Tensor c_pad(Tensor x, list pad, object value):
    cdef int64_t room[16]
    cdef fnn_attr attr[2]
    cdef Tensor y
    cdef int i
    if len(pad) > 16:
        raise RuntimeError(f"pad: {len(pad)} padding numbers for {x.t.ndim} dimensions")
    for i in range(len(pad)):
        room[i] = pad[i]
    attr[0] = attr_ints(room, len(pad))
    attr[1] = attr_scalar(value)
    y = run1(FNN_OP_pad, x, attr)
    if recording(x):
        record(pad_vjp, b"constant_pad_nd", y, x).extra = pad
    return y


def constant_pad_nd(Tensor input not None, pad, value=0):
    """A border of value: (before, after) of the last dimension, then the one before it, ...."""
    return c_pad(input, [int(p) for p in pad], 0 if value is None else value)


# ------------------------------------------------------------------ windows

def unfold(Tensor self not None, dimension, size, step):
    """A view of all windows of `size` elements, `step` apart, of a dimension; they come last."""
    cdef int d = wrap_dim(dimension, self.t.ndim), i
    cdef int64_t csize[8]
    cdef int64_t cstride[8]
    cdef int64_t n = self.t.size[d] if self.t.ndim else 1, w = size, by = step
    cdef Node node
    cdef Tensor y
    if w < 0 or w > n:
        raise RuntimeError(f"maximum size for tensor at dimension {d} is {n} but size is {w}")
    if by <= 0:
        raise RuntimeError(f"step is {by} but must be > 0")
    if self.t.ndim == 8:
        raise ValueError("unfold: a tensor has at most 8 dimensions")
    for i in range(self.t.ndim):
        csize[i] = self.t.size[i] if i != d else (n - w) // by + 1
        cstride[i] = self.t.stride[i] * (by if i == d else 1)
    csize[self.t.ndim] = w
    cstride[self.t.ndim] = self.t.stride[d] if self.t.ndim else 1
    y = view_of(self, self.t.offset, self.t.ndim + 1, csize, cstride)
    if recording(self):
        record_view(unfold_vjp, b"unfold", y, self)
        node = <Node>y.fn
        node.i0 = d; node.i1 = w; node.i2 = by
        node.extra = shape_of(self)
    return y


cdef object unfold_vjp(Node n, object g):
    """y = windows of x;  dx = every window of dy added where it was taken from."""
    from .create import arange
    cdef Tensor gy = <Tensor>g
    if not n.extra:
        return gy.reshape(())
    starts = arange(gy.t.size[n.i0]) * n.i2
    index = (starts.unsqueeze(1) + arange(n.i1)).reshape(-1)
    rows = movedim(gy, -1, n.i0 + 1).flatten(n.i0, n.i0 + 1)
    return zeros_of(gy, <list>n.extra).index_add_(n.i0, index, rows)


def unfold_copy(Tensor input not None, dimension, size, step):
    """unfold, as a copy."""
    return unfold(input, dimension, size, step).clone()


# ------------------------------------------------------------------ diagonals

cdef Tensor diagonal_view(Tensor x, int64_t offset, int a, int b):
    """The elements x[..., i, i + offset, ...] of dimensions a and b, put last. No history."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int64_t length, at = x.t.offset
    cdef int i, n = 0
    if offset >= 0:
        length = max(min(x.t.size[a], x.t.size[b] - offset), 0)
    else:
        length = max(min(x.t.size[a] + offset, x.t.size[b]), 0)
    if length:
        at += (offset * x.t.stride[b] if offset >= 0 else -offset * x.t.stride[a]) * (
            fnn_dtype_size(<fnn_dtype>x.t.dtype))
    for i in range(x.t.ndim):
        if i != a and i != b:
            size[n] = x.t.size[i]
            stride[n] = x.t.stride[i]
            n += 1
    size[n] = length
    stride[n] = x.t.stride[a] + x.t.stride[b]
    return view_of(x, at, n + 1, size, stride)


cdef Tensor c_diagonal(Tensor x, int64_t offset, int a, int b):
    cdef Tensor y = diagonal_view(x, offset, a, b)
    cdef Node n
    if recording(x):
        record_view(diagonal_vjp, b"diagonal", y, x)
        n = <Node>y.fn
        n.i0 = offset; n.i1 = a; n.i2 = b
        n.extra = shape_of(x)
    return y


cdef object diagonal_vjp(Node n, object g):
    """y = a diagonal of x;  dx = zeros with dy on it."""
    return c_on_diagonal(<Tensor>g, <list>n.extra, n.i0, <int>n.i1, <int>n.i2)


cdef Tensor c_on_diagonal(Tensor g, list shape, int64_t offset, int a, int b):
    cdef Tensor z = zeros_of(g, shape)
    cdef Node n
    run_into(FNN_OP_copy_, diagonal_view(z, offset, a, b), g)
    if recording(g):
        n = record(on_diagonal_vjp, b"diag_embed", z, g)
        n.i0 = offset; n.i1 = a; n.i2 = b
    return z


cdef object on_diagonal_vjp(Node n, object g):
    """z = zeros with x on a diagonal;  dx = that diagonal of dz."""
    return c_diagonal(<Tensor>g, n.i0, <int>n.i1, <int>n.i2)


def diagonal(Tensor input not None, offset=0, dim1=0, dim2=1):
    """A view of a diagonal of two dimensions, which becomes the last one."""
    cdef int a = wrap_dim(dim1, input.t.ndim), b = wrap_dim(dim2, input.t.ndim)
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return c_diagonal(input, offset, a, b)


def diag_embed(Tensor input not None, offset=0, dim1=-2, dim2=-1):
    """Matrices of zeros with the last dimension of input on a diagonal."""
    cdef int n = input.t.ndim + 1, a = wrap_dim(dim1, n), b = wrap_dim(dim2, n)
    cdef list shape = shape_of(input)[:-1]
    if a == b:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    side = input.t.size[input.t.ndim - 1] + abs(offset)
    for d in sorted((a, b)):
        shape.insert(d, side)
    return c_on_diagonal(input, shape, offset, a, b)


def diag(Tensor input not None, diagonal=0, *, out=None):
    """The diagonal of a matrix as a copy, or a matrix with a vector on its diagonal."""
    if input.t.ndim == 1:
        y = diag_embed(input, diagonal)
    elif input.t.ndim == 2:
        y = c_clone(c_diagonal(input, diagonal, 0, 1), 0)
    else:
        raise RuntimeError(f"diag(): Supports 1D or 2D tensors. Got {input.t.ndim}D")
    return y if out is None else out.copy_(y)


# ------------------------------------------------------------------ in-place changes of geometry

cdef Tensor become(Tensor x, Tensor view):
    """x takes over the geometry and the history of a view of itself."""
    check_inplace(x)
    x.t.ndim = view.t.ndim
    x.t.offset = view.t.offset
    x.t.size = view.t.size
    x.t.stride = view.t.stride
    if view.fn is not None:
        x.fn = view.fn
        x.out_nr = view.out_nr
    return x


def _in_place(name, f):
    @cython.binding(True)
    def change(Tensor self not None, *args, **kwargs):
        return become(self, f(self, *args, **kwargs))
    change.__name__ = change.__qualname__ = name
    change.__doc__ = f"{name[:-1]}, in place."
    return change


from .view import squeeze, t, transpose, unsqueeze

for _name, _f in dict(squeeze_=squeeze, unsqueeze_=unsqueeze, t_=t, transpose_=transpose,
                      swapaxes_=swapaxes, swapdims_=swapdims).items():
    register(_name, _in_place(_name, _f))
for _name, _f in dict(broadcast_to=broadcast_to, movedim=movedim, moveaxis=moveaxis,
                      swapaxes=swapaxes, swapdims=swapdims, ravel=ravel, unflatten=unflatten,
                      repeat=repeat, tile=tile, repeat_interleave=repeat_interleave, flip=flip,
                      fliplr=fliplr, flipud=flipud, rot90=rot90, roll=roll, unfold=unfold,
                      diagonal=diagonal, diag_embed=diag_embed, diag=diag).items():
    register(_name, _f)
