"""The backward pass: gradients from the roots down to the leaves.

Nodes are visited in falling creation number, so every consumer of a value has run by then, and
nothing recurses. Gradients of leaves are collected and published only after every derivative has
been computed.
"""

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from cpython.ref cimport Py_DECREF, Py_INCREF, PyObject
from libc.stdint cimport int64_t, uint64_t
from libc.string cimport memcpy, memset

from .fnn cimport fnn_context
from .gradient cimport accumulate_grad, add_grads, fit, fits, seed_gradient
from .hooks cimport apply_hooks_of, node_hooks, run_post_hooks, run_tensor_hooks
from .tape cimport Node
from .tensor cimport Tensor, ctx, wants


# ------------------------------------------------------------------ what is waiting

# One entry per node that a backward pass has reached: gradients of its outputs so far.
cdef struct Entry:
    PyObject *node        # owned reference; Node, or a leaf Tensor
    PyObject *grad        # owned: Tensor, list (several outputs), or NULL
    uint64_t key          # Node.seq; 0 for leaves


cdef enum:
    FEW = 32  # nodes that a pass has room for without asking for memory


cdef struct Pass:
    # The state of one backward pass: a heap of nodes by creation number, and a hash of them.
    Entry *entries
    int *heap
    int *table
    int n, cap, heap_n, table_cap
    Entry few_entries[FEW]
    int few_heap[FEW]
    int few_table[2 * FEW]


cdef void begin(Pass *p) noexcept:
    p.n = p.heap_n = 0
    p.cap = FEW
    p.table_cap = 2 * FEW
    p.entries = p.few_entries
    p.heap = p.few_heap
    p.table = p.few_table
    memset(p.table, 0xff, p.table_cap * sizeof(int))


cdef int end(Pass *p) except -1:
    cdef int i
    for i in range(p.n):
        Py_DECREF(<object>p.entries[i].node)
        if p.entries[i].grad != NULL:
            Py_DECREF(<object>p.entries[i].grad)
    if p.cap > FEW:
        PyMem_Free(p.entries)
        PyMem_Free(p.heap)
        PyMem_Free(p.table)
    return 0


cdef int slot(Pass *p, PyObject *node) noexcept:
    cdef size_t h = (<size_t>node >> 4) * <size_t>0x9E3779B97F4A7C15
    cdef int i = <int>((h >> 40) & <size_t>(p.table_cap - 1))
    while p.table[i] >= 0 and p.entries[p.table[i]].node != node:
        i = (i + 1) & (p.table_cap - 1)
    return i


cdef int grow(Pass *p) except -1:
    """Room for twice as many nodes."""
    cdef int i, cap = 2 * p.cap
    cdef Entry *entries = <Entry *>PyMem_Malloc(cap * sizeof(Entry))
    cdef int *heap = <int *>PyMem_Malloc(cap * sizeof(int))
    cdef int *table = <int *>PyMem_Malloc(2 * cap * sizeof(int))
    if entries == NULL or heap == NULL or table == NULL:
        PyMem_Free(entries)
        PyMem_Free(heap)
        PyMem_Free(table)
        raise MemoryError
    memcpy(entries, p.entries, p.n * sizeof(Entry))
    memcpy(heap, p.heap, p.heap_n * sizeof(int))
    memset(table, 0xff, 2 * cap * sizeof(int))
    if p.cap > FEW:
        PyMem_Free(p.entries)
        PyMem_Free(p.heap)
        PyMem_Free(p.table)
    p.entries, p.heap, p.table = entries, heap, table
    p.cap, p.table_cap = cap, 2 * cap
    for i in range(p.n):
        p.table[slot(p, p.entries[i].node)] = i
    return 0


cdef int find(Pass *p, object node) except -2:
    """Number of the node's entry, made if it has none."""
    cdef int at = slot(p, <PyObject *>node), i
    if p.table[at] >= 0:
        return p.table[at]
    if p.n == p.cap:
        grow(p)
        at = slot(p, <PyObject *>node)
    i = p.n
    Py_INCREF(node)
    p.entries[i].node = <PyObject *>node
    p.entries[i].grad = NULL
    p.entries[i].key = (<Node>node).seq if type(node) is Node else 0
    p.table[at] = i
    p.n += 1
    if p.entries[i].key:
        push(p, i)
    return i


cdef int push(Pass *p, int e) except -1:
    cdef int i = p.heap_n, up
    p.heap_n += 1
    while i > 0:
        up = (i - 1) >> 1
        if p.entries[p.heap[up]].key > p.entries[e].key:
            break
        p.heap[i] = p.heap[up]
        i = up
    p.heap[i] = e
    return 0


cdef int pop(Pass *p) noexcept:
    """The entry with the highest creation number."""
    cdef int top = p.heap[0], last, i = 0, child
    p.heap_n -= 1
    last = p.heap[p.heap_n]
    while True:
        child = 2 * i + 1
        if child >= p.heap_n:
            break
        if child + 1 < p.heap_n and (p.entries[p.heap[child + 1]].key >
                                        p.entries[p.heap[child]].key):
            child += 1
        if p.entries[last].key > p.entries[p.heap[child]].key:
            break
        p.heap[i] = p.heap[child]
        i = child
    if p.heap_n:
        p.heap[i] = last
    return top


cdef int give(Pass *p, object node, int nr, Tensor g) except -1:
    """Add g to the gradient of output nr of node (of a leaf: nr 0)."""
    cdef int e = find(p, node)
    cdef Tensor old
    cdef list many
    if type(node) is Node and (<Node>node).n_out > 1:
        if p.entries[e].grad == NULL:
            many = [None] * (<Node>node).n_out
            Py_INCREF(many)
            p.entries[e].grad = <PyObject *>many
        many = <list>p.entries[e].grad
        many[nr] = g if many[nr] is None else add_grads(many[nr], g)
        return 0
    if p.entries[e].grad != NULL:
        old = <Tensor>p.entries[e].grad
        g = add_grads(old, g)
        Py_DECREF(old)
    Py_INCREF(g)
    p.entries[e].grad = <PyObject *>g
    return 0


cdef object take(Pass *p, int e):
    """The gradient of an entry; the entry keeps its node."""
    cdef object g
    if p.entries[e].grad == NULL:
        return None
    g = <object>p.entries[e].grad
    Py_DECREF(g)
    p.entries[e].grad = NULL
    return g


# ------------------------------------------------------------------ one node

cdef bint detect_anomaly_on = False


def _set_detect_anomaly(bint on):
    global detect_anomaly_on
    old = detect_anomaly_on
    detect_anomaly_on = on
    return old


cdef object anomaly_check(Node n, object got):
    for g in (got if type(got) is tuple else (got,)):
        if g is not None and bool(g.isnan().any()):
            raise RuntimeError(f"{n.name()} returned nan values in its gradient")
    return None


cdef int step(Pass *p, Node n, object g) except -1:
    """Run one node's vjp and hand the gradients to its inputs."""
    cdef int i
    cdef object got
    if n.keep is not None or n.prehooks is not None:
        g = node_hooks(n, g)
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


cdef int give_checked(Pass *p, Node n, int i, Tensor g) except -1:
    """Hand g, made to fit, to where input i of n came from."""
    cdef object edge = n.edge(i)
    cdef int nr = n.edge_nr(i)
    cdef Node m
    cdef Tensor leaf
    cdef int64_t size[8]
    if type(edge) is Node:
        m = <Node>edge
        if nr == 0:
            if not fits(g, m.out_ndim, m.out_size, m.out_dtype):
                g = fit(g, n, m.out_ndim, m.out_size, m.out_dtype)
        else:
            shape, code = m.outs[nr - 1]
            for k in range(len(shape)):
                size[k] = shape[k]
            g = fit(g, n, <int>len(shape), size, code)
    else:
        leaf = <Tensor>edge
        if not fits(g, leaf.t.ndim, leaf.t.size, leaf.t.dtype):
            g = fit(g, n, leaf.t.ndim, leaf.t.size, leaf.t.dtype)
    give(p, edge, nr, g)
    return 0


cdef int release_saved(Node n) except -1:
    if n.s0 is not None or n.more_saved is not None or n.s1 is not None or n.s2 is not None:
        n.s0 = n.s1 = n.s2 = None
        n.more_saved = None
        n.freed = True
    return 0


# ------------------------------------------------------------------ a pass

cdef object run_backward(list roots, list seeds, bint retain, bint create, list inputs,
                         bint accumulate):
    """The engine. inputs None: add to .grad of all leaves; else of these, or return theirs."""
    cdef fnn_context *c = ctx()
    cdef int mode = c.grad_mode
    cdef Pass p
    cdef Py_ssize_t i
    for i in range(len(roots)):
        if not wants(<Tensor?>roots[i]):
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a "
                               "grad_fn")
    begin(&p)
    c.grad_mode = create
    try:
        for i in range(len(roots)):
            start(&p, <Tensor>roots[i], seeds[i])
        if inputs is not None:
            return towards(&p, roots, inputs, retain, create, accumulate)
        descend(&p, retain)
        finish(&p, create)
        return None
    finally:
        c.grad_mode = mode
        end(&p)


cdef int run_backward_of(Tensor root, object seed, bint retain, bint create) except -1:
    """The same from one root to all leaves, without lists: the common call."""
    cdef fnn_context *c = ctx()
    cdef int mode = c.grad_mode
    cdef Pass p
    if not wants(root):
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    begin(&p)
    c.grad_mode = create
    try:
        start(&p, root, seed)
        descend(&p, retain)
        finish(&p, create)
    finally:
        c.grad_mode = mode
        end(&p)
    return 0


cdef int start(Pass *p, Tensor root, object seed) except -1:
    return give(p, root if root.fn is None else root.fn, root.out_nr, seed_gradient(root, seed))


cdef int descend(Pass *p, bint retain) except -1:
    """Every node's derivative, youngest first."""
    cdef Node n
    cdef int e
    while p.heap_n:
        e = pop(p)
        n = <Node>p.entries[e].node
        step(p, n, take(p, e))
        if not retain:
            release_saved(n)
    return 0


cdef int finish(Pass *p, bint create) except -1:
    """All derivatives are computed: now, and only now, .grad of the leaves changes."""
    cdef int e
    cdef Tensor leaf, g
    run_leaf_hooks(p)
    for e in range(p.n):
        if p.entries[e].key == 0 and p.entries[e].grad != NULL:
            leaf = <Tensor>p.entries[e].node
            g = take(p, e)
            accumulate_grad(leaf, g, create)
    for e in range(p.n):
        if p.entries[e].key == 0 and (<Tensor>p.entries[e].node).post_hooks is not None:
            run_post_hooks(<Tensor>p.entries[e].node)
    return 0


cdef int run_leaf_hooks(Pass *p) except -1:
    cdef int e
    cdef Tensor leaf, g
    for e in range(p.n):
        if p.entries[e].key == 0 and p.entries[e].grad != NULL:
            leaf = <Tensor>p.entries[e].node
            if leaf.hooks is not None:
                g = run_tensor_hooks(leaf, take(p, e))
                give(p, leaf, 0, g)
    return 0


# ------------------------------------------------------------------ towards given inputs only

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


cdef bint leads_on(Node n, list targets, set path):
    """Whether an input of n is, or leads to, a target."""
    for i in range(n.n_in):
        e = n.edge(i)
        if e is not None and (e in path or any([e is t for t in targets])):
            return True
    return False


cdef object towards(Pass *p, list roots, list inputs, bint retain, bint create, bint accumulate):
    """The derivatives that lead to inputs, and their gradients."""
    cdef dict captured = {}, goal = {}
    cdef list targets = [t if (<Tensor>t).fn is None else (<Tensor>t).fn for t in inputs]
    cdef set path = nodes_towards(targets, [(<Tensor>t).fn for t in roots
                                            if (<Tensor>t).fn is not None])
    cdef Node n
    cdef object g
    cdef int e
    for t in inputs:
        if (<Tensor>t).fn is not None:
            goal.setdefault((<Tensor>t).fn, []).append(t)
    while p.heap_n:
        e = pop(p)
        n = <Node>p.entries[e].node
        g = take(p, e)
        for t in goal.get(n, ()):
            part = g if n.n_out == 1 else g[(<Tensor>t).out_nr]
            if part is not None and n.keep is not None:
                part = apply_hooks_of(n, (<Tensor>t).out_nr, part)
            captured[<size_t><PyObject *>t] = part
        if n in path and leads_on(n, targets, path):
            step(p, n, g)
            if not retain:
                release_saved(n)
    return finish_inputs(p, inputs, captured, create, accumulate)


cdef list finish_inputs(Pass *p, list inputs, dict captured, bint create, bint accumulate):
    """The gradients of inputs; with accumulate they are added to .grad as well."""
    cdef int e
    run_leaf_hooks(p)
    for e in range(p.n):
        if p.entries[e].key == 0 and p.entries[e].grad != NULL:
            captured[<size_t>p.entries[e].node] = take(p, e)
    if not accumulate:
        return [captured.get(<size_t><PyObject *>t) for t in inputs]
    for t in inputs:
        g = captured.pop(<size_t><PyObject *>t, None)
        if g is not None:
            accumulate_grad(<Tensor>t, <Tensor>g, create)
            if (<Tensor>t).post_hooks is not None:
                run_post_hooks(<Tensor>t)
    return None
