"""Comparisons, logic, bits, tests of floats, and the choice between two tensors."""

__all__ = ["bitwise_not", "isfinite", "isinf", "isnan", "logical_not", "masked_fill", "where"]

cimport cython
from ..convert import tensor
from ..door cimport attr_i, attr_scalar, run1, run3
from ..dtypes cimport dtype_of
from ..fnn cimport FNN_BOOL, fnn_attr
from ..tape cimport Node, record, recording2
from ..tensor cimport Tensor, slots
from ..tensor import register
from ..views cimport check_inplace, record_inplace
from .pointwise cimport (Binary, binary, code_with, deliver, is_fp, operand, pair_code, run_pair,
                         to_code, write_into)
from .pointwise import publish_binary

cdef extern from "fastnn.h":
    enum:
        FNN_OP_eq, FNN_OP_ne, FNN_OP_lt, FNN_OP_le, FNN_OP_gt, FNN_OP_ge
        FNN_OP_logical_and, FNN_OP_logical_or, FNN_OP_logical_xor, FNN_OP_logical_not
        FNN_OP_bitwise_and, FNN_OP_bitwise_or, FNN_OP_bitwise_xor, FNN_OP_bitwise_not
        FNN_OP_shift_left, FNN_OP_shift_right, FNN_OP_isnan, FNN_OP_isinf, FNN_OP_isfinite
        FNN_OP_where, FNN_OP_copy_


# ------------------------------------------------------------------ comparisons

cdef object compared(int op, object a, object b):
    a = operand(a)
    b = operand(b)
    if a is None or b is None:
        return NotImplemented
    return run_pair(op, a, b, False)


cdef object c_eq(object a, object b):
    return compared(FNN_OP_eq, a, b)


cdef object c_ne(object a, object b):
    return compared(FNN_OP_ne, a, b)


cdef object c_lt(object a, object b):
    return compared(FNN_OP_lt, a, b)


cdef object c_le(object a, object b):
    return compared(FNN_OP_le, a, b)


cdef object c_gt(object a, object b):
    return compared(FNN_OP_gt, a, b)


cdef object c_ge(object a, object b):
    return compared(FNN_OP_ge, a, b)


cdef object c_and(object a, object b):
    return compared(FNN_OP_logical_and, a, b)


cdef object c_or(object a, object b):
    return compared(FNN_OP_logical_or, a, b)


slots.compare[0] = c_lt
slots.compare[1] = c_le
slots.compare[2] = c_eq
slots.compare[3] = c_ne
slots.compare[4] = c_gt
slots.compare[5] = c_ge


def publish_comparison(Binary m, str name, str doc, names, bint tensors_only):
    """The function and the methods of a map to bool; in place, the bools become self's dtype."""
    publish_binary(m, name, doc, names, tensors_only, False)

    @cython.binding(True)
    def method_(Tensor self not None, other):
        return self.copy_(m.call(self, other, None))

    method_.__name__ = method_.__qualname__ = name + "_"
    method_.__doc__ = f"{name} in place."
    register(name + "_", method_)


_names = globals()
for _name, _sign, _op in (
        ("eq", "==", FNN_OP_eq), ("ne", "!=", FNN_OP_ne), ("lt", "<", FNN_OP_lt),
        ("le", "<=", FNN_OP_le), ("gt", ">", FNN_OP_gt), ("ge", ">=", FNN_OP_ge)):
    publish_comparison(binary(_op, b"compare", NULL, 0, 0), _name,
                       f"input {_sign} other, elementwise, as bool.", _names, False)
for _name, _alias in (("not_equal", "ne"), ("less", "lt"), ("less_equal", "le"),
                      ("greater", "gt"), ("greater_equal", "ge")):
    _names[_name] = _names[_alias]
    register(_name, getattr(Tensor, _alias))
for _name, _op in (("logical_and", FNN_OP_logical_and), ("logical_or", FNN_OP_logical_or),
                   ("logical_xor", FNN_OP_logical_xor)):
    publish_comparison(binary(_op, b"logical", NULL, 0, 0), _name,
                       f"{_name.replace('_', ' ')} of input != 0 and other != 0.", _names, True)


# ------------------------------------------------------------------ bits

cdef Binary BIT_AND = binary(FNN_OP_bitwise_and, b"bitwise_and", NULL, 0, 0)
cdef Binary BIT_OR = binary(FNN_OP_bitwise_or, b"bitwise_or", NULL, 0, 0)
cdef Binary BIT_XOR = binary(FNN_OP_bitwise_xor, b"bitwise_xor", NULL, 0, 0)
cdef Binary SHIFT_LEFT = binary(FNN_OP_shift_left, b"bitwise_left_shift", NULL, 0, 0)
cdef Binary SHIFT_RIGHT = binary(FNN_OP_shift_right, b"bitwise_right_shift", NULL, 0, 0)


cdef object o_and(object a, object b):
    return BIT_AND.apply(a, b)


cdef object o_or(object a, object b):
    return BIT_OR.apply(a, b)


cdef object o_xor(object a, object b):
    return BIT_XOR.apply(a, b)


cdef object o_lshift(object a, object b):
    return SHIFT_LEFT.apply(a, b)


cdef object o_rshift(object a, object b):
    return SHIFT_RIGHT.apply(a, b)


cdef object o_iand(object a, object b):
    return BIT_AND.apply_(a, b)


cdef object o_ior(object a, object b):
    return BIT_OR.apply_(a, b)


cdef object o_ixor(object a, object b):
    return BIT_XOR.apply_(a, b)


cdef object o_invert(Tensor a):
    return run1(FNN_OP_bitwise_not, a)


slots.and_ = o_and
slots.or_ = o_or
slots.xor = o_xor
slots.lshift = o_lshift
slots.rshift = o_rshift
slots.iand = o_iand
slots.ior = o_ior
slots.ixor = o_ixor
slots.invert = o_invert

for _name, _map, _doc in (
        ("bitwise_and", BIT_AND, "input & other of integers or bools."),
        ("bitwise_or", BIT_OR, "input | other of integers or bools."),
        ("bitwise_xor", BIT_XOR, "input ^ other of integers or bools."),
        ("bitwise_left_shift", SHIFT_LEFT, "input << other of integers."),
        ("bitwise_right_shift", SHIFT_RIGHT, "input >> other of integers.")):
    publish_binary(_map, _name, _doc, _names)


def bitwise_not(Tensor input not None, *, Tensor out=None):
    """~input of integers or bools."""
    return deliver(run1(FNN_OP_bitwise_not, input), out)


def logical_not(Tensor input not None, *, Tensor out=None):
    """input == 0, as bool."""
    return deliver(run1(FNN_OP_logical_not, input), out)


def bitwise_not_(Tensor self not None):
    """bitwise_not in place."""
    write_into(FNN_OP_bitwise_not, self, 1, self, None, None, NULL)
    return self


def logical_not_(Tensor self not None):
    """logical_not in place."""
    return self.copy_(run1(FNN_OP_logical_not, self))


# ------------------------------------------------------------------ what is not a number

cdef object c_isnan(Tensor x):
    return run1(FNN_OP_isnan, x)


def isnan(Tensor input not None):
    """Whether each element is NaN."""
    return run1(FNN_OP_isnan, input)


def isinf(Tensor input not None):
    """Whether each element is an infinity."""
    return run1(FNN_OP_isinf, input)


def isfinite(Tensor input not None):
    """Whether each element is neither NaN nor an infinity."""
    return run1(FNN_OP_isfinite, input)


# ------------------------------------------------------------------ choice

cdef object where_vjp(Node n, object g):
    """y = a where c, else b;  da = dy where c, else 0;  db = dy where not c, else 0."""
    cdef Tensor c = n.saved(0)
    return ((c_where(c, g, 0.0) if n.needs(0) else None),
            (c_where(c, 0.0, g) if n.needs(1) else None))


cdef int number_attr(object v, int code, fnn_attr *attr) except -1:
    attr[0] = attr_i(0) if v is None else attr_scalar(float(v) if is_fp(code) else v)
    return 0


cdef object c_where(object c, object a, object b):
    cdef Tensor ta = None, tb = None, y, cond = <Tensor?>c
    cdef fnn_attr attr[2]
    cdef Node n
    cdef int code
    a = operand(a)
    b = operand(b)
    if a is None or b is None:
        raise TypeError("where(): expected tensors or numbers to choose from")
    if isinstance(a, Tensor):
        ta = <Tensor>a
    if isinstance(b, Tensor):
        tb = <Tensor>b
    if ta is None and tb is None:
        code = code_with(a, code_with(b, FNN_BOOL))
        ta = tensor(a, dtype=dtype_of(code))
    elif ta is not None and tb is not None:
        code = pair_code(ta, tb)
    else:
        code = code_with(b if tb is None else a, (ta if tb is None else tb).t.dtype)
    number_attr(None if ta is not None else a, code, &attr[0])
    number_attr(None if tb is not None else b, code, &attr[1])
    if cond.t.dtype != FNN_BOOL:
        raise RuntimeError("where expected condition to be a boolean tensor, but got a tensor with "
                           f"dtype {dtype_of(cond.t.dtype).name}")
    y = run3(FNN_OP_where, cond, ta if ta is None else to_code(ta, code),
             tb if tb is None else to_code(tb, code), attr)
    if recording2(ta, tb):
        n = record(where_vjp, b"where", y, ta, tb)
        n.save(0, cond)
    return y


def where(Tensor condition not None, input=None, other=None, *, Tensor out=None):
    """input where condition, else other; with condition alone, the indices where it is true."""
    if input is None and other is None:
        return condition.nonzero(as_tuple=True)
    return deliver(c_where(condition, input, other), out)


def where_method(Tensor self not None, Tensor condition not None, other):
    """self where condition, else other."""
    return c_where(condition, self, other)


cdef object fill_value(Tensor x, object value):
    """The value of a masked_fill in x's dtype: a number, or a tensor without dimensions."""
    v = operand(value)
    if isinstance(v, Tensor) and (<Tensor>v).t.ndim:
        raise RuntimeError("masked_fill only supports a 0-dimensional value tensor, but got tensor "
                           f"with {(<Tensor>v).t.ndim} dimension(s).")
    if v is None:
        raise TypeError(f"masked_fill(): the value is a {type(value).__name__}")
    if isinstance(v, Tensor):
        return v.to(dtype=x.dtype)
    return v if is_fp(x.t.dtype) else bool(v) if x.t.dtype == FNN_BOOL else int(v)


def masked_fill(Tensor input not None, Tensor mask not None, value):
    """value where mask, else input."""
    return c_where(mask, fill_value(input, value), input)


cdef object masked_fill__vjp(Node n, object g):
    """x[c] = value;  dx = dy where not c, else 0;  dvalue = dy where c, else 0."""
    cdef Tensor c = n.saved(0)
    return ((c_where(c, 0.0, g) if n.needs(0) else None),
            (c_where(c, g, 0.0) if n.needs(1) else None))


def masked_fill_(Tensor self not None, Tensor mask not None, value):
    """self[mask] = value."""
    cdef object v = fill_value(self, value)
    cdef Tensor tv = <Tensor>v if isinstance(v, Tensor) else None
    cdef bint rec = recording2(self, tv)
    cdef fnn_attr attr[2]
    cdef Node n
    if mask.t.dtype != FNN_BOOL:
        raise RuntimeError("masked_fill_ only supports boolean masks, but got mask with dtype "
                           f"{dtype_of(mask.t.dtype).name}")
    if rec:
        check_inplace(self)
    number_attr(None if tv is not None else v, self.t.dtype, &attr[0])
    attr[1] = attr_i(0)
    write_into(FNN_OP_where, self, 3, mask, tv, self, attr)
    if rec:
        n = record_inplace(masked_fill__vjp, b"masked_fill", self, tv)
        n.save(0, mask)
    return self


for _name, _f in dict(bitwise_not=bitwise_not, bitwise_not_=bitwise_not_, logical_not=logical_not,
                      logical_not_=logical_not_, isnan=isnan, isinf=isinf, isfinite=isfinite,
                      where=where_method, masked_fill=masked_fill,
                      masked_fill_=masked_fill_).items():
    register(_name, _f)
__all__ += ["eq", "ne", "lt", "le", "gt", "ge", "not_equal", "less", "less_equal", "greater",
            "greater_equal", "logical_and", "logical_or", "logical_xor", "bitwise_and",
            "bitwise_or", "bitwise_xor", "bitwise_left_shift", "bitwise_right_shift"]
