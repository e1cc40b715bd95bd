"""Views and in-place ops on the tape.

A view shares storage and version with its base and knows the base. Writing in place through a
view gives the base a new node (copy_slices); the view's own history is rebuilt from the base when
it is next asked for (refresh).
"""

from libc.stdint cimport int64_t

from .door cimport attr_i, attr_ints, attr_scalar, run1, run_into
from .fnn cimport fnn_attr, fnn_op, fnn_op_find
from .tape cimport Node, attach, make_node, vjp_fn
from .tensor cimport Tensor, alias, ctx, slots, view_of, wants

cdef extern from "fastnn.h":
    enum:
        FNN_OP_fill_, FNN_OP_copy_, FNN_OP_clone

cdef fnn_op FNN_OP_sum = fnn_op_find(b"sum")

cdef fnn_attr preserve[1], contiguous[1]
preserve[0] = attr_i(0)
contiguous[0] = attr_i(1)


# ------------------------------------------------------------------ in-place ops

cdef int check_inplace(Tensor a) except -1:
    """Refuse to write into a leaf that requires grad, or a view of one, while recording."""
    if not ctx().grad_mode:
        return 0
    if wants(a) and a.fn is None:
        raise RuntimeError("a leaf tensor that requires grad is being used in an in-place "
                           "operation")
    if a.base is not None and wants(a.base) and a.base.fn is None:
        raise RuntimeError("a view of a leaf tensor that requires grad is being used in an "
                           "in-place operation")
    return 0


cdef Node record_inplace(vjp_fn vjp, const char *name, Tensor out, Tensor b=None, Tensor c=None):
    """out was changed in place by an op of (out before, b, c): give it a new history.

    The node's edge 0 leads to out's old history. Where out is a view, its base is given a node
    that applies vjp to the view's part of the gradient, and out a view's history of that.
    """
    cdef Node n = record_node(vjp, name, out, b, c)
    cdef Tensor base = out.base
    if base is None:
        attach(n, out, 0)
        return n
    n.out_ndim = out.t.ndim
    n.out_dtype = out.t.dtype
    for i in range(out.t.ndim):
        n.out_size[i] = out.t.size[i]
    n.n_out = 1
    cdef Node part = make_node(copy_slices_vjp, b"copy_slices", n.n_in)
    part.set_edge(0, base)
    if n.n_in > 1:
        part.e1 = n.e1
        part.n1 = n.n1
    if n.n_in > 2:
        part.e2 = n.e2
        part.n2 = n.n2
    # Inside, only whether edge 0 wants a gradient matters; where it leads is the outer node's.
    n.e0 = part.e0
    n.e1 = None if n.e1 is None else n.e1
    part.extra = (n, ViewSpec(out, base))
    attach(part, base, 0)
    base.req = True
    refresh(out)
    return n


cdef Node record_node(vjp_fn vjp, const char *name, Tensor a, Tensor b, Tensor c):
    cdef Node n = make_node(vjp, name, 3 if c is not None else 2 if b is not None else 1)
    n.set_edge(0, a)
    if b is not None:
        n.set_edge(1, b)
    if c is not None:
        n.set_edge(2, c)
    return n


# ------------------------------------------------------------------ parts of a base

cdef class ViewSpec:
    """Where a view lies in its base: enough to cut the same part out of a gradient."""
    cdef Tensor view   # alias of the view (geometry and dtype)
    cdef Tensor base   # alias of the base

    def __init__(self, Tensor view not None, Tensor base not None):
        self.view = alias(view)
        self.base = alias(base)

    cdef Tensor blank(self):
        """Zeros laid out in memory as the base is."""
        cdef Tensor like = self.base
        cdef Tensor z = run1(FNN_OP_clone, like, preserve)
        fill(z, 0)
        return z

    cdef Tensor cut(self, Tensor whole):
        """The part of a base-shaped tensor that the view names. whole has the base's strides."""
        cdef Tensor v
        cdef int64_t offset = whole.t.offset + self.view.t.offset - self.base.t.offset
        v = view_of(whole, offset, self.view.t.ndim, self.view.t.size, self.view.t.stride)
        v.base = None
        return v

    cdef Tensor like_base(self, Tensor g):
        """g, copied into the base's memory order."""
        cdef Tensor z = run1(FNN_OP_clone, self.base, preserve)
        run_into(FNN_OP_copy_, z, g)
        return z


cdef int fill(Tensor a, object v) except -1:
    cdef fnn_attr attr[1]
    attr[0] = attr_scalar(v)
    run_into(FNN_OP_fill_, a, None, None, None, attr)
    return 0


cdef Tensor unexpand(Tensor view, Tensor g):
    """Sum g over the dimensions in which the view repeats one element; those get size 1."""
    cdef int64_t dims[8]
    cdef int n = 0, i
    cdef fnn_attr attr[3]
    for i in range(view.t.ndim):
        if view.t.stride[i] == 0 and view.t.size[i] > 1:
            dims[n] = i
            n += 1
    if n == 0:
        return g
    attr[0] = attr_ints(dims, n)
    attr[1] = attr_i(1)
    attr[2] = attr_i(-1)
    return run1(FNN_OP_sum, g, attr)


cdef Tensor spread(ViewSpec spec, Tensor g):
    """The gradient of the base, given the gradient g of the view and none elsewhere."""
    cdef Tensor z = spec.blank(), part
    cdef Tensor narrow = alias(spec.view)
    cdef int i
    g = unexpand(spec.view, g)
    for i in range(narrow.t.ndim):
        if narrow.t.stride[i] == 0:
            narrow.t.size[i] = 1
    part = view_of(z, z.t.offset + narrow.t.offset - spec.base.t.offset, narrow.t.ndim,
                   narrow.t.size, narrow.t.stride)
    part.base = None
    if overlapping(narrow):
        from fastnn._core.ops.view import add_overlapping
        add_overlapping(part, g)
    else:
        run_into(FNN_OP_copy_, part, g)
    return z


cdef bint overlapping(Tensor a):
    """Whether two indices may name one element: sorted by stride, a dimension must clear the
    extent of those below it. Says True for some exotic views that do not overlap."""
    cdef int64_t extent = 0
    dims = sorted([(abs(a.t.stride[i]), a.t.size[i]) for i in range(a.t.ndim) if a.t.size[i] > 1])
    for stride, size in dims:
        if stride <= extent:
            return True
        extent += stride * (size - 1)
    return False


cdef object view_vjp(Node n, object g):
    """v = a part of base;  dbase = zeros with dv in that part."""
    if ctx().grad_mode and wants(<Tensor>g):
        from fastnn._core.ops.view import as_strided_backward
        spec = <ViewSpec>n.extra
        return as_strided_backward(g, (<ViewSpec>spec).view, (<ViewSpec>spec).base)
    return spread(<ViewSpec>n.extra, <Tensor>g)


cdef object copy_slices_vjp(Node n, object g):
    """The base after an in-place op on one of its views: the op's own vjp on that part."""
    cdef Node inner
    cdef ViewSpec spec
    inner, spec = n.extra
    if ctx().grad_mode and wants(<Tensor>g):
        return taped_slices(inner, spec, g)
    cdef Tensor whole = spec.like_base(<Tensor>g)
    cdef Tensor part = run1(FNN_OP_clone, spec.cut(whole), contiguous)
    got = inner.vjp(inner, part)
    if type(got) is not tuple:
        got = (got,)
    if got[0] is None:
        fill(spec.cut(whole), 0)
    else:
        run_into(FNN_OP_copy_, spec.cut(whole), <Tensor>got[0])
    return (whole,) + got[1:]


cdef object taped_slices(Node inner, ViewSpec spec, object g):
    """copy_slices_vjp where the derivative is itself to be differentiated: of ops on the tape."""
    cdef Tensor view = spec.view
    cdef object whole = spec.blank().copy_(g)
    cdef object part = whole.as_strided(
        view.shape, view.stride(),
        whole.storage_offset() + view.storage_offset() - spec.base.storage_offset())
    got = inner.vjp(inner, part.clone())
    if type(got) is not tuple:
        got = (got,)
    if got[0] is None:
        part.zero_()
    else:
        part.copy_(got[0])
    return (whole,) + got[1:]


cdef int refresh(Tensor v) except -1:
    """The base of v was written to: if it has a history, v's is a view of that."""
    cdef Node n
    if wants(v.base):
        n = make_node(view_vjp, b"as_strided", 1)
        n.set_edge(0, v.base)
        n.extra = ViewSpec(v, v.base)
        attach(n, v, 0)
    v.view_version = v.t.storage.version
    return 0


slots.refresh = refresh
