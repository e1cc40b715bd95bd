"""Optimizer steps: one instruction per bucket of parameters.

A Bucket holds parameters that have taken the same number of steps, their state tensors, and the
cell: six float64 numbers, step, lr, weight_decay, two coefficients, eps. Before each step the
group's hyper-parameters are written into the cell, the instruction counts its step up. The update
is not recorded; the versions of what it writes move. A step returns False, and has done nothing,
where a gradient is missing or the states are not those that the group's options call for.
"""

__all__ = []

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t

from ..door cimport attr_i, door
from ..fnn cimport fnn_attr, fnn_call, fnn_op, fnn_tensor, fnn_tensor_data, fnn_tensor_numel
from ..tensor cimport Tensor

cdef extern from "fastnn.h":
    enum:
        FNN_OP_sgd, FNN_OP_adam, FNN_OP_rmsprop, FNN_OP_adagrad, FNN_OP_adadelta

cdef enum:
    ON_STACK = 64          # operands
    RELEASE_ABOVE = 20000  # elements: some 10 us of work


cdef class Bucket:
    """Parameters, lists of their state tensors (one list per kind of state), and the cell."""
    cdef readonly list params
    cdef readonly list states
    cdef readonly Tensor cell

    def __init__(self, list params not None, list states not None, Tensor cell not None):
        for kind in states:
            if len(kind) != len(params):
                raise ValueError(f"{len(params)} parameters, but {len(kind)} states of a kind")
        self.params, self.states, self.cell = params, states, cell


cdef bint fill(const fnn_tensor **to, Bucket b, Py_ssize_t n) except -1:
    """Gradients, cell, parameters, states; False where a gradient is missing."""
    cdef Py_ssize_t i, at = 2 * n + 1
    cdef Tensor p
    for i in range(n):
        p = <Tensor?>b.params[i]
        if p.gradient is None:
            return False
        to[i] = &p.gradient.t
        to[n + 1 + i] = &p.t
    to[n] = &b.cell.t
    for states in b.states:
        for i in range(n):
            to[at] = &(<Tensor?>(<list>states)[i]).t
            at += 1
    return True


cdef bint step(fnn_op op, Bucket b, const double *hyper, bint maximize, bint flag) except -1:
    """Run the instruction. hyper: the cell from lr on."""
    cdef Py_ssize_t n = len(b.params), k, count = 1 + n * (2 + len(b.states))
    cdef const fnn_tensor *few[ON_STACK]
    cdef const fnn_tensor **operands = few
    cdef fnn_attr attr[2]
    cdef fnn_call c
    cdef int64_t total = 0
    cdef double *memory = <double *>fnn_tensor_data(&b.cell.t)
    if count > ON_STACK:
        operands = <const fnn_tensor **>PyMem_Malloc(
            <size_t>count * sizeof(const fnn_tensor *))
        if operands == NULL:
            raise MemoryError()
    try:
        if not fill(operands, b, n):
            return False
        for k in range(5):
            memory[k + 1] = hyper[k]
        for k in range(n):
            total += fnn_tensor_numel(operands[k])
        attr[0] = attr_i(maximize)
        attr[1] = attr_i(flag)
        c.op = op
        c.nin = <int>n
        c.nout = <int>(count - n)
        c.ins = operands
        c.out = <fnn_tensor **>(operands + n)
        c.attr = attr
        door(&c, total > RELEASE_ABOVE)
    finally:
        if operands != few:
            PyMem_Free(operands)
    return True


def sgd(Bucket b not None, dict group not None):
    """b <- momentum b + (1 - dampening) d (first step: d);  p <- p - lr (nesterov ? d + momentum b
    : b), with d = g + weight_decay p. States: none, or b."""
    cdef double momentum = group["momentum"]
    cdef double[5] hyper = [group["lr"], group["weight_decay"], momentum, group["dampening"], 0]
    if len(b.states) != (momentum != 0):
        return False
    return step(FNN_OP_sgd, b, hyper, group["maximize"], group["nesterov"])


def adam(Bucket b not None, dict group not None):
    """m <- beta1 m + (1 - beta1) d;  v <- beta2 v + (1 - beta2) d**2;
    p <- p - lr m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps). Weight decay joins d, or,
    decoupled, shrinks p first. States: m, v and, with amsgrad, the largest v."""
    beta1, beta2 = group["betas"]
    cdef double[5] hyper = [group["lr"], group["weight_decay"], beta1, beta2, group["eps"]]
    if len(b.states) != 2 + (True if group["amsgrad"] else False):
        return False
    return step(FNN_OP_adam, b, hyper, group["maximize"], group["decoupled_weight_decay"])


def rmsprop(Bucket b not None, dict group not None):
    """v <- alpha v + (1 - alpha) d**2;  p <- p - lr d / (sqrt(v) + eps). States: v; centered, the
    running mean of d, whose square is taken off v; with momentum, its buffer."""
    cdef double momentum = group["momentum"]
    cdef bint centered = group["centered"]
    cdef double[5] hyper = [group["lr"], group["weight_decay"], group["alpha"], momentum,
                            group["eps"]]
    if len(b.states) != 1 + centered + (momentum > 0):
        return False
    return step(FNN_OP_rmsprop, b, hyper, group["maximize"], centered)


def adagrad(Bucket b not None, dict group not None):
    """v <- v + d**2;  p <- p - lr / (1 + (t - 1) lr_decay) d / (sqrt(v) + eps). States: v."""
    cdef double[5] hyper = [group["lr"], group["weight_decay"], group["lr_decay"], 0, group["eps"]]
    return step(FNN_OP_adagrad, b, hyper, group["maximize"], False)


def adadelta(Bucket b not None, dict group not None):
    """v <- rho v + (1 - rho) d**2;  u = sqrt(a + eps) / sqrt(v + eps) d;
    a <- rho a + (1 - rho) u**2;  p <- p - lr u. States: v, a."""
    cdef double[5] hyper = [group["lr"], group["weight_decay"], group["rho"], 0, group["eps"]]
    return step(FNN_OP_adadelta, b, hyper, group["maximize"], False)


cdef class Plan:
    """The buckets of one group, and all that they depend on."""
    cdef public dict group
    cdef public list params
    cdef public Py_ssize_t count
    cdef public tuple names     # of the states
    cdef public list buckets
    cdef public list idle       # parameters without a gradient
    cdef public Bucket only     # the only bucket, where it holds all parameters


cdef class Plans:
    """The plans of all groups, for one state dictionary with so many entries."""
    cdef public list plans
    cdef public object state
    cdef public Py_ssize_t size

    def __init__(self):
        self.plans = []

    def run(self, list groups not None, state, instruction):
        """Step the groups whose plan holds all their parameters in one bucket, until one does
        not, or does no longer; returns how many were stepped."""
        cdef Py_ssize_t i
        cdef Plan plan
        cdef dict group
        cdef list params
        if state is not self.state or len(state) != self.size or len(groups) != len(self.plans):
            return 0
        for i in range(len(groups)):
            plan, group = self.plans[i], groups[i]
            params = group["params"]
            if (plan.only is None or plan.group is not group or plan.params is not params
                    or plan.count != len(params) or not instruction(plan.only, group)):
                return i
        return len(groups)


def clear_gradients(list params not None):
    """Set every parameter's grad to None."""
    for p in params:
        (<Tensor?>p).gradient = None
