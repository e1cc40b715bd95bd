"""The gradient tape: nodes, and how they are recorded.

An op that is differentiable makes a Node beside its result. A node knows its inputs' nodes
(edges) and the values its derivative needs; the derivative (vjp) is written in ops, so that a
backward pass under create_graph records itself. Releasing a graph does not recurse.
"""

cimport cython
from cpython.ref cimport PyObject

from .dtypes cimport dtype_of
from .tensor cimport Tensor, alias, ctx, wants

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)

cdef uint64_t next_seq = 0


# ------------------------------------------------------------------ nodes

cdef enum:
    FLOOR = 8  # entries that stay, so that the list keeps its memory

cdef list graveyard = [None] * FLOOR  # nodes of a graph that is being released
cdef bint burying = False


cdef inline int bury(PyObject *held) except -1:
    """Where this is the last reference to something that may hold nodes: let go of it later, in
    drain, instead of recursing into it."""
    if Py_REFCNT(held) == 1 and (type(<object>held) is not Tensor or
                                 (<Tensor>held).fn is not None):
        graveyard.append(<object>held)
    return 0


cdef int drain() except -1:
    global burying
    if burying or len(graveyard) == FLOOR:
        return 0
    burying = True
    try:
        while len(graveyard) > FLOOR:
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
    if n.e0 is not None:
        bury(<PyObject *>n.e0)
        n.e0 = None
    if n.e1 is not None:
        bury(<PyObject *>n.e1)
        n.e1 = None
    if n.e2 is not None:
        bury(<PyObject *>n.e2)
        n.e2 = None
    if n.s0 is not None:
        bury(<PyObject *>n.s0)
        n.s0 = None
    if n.s1 is not None:
        bury(<PyObject *>n.s1)
        n.s1 = None
    if n.s2 is not None:
        bury(<PyObject *>n.s2)
        n.s2 = None
    if n.more_edges is not None:
        bury(<PyObject *>n.more_edges)
        n.more_edges = None
    if n.more_saved is not None:
        bury(<PyObject *>n.more_saved)
        n.more_saved = None
    if n.extra is not None:
        bury(<PyObject *>n.extra)
        n.extra = None
    if len(graveyard) > FLOOR and not burying:
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
