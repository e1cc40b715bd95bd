"""What pointwise ops share: type promotion, numbers as operands, in-place, out=.

An op is one Unary or Binary object: opcode, derivative, and what the derivative reads.
"""

__all__ = ["can_cast", "promote_types", "result_type"]

cimport cython
import numpy as np

from ..convert import as_tensor
from ..door cimport attr_i, door, run1, run2, run_into
from ..dtypes cimport as_dtype, default_code, dtype_of
from ..fnn cimport (FNN_BF16, FNN_BOOL, FNN_F16, FNN_F32, FNN_F64, FNN_I8, FNN_I16, FNN_I32,
                    FNN_I64, FNN_U8, fnn_attr, fnn_call, fnn_tensor, fnn_tensor_numel)
from ..tape cimport Node, record, recording, recording2
from ..tensor cimport Tensor, alias, ctx, wants
from ..tensor import register
from ..views cimport check_inplace, record_inplace

cdef extern from "fastnn.h":
    enum:
        FNN_OP_cast, FNN_OP_copy_

cdef enum:
    LARGE = 16384  # elements above which other Python threads may run meanwhile

cdef extern from *:
    """
    static inline void fnn_share(fnn_tensor *to, const fnn_tensor *from) {
      fnn_storage_retain(from->storage);
      fnn_storage_release(to->storage);
      *to = *from;
    }
    """
    void fnn_share(void *to, const void *source)


# ------------------------------------------------------------------ promotion

cdef bint is_fp(int code) noexcept:
    return code == FNN_F32 or code == FNN_F64 or code == FNN_F16 or code == FNN_BF16


cdef int category(int code) noexcept:
    """0 bool, 1 integer, 2 floating."""
    return 0 if code == FNN_BOOL else 2 if is_fp(code) else 1


cdef int width(int code) noexcept:
    if code == FNN_F64 or code == FNN_I64:
        return 8
    if code == FNN_F32 or code == FNN_I32:
        return 4
    return 1 if code == FNN_U8 or code == FNN_I8 or code == FNN_BOOL else 2


cdef int promote(int a, int b) noexcept:
    """The smallest dtype of the higher category that holds both."""
    if a == b:
        return a
    cdef int ca = category(a), cb = category(b)
    if ca != cb:
        return a if ca > cb else b
    if width(a) != width(b):
        return a if width(a) > width(b) else b
    return FNN_F32 if ca == 2 else FNN_I16  # float16 with bfloat16, uint8 with int8


cdef int pair_code(Tensor a, Tensor b) noexcept:
    """Result dtype of two tensors: one without dimensions counts only by its category."""
    cdef int x = a.t.dtype, y = b.t.dtype
    if x == y:
        return x
    if (a.t.ndim == 0) != (b.t.ndim == 0):
        if a.t.ndim:
            return promote(x, y) if category(y) > category(x) else x
        return promote(x, y) if category(x) > category(y) else y
    return promote(x, y)


cdef object operand(object v):
    """A tensor or a Python number from what a program wrote, or None."""
    if isinstance(v, Tensor):
        return v
    kind = type(v)
    if kind is float or kind is int or kind is bool:
        return v
    if isinstance(v, np.ndarray):
        return as_tensor(v)
    if isinstance(v, np.generic):
        return v.item()
    if isinstance(v, (int, float)):
        return v
    return None


cdef int code_with(object v, int code) except -1:
    """Result dtype of a number with a tensor of dtype code."""
    if isinstance(v, float):
        return code if is_fp(code) else default_code()
    if isinstance(v, bool) or code != FNN_BOOL:
        return code
    return FNN_I64


def promote_types(type1, type2):
    """The dtype that holds every value of both dtypes."""
    return dtype_of(promote(as_dtype(type1).code, as_dtype(type2).code))


def result_type(tensor1, tensor2):
    """The dtype of an arithmetic result of two operands, tensors or numbers."""
    a, b = operand(tensor1), operand(tensor2)
    if a is None or b is None:
        raise TypeError("result_type: expected tensors or numbers")
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return dtype_of(pair_code(a, b))
    if isinstance(a, Tensor) or isinstance(b, Tensor):
        x, v = (a, b) if isinstance(a, Tensor) else (b, a)
        return dtype_of(code_with(v, (<Tensor>x).t.dtype))
    return dtype_of(code_with(a, code_with(b, FNN_BOOL)))


def can_cast(from_, to):
    """Whether a result of dtype from_ may be stored as dtype to: its category is no higher."""
    return category(as_dtype(from_).code) <= category(as_dtype(to).code)


# ------------------------------------------------------------------ running

cdef Tensor to_code(Tensor x, int code):
    """x in dtype code, not on the tape (gradients are converted back when they are given)."""
    cdef fnn_attr attr[1]
    if x.t.dtype == code:
        return x
    attr[0] = attr_i(code)
    return run1(FNN_OP_cast, x, attr)


cdef Tensor to_float(Tensor x):
    return x if is_fp(x.t.dtype) else to_code(x, default_code())


cdef inline int number(object v, int code, fnn_attr *attr) except -1:
    """v as the scalar attribute of an op on dtype code."""
    if is_fp(code):
        attr.v.f = v
        attr.n = 1
    else:
        attr.v.i = v
        attr.n = 0
    return 0


cdef int common_code(object a, object b, bint floating) except -1:
    cdef int code
    if isinstance(a, Tensor):
        if isinstance(b, Tensor):
            code = pair_code(<Tensor>a, <Tensor>b)
        else:
            code = code_with(b, (<Tensor>a).t.dtype)
    else:
        code = code_with(a, (<Tensor?>b).t.dtype)
    return default_code() if floating and not is_fp(code) else code


cdef Tensor run_pair(fnn_op op, object a, object b, bint floating):
    """op of two operands (see operand; one a tensor at least) in their common dtype."""
    cdef int code = common_code(a, b, floating)
    cdef Tensor x = None, y = None
    cdef fnn_attr attr[1]
    attr[0] = attr_i(0)
    if isinstance(a, Tensor):
        x = to_code(<Tensor>a, code)
    else:
        number(a, code, attr)
    if isinstance(b, Tensor):
        y = to_code(<Tensor>b, code)
    else:
        number(b, code, attr)
    return run2(op, x, y, attr)


cdef int check_castable(int code, Tensor out) except -1:
    if category(code) > category(out.t.dtype):
        raise RuntimeError(f"result type {dtype_of(code).name} can't be cast to the desired output "
                           f"type {dtype_of(out.t.dtype).name}")
    return 0


cdef Tensor deliver(Tensor y, Tensor out):
    """y itself, or written into out=; an empty out takes y's shape."""
    if out is None:
        return y
    if ctx().grad_mode and (wants(out) or wants(y)):
        raise RuntimeError("functions with out=... arguments don't support automatic "
                           "differentiation, but one of the arguments requires grad")
    check_castable(y.t.dtype, out)
    if out.shape != y.shape:
        if fnn_tensor_numel(&out.t):
            raise RuntimeError(f"out= has shape {tuple(out.shape)}, the result {tuple(y.shape)}")
        y = to_code(y, out.t.dtype)
        fnn_share(&out.t, &y.t)
        return out
    return run_into(FNN_OP_copy_, out, y)


cdef object lhs(Node n):
    """The first operand as saved: a tensor, or the number."""
    return n.saved(0) if n.s0 is not None or n.freed else n.f0


cdef object rhs(Node n):
    return n.saved(1) if n.s1 is not None or n.freed else n.f0


# ------------------------------------------------------------------ maps of one tensor

cdef class Unary:
    """y = f(x) with a derivative that reads x or y."""

    cdef Tensor apply(self, Tensor x):
        cdef Tensor y = run1(self.op, to_float(x) if self.floating else x)
        cdef Node n
        if recording(x) and self.vjp != NULL:
            n = record(self.vjp, self.label, y, x)
            if self.save == SAVE_A:
                n.save(0, x)
            elif self.save == SAVE_Y:
                n.save_out(0, y)
        return y

    cdef Tensor apply_(self, Tensor x):
        cdef bint rec = recording(x) and self.vjp != NULL
        cdef Tensor old = None
        cdef Node n
        if rec:
            check_inplace(x)
            if self.save == SAVE_A:
                old = x.clone()
        if self.floating and not is_fp(x.t.dtype):
            check_castable(default_code(), x)
        run_into(self.op, x, x)
        if rec:
            n = record_inplace(self.vjp, self.label, x)
            if self.save == SAVE_A:
                n.save(0, old)
            elif self.save == SAVE_Y:
                save_result(n, 0, x)
        return x


cdef int save_result(Node n, int k, Tensor y) except -1:
    """Save what an in-place op wrote: as n's output, unless a view's base carries the node."""
    if y.base is None:
        n.save_out(k, y)
    else:
        n.save(k, alias(y))
    return 0


cdef Unary unary(fnn_op op, const char *label, vjp_fn vjp, int save, bint floating=True):
    cdef Unary m = Unary.__new__(Unary)
    m.op = op
    m.label = label
    m.vjp = vjp
    m.save = save
    m.floating = floating
    return m


def publish_unary(Unary m, str name, str doc, names):
    """The function, the method and the in-place method of m; the function goes into names."""
    @cython.binding(True)
    def function(Tensor input not None, *, Tensor out=None):
        if out is None:
            return m.apply(input)
        return deliver(m.apply(input), out)

    @cython.binding(True)
    def method(Tensor self not None):
        return m.apply(self)

    @cython.binding(True)
    def inplace(Tensor self not None):
        return m.apply_(self)

    for f, own in ((function, name), (method, name), (inplace, name + "_")):
        f.__name__ = f.__qualname__ = own
        f.__doc__ = doc
    inplace.__doc__ = f"{name} in place."
    names[name] = function
    names[name + "_"] = inplace
    register(name, method)
    register(name + "_", inplace)


# ------------------------------------------------------------------ maps of two operands

cdef fnn_attr no_number[1]
no_number[0] = attr_i(0)


cdef inline bint alike(Binary m, Tensor a, Tensor b) noexcept:
    """Whether m's operands need no conversion."""
    return a.t.dtype == b.t.dtype and (not m.floating or is_fp(a.t.dtype))


cdef class Binary:
    """y = f(a, b), broadcast and promoted; either may be a number."""

    cdef object apply(self, object a, object b):
        cdef Tensor y, ta = None, tb = None
        if isinstance(a, Tensor) and isinstance(b, Tensor) and alike(self, <Tensor>a, <Tensor>b):
            y = run2(self.op, <Tensor>a, <Tensor>b, no_number)
            if self.vjp != NULL and recording2(<Tensor>a, <Tensor>b):
                save_operands(self, record(self.vjp, self.label, y, <Tensor>a, <Tensor>b), a, b, y)
            return y
        a = operand(a)
        b = operand(b)
        if a is None or b is None:
            return NotImplemented
        y = run_pair(self.op, a, b, self.floating)
        if isinstance(a, Tensor):
            ta = <Tensor>a
        if isinstance(b, Tensor):
            tb = <Tensor>b
        if self.vjp != NULL and recording2(ta, tb):
            save_operands(self, record(self.vjp, self.label, y, ta, tb), a, b, y)
        return y

    cdef object apply_(self, Tensor a, object b):
        cdef Tensor y, tb = None, old = None
        cdef bint rec
        cdef int code
        cdef Node n
        b = operand(b)
        if b is None:
            return NotImplemented
        if isinstance(b, Tensor):
            tb = <Tensor>b
        rec = self.vjp != NULL and recording2(a, tb)
        if rec:
            check_inplace(a)
            if (self.need_a & SAVE_A and wants(a)) or (
                    self.need_b & SAVE_A and tb is not None and wants(tb)):
                old = a.clone()
        code = common_code(a, b, self.floating)
        check_castable(code, a)
        write_pair(self, a, b, code, tb)
        if rec:
            n = record_inplace(self.vjp, self.label, a, tb)
            save_operands(self, n, old, b, a)
        return a

    cdef Tensor call(self, object a, object b, Tensor out):
        """As a function: refuses what the operator leaves to the other operand."""
        cdef object y = NotImplemented
        if isinstance(a, Tensor) or isinstance(b, Tensor):
            y = self.apply(a, b)
        if y is NotImplemented:
            raise TypeError(f"{self.label.decode()}(): expected tensors or a tensor and a number, got "
                            f"{type(a).__name__} and {type(b).__name__}")
        return deliver(y, out)


cdef int write_pair(Binary m, Tensor a, object b, int code, Tensor tb) except -1:
    """a[...] = op(a, b), computed in dtype code."""
    cdef fnn_attr attr[1]
    cdef Tensor y
    if code != a.t.dtype:
        y = run_pair(m.op, a, b, m.floating)
        if y.shape != a.shape:
            raise RuntimeError(f"output with shape {list(a.shape)} doesn't match the broadcast "
                               f"shape {list(y.shape)}")
        run_into(FNN_OP_copy_, a, y)
        return 0
    attr[0] = attr_i(0)
    if tb is None:
        number(b, code, attr)
    else:
        tb = to_code(tb, code)
    return write_into(m.op, a, 2, a, tb, None, attr)


cdef int write_into(fnn_op op, Tensor out, int nin, Tensor a, Tensor b, Tensor c,
                    const fnn_attr *attr) except -1:
    """out[...] = op of nin operands of which any may be absent."""
    cdef const fnn_tensor *ins[3]
    cdef fnn_tensor *outs[1]
    cdef fnn_call call
    ins[0] = NULL if a is None else &a.t
    ins[1] = NULL if b is None else &b.t
    ins[2] = NULL if c is None else &c.t
    outs[0] = &out.t
    call.op = op; call.nin = nin; call.nout = 1; call.ins = ins; call.out = outs; call.attr = attr
    try:
        return door(&call, fnn_tensor_numel(&out.t) > LARGE)
    except ValueError as e:  # the shapes broadcast to something else than out's
        raise RuntimeError(str(e)) from None


cdef int save_operands(Binary m, Node n, object a, object b, Tensor y) except -1:
    cdef int mask = (m.need_a if n.needs(0) else 0) | (m.need_b if n.needs(1) else 0)
    if isinstance(a, Tensor):
        if mask & SAVE_A:
            n.save(0, <Tensor>a)
    elif a is not None:
        n.f0 = a
    if isinstance(b, Tensor):
        if mask & SAVE_B:
            n.save(1, <Tensor>b)
    else:
        n.f0 = b
    if mask & SAVE_Y:
        save_result(n, 2, y)
    return 0


cdef Binary binary(fnn_op op, const char *label, vjp_fn vjp, int need_a, int need_b,
                   bint floating=False):
    cdef Binary m = Binary.__new__(Binary)
    m.op = op
    m.label = label
    m.vjp = vjp
    m.need_a = need_a
    m.need_b = need_b
    m.floating = floating
    return m


def publish_binary(Binary m, str name, str doc, names, bint tensors_only=False,
                   bint inplace=True):
    """The function (into names), the method and the in-place method of m."""
    @cython.binding(True)
    def function(input, other, *, Tensor out=None):
        if tensors_only and not (isinstance(input, Tensor) and isinstance(other, Tensor)):
            raise TypeError(f"{name}(): expected two tensors, got {type(input).__name__} and "
                            f"{type(other).__name__}")
        return m.call(input, other, out)

    @cython.binding(True)
    def method(Tensor self not None, other):
        return function(self, other)

    @cython.binding(True)
    def method_(Tensor self not None, other):
        if m.apply_(self, other) is NotImplemented:
            raise TypeError(f"{name}_(): expected a tensor or a number, got "
                            f"{type(other).__name__}")
        return self

    for f, own in ((function, name), (method, name), (method_, name + "_")):
        f.__name__ = f.__qualname__ = own
        f.__doc__ = doc
    method_.__doc__ = f"{name} in place."
    names[name] = function
    register(name, method)
    if inplace:
        register(name + "_", method_)
