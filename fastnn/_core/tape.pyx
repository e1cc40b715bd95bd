"""The gradient tape: nodes, recording, and the backward pass.

An op that is differentiable makes a Node beside its result. A node knows its inputs' nodes
(edges) and the values its derivative needs; the derivative (vjp) is written in ops, so that a
backward pass under create_graph records itself. Backward visits nodes in falling creation
number; neither it nor the release of a graph recurses.
"""

cimport cython
from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.string cimport memcpy, memset

from .dtypes cimport dtype_of
from .fnn cimport fnn_attr, fnn_context, fnn_op, fnn_op_find, fnn_tensor_is_contiguous, fnn_tensor_numel
from .tensor cimport (Tensor, alias, attr_i, attr_ints, attr_scalar, ctx, empty_tensor, run1, run2,
                      run_into, size_tuple, slots, view_of, wants)

cdef extern from "fastnn.h":
    enum:
        FNN_OP_fill_, FNN_OP_copy_, FNN_OP_clone, FNN_OP_cast

cdef fnn_op FNN_OP_add = fnn_op_find(b"add")
cdef fnn_op FNN_OP_sum = fnn_op_find(b"sum")

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)

cdef uint64_t next_seq = 0


# ------------------------------------------------------------------ nodes

cdef list graveyard = []      # nodes of a graph that is being released
cdef bint burying = False


cdef int bury(PyObject *held) except -1:
    """Where this is the last reference to something that may hold nodes: let go of it later, in
    drain, instead of recursing into it."""
    if Py_REFCNT(held) == 1 and (type(<object>held) is not Tensor or
                                 (<Tensor>held).fn is not None):
        graveyard.append(<object>held)
    return 0


cdef int drain() except -1:
    global burying
    if burying or not graveyard:
        return 0
    burying = True
    try:
        while graveyard:
            graveyard.pop()
    finally:
        burying = False
    return 0


@cython.freelist(256)
cdef class Node:
    """One op on the tape. Made by the ops; seen as Tensor.grad_fn."""

    def __dealloc__(self):
        # Runs before the attributes are dropped: hand them to the graveyard instead.
        bury_all(self)

    cdef bint needs(self, int i) noexcept:
        """Whether the gradient of input i is wanted."""
        if i == 0:
            return self.e0 is not None
        if i == 1:
            return self.e1 is not None
        if i == 2:
            return self.e2 is not None
        return self.more_edges is not None and self.more_edges[i - 3][0] is not None

    cdef object edge(self, int i):
        if i == 0:
            return self.e0
        if i == 1:
            return self.e1
        if i == 2:
            return self.e2
        return self.more_edges[i - 3][0]

    cdef int edge_nr(self, int i) noexcept:
        if i == 0:
            return self.n0
        if i == 1:
            return self.n1
        if i == 2:
            return self.n2
        return self.more_edges[i - 3][1]

    cdef int set_edge(self, int i, Tensor a) except -1:
        """Connect input i to where a came from; None or no gradient: not connected."""
        cdef object e = None
        cdef int nr = 0
        if a is not None and wants(a):
            e = a if a.fn is None else a.fn
            nr = a.out_nr
        if i == 0:
            self.e0 = e
            self.n0 = nr
        elif i == 1:
            self.e1 = e
            self.n1 = nr
        elif i == 2:
            self.e2 = e
            self.n2 = nr
        else:
            if self.more_edges is None:
                self.more_edges = []
            self.more_edges.append((e, nr))
        return 0

    cdef int save(self, int k, Tensor a) except -1:
        """Keep input a as saved value k."""
        if k == 0:
            self.s0 = a
            self.v0 = 0 if a is None else a.t.storage.version
        elif k == 1:
            self.s1 = a
            self.v1 = 0 if a is None else a.t.storage.version
        elif k == 2:
            self.s2 = a
            self.v2 = 0 if a is None else a.t.storage.version
        else:
            if self.more_saved is None:
                self.more_saved = []
            self.more_saved.append((a, 0 if a is None else a.t.storage.version))
        return 0

    cdef int save_out(self, int k, Tensor a, int out_nr=0) except -1:
        """Keep output a as saved value k (k < 3): its memory, not the Tensor, so no cycle."""
        self.save(k, alias(a))
        self.saved_out |= <int8_t>(1 << k)
        if k == 0:
            self.o0 = out_nr
        elif k == 1:
            self.o1 = out_nr
        else:
            self.o2 = out_nr
        return 0

    cdef Tensor saved(self, int k):
        """Saved value k, as it was when saved. Raises if it was changed or freed since."""
        cdef Tensor a, y
        cdef uint32_t v
        if self.freed:
            raise RuntimeError(
                f"{self.label.decode()}: trying to go through the graph a second time after its "
                "saved values were freed; use retain_graph=True in the first backward()")
        if k == 0:
            a, v = self.s0, self.v0
        elif k == 1:
            a, v = self.s1, self.v1
        elif k == 2:
            a, v = self.s2, self.v2
        else:
            a, v = self.more_saved[k - 3]
        if a is None:
            return None
        if a.t.storage.version != v:
            raise RuntimeError(
                f"{self.label.decode()}: a value needed for its gradient has been modified by an "
                f"in-place operation: {dtype_of(a.t.dtype).name}{tuple(a.shape)} is at version "
                f"{a.t.storage.version}, expected version {v}")
        if k < 3 and self.saved_out & (1 << k) and ctx().grad_mode:
            y = alias(a)
            y.fn = self
            y.out_nr = self.o0 if k == 0 else self.o1 if k == 1 else self.o2
            y.req = True
            return y
        return a

    cdef list out_shape(self):
        return [self.out_size[i] for i in range(self.out_ndim)]

    def name(self):
        """The op's name with its kind, as in ReluBackward0."""
        words = self.label.decode().split("_")
        return "".join(w[:1].upper() + w[1:] for w in words) + "Backward0"

    def __repr__(self):
        return f"<{self.label.decode()} backward, node {self.seq}>"

    @property
    def next_functions(self):
        """(node, output number) of each input; (None, 0) where no gradient flows."""
        return tuple([(self.edge(i), self.edge_nr(i)) for i in range(self.n_in)])

    @property
    def metadata(self):
        if self.extra is None:
            self.extra = {}
        return self.extra

    def register_hook(self, hook):
        """hook(grad_inputs, grad_outputs) runs after this node; may return new grad_inputs."""
        if self.hooks is None:
            self.hooks = {}
        return Handle(self.hooks, hook)

    def register_prehook(self, hook):
        """hook(grad_outputs) runs before this node; may return new grad_outputs."""
        if self.prehooks is None:
            self.prehooks = {}
        return Handle(self.prehooks, hook)


cdef int bury_all(Node n) except -1:
    # One after the other, because two of them may be the same object.
    bury(<PyObject *>n.e0)
    n.e0 = None
    bury(<PyObject *>n.e1)
    n.e1 = None
    bury(<PyObject *>n.e2)
    n.e2 = None
    bury(<PyObject *>n.s0)
    n.s0 = None
    bury(<PyObject *>n.s1)
    n.s1 = None
    bury(<PyObject *>n.s2)
    n.s2 = None
    bury(<PyObject *>n.more_edges)
    n.more_edges = None
    bury(<PyObject *>n.more_saved)
    n.more_saved = None
    bury(<PyObject *>n.extra)
    n.extra = None
    drain()
    return 0


class Handle:
    """What registering a hook returns; remove() takes the hook out again."""

    _count = 0

    def __init__(self, hooks, hook, **options):
        Handle._count += 1
        self.id = Handle._count
        self.hooks = hooks
        hooks[self.id] = hook

    def remove(self):
        self.hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.remove()


# ------------------------------------------------------------------ recording

cdef Node make_node(vjp_fn vjp, const char *name, int n_in):
    global next_seq
    cdef Node n = Node.__new__(Node)
    n.vjp = vjp
    n.label = name
    n.n_in = n_in
    next_seq += 1
    n.seq = next_seq
    return n


cdef int attach(Node n, Tensor out, int nr) except -1:
    """Make n the producer of out, as its output nr."""
    cdef int i
    out.fn = n
    out.out_nr = nr
    out.req = True
    if out.base is not None:
        out.view_version = out.t.storage.version
    if nr == 0:
        n.out_ndim = out.t.ndim
        n.out_dtype = out.t.dtype
        for i in range(out.t.ndim):
            n.out_size[i] = out.t.size[i]
    else:
        if n.outs is None:
            n.outs = []
        while len(n.outs) < nr - 1:
            n.outs.append(None)
        n.outs.append(([out.t.size[i] for i in range(out.t.ndim)], out.t.dtype))
    if n.n_out < nr + 1:
        n.n_out = nr + 1
    return 0


cdef Node record(vjp_fn vjp, const char *name, Tensor out, Tensor a, Tensor b=None,
                 Tensor c=None):
    cdef Node n = make_node(vjp, name, 3 if c is not None else 2 if b is not None else 1)
    n.set_edge(0, a)
    if b is not None:
        n.set_edge(1, b)
    if c is not None:
        n.set_edge(2, c)
    attach(n, out, 0)
    return n


cdef bint recording_any(tensors) except -1:
    if not ctx().grad_mode:
        return False
    for a in tensors:
        if a is not None and wants(<Tensor>a):
            return True
    return False


cdef Node record_many(vjp_fn vjp, const char *name, list outs, ins):
    """A node of any number of inputs and outputs; outputs of integer dtype are not attached."""
    cdef Node n = make_node(vjp, name, <int>len(ins))
    cdef int i = 0
    for a in ins:
        n.set_edge(i, <Tensor?>a if a is not None else None)
        i += 1
    for i in range(len(outs)):
        if outs[i] is not None and dtype_of((<Tensor>outs[i]).t.dtype).is_floating_point:
            attach(n, <Tensor>outs[i], i)
    return n


cdef Tensor record_view(vjp_fn vjp, const char *name, Tensor out, Tensor a):
    """Put a fresh view of a on the tape if a is; returns out."""
    if recording(a):
        record(vjp, name, out, a)
    return out


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


# ------------------------------------------------------------------ views and their bases

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


cdef fnn_attr preserve[1]
preserve[0] = attr_i(0)


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


# ------------------------------------------------------------------ gradients

cdef Tensor add_grads(Tensor a, Tensor b):
    """a + b."""
    cdef fnn_attr attr[1]
    if ctx().grad_mode:
        return <Tensor>slots.add(a, b)
    attr[0] = attr_i(0)
    return run2(FNN_OP_add, a, b, attr)


cdef Tensor reduce_to(Tensor g, int ndim, const int64_t *size):
    """Sum g over the dimensions in which `size` was broadcast to g's shape."""
    cdef int64_t dims[8]
    cdef int n = 0, i, lead = g.t.ndim - ndim
    cdef fnn_attr attr[3]
    cdef Tensor y
    for i in range(g.t.ndim):
        if i < lead or (size[i - lead] == 1 and g.t.size[i] != 1):
            dims[n] = i
            n += 1
    if ctx().grad_mode and wants(g):
        y = g.sum([dims[i] for i in range(n)], True) if n else g
        return y.reshape([size[i] for i in range(ndim)])
    y = g
    if n:
        attr[0] = attr_ints(dims, n)
        attr[1] = attr_i(1)
        attr[2] = attr_i(-1)
        y = run1(FNN_OP_sum, g, attr)
    if lead:
        y = view_of(y, y.t.offset, ndim, size, y.t.stride + lead)
        y.base = None
    return y


cdef Tensor fit(Tensor g, Node n, int ndim, const int64_t *size, int code):
    """g with the shape and dtype of the value it is the gradient of."""
    cdef int i, lead = g.t.ndim - ndim
    cdef bint same = lead == 0
    cdef fnn_attr attr[1]
    for i in range(ndim):
        same = same and g.t.size[i + lead] == size[i]
    if not same:
        for i in range(ndim):
            if lead < 0 or (size[i] != 1 and size[i] != g.t.size[i + lead]):
                raise RuntimeError(
                    f"{n.label.decode()}: got a gradient of shape {tuple(g.shape)} for a value of shape "
                    f"{tuple([size[j] for j in range(ndim)])}")
        g = reduce_to(g, ndim, size)
    if g.t.dtype != code:
        if ctx().grad_mode and wants(g):
            return g.to(dtype=dtype_of(code))
        attr[0] = attr_i(code)
        g = run1(FNN_OP_cast, g, attr)
    return g


# One entry per node that a backward pass has reached: gradients of its outputs so far.
cdef struct Entry:
    PyObject *node        # owned reference; Node, or a leaf Tensor
    PyObject *grad        # owned: Tensor, list (several outputs), or NULL
    uint64_t key          # Node.seq; 0 for leaves


cdef enum:
    FEW = 32  # nodes that a pass has room for without asking for memory


@cython.freelist(4)
@cython.no_gc
cdef class Pass:
    """The state of one backward pass: a heap of nodes by creation number, and a hash of them."""
    cdef Entry *entries
    cdef int *heap
    cdef int *table
    cdef int n, cap, heap_n, table_cap
    cdef Entry few_entries[FEW]
    cdef int few_heap[FEW]
    cdef int few_table[2 * FEW]

    def __cinit__(self):
        self.cap = FEW
        self.table_cap = 2 * FEW
        self.entries = self.few_entries
        self.heap = self.few_heap
        self.table = self.few_table
        memset(self.table, 0xff, self.table_cap * sizeof(int))

    def __dealloc__(self):
        cdef int i
        for i in range(self.n):
            Py_DECREF(<object>self.entries[i].node)
            if self.entries[i].grad != NULL:
                Py_DECREF(<object>self.entries[i].grad)
        if self.cap > FEW:
            PyMem_Free(self.entries)
            PyMem_Free(self.heap)
            PyMem_Free(self.table)

    cdef int slot(self, PyObject *node) noexcept:
        cdef size_t h = (<size_t>node >> 4) * <size_t>0x9E3779B97F4A7C15
        cdef int i = <int>((h >> 40) & <size_t>(self.table_cap - 1))
        while self.table[i] >= 0 and self.entries[self.table[i]].node != node:
            i = (i + 1) & (self.table_cap - 1)
        return i

    cdef int grow(self) except -1:
        """Room for twice as many nodes."""
        cdef int i, cap = 2 * self.cap
        cdef Entry *entries = <Entry *>PyMem_Malloc(cap * sizeof(Entry))
        cdef int *heap = <int *>PyMem_Malloc(cap * sizeof(int))
        cdef int *table = <int *>PyMem_Malloc(2 * cap * sizeof(int))
        if entries == NULL or heap == NULL or table == NULL:
            PyMem_Free(entries)
            PyMem_Free(heap)
            PyMem_Free(table)
            raise MemoryError
        memcpy(entries, self.entries, self.n * sizeof(Entry))
        memcpy(heap, self.heap, self.heap_n * sizeof(int))
        memset(table, 0xff, 2 * cap * sizeof(int))
        if self.cap > FEW:
            PyMem_Free(self.entries)
            PyMem_Free(self.heap)
            PyMem_Free(self.table)
        self.entries, self.heap, self.table = entries, heap, table
        self.cap, self.table_cap = cap, 2 * cap
        for i in range(self.n):
            self.table[self.slot(self.entries[i].node)] = i
        return 0

    cdef int find(self, object node) except -2:
        """Number of the node's entry, made if it has none."""
        cdef int at = self.slot(<PyObject *>node), i
        if self.table[at] >= 0:
            return self.table[at]
        if self.n == self.cap:
            self.grow()
            at = self.slot(<PyObject *>node)
        i = self.n
        Py_INCREF(node)
        self.entries[i].node = <PyObject *>node
        self.entries[i].grad = NULL
        self.entries[i].key = (<Node>node).seq if type(node) is Node else 0
        self.table[at] = i
        self.n += 1
        if self.entries[i].key:
            self.push(i)
        return i

    cdef int push(self, int e) except -1:
        cdef int i = self.heap_n, up
        self.heap_n += 1
        while i > 0:
            up = (i - 1) >> 1
            if self.entries[self.heap[up]].key > self.entries[e].key:
                break
            self.heap[i] = self.heap[up]
            i = up
        self.heap[i] = e
        return 0

    cdef int pop(self) noexcept:
        """The entry with the highest creation number."""
        cdef int top = self.heap[0], last, i = 0, child
        self.heap_n -= 1
        last = self.heap[self.heap_n]
        while True:
            child = 2 * i + 1
            if child >= self.heap_n:
                break
            if child + 1 < self.heap_n and (self.entries[self.heap[child + 1]].key >
                                            self.entries[self.heap[child]].key):
                child += 1
            if self.entries[last].key > self.entries[self.heap[child]].key:
                break
            self.heap[i] = self.heap[child]
            i = child
        if self.heap_n:
            self.heap[i] = last
        return top

    cdef int give(self, object node, int nr, Tensor g) except -1:
        """Add g to the gradient of output nr of node (of a leaf: nr 0)."""
        cdef int e = self.find(node)
        cdef Tensor old
        cdef list many
        if type(node) is Node and (<Node>node).n_out > 1:
            if self.entries[e].grad == NULL:
                many = [None] * (<Node>node).n_out
                Py_INCREF(many)
                self.entries[e].grad = <PyObject *>many
            many = <list>self.entries[e].grad
            many[nr] = g if many[nr] is None else add_grads(many[nr], g)
            return 0
        if self.entries[e].grad != NULL:
            old = <Tensor>self.entries[e].grad
            g = add_grads(old, g)
            Py_DECREF(old)
        Py_INCREF(g)
        self.entries[e].grad = <PyObject *>g
        return 0

    cdef object take(self, int e):
        """The gradient of an entry; the entry keeps its node."""
        cdef object g
        if self.entries[e].grad == NULL:
            return None
        g = <object>self.entries[e].grad
        Py_DECREF(g)
        self.entries[e].grad = NULL
        return g


cdef object run_tensor_hooks(Tensor a, Tensor g):
    for hook in list(a.hooks.values()):
        new = hook(g)
        if new is not None:
            if not isinstance(new, Tensor):
                raise TypeError(f"a gradient hook must return a tensor or None, not {type(new)}")
            g = new
    return g


cdef object node_hooks(Node n, object g, int when):
    """Hooks of tensors that are outputs of n, and of n itself, on the incoming gradient."""
    cdef Tensor a
    if n.keep is not None:
        for nr, (ref, hooks) in n.keep.items():
            part = g if n.n_out == 1 else g[nr]
            if part is None:
                continue
            for hook in list(hooks.values()):
                new = hook(part)
                if new is not None:
                    part = new
            if n.n_out == 1:
                g = part
            else:
                g[nr] = part
            a = ref()
            if a is not None and a.keep_grad:
                a.gradient = part if a.gradient is None else add_grads(a.gradient, part)
    if n.prehooks is not None:
        for hook in list(n.prehooks.values()):
            new = hook((g,) if n.n_out == 1 else tuple(g))
            if new is not None:
                g = (new[0] if isinstance(new, tuple) else new) if n.n_out == 1 else list(new)
    return g


cdef object anomaly_check(Node n, object got):
    for g in (got if type(got) is tuple else (got,)):
        if g is not None and bool(g.isnan().any()):
            raise RuntimeError(f"{n.name()} returned nan values in its gradient")
    return None


cdef bint detect_anomaly_on = False


cdef int step(Pass p, Node n, object g, object wanted) except -1:
    """Run one node's vjp and hand the gradients to its inputs."""
    cdef int i
    cdef object got, edge
    cdef Tensor gi
    if n.keep is not None or n.prehooks is not None:
        g = node_hooks(n, g, 0)
    got = n.vjp(n, g)
    if n.hooks is not None:
        tup = got if type(got) is tuple else (got,)
        for hook in list(n.hooks.values()):
            new = hook(tup, (g,) if n.n_out == 1 else tuple(g))
            if new is not None:
                tup = new if isinstance(new, tuple) else (new,)
        got = tup
    if detect_anomaly_on:
        anomaly_check(n, got)
    if type(got) is not tuple:
        if got is not None and n.e0 is not None:
            give_checked(p, n, 0, <Tensor?>got)
        return 0
    i = 0
    for x in <tuple>got:
        if x is not None and i < n.n_in and n.needs(i):
            give_checked(p, n, i, <Tensor?>x)
        i += 1
    return 0


cdef int give_checked(Pass p, Node n, int i, Tensor g) except -1:
    """Hand g, made to fit, to where input i of n came from."""
    cdef object edge = n.edge(i)
    cdef int nr = n.edge_nr(i)
    cdef Node m
    cdef Tensor leaf
    cdef int64_t size[8]
    if type(edge) is Node:
        m = <Node>edge
        if nr == 0:
            g = fit(g, n, m.out_ndim, m.out_size, m.out_dtype)
        else:
            shape, code = m.outs[nr - 1]
            for k in range(len(shape)):
                size[k] = shape[k]
            g = fit(g, n, <int>len(shape), size, code)
    else:
        leaf = <Tensor>edge
        g = fit(g, n, leaf.t.ndim, leaf.t.size, leaf.t.dtype)
    p.give(edge, nr, g)
    return 0


cdef int release_saved(Node n) except -1:
    if n.s0 is not None or n.more_saved is not None or n.s1 is not None or n.s2 is not None:
        n.s0 = n.s1 = n.s2 = None
        n.more_saved = None
        n.freed = True
    return 0


cdef set nodes_towards(list targets, roots):
    """The nodes from which a target can be reached (targets: nodes and leaves)."""
    goal = set(targets)
    reach = {}
    stack = [r for r in roots]
    order = []
    seen = set()
    while stack:
        x = stack.pop()
        if x in seen or type(x) is not Node:
            continue
        seen.add(x)
        order.append(x)
        for i in range((<Node>x).n_in):
            e = (<Node>x).edge(i)
            if e is not None:
                stack.append(e)
    order.sort(key=lambda node: (<Node>node).seq)
    out = set()
    for x in order:
        if x in goal:
            out.add(x)
            continue
        for i in range((<Node>x).n_in):
            e = (<Node>x).edge(i)
            if e is not None and (e in goal or e in out):
                out.add(x)
                break
    return out


cdef Tensor seed_gradient(Tensor root, object g):
    """The gradient that a backward pass starts with."""
    cdef Tensor seed
    if g is not None:
        if not isinstance(g, Tensor):
            raise TypeError(f"gradients must be tensors or None, not {type(g).__name__}")
        if (<Tensor>g).shape != root.shape:
            raise RuntimeError(f"the gradient's shape {tuple(g.shape)} is not the tensor's "
                               f"{tuple(root.shape)}")
        if (<Tensor>g).t.dtype != root.t.dtype:
            return g.to(dtype=dtype_of(root.t.dtype))
        return <Tensor>g
    if fnn_tensor_numel(&root.t) != 1:
        raise RuntimeError("grad can be implicitly created only for scalar outputs, not for shape "
                           f"{tuple(root.shape)}")
    seed = empty_tensor(root.t.dtype, root.t.ndim, root.t.size)
    fill(seed, 1)
    return seed


cdef object run_backward(list roots, list seeds, bint retain, bint create, list inputs,
                         bint accumulate):
    """The engine. inputs None: add to .grad of all leaves; else of these, or return theirs."""
    cdef fnn_context *c = ctx()
    cdef int mode = c.grad_mode
    cdef Pass p = Pass.__new__(Pass)
    cdef Node n
    cdef Tensor r, leaf
    cdef int e, i
    cdef object g
    cdef set path = None
    cdef dict captured = None
    cdef list targets
    for i in range(len(roots)):
        r = <Tensor?>roots[i]
        if not wants(r):
            raise RuntimeError("a tensor does not require grad and does not have a grad_fn")
    c.grad_mode = create
    try:
        for i in range(len(roots)):
            r = <Tensor>roots[i]
            p.give(r if r.fn is None else r.fn, r.out_nr, seed_gradient(r, seeds[i]))
        if inputs is not None:
            captured = {}
            targets = [t if (<Tensor>t).fn is None else (<Tensor>t).fn for t in inputs]
            path = nodes_towards(targets, [(<Tensor>t).fn for t in roots
                                           if (<Tensor>t).fn is not None])
            goal = {}
            for t in inputs:
                if (<Tensor>t).fn is not None:
                    goal.setdefault((<Tensor>t).fn, []).append(t)
        while p.heap_n:
            e = p.pop()
            n = <Node>p.entries[e].node
            g = p.take(e)
            if path is not None:
                for t in goal.get(n, ()):
                    part = g if n.n_out == 1 else g[(<Tensor>t).out_nr]
                    if part is not None and n.keep is not None:
                        part = apply_hooks_of(n, (<Tensor>t).out_nr, part)
                    captured[<size_t><PyObject *>t] = part
                if n not in path or not leads_on(n, targets, path):
                    continue
            step(p, n, g, None)
            if not retain:
                release_saved(n)
        if inputs is None:
            finish(p, create)
            return None
        return finish_inputs(p, inputs, captured, create, accumulate)
    finally:
        c.grad_mode = mode


cdef object apply_hooks_of(Node n, int nr, object part):
    entry = n.keep.get(nr)
    if entry is not None:
        for hook in list(entry[1].values()):
            new = hook(part)
            part = part if new is None else new
    return part


cdef bint leads_on(Node n, list targets, set path):
    """Whether an input of n is, or leads to, a target."""
    for i in range(n.n_in):
        e = n.edge(i)
        if e is not None and (e in path or any([e is t for t in targets])):
            return True
    return False


cdef int finish(Pass p, bint create) except -1:
    """All derivatives are computed: now, and only now, .grad of the leaves changes."""
    cdef int e
    cdef Tensor leaf, g
    run_leaf_hooks(p)
    for e in range(p.n):
        if p.entries[e].key == 0 and p.entries[e].grad != NULL:
            leaf = <Tensor>p.entries[e].node
            g = p.take(e)
            accumulate_grad(leaf, g, create)
    for e in range(p.n):
        if p.entries[e].key == 0 and (<Tensor>p.entries[e].node).post_hooks is not None:
            run_post_hooks(<Tensor>p.entries[e].node)
    return 0


cdef int run_leaf_hooks(Pass p) except -1:
    cdef int e
    cdef Tensor leaf, g
    for e in range(p.n):
        if p.entries[e].key == 0 and p.entries[e].grad != NULL:
            leaf = <Tensor>p.entries[e].node
            if leaf.hooks is not None:
                g = run_tensor_hooks(leaf, p.take(e))
                p.give(leaf, 0, g)
    return 0


cdef int run_post_hooks(Tensor leaf) except -1:
    for hook in list(leaf.post_hooks.values()):
        hook(leaf)
    return 0


cdef list finish_inputs(Pass p, list inputs, dict captured, bint create, bint accumulate):
    """The gradients of inputs; with accumulate they are added to .grad as well."""
    cdef int e
    run_leaf_hooks(p)
    for e in range(p.n):
        if p.entries[e].key == 0 and p.entries[e].grad != NULL:
            captured[<size_t>p.entries[e].node] = p.take(e)
    if not accumulate:
        return [captured.get(<size_t><PyObject *>t) for t in inputs]
    for t in inputs:
        g = captured.pop(<size_t><PyObject *>t, None)
        if g is not None:
            accumulate_grad(<Tensor>t, <Tensor>g, create)
            if (<Tensor>t).post_hooks is not None:
                run_post_hooks(<Tensor>t)
    return None


cdef int accumulate_grad(Tensor leaf, Tensor g, bint create) except -1:
    """leaf.grad += g; a gradient of its own becomes leaf.grad without a copy."""
    cdef fnn_attr attr[1]
    if leaf.gradient is None:
        if create:
            leaf.gradient = g
        elif Py_REFCNT(<PyObject *>g) == 1 and g.t.storage.refcount == 1 and (
                g.base is None and not g.req and fnn_tensor_is_contiguous(&g.t)):
            leaf.gradient = g
        else:
            leaf.gradient = run1(FNN_OP_clone, g, contiguous)
        return 0
    if create:
        leaf.gradient = add_grads(leaf.gradient, g)
        return 0
    attr[0] = attr_i(0)
    if leaf.gradient.fn is not None:
        leaf.gradient = run2(FNN_OP_add, leaf.gradient, g, attr)
    else:
        run_into(FNN_OP_add, leaf.gradient, leaf.gradient, g, None, attr)
    return 0


cdef fnn_attr contiguous[1]
contiguous[0] = attr_i(1)


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Add d(sum of tensors * grad_tensors)/d(leaf) to .grad of every leaf (or of inputs)."""
    roots = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    if grad_tensors is None:
        seeds = [None] * len(roots)
    else:
        seeds = [grad_tensors] if isinstance(grad_tensors, Tensor) else list(grad_tensors)
    if len(seeds) != len(roots):
        raise RuntimeError(f"got {len(roots)} tensors and {len(seeds)} gradients")
    ins = None
    if inputs is not None:
        ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if not ins:
            raise RuntimeError("backward: inputs cannot be empty")
    retain = create_graph if retain_graph is None else retain_graph
    run_backward(roots, seeds, retain, create_graph, ins, True)


def grad(outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False,
         allow_unused=None, is_grads_batched=False, materialize_grads=False):
    """The gradients of inputs, as a tuple; .grad is left alone.

    Raises RuntimeError for an input that outputs do not depend on, unless allow_unused
    (its gradient is then None) or materialize_grads (then zeros).
    """
    roots = [outputs] if isinstance(outputs, Tensor) else list(outputs)
    ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
    if grad_outputs is None:
        seeds = [None] * len(roots)
    else:
        seeds = [grad_outputs] if isinstance(grad_outputs, Tensor) else list(grad_outputs)
    if len(seeds) != len(roots):
        raise RuntimeError(f"got {len(roots)} outputs and {len(seeds)} grad_outputs")
    if is_grads_batched:
        raise NotImplementedError("grad: is_grads_batched is not supported")
    for t in ins:
        if not wants(<Tensor?>t):
            raise RuntimeError("one of the differentiated tensors does not require grad")
    retain = create_graph if retain_graph is None else retain_graph
    out = run_backward(roots, seeds, retain, create_graph, ins, False)
    for i in range(len(out)):
        if out[i] is None:
            if materialize_grads:
                out[i] = empty_tensor((<Tensor>ins[i]).t.dtype, (<Tensor>ins[i]).t.ndim,
                                      (<Tensor>ins[i]).t.size)
                fill(out[i], 0)
            elif not allow_unused:
                raise RuntimeError("one of the differentiated tensors appears to not have been "
                                   "used in the graph; set allow_unused=True if this is wanted")
    return tuple(out)


# ------------------------------------------------------------------ modes

def is_grad_enabled():
    """Whether ops are recorded on this thread."""
    return bool(ctx().grad_mode)


def _set_grad_enabled(bint on):
    cdef bint old = ctx().grad_mode
    ctx().grad_mode = on
    return old


def is_inference_mode_enabled():
    """Whether this thread is inside inference_mode."""
    return bool(ctx().inference)


def _set_inference(bint on):
    cdef bint old = ctx().inference
    ctx().inference = on
    return old


def _set_detect_anomaly(bint on):
    global detect_anomaly_on
    old = detect_anomaly_on
    detect_anomaly_on = on
    return old


# ------------------------------------------------------------------ Tensor's side of the tape

def _backward_method(Tensor self not None, gradient=None, retain_graph=None, bint create_graph=False,
                     inputs=None):
    """Add the gradient of this tensor to .grad of the leaves it depends on.

    gradient: the vector of the vector-Jacobian product; may be left out for one element.
    """
    cdef bint retain = create_graph if retain_graph is None else retain_graph
    cdef list ins = None
    if inputs is not None:
        ins = [inputs] if isinstance(inputs, Tensor) else list(inputs)
        if not ins:
            raise RuntimeError("backward: inputs cannot be empty")
    run_backward([self], [gradient], retain, create_graph, ins, True)


def _register_hook(Tensor self not None, hook):
    """hook(grad) runs when this tensor's gradient is known; may return a new one."""
    if not wants(self):
        raise RuntimeError("cannot register a hook on a tensor that does not require grad")
    if self.fn is None:
        if self.hooks is None:
            self.hooks = {}
        return Handle(self.hooks, hook)
    return Handle(node_keep(self)[1], hook)


cdef object node_keep(Tensor a):
    import weakref
    cdef Node n = <Node>a.fn
    if n.keep is None:
        n.keep = {}
    if a.out_nr not in n.keep:
        n.keep[a.out_nr] = (weakref.ref(a), {})
    return n.keep[a.out_nr]


def _retain_grad(Tensor self not None):
    """Keep .grad of this non-leaf in the next backward passes."""
    if not wants(self):
        raise RuntimeError("can't retain_grad on a tensor that does not require grad")
    if self.fn is not None:
        self.keep_grad = True
        node_keep(self)


def _register_post_accumulate_grad_hook(Tensor self not None, hook):
    """hook(tensor) runs after this leaf's .grad was updated by a backward pass."""
    if self.fn is not None:
        raise RuntimeError("post-accumulate-grad hooks are for leaf tensors")
    if self.post_hooks is None:
        self.post_hooks = {}
    return Handle(self.post_hooks, hook)


def _retains_grad(Tensor self not None):
    return bool(self.keep_grad)


from .tensor import register as _register

for _name, _f in dict(backward=_backward_method, register_hook=_register_hook,
                      retain_grad=_retain_grad, retains_grad=property(_retains_grad),
                      register_post_accumulate_grad_hook=_register_post_accumulate_grad_hook
                      ).items():
    _register(_name, _f)


# ------------------------------------------------------------------ functions written in Python

cdef object python_vjp(Node n, object g):
    """The backward of an autograd.Function: n.extra is (class, ctx)."""
    cls, context = n.extra
    return cls._run_backward(context, (g,) if n.n_out == 1 else tuple(g), n)


def _record_function(list outs, tuple ins, object extra, list differentiable):
    """Put the outputs of an autograd.Function on the tape."""
    cdef Node n = make_node(python_vjp, b"function", <int>len(ins))
    cdef int i = 0
    for a in ins:
        n.set_edge(i, <Tensor>a if isinstance(a, Tensor) else None)
        i += 1
    n.extra = extra
    for i in range(len(outs)):
        if differentiable[i]:
            attach(n, <Tensor?>outs[i], i)
    n.n_out = <int>len(outs)


def _with_history(Tensor saved not None, Node n not None, int out_nr):
    """A saved output of n as a tensor that n is the producer of."""
    cdef Tensor y = alias(saved)
    y.fn = n
    y.out_nr = out_nr
    y.req = True
    return y
