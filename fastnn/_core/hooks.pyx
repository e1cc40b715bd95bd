"""Hooks: functions of the user's that see, and may replace, gradients on their way."""

from .gradient cimport add_grads
from .tape cimport Node
from .tensor cimport Tensor, wants
from .tape import Handle
from .tensor import register


# ------------------------------------------------------------------ running them

cdef object run_tensor_hooks(Tensor a, Tensor g):
    for hook in list(a.hooks.values()):
        new = hook(g)
        if new is not None:
            if not isinstance(new, Tensor):
                raise TypeError(f"a gradient hook must return a tensor or None, not {type(new)}")
            g = new
    return g


cdef object node_hooks(Node n, object g):
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


cdef object apply_hooks_of(Node n, int nr, object part):
    entry = n.keep.get(nr)
    if entry is not None:
        for hook in list(entry[1].values()):
            new = hook(part)
            part = part if new is None else new
    return part


cdef int run_post_hooks(Tensor leaf) except -1:
    for hook in list(leaf.post_hooks.values()):
        hook(leaf)
    return 0


# ------------------------------------------------------------------ registering them

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


for _name, _f in dict(register_hook=_register_hook, retain_grad=_retain_grad,
                      retains_grad=property(_retains_grad),
                      register_post_accumulate_grad_hook=_register_post_accumulate_grad_hook
                      ).items():
    register(_name, _f)
