"""Dimensions of reductions: parsing them, and bringing a gradient back to the input's shape."""

from ..door cimport attr_i, attr_ints
from ..tape cimport Node
from ..tensor cimport Tensor, ctx, view_of, wants, wrap_dim


cdef int parse_dims(Tensor x, object dim, bint keepdim, Dims *out) except -1:
    """dim (an int, a sequence of ints, or None and the empty sequence: all) to *out."""
    cdef int i, k
    out.n = 0
    out.keepdim = keepdim
    out.mask = 0
    if dim is None:
        out.mask = ~<unsigned>0
        return 0
    if not isinstance(dim, (tuple, list)):
        dim = (dim,)
    if len(dim) > 8:
        raise RuntimeError(f"{len(dim)} dimensions to reduce; a tensor has at most 8")
    for d in dim:
        if not hasattr(d, "__index__"):
            raise TypeError(f"dim must be an int or a tuple of ints, not {type(d).__name__}")
        k = wrap_dim(d, x.t.ndim)
        if out.mask & (<unsigned>1 << k):
            raise RuntimeError(f"dim {k} appears multiple times in the list of dims")
        out.mask |= <unsigned>1 << k
        out.dim[out.n] = k
        out.n += 1
    if out.n == 0:
        out.mask = ~<unsigned>0
    return 0


cdef int fill_attrs(const Dims *d, fnn_attr *attr) noexcept:
    """attr[0], attr[1] = dims, keepdim."""
    attr[0] = attr_ints(d.dim, d.n)
    attr[1] = attr_i(d.keepdim)
    return 0


cdef int remember(Node n, const Dims *d) except -1:
    n.i0 = d.mask
    n.i1 = d.keepdim
    return 0


cdef int input_shape(Node n, int64_t *size) except -1:
    """Shape of input 0, which must be differentiated; returns its rank."""
    cdef Node m
    cdef Tensor leaf
    cdef int i
    if type(n.e0) is not Node:
        leaf = <Tensor>n.e0
        for i in range(leaf.t.ndim):
            size[i] = leaf.t.size[i]
        return leaf.t.ndim
    m = <Node>n.e0
    if n.n0 == 0:
        for i in range(m.out_ndim):
            size[i] = m.out_size[i]
        return m.out_ndim
    shape = m.outs[n.n0 - 1][0]
    for i in range(len(shape)):
        size[i] = shape[i]
    return <int>len(shape)


cdef int64_t reduced_count(Node n) except -1:
    """How many elements each output was made of."""
    cdef int64_t size[8]
    cdef int64_t count = 1
    cdef int i
    for i in range(input_shape(n, size)):
        if n.i0 >> i & 1:
            count *= size[i]
    return count


cdef list reduced_dims(Node n):
    cdef int64_t size[8]
    return [i for i in range(input_shape(n, size)) if n.i0 >> i & 1]


cdef Tensor keep(Node n, Tensor y):
    """y, of the output's shape, with the reduced dimensions in place, of size 1."""
    cdef int64_t size[8]
    cdef int i, ndim = input_shape(n, size)
    if n.i1 or ndim == 0:
        return y
    return y.reshape([1 if n.i0 >> i & 1 else size[i] for i in range(ndim)])


cdef Tensor spread(Node n, Tensor g):
    """g, of the output's shape, expanded to the input's."""
    cdef int64_t size[8]
    cdef int64_t stride[8]
    cdef int i, at = 0, ndim = input_shape(n, size)
    cdef Tensor y
    if ctx().grad_mode and wants(g):
        return keep(n, g).expand([size[i] for i in range(ndim)])
    for i in range(ndim):
        if n.i0 >> i & 1:
            stride[i] = 0
            at += n.i1
        else:
            stride[i] = g.t.stride[at]
            at += 1
    y = view_of(g, g.t.offset, ndim, size, stride)
    y.base = None
    return y


cdef object give(Tensor y, object out):
    """y, or out after y was written to it."""
    if out is None:
        return y
    if (<Tensor?>out).shape != y.shape:
        raise RuntimeError(f"out has shape {tuple(out.shape)}, the result {tuple(y.shape)}")
    return out.copy_(y)
