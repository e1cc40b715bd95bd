"""Matrix products: matmul and its kin, linear, and their derivatives.

A product node remembers which operand it transposed, so that derivatives of products are products
of the same kind and nothing is ever copied to be transposed.
"""

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "dot", "ger", "inner",
           "matmul", "mm", "mv", "outer", "vdot"]

from libc.stdint cimport int64_t

from ..door cimport attr_f, attr_i, door, run2, run3
from ..fnn cimport FNN_BOOL, fnn_attr, fnn_call, fnn_tensor, fnn_tensor_numel
from ..gradient cimport reduce_to
from ..tape cimport Node, record, record_many, recording2, recording3
from ..tensor cimport Tensor, slots
from ..tensor import register

from math import prod

import numpy as np

cdef extern from "fastnn.h":
    enum:
        FNN_OP_matmul, FNN_OP_addmm, FNN_OP_linear, FNN_OP_linear_bwd_w


cdef enum:
    GIL_WORK = 100000  # multiply-adds above which other Python threads may run meanwhile


# ------------------------------------------------------------------ products

cdef fnn_tensor flipped(Tensor a, bint transpose) noexcept:
    """a's descriptor, its last two dimensions exchanged."""
    cdef fnn_tensor t = a.t
    cdef int i = t.ndim - 1
    if transpose:
        t.size[i], t.size[i - 1] = a.t.size[i - 1], a.t.size[i]
        t.stride[i], t.stride[i - 1] = a.t.stride[i - 1], a.t.stride[i]
    return t


cdef Tensor product(Tensor a, Tensor b, bint ta, bint tb):
    """op(a) op(b), op a transpose where the flag says so (then of two or more dimensions)."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef fnn_tensor at = flipped(a, ta), bt = flipped(b, tb)
    cdef const fnn_tensor *ins[2]
    cdef fnn_tensor *outs[1]
    cdef fnn_call c
    cdef int64_t cols = bt.size[bt.ndim - 1] if bt.ndim > 1 else 1
    ins[0] = &at
    ins[1] = &bt
    outs[0] = &y.t
    c.op = FNN_OP_matmul; c.nin = 2; c.nout = 1; c.ins = ins; c.out = outs; c.attr = NULL
    door(&c, fnn_tensor_numel(&at) * cols > GIL_WORK)
    return y


cdef Tensor c_product(Tensor a, Tensor b, bint ta, bint tb):
    cdef Tensor y = product(a, b, ta, tb)
    cdef Node n
    if recording2(a, b):
        n = record(product_vjp, b"matmul", y, a, b)
        n.i0 = ta
        n.i1 = tb
        n.save(0, a if n.needs(1) else None)
        n.save(1, b if n.needs(0) else None)
        n.i2 = a.t.ndim
        n.i3 = b.t.ndim
    return y


cdef object product_vjp(Node n, object g):
    """Y = A B;  dA = dY B^T,  dB = A^T dY; with the transposes of A and B moved along."""
    cdef Tensor da = None, db = None, a, b
    cdef bint ta = n.i0, tb = n.i1
    if n.needs(0):
        b = n.saved(1)
        da = c_product(b, g, tb, True) if ta else c_product(g, b, False, not tb)
    if n.needs(1):
        a = n.saved(0)
        if n.i3 == 2 and n.i2 > 2 and not ta:  # B is one matrix: its gradient sums over the batch
            db = c_linear_bwd_w(g, a) if tb else c_linear_bwd_w(a, g)
        else:
            db = c_product(g, a, True, ta) if tb else c_product(a, g, not ta, False)
    return da, db


cdef Tensor c_matmul(Tensor a, Tensor b):
    """matmul of any ranks. On the tape, a vector is a matrix of one row or column."""
    cdef bint row = a.t.ndim == 1, column = b.t.ndim == 1
    if not (row or column) or not recording2(a, b):
        return c_product(a, b, False, False)
    if a.t.ndim == 0 or b.t.ndim == 0 or a.t.size[a.t.ndim - 1] != b.t.size[
            0 if column else b.t.ndim - 2]:
        return product(a, b, False, False)  # raises, naming the shapes that were given
    y = c_product(a.unsqueeze(0) if row else a, b.unsqueeze(1) if column else b, False, False)
    if column:
        y = y.squeeze(-1)
    return y.squeeze(-1 if column else -2) if row else y


cdef object finish(Tensor y, object out):
    return y if out is None else out.copy_(y)


def matmul(Tensor input not None, Tensor other not None, *, out=None):
    """The matrix product of the last two dimensions, the others broadcast.

    (..., m, k) x (..., k, n) -> (..., m, n); a vector counts as a row on the left, as a column on
    the right, and that dimension is dropped. Raises RuntimeError where shapes or dtypes differ.
    """
    return finish(c_matmul(input, other), out)


cdef int need_dims(str name, str what, Tensor a, int ndim) except -1:
    if a.t.ndim != ndim:
        raise RuntimeError(f"{name}: {what} must have {ndim} dimension{'s' * (ndim > 1)}, got "
                           f"shape {tuple(a.shape)}")
    return 0


def mm(Tensor input not None, Tensor mat2 not None, *, out=None):
    """(n, m) x (m, p) -> (n, p), without broadcasting."""
    need_dims("mm", "input", input, 2)
    need_dims("mm", "mat2", mat2, 2)
    return finish(c_product(input, mat2, False, False), out)


def bmm(Tensor input not None, Tensor mat2 not None, *, out=None):
    """(b, n, m) x (b, m, p) -> (b, n, p), without broadcasting."""
    need_dims("bmm", "input", input, 3)
    need_dims("bmm", "mat2", mat2, 3)
    if input.t.size[0] != mat2.t.size[0]:
        raise RuntimeError(f"bmm: batch sizes differ: {tuple(input.shape)} and "
                           f"{tuple(mat2.shape)}")
    return finish(c_product(input, mat2, False, False), out)


def mv(Tensor input not None, Tensor vec not None, *, out=None):
    """(n, m) x (m) -> (n)."""
    need_dims("mv", "input", input, 2)
    need_dims("mv", "vec", vec, 1)
    return finish(c_matmul(input, vec), out)


def dot(Tensor input not None, Tensor tensor not None, *, out=None):
    """(n) x (n) -> (): sum of input[i] * tensor[i]."""
    need_dims("dot", "input", input, 1)
    need_dims("dot", "tensor", tensor, 1)
    return finish(c_matmul(input, tensor), out)


def vdot(Tensor input not None, Tensor other not None, *, out=None):
    """dot: the conjugate of a real number is itself."""
    return dot(input, other, out=out)


def inner(Tensor input not None, Tensor other not None, *, out=None):
    """Products of the last dimensions: (..., k), (***, k) -> (..., ***); a scalar multiplies."""
    if input.t.ndim == 0 or other.t.ndim == 0:
        return finish(input * other, out)
    k = input.t.size[input.t.ndim - 1]
    if k != other.t.size[other.t.ndim - 1]:
        raise RuntimeError(f"inner: the last dimensions of {tuple(input.shape)} and "
                           f"{tuple(other.shape)} differ")
    left = list(input.shape[:input.t.ndim - 1])
    right = list(other.shape[:other.t.ndim - 1])
    y = c_product(input.reshape(prod(left), k), other.reshape(prod(right), k), False, True)
    return finish(y.reshape(left + right), out)


def outer(Tensor input not None, Tensor vec2 not None, *, out=None):
    """(n) x (m) -> (n, m): input[i] * vec2[j]."""
    need_dims("outer", "input", input, 1)
    need_dims("outer", "vec2", vec2, 1)
    if input.t.dtype != vec2.t.dtype or input.t.dtype == FNN_BOOL:
        # it promotes, as no other product does
        return finish(input.unsqueeze(1) * vec2.unsqueeze(0), out)
    return finish(c_product(input.unsqueeze(1), vec2.unsqueeze(0), False, False), out)


def ger(Tensor input not None, Tensor vec2 not None, *, out=None):
    """outer."""
    return outer(input, vec2, out=out)


cdef object matmul_slot(object a, object b):
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return c_matmul(a, b)
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        raise TypeError("matmul: both operands must be tensors")
    return NotImplemented


slots.matmul = matmul_slot


# ------------------------------------------------------------------ product and sum

cdef Tensor c_addmm(Tensor c, Tensor a, Tensor b, double beta, double alpha, const char *name):
    cdef fnn_attr attr[2]
    cdef Tensor y
    cdef Node n
    attr[0] = attr_f(beta)
    attr[1] = attr_f(alpha)
    y = run3(FNN_OP_addmm, c, a, b, attr)
    if recording3(c, a, b):
        n = record(addmm_vjp, name, y, c, a, b)
        n.f0 = beta
        n.f1 = alpha
        n.save(0, a if n.needs(2) else None)
        n.save(1, b if n.needs(1) else None)
    return y


cdef object scaled(Tensor t, double by):
    return t if by == 1 else t * by


cdef object addmm_vjp(Node n, object g):
    """Y = beta C + alpha A B;  dC = beta dY,  dA = alpha dY B^T,  dB = alpha A^T dY."""
    cdef Tensor a, b, h = scaled(g, n.f1)
    da = db = None
    if n.needs(1):
        b = n.saved(1)
        da = c_product(h, b, False, True)
    if n.needs(2):
        a = n.saved(0)
        db = c_product(a, h, True, False)
    return scaled(g, n.f0) if n.needs(0) else None, da, db


def addmm(Tensor input not None, Tensor mat1 not None, Tensor mat2 not None, *, beta=1, alpha=1,
          out=None):
    """beta * input + alpha * (mat1 @ mat2); input is broadcast, and not read where beta is 0."""
    need_dims("addmm", "mat1", mat1, 2)
    need_dims("addmm", "mat2", mat2, 2)
    return finish(c_addmm(input, mat1, mat2, beta, alpha, b"addmm"), out)


def baddbmm(Tensor input not None, Tensor batch1 not None, Tensor batch2 not None, *, beta=1,
            alpha=1, out=None):
    """beta * input + alpha * bmm(batch1, batch2)."""
    need_dims("baddbmm", "batch1", batch1, 3)
    need_dims("baddbmm", "batch2", batch2, 3)
    if batch1.t.size[0] != batch2.t.size[0]:
        raise RuntimeError(f"baddbmm: batch sizes differ: {tuple(batch1.shape)} and "
                           f"{tuple(batch2.shape)}")
    return finish(c_addmm(input, batch1, batch2, beta, alpha, b"baddbmm"), out)


def addbmm(Tensor input not None, Tensor batch1 not None, Tensor batch2 not None, *, beta=1,
           alpha=1, out=None):
    """beta * input + alpha * sum over the batch of batch1 @ batch2."""
    need_dims("addbmm", "batch1", batch1, 3)
    need_dims("addbmm", "batch2", batch2, 3)
    b, n, k = batch1.shape
    if tuple(batch2.shape[:2]) != (b, k):
        raise RuntimeError(f"addbmm: shapes {tuple(batch1.shape)} and {tuple(batch2.shape)} cannot "
                           "be multiplied")
    rows, columns = batch1.permute(1, 0, 2).reshape(n, b * k), batch2.reshape(b * k, batch2.t.size[2])
    return finish(c_addmm(input, rows, columns, beta, alpha, b"addbmm"), out)


def addmv(Tensor input not None, Tensor mat not None, Tensor vec not None, *, beta=1, alpha=1,
          out=None):
    """beta * input + alpha * (mat @ vec)."""
    need_dims("addmv", "mat", mat, 2)
    need_dims("addmv", "vec", vec, 1)
    c = input.unsqueeze(-1) if input.t.ndim else input
    y = c_addmm(c, mat, vec.unsqueeze(1), beta, alpha, b"addmv")
    return finish(y.squeeze(-1), out)


def addr(Tensor input not None, Tensor vec1 not None, Tensor vec2 not None, *, beta=1, alpha=1,
         out=None):
    """beta * input + alpha * outer(vec1, vec2)."""
    need_dims("addr", "vec1", vec1, 1)
    need_dims("addr", "vec2", vec2, 1)
    return finish(c_addmm(input, vec1.unsqueeze(1), vec2.unsqueeze(0), beta, alpha, b"addr"), out)


# ------------------------------------------------------------------ linear

cdef Tensor c_linear(Tensor x, Tensor w, Tensor b):
    cdef fnn_attr attr[1]
    cdef Tensor y
    cdef Node n
    attr[0] = attr_i(0)
    y = run3(FNN_OP_linear, x, w, b, attr)
    if recording3(x, w, b):
        n = record(linear_vjp, b"linear", y, x, w, b)
        n.save(0, x if n.needs(1) else None)
        n.save(1, w if n.needs(0) else None)
    return y


cdef object linear_vjp(Node n, object g):
    """y = x w^T + b;  dx = dy w,  dw = dy^T x,  db = sum of dy over all but the last dimension."""
    cdef Tensor dx = None, w, dy = g
    cdef int64_t size = dy.t.size[dy.t.ndim - 1]
    if n.needs(0):
        w = n.saved(1)
        dx = c_matmul(dy, w)
    if not n.needs(1):
        return dx, None, reduce_to(dy, 1, &size) if n.needs(2) else None
    if not n.needs(2):
        return dx, c_linear_bwd_w(dy, n.saved(0)), None
    dw, db = c_linear_bwd(dy, n.saved(0))
    return dx, dw, db


cdef Tensor c_linear_bwd_w(Tensor dy, Tensor x):
    """dw = dy^T x over all leading dimensions."""
    cdef fnn_attr attr[1]
    cdef Tensor dw
    cdef Node n
    attr[0] = attr_i(0)
    dw = run2(FNN_OP_linear_bwd_w, dy, x, attr)
    if recording2(dy, x):
        n = record(linear_bwd_w_vjp, b"linear_bwd_w", dw, dy, x)
        save_both(n, dy, x)
    return dw


cdef tuple c_linear_bwd(Tensor dy, Tensor x):
    """(dw, db) in one call."""
    cdef fnn_attr attr[1]
    cdef const fnn_tensor *ins[2]
    cdef fnn_tensor *outs[2]
    cdef fnn_call c
    cdef Tensor dw = Tensor.__new__(Tensor), db = Tensor.__new__(Tensor)
    cdef Node n
    attr[0] = attr_i(0)
    ins[0], ins[1] = &dy.t, &x.t
    outs[0], outs[1] = &dw.t, &db.t
    c.op, c.nin, c.nout = FNN_OP_linear_bwd_w, 2, 2
    c.ins, c.out, c.attr = ins, outs, attr
    door(&c, fnn_tensor_numel(&dy.t) + fnn_tensor_numel(&x.t) > 16384)
    if recording2(dy, x):
        n = record_many(linear_bwd_vjp, b"linear_bwd_w", [dw, db], [dy, x])
        save_both(n, dy, x)
    return dw, db


cdef int save_both(Node n, Tensor dy, Tensor x) except -1:
    n.save(0, dy if n.needs(1) else None)
    n.save(1, x if n.needs(0) else None)
    return 0


cdef object linear_bwd_w_vjp(Node n, object g):
    """dw = dy^T x;  ddy = x g^T,  dx = dy g."""
    cdef Tensor gw = g
    return (c_linear(n.saved(1), gw, None) if n.needs(0) else None,
            c_matmul(n.saved(0), gw) if n.needs(1) else None)


cdef object linear_bwd_vjp(Node n, object g):
    """dw = dy^T x, db = sum of dy;  ddy = x gw^T + gb,  dx = dy gw."""
    cdef Tensor gw = g[0], gb = g[1], x, ddy = None, dx = None
    if n.needs(0):
        x = n.saved(1)
        if gw is not None:
            ddy = c_linear(x, gw, gb)
        else:
            ddy = gb.expand([*x.shape[:x.t.ndim - 1], gb.t.size[0]])
    if n.needs(1) and gw is not None:
        dx = c_matmul(n.saved(0), gw)
    return ddy, dx


def linear(Tensor input not None, Tensor weight not None, Tensor bias=None):
    """y = x w^T + b;  x: (..., in), weight: (out, in) or (in), bias: (out)."""
    if weight.t.ndim == 1:
        y = c_matmul(input, weight)
        return y if bias is None else y + bias
    return c_linear(input, weight, bias)


for _name, _f in dict(addbmm=addbmm, addmm=addmm, addmv=addmv, addr=addr, baddbmm=baddbmm, bmm=bmm,
                      dot=dot, ger=ger, inner=inner, matmul=matmul, mm=mm, mv=mv, outer=outer,
                      vdot=vdot).items():
    register(_name, _f)
