"""Taking and putting by index: rows, elements, masks. t[...] itself is in getitem.pyx.

Every derivative here is another op of this module, so that all can be differentiated twice.
"""

__all__ = ["argwhere", "embedding", "gather", "index_add", "index_copy", "index_fill",
           "index_select", "masked_scatter", "masked_select", "nonzero", "one_hot", "scatter",
           "scatter_add", "scatter_reduce", "take", "take_along_dim"]

from libc.stdint cimport int64_t

from ..door cimport attr_i, attr_ints, attr_scalar, run1, run2, run_given, run_into, run_many
from ..fnn cimport FNN_BOOL, FNN_I64, FNN_U8, fnn_attr, fnn_tensor_numel
from ..tape cimport Node, record, recording, recording2
from ..tensor cimport Tensor, empty_tensor, is_float, wrap_dim
from ..tensor import register
from ..views cimport check_inplace, record_inplace
from .copy cimport c_cast, c_clone, c_fill_

cdef extern from "fastnn.h":
    enum:
        FNN_OP_index, FNN_OP_index_put_, FNN_OP_index_select, FNN_OP_index_add_
        FNN_OP_index_copy_, FNN_OP_index_fill_, FNN_OP_gather, FNN_OP_scatter_
        FNN_OP_scatter_fill_, FNN_OP_masked_select, FNN_OP_masked_scatter_, FNN_OP_nonzero
        FNN_OP_embedding, FNN_OP_embedding_bwd, FNN_OP_one_hot

cdef enum:
    NONE, ADD, MULTIPLY, AMAX, AMIN  # reductions of scatter_


cdef Tensor zeros_of(Tensor like, list shape):
    cdef int64_t size[8]
    cdef int i
    for i in range(len(shape)):
        size[i] = shape[i]
    return c_fill_(empty_tensor(like.t.dtype, <int>len(shape), size), 0)


cdef list shape_of(Tensor x):
    return [x.t.size[i] for i in range(x.t.ndim)]


cdef Tensor into(object out, Tensor y):
    """y, written into the caller's out where there is one."""
    return y if out is None else out.copy_(y)


# ------------------------------------------------------------------ several index tensors

cdef fnn_attr dims_attr(list dims, int64_t *room):
    cdef int i
    for i in range(len(dims)):
        room[i] = dims[i]
    return attr_ints(room, len(dims))


cdef int save_indices(Node n, list dims, list tensors) except -1:
    cdef int k
    for k in range(len(tensors)):
        n.save(k, <Tensor>tensors[k])
    n.extra = dims
    return 0


cdef list saved_indices(Node n, int count):
    return [n.saved(k) for k in range(count)]


cdef Tensor c_index(Tensor x, list dims, list tensors):
    cdef int64_t room[8]
    cdef fnn_attr attr[1]
    cdef Node n
    cdef Tensor y
    attr[0] = dims_attr(dims, room)
    y = <Tensor>run_many(FNN_OP_index, [x] + tensors, 1, attr)[0]
    if recording(x):
        n = record(index_vjp, b"index", y, x)
        save_indices(n, dims, tensors)
        n.extra = (dims, shape_of(x))
    return y


cdef object index_vjp(Node n, object g):
    """y = x[i];  dx = zeros with dy added at [i]."""
    dims, shape = n.extra
    return c_index_put_(zeros_of(g, shape), dims, saved_indices(n, <int>len(dims)), g, True)


cdef Tensor c_index_put_(Tensor x, list dims, list tensors, Tensor value, bint accumulate):
    cdef int64_t room[8]
    cdef fnn_attr attr[2]
    cdef Node n
    cdef bint rec = recording2(x, value)
    if rec:
        check_inplace(x)
    attr[0] = dims_attr(dims, room)
    attr[1] = attr_i(accumulate)
    run_given(FNN_OP_index_put_, [value] + tensors, [x], attr)
    if rec:
        n = record_inplace(index_put_vjp, b"index_put", x, value)
        save_indices(n, dims, tensors)
        n.i0 = accumulate
    return x


cdef object index_put_vjp(Node n, object g):
    """y = x with v at [i];  dx = dy with 0 at [i] (dy, if v was added);  dv = dy[i]."""
    cdef list tensors = saved_indices(n, <int>len(n.extra))
    dx = g
    if not n.i0 and n.needs(0):
        dx = c_index_put_(c_clone(<Tensor>g, 0), n.extra, tensors, zeros_of(g, []), False)
    return (dx, c_index(<Tensor>g, n.extra, tensors) if n.needs(1) else None)


# ------------------------------------------------------------------ one index, one dimension

cdef Tensor c_index_select(Tensor x, int64_t dim, Tensor index):
    cdef fnn_attr attr[1]
    cdef Node n
    cdef Tensor y
    attr[0] = attr_i(dim)
    y = run2(FNN_OP_index_select, x, index, attr)
    if recording(x):
        n = record(index_select_vjp, b"index_select", y, x)
        n.save(0, index)
        n.i0 = dim
        n.extra = shape_of(x)
    return y


cdef object index_select_vjp(Node n, object g):
    """y = rows i of x;  dx = zeros with dy added to rows i."""
    return c_index_put_dim(zeros_of(<Tensor>g, <list>n.extra), n.i0, n.saved(0), <Tensor>g, ADD)


cdef Tensor c_index_put_dim(Tensor x, int64_t dim, Tensor index, Tensor src, int how):
    """Rows `index` of x: += src (ADD), or = src (NONE)."""
    cdef fnn_attr attr[1]
    cdef Node n
    cdef bint rec = recording2(x, src)
    if rec:
        check_inplace(x)
    attr[0] = attr_i(dim)
    run_given(FNN_OP_index_add_ if how == ADD else FNN_OP_index_copy_, [src, index], [x], attr)
    if rec:
        n = record_inplace(index_put_dim_vjp, b"index_add" if how == ADD else b"index_copy", x,
                           src)
        n.save(0, index)
        n.i0 = dim
        n.i1 = how
    return x


cdef object index_put_dim_vjp(Node n, object g):
    """dx = dy (index_copy: with rows i cleared);  dsrc = rows i of dy."""
    cdef Tensor index = n.saved(0)
    dx = g
    if n.i1 == NONE and n.needs(0):
        dx = c_index_fill_(c_clone(<Tensor>g, 0), n.i0, index, 0, None)
    return (dx, c_index_select(<Tensor>g, n.i0, index) if n.needs(1) else None)


cdef Tensor c_index_fill_(Tensor x, int64_t dim, Tensor index, object value, Tensor tensor):
    """Rows `index` of x = value; tensor: the value where it is on the tape."""
    cdef fnn_attr attr[2]
    cdef Node n
    cdef bint rec = recording2(x, tensor)
    if rec:
        check_inplace(x)
    attr[0] = attr_i(dim)
    attr[1] = attr_scalar(value)
    run_into(FNN_OP_index_fill_, x, index, None, None, attr)
    if rec:
        n = record_inplace(index_fill_vjp, b"index_fill", x, tensor)
        n.save(0, index)
        n.i0 = dim
    return x


cdef object index_fill_vjp(Node n, object g):
    """dx = dy with rows i cleared;  dvalue = the sum of rows i of dy."""
    cdef Tensor index = n.saved(0)
    dx = c_index_fill_(c_clone(<Tensor>g, 0), n.i0, index, 0, None) if n.needs(0) else None
    return (dx, c_index_select(<Tensor>g, n.i0, index).sum() if n.needs(1) else None)


def index_select(Tensor input not None, dim, Tensor index not None, *, out=None):
    """The given indices of a dimension, in order: y[i] = x[index[i]]. Raises IndexError."""
    if input.t.ndim == 0:
        return into(out, c_index_select(input.reshape(1), dim, index).reshape(()))
    return into(out, c_index_select(input, dim, index))


def index_add_(Tensor self not None, dim, Tensor index not None, Tensor source not None, *,
               alpha=1):
    """self[index[i]] += alpha * source[i] along dim; duplicates add up in order."""
    if alpha != 1:
        source = source * alpha
    return c_index_put_dim(self, dim, index, source, ADD)


def index_copy_(Tensor self not None, dim, Tensor index not None, Tensor source not None):
    """self[index[i]] = source[i] along dim; of duplicates the last one stays."""
    return c_index_put_dim(self, dim, index, source, NONE)


def index_fill_(Tensor self not None, dim, Tensor index not None, value):
    """self[index[i]] = value along dim."""
    cdef Tensor v = None
    if isinstance(value, Tensor):
        if (<Tensor>value).t.ndim:
            raise RuntimeError("index_fill_ only supports a 0-dimensional value tensor, got "
                               f"{(<Tensor>value).t.ndim} dimensions")
        v = <Tensor>value
        value = v.item()
    return c_index_fill_(self, dim, index, value, v)


def index_add(Tensor input not None, dim, index, source, *, alpha=1, out=None):
    """index_add_ on a copy."""
    return into(out, index_add_(c_clone(input, 0), dim, index, source, alpha=alpha))


def index_copy(Tensor input not None, dim, index, source, *, out=None):
    """index_copy_ on a copy."""
    return into(out, index_copy_(c_clone(input, 0), dim, index, source))


def index_fill(Tensor input not None, dim, index, value):
    """index_fill_ on a copy."""
    return index_fill_(c_clone(input, 0), dim, index, value)


# ------------------------------------------------------------------ embedding

cdef Tensor c_embedding(Tensor weight, Tensor index, int64_t padding, bint scale):
    cdef Node n
    cdef Tensor y = run2(FNN_OP_embedding, weight, index)
    if recording(weight):
        n = record(embedding_vjp, b"embedding", y, weight)
        n.save(0, index)
        n.i0 = padding
        n.i1 = scale
        n.i2 = weight.t.size[0]
    return y


cdef object embedding_vjp(Node n, object g):
    """y[j] = w[i[j]];  dw = zeros with dy[j] added to row i[j]; the padding row stays 0."""
    return c_embedding_bwd(<Tensor>g, n.saved(0), n.i2, n.i0, n.i1)


cdef Tensor c_embedding_bwd(Tensor g, Tensor index, int64_t rows, int64_t padding, bint scale):
    cdef fnn_attr attr[3]
    cdef Node n
    cdef Tensor dw
    attr[0] = attr_i(rows)
    attr[1] = attr_i(padding)
    attr[2] = attr_i(scale)
    dw = run2(FNN_OP_embedding_bwd, g, index, attr)
    if recording(g):
        n = record(embedding_bwd_vjp, b"embedding_bwd", dw, g)
        n.save(0, index)
        n.i0 = padding
        n.i1 = scale
    return dw


cdef object embedding_bwd_vjp(Node n, object g):
    """dw = rows summed;  d(dy)[j] = row i[j] of d(dw), 0 for padding."""
    cdef Tensor index = n.saved(0), y
    if n.i1:
        raise NotImplementedError("embedding: no second derivative with scale_grad_by_freq")
    y = c_embedding(<Tensor>g, index, -1, False)
    if n.i0 >= 0:
        y = y.masked_fill((index == n.i0).unsqueeze(-1), 0)
    return y


def embedding(Tensor weight not None, Tensor indices not None, padding_idx=-1,
              bint scale_grad_by_freq=False, bint sparse=False):
    """Rows of weight (V, D) at indices (...): (..., D). Raises IndexError outside [0, V).

    padding_idx: a row that gets no gradient; scale_grad_by_freq: divide a row's gradient by how
    often the row occurs. sparse is accepted; gradients are dense.
    """
    return c_embedding(weight, indices, -1 if padding_idx is None else padding_idx,
                       scale_grad_by_freq)


# ------------------------------------------------------------------ gather and scatter

cdef Tensor c_gather(Tensor x, int64_t dim, Tensor index):
    cdef fnn_attr attr[1]
    cdef Node n
    cdef Tensor y
    attr[0] = attr_i(dim)
    y = run2(FNN_OP_gather, x, index, attr)
    if recording(x):
        n = record(gather_vjp, b"gather", y, x)
        n.save(0, index)
        n.i0 = dim
        n.extra = shape_of(x)
    return y


cdef object gather_vjp(Node n, object g):
    """y[i, j] = x[index[i, j], j];  dx = zeros with dy added where it came from."""
    return c_scatter_(zeros_of(<Tensor>g, <list>n.extra), n.i0, n.saved(0), <Tensor>g, ADD)


cdef Tensor c_scatter_(Tensor x, int64_t dim, Tensor index, Tensor src, int reduce):
    cdef fnn_attr attr[2]
    cdef Node n
    cdef bint rec = recording2(x, src)
    if rec:
        check_inplace(x)
        if reduce > ADD:
            raise RuntimeError("scatter_ with a reduction other than add has no derivative; use "
                               "scatter_reduce")
    attr[0] = attr_i(dim)
    attr[1] = attr_i(reduce)
    run_given(FNN_OP_scatter_, [src, index], [x], attr)
    if rec:
        n = record_inplace(scatter_vjp, b"scatter_add" if reduce == ADD else b"scatter", x, src)
        n.save(0, index)
        n.i0 = dim
        n.i1 = reduce
    return x


cdef object scatter_vjp(Node n, object g):
    """dx = dy (scatter: 0 where written);  dsrc = dy gathered at index."""
    cdef Tensor index = n.saved(0)
    dx = g
    if n.i1 == NONE and n.needs(0):
        dx = c_scatter_fill_(c_clone(<Tensor>g, 0), n.i0, index, 0, NONE)
    return (dx, c_gather(<Tensor>g, n.i0, index) if n.needs(1) else None)


cdef Tensor c_scatter_fill_(Tensor x, int64_t dim, Tensor index, object value, int reduce):
    cdef fnn_attr attr[3]
    cdef Node n
    cdef bint rec = recording(x)
    if rec:
        check_inplace(x)
        if reduce > ADD:
            raise RuntimeError("scatter_ with a reduction other than add has no derivative")
    attr[0] = attr_i(dim)
    attr[1] = attr_i(reduce)
    attr[2] = attr_scalar(value)
    run_given(FNN_OP_scatter_fill_, [index], [x], attr)
    if rec:
        n = record_inplace(scatter_vjp, b"scatter", x)
        n.save(0, index)
        n.i0 = dim
        n.i1 = reduce
    return x


cdef dict _reductions = {None: NONE, "add": ADD, "multiply": MULTIPLY}


def gather(Tensor input not None, dim, Tensor index not None, *, bint sparse_grad=False, out=None):
    """y[i][j] = x[index[i][j]][j] for dim 0; likewise along other dimensions."""
    return into(out, c_gather(input, dim, index))


def scatter_(Tensor self not None, dim, Tensor index not None, src=None, value=None, reduce=None):
    """self[index[i][j]][j] = src[i][j] for dim 0; src may be a number; reduce: add, multiply."""
    if reduce not in _reductions:
        raise RuntimeError('scatter_: reduce argument must be either "add" or "multiply"')
    if src is None:
        src = value
    if isinstance(src, Tensor):
        return c_scatter_(self, dim, index, <Tensor>src, _reductions[reduce])
    return c_scatter_fill_(self, dim, index, src, _reductions[reduce])


def scatter_add_(Tensor self not None, dim, Tensor index not None, Tensor src not None):
    """self[index[i][j]][j] += src[i][j] for dim 0; duplicates add up in order."""
    return c_scatter_(self, dim, index, src, ADD)


def scatter(Tensor input not None, dim, index, src=None, value=None, *, reduce=None, out=None):
    """scatter_ on a copy."""
    return into(out, scatter_(c_clone(input, 0), dim, index, src, value, reduce))


def scatter_add(Tensor input not None, dim, index, src, *, out=None):
    """scatter_add_ on a copy."""
    return into(out, scatter_add_(c_clone(input, 0), dim, index, src))


# ------------------------------------------------------------------ scatter_reduce

def scatter_reduce(Tensor input not None, dim, Tensor index not None, Tensor src not None, reduce,
                   *, bint include_self=True, out=None):
    """input with src reduced into it at index: sum, prod, mean, amax or amin.

    include_self=False: where anything arrives, input's own value does not count.
    """
    if reduce == "sum":
        return into(out, scatter_add(start(input, dim, index, 0, include_self), dim, index, src))
    if reduce == "mean":
        return into(out, scatter_mean(input, dim, index, src, include_self))
    if reduce == "prod":
        return into(out, c_scatter_prod(input, dim, index, src, include_self))
    if reduce in ("amax", "amin"):
        return into(out, c_scatter_extreme(input, dim, index, src, include_self,
                                           reduce == "amax"))
    raise RuntimeError("scatter_reduce: reduce argument must be sum, prod, mean, amax or amin, got "
                       f"{reduce}")


def scatter_reduce_(Tensor self not None, dim, index, src, reduce, *, bint include_self=True):
    """scatter_reduce in place."""
    return self.copy_(scatter_reduce(self, dim, index, src, reduce, include_self=include_self))


cdef Tensor start(Tensor x, object dim, Tensor index, object neutral, bint include_self):
    """What the reduction starts from."""
    if include_self:
        return x
    return scatter(x, dim, index, neutral)


cdef Tensor scatter_mean(Tensor x, object dim, Tensor index, Tensor src, bint include_self):
    cdef Tensor total = scatter_add(start(x, dim, index, 0, include_self), dim, index, src)
    cdef Tensor count = c_fill_(c_clone(x.detach(), 0), 1)
    count = start(count, dim, index, 0, include_self)
    count = scatter_add(count, dim, index, c_fill_(c_clone(src.detach(), 0), 1)).clamp_(1)
    return total / count if is_float(x) else total.div(count, rounding_mode="floor")


cdef Tensor c_scatter_prod(Tensor x, object dim, Tensor index, Tensor src, bint include_self):
    cdef Tensor y = c_clone(start(x.detach(), dim, index, 1, include_self), 0)
    cdef Node n
    c_scatter_(y, dim, index, src.detach(), MULTIPLY)
    if recording2(x, src):
        n = record(scatter_prod_vjp, b"scatter_reduce", y, x, src)
        n.save(0, x)
        n.save(1, src)
        n.save(2, index)
        n.i0 = dim
        n.i1 = include_self
    return y


cdef object scatter_prod_vjp(Node n, object g):
    """The product of all other factors, without dividing by one that is 0.

    With z zeros among a place's factors: z = 0, product / factor; z = 1, the product of the
    others for the one that is 0, else 0; z > 1, 0.
    """
    cdef Tensor x = n.saved(0), src = n.saved(1), index = n.saved(2)
    cdef object dim = n.i0, self_too = n.i1
    xz, sz = x == 0, src == 0
    xf, sf = x.masked_fill(xz, 1), src.masked_fill(sz, 1)
    others = scatter_reduce(xf, dim, index, sf, "prod", include_self=self_too)
    zeros = xz.to(dtype=x.dtype).detach() if self_too else zeros_of(x, shape_of(x))
    zeros = scatter_add(zeros, dim, index, sz.to(dtype=x.dtype))
    dx = g * others / xf * (zeros == xz.to(dtype=x.dtype))
    if not self_too:
        dx = scatter(g, dim, index, 0)
    at = (zeros.gather(dim, index) == sz.to(dtype=x.dtype))
    return (dx, (g * others).gather(dim, index) / sf * at)


cdef Tensor c_scatter_extreme(Tensor x, object dim, Tensor index, Tensor src, bint include_self,
                              bint largest):
    cdef Tensor y = c_clone(x.detach(), 0)
    cdef Node n
    if not include_self:
        c_scatter_(y, dim, index, src.detach(), NONE)
    c_scatter_(y, dim, index, src.detach(), AMAX if largest else AMIN)
    if recording2(x, src):
        n = record(scatter_extreme_vjp, b"scatter_reduce", y, x, src)
        n.save(0, x)
        n.save(1, src)
        n.save(2, index)
        n.i0 = dim
        n.i1 = include_self
        n.i2 = largest
    return y


cdef object scatter_extreme_vjp(Node n, object g):
    """dy, shared evenly by the elements that are equal to the extreme."""
    cdef Tensor x = n.saved(0), src = n.saved(1), index = n.saved(2), y
    y = c_scatter_extreme(x.detach(), n.i0, index, src.detach(), n.i1, n.i2)
    mine = (x.detach() == y).to(dtype=x.dtype)
    if not n.i1:
        mine = scatter(mine, n.i0, index, 0)
    theirs = (src.detach() == y.gather(n.i0, index)).to(dtype=x.dtype)
    share = g / scatter_add(mine, n.i0, index, theirs).clamp(1)
    return (share * mine, share.gather(n.i0, index) * theirs)


# ------------------------------------------------------------------ masks

cdef Tensor c_masked_select(Tensor x, Tensor mask):
    cdef Node n
    cdef Tensor y = run2(FNN_OP_masked_select, x, mask)
    if recording(x):
        n = record(masked_select_vjp, b"masked_select", y, x)
        n.save(0, mask)
        n.extra = shape_of(x)
    return y


cdef object masked_select_vjp(Node n, object g):
    """y = x where mask;  dx = zeros with dy, in order, where mask (summed if x was expanded)."""
    cdef Tensor mask = n.saved(0)
    cdef list shape = <list>n.extra
    if list(mask.shape) != shape:
        from .shape import broadcast_shapes
        shape = list(broadcast_shapes(shape, mask.shape))
        mask = mask.expand(shape)
    return c_masked_scatter_(zeros_of(<Tensor>g, shape), mask, <Tensor>g)


cdef Tensor c_masked_scatter_(Tensor x, Tensor mask, Tensor src):
    cdef Node n
    cdef bint rec = recording2(x, src)
    if rec:
        check_inplace(x)
    if mask.t.dtype == FNN_U8:
        mask = c_cast(mask, FNN_BOOL)
    run_given(FNN_OP_masked_scatter_, [src, mask], [x])
    if rec:
        n = record_inplace(masked_scatter_vjp, b"masked_scatter", x, src)
        n.save(0, mask)
        n.extra = shape_of(src)
    return x


cdef object masked_scatter_vjp(Node n, object g):
    """dx = dy with 0 where mask;  dsrc = dy where mask, then zeros for what was not used."""
    cdef Tensor mask = n.saved(0), part, flat
    cdef list shape = <list>n.extra
    cdef int64_t used, room = 1
    dx = (<Tensor>g).masked_fill(mask, 0) if n.needs(0) else None
    if not n.needs(1):
        return (dx, None)
    part = c_masked_select(<Tensor>g, mask if mask.shape == g.shape else mask.expand(g.shape))
    for s in shape:
        room *= s
    used = fnn_tensor_numel(&part.t)
    if used < room:
        from .join import cat
        part = cat([part, zeros_of(part, [room - used])])
    return (dx, part.reshape(shape))


def masked_select(Tensor input not None, Tensor mask not None, *, out=None):
    """The elements where the (broadcast) mask is true, as a vector."""
    return into(out, c_masked_select(input, mask))


def masked_scatter_(Tensor self not None, Tensor mask not None, Tensor source not None):
    """Put source's elements, in order, where mask is true."""
    return c_masked_scatter_(self, mask, source)


def masked_scatter(Tensor input not None, Tensor mask not None, Tensor source not None):
    """masked_scatter_ on a copy, which mask broadcasts."""
    if input.t.ndim < mask.t.ndim:
        input = input.expand(mask.shape)
    return c_masked_scatter_(c_clone(input, 0), mask, source)


def nonzero(Tensor input not None, *, out=None, bint as_tuple=False):
    """The indices of the elements that are not 0: (count, ndim), or one vector per dimension."""
    cdef Tensor y
    if as_tuple and input.t.ndim == 0:
        return (run1(FNN_OP_nonzero, input.reshape(1)).select(1, 0),)
    y = run1(FNN_OP_nonzero, input)
    return tuple([y.select(1, k) for k in range(input.t.ndim)]) if as_tuple else into(out, y)


def argwhere(Tensor input not None):
    """nonzero as a matrix."""
    return run1(FNN_OP_nonzero, input)


# ------------------------------------------------------------------ flat and along

def take(Tensor input not None, Tensor index not None):
    """The elements at positions of the flattened input, in index's shape."""
    if index.t.dtype != FNN_I64:
        raise IndexError(f"take(): expected a long tensor for index, got {index.dtype.name}")
    return c_index(input.reshape(-1), [0], [index])


def take_along_dim(Tensor input not None, Tensor indices not None, dim=None, *, out=None):
    """gather with input and indices broadcast apart from dim; dim None: of the flattened input."""
    cdef int d, k
    if dim is None:
        return into(out, c_gather(input.reshape(-1), 0, indices.reshape(-1)))
    if input.t.ndim != indices.t.ndim:
        raise RuntimeError("take_along_dim(): input and indices should have the same number of "
                           f"dimensions, but got {input.t.ndim} and {indices.t.ndim}")
    d = wrap_dim(dim, input.t.ndim)
    a, b = list(input.shape), list(indices.shape)
    for k in range(len(a)):
        if k != d and a[k] != b[k]:
            if 1 not in (a[k], b[k]):
                raise RuntimeError(f"take_along_dim(): shapes {tuple(a)} and {tuple(b)} do not "
                                   f"broadcast at dimension {k}")
            a[k] = b[k] = b[k] if a[k] == 1 else a[k]
    return into(out, c_gather(input.expand(a), d, indices.expand(b)))


def one_hot(Tensor tensor not None, num_classes=-1):
    """int64 zeros (..., C) with ones at tensor's indices; C is the largest + 1 by default."""
    cdef fnn_attr attr[1]
    if tensor.t.dtype != FNN_I64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if fnn_tensor_numel(&tensor.t) == 0:
        if num_classes <= 0:
            raise RuntimeError("Can not infer total number of classes from empty tensor.")
    elif tensor.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    if num_classes == -1:
        num_classes = tensor.max().item() + 1
    elif fnn_tensor_numel(&tensor.t) and tensor.max() >= num_classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    attr[0] = attr_i(num_classes)
    return run1(FNN_OP_one_hot, tensor, attr)


for _name, _f in dict(index_select=index_select, index_add=index_add, index_add_=index_add_,
                      index_copy=index_copy, index_copy_=index_copy_, index_fill=index_fill,
                      index_fill_=index_fill_, gather=gather, scatter=scatter, scatter_=scatter_,
                      scatter_add=scatter_add, scatter_add_=scatter_add_,
                      scatter_reduce=scatter_reduce, scatter_reduce_=scatter_reduce_,
                      masked_select=masked_select, masked_scatter=masked_scatter,
                      masked_scatter_=masked_scatter_, nonzero=nonzero, argwhere=argwhere,
                      take=take, take_along_dim=take_along_dim).items():
    register(_name, _f)
