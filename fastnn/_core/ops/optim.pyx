"""Optimizer steps: one instruction per group of parameters.

Arguments: the cell (float64, six numbers: step, lr, weight_decay, two coefficients, eps), lists
of parameters, gradients and state tensors of one length, and the hyper-parameters, which are
written into the cell before each step. The instruction counts the cell's step up. The update is
not recorded; the versions of what it writes move.
"""

__all__ = []

from cpython.mem cimport PyMem_Free, PyMem_Malloc
from libc.stdint cimport int64_t

from ..fnn cimport fnn_attr, fnn_call, fnn_tensor, fnn_tensor_data, fnn_tensor_numel
from ..tensor cimport Tensor, attr_i, door, fnn_op

cdef extern from "fastnn.h":
    enum:
        FNN_OP_sgd, FNN_OP_adam, FNN_OP_rmsprop, FNN_OP_adagrad, FNN_OP_adadelta

cdef enum:
    ON_STACK = 64          # operands
    RELEASE_ABOVE = 20000  # elements: some 10 us of work


cdef int fill(const fnn_tensor **to, list tensors, Py_ssize_t n) except -1:
    cdef Py_ssize_t i
    if len(tensors) != n:
        raise ValueError(f"optimizer step: {n} gradients, but {len(tensors)} parameters or states")
    for i in range(n):
        to[i] = &(<Tensor?>tensors[i]).t
    return 0


cdef int step(fnn_op op, Tensor cell, list params, list grads, list s1, list s2, list s3,
              const double *hyper, bint maximize, bint flag) except -1:
    """Run the instruction; s1..s3: lists of states, or None. hyper: the cell from lr on."""
    cdef Py_ssize_t n = len(grads), k, at = n + 1
    cdef const fnn_tensor *few[ON_STACK]
    cdef const fnn_tensor **operands = few
    cdef fnn_attr attr[2]
    cdef fnn_call c
    cdef int64_t total = 0
    cdef double *memory = <double *>fnn_tensor_data(&cell.t)
    if 5 * n + 1 > ON_STACK:
        operands = <const fnn_tensor **>PyMem_Malloc(
            <size_t>(5 * n + 1) * sizeof(const fnn_tensor *))
        if operands == NULL:
            raise MemoryError()
    try:
        fill(operands, grads, n)
        operands[n] = &cell.t
        fill(operands + at, params, n)
        at += n
        for states in (s1, s2, s3):
            if states is not None:
                fill(operands + at, states, n)
                at += n
        for k in range(5):
            memory[k + 1] = hyper[k]
        for k in range(n):
            total += fnn_tensor_numel(operands[k])
        attr[0] = attr_i(maximize)
        attr[1] = attr_i(flag)
        c.op = op
        c.nin = <int>n
        c.nout = <int>(at - n)
        c.ins = operands
        c.out = <fnn_tensor **>(operands + n)
        c.attr = attr
        door(&c, total > RELEASE_ABOVE)
    finally:
        if operands != few:
            PyMem_Free(operands)
    return 0


def sgd(Tensor cell not None, list params not None, list grads not None, list buffers,
        double lr, double weight_decay, double momentum, double dampening, bint maximize,
        bint nesterov):
    """b <- momentum b + (1 - dampening) d (first step: d);  p <- p - lr (nesterov ? d + momentum b
    : b), with d = g + weight_decay p. buffers None: no momentum."""
    cdef double[5] hyper = [lr, weight_decay, momentum, dampening, 0]
    step(FNN_OP_sgd, cell, params, grads, buffers, None, None, hyper, maximize, nesterov)


def adam(Tensor cell not None, list params not None, list grads not None, list means,
         list squares, list largest, double lr, double weight_decay, double beta1, double beta2,
         double eps, bint maximize, bint decoupled):
    """m <- beta1 m + (1 - beta1) d;  v <- beta2 v + (1 - beta2) d**2;
    p <- p - lr m / (1 - beta1**t) / (sqrt(v / (1 - beta2**t)) + eps). decoupled: weight decay
    shrinks p first (AdamW), else it joins d. largest None: no amsgrad."""
    cdef double[5] hyper = [lr, weight_decay, beta1, beta2, eps]
    step(FNN_OP_adam, cell, params, grads, means, squares, largest, hyper, maximize, decoupled)


def rmsprop(Tensor cell not None, list params not None, list grads not None, list squares,
            list means, list buffers, double lr, double weight_decay, double alpha,
            double momentum, double eps, bint maximize):
    """v <- alpha v + (1 - alpha) d**2;  p <- p - lr d / (sqrt(v) + eps); with means (centered)
    v - mean**2 in place of v, with buffers momentum."""
    cdef double[5] hyper = [lr, weight_decay, alpha, momentum, eps]
    step(FNN_OP_rmsprop, cell, params, grads, squares, means, buffers, hyper, maximize,
         means is not None)


def adagrad(Tensor cell not None, list params not None, list grads not None, list sums,
            double lr, double weight_decay, double lr_decay, double eps, bint maximize):
    """v <- v + d**2;  p <- p - lr / (1 + (t - 1) lr_decay) d / (sqrt(v) + eps)."""
    cdef double[5] hyper = [lr, weight_decay, lr_decay, 0, eps]
    step(FNN_OP_adagrad, cell, params, grads, sums, None, None, hyper, maximize, False)


def adadelta(Tensor cell not None, list params not None, list grads not None, list squares,
             list deltas, double lr, double weight_decay, double rho, double eps, bint maximize):
    """v <- rho v + (1 - rho) d**2;  u = sqrt(a + eps) / sqrt(v + eps) d;
    a <- rho a + (1 - rho) u**2;  p <- p - lr u."""
    cdef double[5] hyper = [lr, weight_decay, rho, 0, eps]
    step(FNN_OP_adadelta, cell, params, grads, squares, deltas, None, hyper, maximize, False)
