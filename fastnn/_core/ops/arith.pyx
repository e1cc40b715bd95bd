"""Arithmetic of two and three operands, with the derivatives.

The gradients have the broadcast shape; the tape sums them down to the operands' own.
"""

__all__ = ["add", "addcdiv", "addcmul", "atan2", "arctan2", "clamp", "clamp_max", "clamp_min",
           "clip", "copysign", "div", "divide", "floor_divide", "fmax", "fmin", "fmod",
           "hypot", "lerp", "logaddexp", "maximum", "minimum", "mul", "multiply", "pow",
           "remainder", "rsub", "sub", "subtract", "true_divide", "xlogy"]

cimport cython
from libc.math cimport INFINITY, NAN
from libc.math cimport log as log_number

from ..door cimport attr_f, run1, run2, run3
from ..fnn cimport FNN_BOOL, fnn_attr
from ..tape cimport Node, record, recording3
from ..tensor cimport Tensor, is_float, slots
from ..tensor import register
from ..views cimport check_inplace, record_inplace
from .compare cimport c_and, c_eq, c_ge, c_gt, c_isnan, c_le, c_lt, c_or, c_where
from .elementary cimport c_exp, c_floor, c_log, c_sigmoid, c_trunc
from .pointwise cimport (SAVE_A, SAVE_B, SAVE_Y, Binary, binary, code_with, deliver, is_fp, lhs,
                         operand, pair_code, rhs, run_pair, to_code, to_float, write_into)
from .pointwise import publish_binary

cdef extern from "fastnn.h":
    enum:
        FNN_OP_add, FNN_OP_sub, FNN_OP_mul, FNN_OP_div, FNN_OP_floor_divide, FNN_OP_trunc_divide
        FNN_OP_remainder, FNN_OP_fmod, FNN_OP_pow, FNN_OP_maximum, FNN_OP_minimum, FNN_OP_fmax
        FNN_OP_fmin, FNN_OP_atan2, FNN_OP_copysign, FNN_OP_hypot, FNN_OP_logaddexp, FNN_OP_xlogy
        FNN_OP_neg, FNN_OP_square, FNN_OP_sqrt, FNN_OP_rsqrt, FNN_OP_reciprocal
        FNN_OP_add_scaled, FNN_OP_addcmul, FNN_OP_addcdiv, FNN_OP_lerp, FNN_OP_clamp


# ------------------------------------------------------------------ + - * /

cdef object add_vjp(Node n, object g):
    """y = a + b;  da = db = dy."""
    return g, g


cdef object sub_vjp(Node n, object g):
    """y = a - b;  da = dy, db = -dy."""
    return g, c_neg(g) if n.needs(1) else None


cdef object mul_vjp(Node n, object g):
    """y = a b;  da = dy b, db = dy a."""
    return (c_mul(g, rhs(n)) if n.needs(0) else None), (c_mul(g, lhs(n)) if n.needs(1) else None)


cdef object div_vjp(Node n, object g):
    """y = a / b;  da = dy / b, db = -da y."""
    cdef object da = c_div(g, rhs(n))
    return da, (c_neg(c_mul(da, n.saved(2))) if n.needs(1) else None)


cdef Binary ADD = binary(FNN_OP_add, b"add", add_vjp, 0, 0)
cdef Binary SUB = binary(FNN_OP_sub, b"sub", sub_vjp, 0, 0)
cdef Binary MUL = binary(FNN_OP_mul, b"mul", mul_vjp, SAVE_B, SAVE_A)
cdef Binary DIV = binary(FNN_OP_div, b"div", div_vjp, SAVE_B, SAVE_B | SAVE_Y, True)


cdef object c_add(object a, object b):
    return ADD.apply(a, b)


cdef object c_sub(object a, object b):
    if (isinstance(a, Tensor) and (<Tensor>a).t.dtype == FNN_BOOL and
            (isinstance(b, bool) or isinstance(b, Tensor) and (<Tensor>b).t.dtype == FNN_BOOL)):
        raise RuntimeError("Subtraction, the `-` operator, with two bool tensors is not supported. "
                           "Use the `^` or `logical_xor()` operator instead.")
    return SUB.apply(a, b)


cdef object c_mul(object a, object b):
    return MUL.apply(a, b)


cdef object c_div(object a, object b):
    return DIV.apply(a, b)


cdef object neg_vjp(Node n, object g):
    """y = -x;  dx = -dy."""
    return c_neg(g)


cdef object c_neg(Tensor a):
    if a.t.dtype == FNN_BOOL:
        raise RuntimeError("Negation, the `-` operator, on a bool tensor is not supported. If you "
                           "are trying to invert a mask, use the `~` or `logical_not()` operator "
                           "instead.")
    cdef Tensor y = run1(FNN_OP_neg, a)
    if recording3(a, None, None):
        record(neg_vjp, b"neg", y, a)
    return y


cdef object add_scaled_vjp(Node n, object g):
    """y = a + alpha b;  da = dy, db = alpha dy."""
    return g, (c_mul(g, n.f0) if n.needs(1) else None)


cdef object add_alpha(object a, object b, object alpha):
    """a + alpha b, in one pass where both are floating tensors of one dtype."""
    cdef Tensor y, ta, tb
    cdef fnn_attr attr[1]
    if not (isinstance(a, Tensor) and isinstance(b, Tensor) and is_fp((<Tensor>a).t.dtype) and
            (<Tensor>a).t.dtype == (<Tensor>b).t.dtype):
        return c_add(a, b * alpha)
    ta = <Tensor>a
    tb = <Tensor>b
    attr[0] = attr_f(alpha)
    y = run2(FNN_OP_add_scaled, ta, tb, attr)
    if recording3(ta, tb, None):
        record(add_scaled_vjp, b"add", y, ta, tb).f0 = alpha
    return y


cdef object add_alpha_(Tensor a, object b, object alpha):
    cdef fnn_attr attr[1]
    cdef Tensor tb
    cdef bint rec
    if not (isinstance(b, Tensor) and is_fp(a.t.dtype) and a.t.dtype == (<Tensor>b).t.dtype):
        return ADD.apply_(a, b * alpha)
    tb = <Tensor>b
    rec = recording3(a, tb, None)
    if rec:
        check_inplace(a)
    attr[0] = attr_f(alpha)
    write_into(FNN_OP_add_scaled, a, 2, a, tb, None, attr)
    if rec:
        record_inplace(add_scaled_vjp, b"add", a, tb).f0 = alpha
    return a


def add(input, other, *, alpha=1, Tensor out=None):
    """input + alpha * other, broadcast and promoted."""
    if alpha == 1:
        return ADD.call(input, other, out)
    return deliver(add_alpha(input, other, alpha), out)


def add_(Tensor self not None, other, *, alpha=1):
    """self += alpha * other."""
    if (ADD.apply_(self, other) if alpha == 1 else add_alpha_(self, other, alpha)) is NotImplemented:
        raise TypeError(f"add_(): expected a tensor or a number, got {type(other).__name__}")
    return self


def sub(input, other, *, alpha=1, Tensor out=None):
    """input - alpha * other, broadcast and promoted."""
    if alpha == 1:
        y = c_sub(input, other)
        if y is NotImplemented:
            raise TypeError(f"sub(): expected tensors or a tensor and a number, got "
                            f"{type(input).__name__} and {type(other).__name__}")
        return deliver(y, out)
    return deliver(add_alpha(input, other, -alpha), out)


def sub_(Tensor self not None, other, *, alpha=1):
    """self -= alpha * other."""
    if (SUB.apply_(self, other) if alpha == 1 else add_alpha_(self, other, -alpha)) is NotImplemented:
        raise TypeError(f"sub_(): expected a tensor or a number, got {type(other).__name__}")
    return self


def rsub(Tensor input not None, other, *, alpha=1):
    """other - alpha * input."""
    return c_sub(other, input if alpha == 1 else c_mul(input, alpha))


cdef Binary TRUNC_DIV = binary(FNN_OP_trunc_divide, b"div", zero_vjp, 0, 0)
cdef Binary ROUND_DIV = binary(FNN_OP_floor_divide, b"div", zero_vjp, 0, 0)
cdef Binary FLOOR_DIV = binary(FNN_OP_floor_divide, b"floor_divide", no_vjp, 0, 0)


cdef object no_vjp(Node n, object g):
    """Division rounded to integers is not differentiable."""
    raise RuntimeError(f"the derivative for '{n.label.decode()}' with rounding is not implemented")


cdef object zero_vjp(Node n, object g):
    """y is constant between its steps;  da = db = 0."""
    zero = c_mul(g, 0.0)
    return zero, zero


cdef Binary divider(object rounding_mode):
    if rounding_mode is None:
        return DIV
    if rounding_mode == "floor":
        return ROUND_DIV
    if rounding_mode == "trunc":
        return TRUNC_DIV
    raise RuntimeError("div expected rounding_mode to be one of None, 'trunc', or 'floor' but "
                       f"found {rounding_mode!r}")


def div(input, other, *, rounding_mode=None, Tensor out=None):
    """input / other; integers give the default dtype. rounding_mode: None, "trunc" or "floor"."""
    return divider(rounding_mode).call(input, other, out)


def div_(Tensor self not None, other, *, rounding_mode=None):
    """self /= other."""
    if divider(rounding_mode).apply_(self, other) is NotImplemented:
        raise TypeError(f"div_(): expected a tensor or a number, got {type(other).__name__}")
    return self


# ------------------------------------------------------------------ remainders and powers

cdef object remainder_vjp(Node n, object g):
    """y = a - b floor(a / b);  da = dy, db = -dy floor(a / b)."""
    return g, (c_neg(c_mul(g, c_floor(c_div(lhs(n), rhs(n))))) if n.needs(1) else None)


cdef object fmod_vjp(Node n, object g):
    """y = a - b trunc(a / b);  da = dy, db = -dy trunc(a / b)."""
    return g, (c_neg(c_mul(g, c_trunc(c_div(lhs(n), rhs(n))))) if n.needs(1) else None)


cdef object at_least_0(object b):
    return c_ge(b, 0.0) if isinstance(b, Tensor) else bool(b >= 0)


cdef object pow_vjp(Node n, object g):
    """y = a^b;  da = dy b a^(b-1), 0 where b is 0;  db = dy y log(a), 0 where a is 0, b >= 0."""
    cdef object a, b = rhs(n), da = None, db = None
    if n.needs(0):
        a = n.saved(0)
        if isinstance(b, Tensor):
            da = c_mul(g, c_mul(b, c_pow(a, c_sub(b, 1.0))))
            da = c_where(c_eq(b, 0.0), 0.0, da)
        elif b == 0:
            da = c_mul(g, 0.0)
        else:
            da = c_mul(g, c_mul(c_pow(a, b - 1.0), b))
    if n.needs(1):
        a = lhs(n)
        if isinstance(a, Tensor):
            db = c_mul(g, c_mul(n.saved(2), c_log(a)))
            db = c_where(c_and(c_eq(a, 0.0), at_least_0(b)), 0.0, db)
        else:
            db = c_mul(c_mul(g, n.saved(2)), log_number(a))
            if a == 0:
                db = c_where(c_ge(b, 0.0), 0.0, db)
    return da, db


cdef Binary REMAINDER = binary(FNN_OP_remainder, b"remainder", remainder_vjp, 0, SAVE_A | SAVE_B)
cdef Binary FMOD = binary(FNN_OP_fmod, b"fmod", fmod_vjp, 0, SAVE_A | SAVE_B)
cdef Binary POW = binary(FNN_OP_pow, b"pow", pow_vjp, SAVE_A | SAVE_B,
                         SAVE_A | SAVE_B | SAVE_Y)


cdef Tensor pow_number(Tensor x, object e):
    """The powers that have an instruction of their own; None for the others."""
    if e == 2:
        return run1(FNN_OP_square, x)
    if e == 3:
        return run_pair(FNN_OP_mul, run1(FNN_OP_square, x), x, False)
    if not is_fp(x.t.dtype):
        if e < 0 and type(e) is int:
            raise RuntimeError("Integers to negative integer powers are not allowed.")
        return None
    if e == 0.5:
        return run1(FNN_OP_sqrt, x)
    if e == -0.5:
        return run1(FNN_OP_rsqrt, x)
    if e == -1:
        return run1(FNN_OP_reciprocal, x)
    return None


cdef object c_pow(object a, object b):
    cdef Tensor x, y
    cdef Node n
    if isinstance(a, Tensor) and (type(b) is int or type(b) is float):
        x = <Tensor>a
        if code_with(b, x.t.dtype) == x.t.dtype:
            y = pow_number(x, b)
            if y is not None:
                if recording3(x, None, None):
                    n = record(pow_vjp, b"pow", y, x)
                    n.save(0, x)
                    n.f0 = b
                return y
    if is_bool(a) and is_bool(b):
        return c_or(a, c_eq(b, False) if isinstance(b, Tensor) else not b)
    return POW.apply(a, b)


cdef bint is_bool(object v):
    return (<Tensor>v).t.dtype == FNN_BOOL if isinstance(v, Tensor) else isinstance(v, bool)


def pow(input, exponent, *, Tensor out=None):
    """input ** exponent; either may be a number."""
    if not (isinstance(input, Tensor) or isinstance(exponent, Tensor)):
        raise TypeError("pow(): expected a tensor among the operands")
    y = c_pow(input, exponent)
    if y is NotImplemented:
        raise TypeError(f"pow(): expected numbers or tensors, got {type(input).__name__} and "
                        f"{type(exponent).__name__}")
    return deliver(y, out)


# ------------------------------------------------------------------ the larger, the smaller

cdef object maximum_vjp(Node n, object g):
    """y = max(a, b);  dy goes to the larger, half to each where they are equal."""
    cdef object a = lhs(n), b = rhs(n), shared = c_where(c_eq(a, b), c_mul(g, 0.5), g)
    return c_where(c_lt(a, b), 0.0, shared), c_where(c_gt(a, b), 0.0, shared)


cdef object minimum_vjp(Node n, object g):
    """y = min(a, b);  dy goes to the smaller, half to each where they are equal."""
    cdef object a = lhs(n), b = rhs(n), shared = c_where(c_eq(a, b), c_mul(g, 0.5), g)
    return c_where(c_gt(a, b), 0.0, shared), c_where(c_lt(a, b), 0.0, shared)


cdef object fmax_vjp(Node n, object g):
    """y = max(a, b) but a number before NaN;  dy goes to the one that was taken."""
    cdef object a = lhs(n), b = rhs(n), first = c_or(c_ge(a, b), c_isnan(b))
    return c_where(first, g, 0.0), c_where(first, 0.0, g)


cdef object fmin_vjp(Node n, object g):
    """y = min(a, b) but a number before NaN;  dy goes to the one that was taken."""
    cdef object a = lhs(n), b = rhs(n), first = c_or(c_le(a, b), c_isnan(b))
    return c_where(first, g, 0.0), c_where(first, 0.0, g)


# ------------------------------------------------------------------ other functions of two

cdef object atan2_vjp(Node n, object g):
    """y = atan2(a, b);  da = dy b / (a^2 + b^2), db = -dy a / (a^2 + b^2), both 0 at the origin."""
    cdef object a = lhs(n), b = rhs(n), s = c_add(c_mul(a, a), c_mul(b, b))
    cdef object r = c_where(c_eq(s, 0.0), 0.0, c_div(g, s))
    return c_mul(r, b), c_neg(c_mul(r, a))


cdef object copysign_vjp(Node n, object g):
    """y = |a| with b's sign;  da = dy y / a, 0 where a is 0;  db = 0."""
    cdef object a = lhs(n)
    return c_where(c_eq(a, 0.0), 0.0, c_mul(g, c_div(n.saved(2), a))), c_mul(g, 0.0)


cdef object hypot_vjp(Node n, object g):
    """y = sqrt(a^2 + b^2);  da = dy a / y, db = dy b / y."""
    cdef object r = c_div(g, n.saved(2))
    return c_mul(r, lhs(n)), c_mul(r, rhs(n))


cdef object logaddexp_vjp(Node n, object g):
    """y = log(e^a + e^b);  da = dy / (1 + e^(b-a)), db = dy / (1 + e^(a-b))."""
    cdef Tensor d = c_sub(lhs(n), rhs(n))
    return c_mul(g, c_sigmoid(d)), c_mul(g, c_sigmoid(c_neg(d)))


cdef object xlogy_vjp(Node n, object g):
    """y = a log(b), 0 where a is 0;  da = dy log(b), db = dy a / b."""
    cdef object a = lhs(n), b = rhs(n), da = None
    if n.needs(0):
        if isinstance(b, Tensor):
            b = b.to((<Tensor>g).dtype)
            da = c_mul(g, c_where(c_and(c_eq(a, 0.0), c_le(b, 0.0)), 0.0, c_log(b)))
        else:
            da = c_mul(g, log_number(b)) if b > 0 else c_where(c_eq(a, 0.0), 0.0, c_mul(g, NAN))
    return da, (c_mul(g, c_div(a, b)) if n.needs(1) else None)


cdef enum:
    BOTH = 3

_names = globals()
_tensors_only = ("maximum", "minimum", "fmax", "fmin", "atan2", "hypot", "logaddexp")
for _name, _map, _doc in (
        ("floor_divide", FLOOR_DIV, "floor(input / other)."),
        ("remainder", REMAINDER, "The remainder of input / other with other's sign."),
        ("fmod", FMOD, "The remainder of input / other with input's sign."),
        ("maximum", binary(FNN_OP_maximum, b"maximum", maximum_vjp, BOTH, BOTH),
         "The larger of input and other; NaN where either is."),
        ("minimum", binary(FNN_OP_minimum, b"minimum", minimum_vjp, BOTH, BOTH),
         "The smaller of input and other; NaN where either is."),
        ("fmax", binary(FNN_OP_fmax, b"fmax", fmax_vjp, BOTH, BOTH, True),
         "The larger of input and other; NaN only where both are."),
        ("fmin", binary(FNN_OP_fmin, b"fmin", fmin_vjp, BOTH, BOTH, True),
         "The smaller of input and other; NaN only where both are."),
        ("atan2", binary(FNN_OP_atan2, b"atan2", atan2_vjp, BOTH, BOTH, True),
         "The angle of the point (other, input), in (-pi, pi]."),
        ("copysign", binary(FNN_OP_copysign, b"copysign", copysign_vjp, SAVE_A | SAVE_Y,
                            SAVE_A | SAVE_Y, True), "|input| with other's sign."),
        ("hypot", binary(FNN_OP_hypot, b"hypot", hypot_vjp, BOTH | SAVE_Y, BOTH | SAVE_Y, True),
         "sqrt(input^2 + other^2)."),
        ("logaddexp", binary(FNN_OP_logaddexp, b"logaddexp", logaddexp_vjp, BOTH, BOTH, True),
         "log(e^input + e^other)."),
        ("xlogy", binary(FNN_OP_xlogy, b"xlogy", xlogy_vjp, BOTH, BOTH, True),
         "input * log(other), 0 where input is 0."),
        ("mul", MUL, "input * other, broadcast and promoted.")):
    publish_binary(_map, _name, _doc, _names, _name in _tensors_only)


cdef bint whole(object x):
    return not (is_fp((<Tensor>x).t.dtype) if isinstance(x, Tensor) else isinstance(x, float))


def _of_numbers(name, floating, plain):
    """fmax or fmin: of integers, which are never NaN, it is the plain one."""
    @cython.binding(True)
    def function(input, other, *, out=None):
        return (plain if whole(input) and whole(other) else floating)(input, other, out=out)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = floating.__doc__
    register(name, function)
    return function


_names["fmax"] = _of_numbers("fmax", _names["fmax"], _names["maximum"])
_names["fmin"] = _of_numbers("fmin", _names["fmin"], _names["minimum"])
subtract, true_divide, divide = sub, div, div
multiply, arctan2 = _names["mul"], _names["atan2"]


# ------------------------------------------------------------------ three operands

cdef object addcmul_vjp(Node n, object g):
    """y = x + v a b;  dx = dy, da = v dy b, db = v dy a."""
    cdef object h = c_mul(g, n.f0)
    return g, c_mul(h, n.saved(1)), c_mul(h, n.saved(0))


cdef object addcdiv_vjp(Node n, object g):
    """y = x + v a / b;  dx = dy, da = v dy / b, db = -da a / b."""
    cdef object da = c_div(c_mul(g, n.f0), n.saved(1))
    return g, da, c_neg(c_mul(da, c_div(n.saved(0), n.saved(1))))


cdef Tensor weighted(int op, const char *name, Tensor x, Tensor a, Tensor b, object value,
                     bint inplace):
    cdef fnn_attr attr[1]
    cdef Tensor y = x
    cdef Node n
    cdef bint rec = recording3(x, a, b)
    cdef int code = pair_code(x, a)
    code = code if pair_code(a, b) == code else pair_code(to_code(x, code), b)
    attr[0] = attr_f(value)
    if inplace:
        if rec:
            check_inplace(x)
        write_into(op, x, 3, x, to_code(a, x.t.dtype), to_code(b, x.t.dtype), attr)
    else:
        y = run3(op, to_code(x, code), to_code(a, code), to_code(b, code), attr)
    if rec:
        vjp = addcmul_vjp if op == FNN_OP_addcmul else addcdiv_vjp
        n = record_inplace(vjp, name, y, a, b) if inplace else record(vjp, name, y, x, a, b)
        n.save(0, a)
        n.save(1, b)
        n.f0 = value
    return y


def addcmul(Tensor input not None, Tensor tensor1 not None, Tensor tensor2 not None, *, value=1,
            Tensor out=None):
    """input + value * tensor1 * tensor2."""
    if not (is_float(input) or is_float(tensor1) or is_float(tensor2)):
        return deliver(input + tensor1 * tensor2 * value, out)
    return deliver(weighted(FNN_OP_addcmul, b"addcmul", input, tensor1, tensor2, value, False), out)


def addcmul_(Tensor self not None, Tensor tensor1 not None, Tensor tensor2 not None, *, value=1):
    """self += value * tensor1 * tensor2."""
    return weighted(FNN_OP_addcmul, b"addcmul", self, tensor1, tensor2, value, True)


def addcdiv(Tensor input not None, Tensor tensor1 not None, Tensor tensor2 not None, *, value=1,
            Tensor out=None):
    """input + value * tensor1 / tensor2."""
    return deliver(weighted(FNN_OP_addcdiv, b"addcdiv", input, tensor1, tensor2, value, False), out)


def addcdiv_(Tensor self not None, Tensor tensor1 not None, Tensor tensor2 not None, *, value=1):
    """self += value * tensor1 / tensor2."""
    return weighted(FNN_OP_addcdiv, b"addcdiv", self, tensor1, tensor2, value, True)


cdef object lerp_vjp(Node n, object g):
    """y = a + w (b - a);  da = dy (1 - w), db = dy w, dw = dy (b - a)."""
    cdef object w = n.saved(2) if n.s2 is not None else n.f0
    return (c_mul(g, c_sub(1.0, w) if isinstance(w, Tensor) else 1.0 - w), c_mul(g, w),
            c_mul(g, c_sub(n.saved(1), n.saved(0))) if n.needs(2) else None)


cdef Tensor c_lerp(Tensor a, Tensor b, object weight, bint inplace):
    cdef fnn_attr attr[2]
    cdef Tensor w = <Tensor>weight if isinstance(weight, Tensor) else None
    cdef Tensor y = a, old = a
    cdef bint rec = recording3(a, b, w)
    cdef Node n
    if a.t.dtype != b.t.dtype or (w is not None and w.t.dtype != a.t.dtype):
        raise RuntimeError("lerp: expected one dtype for input, end and weight")
    attr[0] = attr_f(0)
    attr[1] = attr_f(0 if w is not None else weight)
    attr[1].n = 1
    if inplace:
        if rec:
            check_inplace(a)
            old = a.clone()
        write_into(FNN_OP_lerp, a, 3, a, b, w, attr)
    else:
        y = run3(FNN_OP_lerp, a, b, w, attr)
    if rec:
        n = record_inplace(lerp_vjp, b"lerp", y, b, w) if inplace else record(
            lerp_vjp, b"lerp", y, a, b, w)
        if n.needs(2):
            n.save(0, old)
            n.save(1, b)
        if w is not None:
            n.save(2, w)
        else:
            n.f0 = weight
    return y


def lerp(Tensor input not None, Tensor end not None, weight, *, Tensor out=None):
    """input + weight * (end - input); weight is a number or a tensor."""
    return deliver(c_lerp(input, end, weight, False), out)


def lerp_(Tensor self not None, Tensor end not None, weight):
    """lerp in place."""
    return c_lerp(self, end, weight, True)


# ------------------------------------------------------------------ clamp

cdef object clamp_vjp(Node n, object g):
    """y = min(max(x, lo), hi);  dy goes to whichever of the three y is."""
    cdef Tensor x = n.saved(0)
    cdef object lo = bound(n, 1), hi = bound(n, 2), inside = None, dlo = None, dhi = None
    if lo is not None:
        inside = c_ge(x, lo)
    if hi is not None:
        inside = c_le(x, hi) if inside is None else c_and(inside, c_le(x, hi))
    if n.needs(1):
        dlo = c_lt(x, lo)
        dlo = c_where(dlo if hi is None else c_and(dlo, c_lt(lo, hi)), g, 0.0)
    if n.needs(2):
        dhi = c_gt(x, hi)
        dhi = c_where(dhi if lo is None else c_or(dhi, c_lt(hi, lo)), g, 0.0)
    return c_where(inside, g, 0.0), dlo, dhi


cdef object bound(Node n, int k):
    """Bound k of a clamp: the tensor, the number, or None."""
    if (n.s1 if k == 1 else n.s2) is not None:
        return n.saved(k)
    if n.i0 & k:
        return n.f0 if k == 1 else n.f1
    return None


cdef int set_bound(fnn_attr *attr, object v, int code, bint low) except -1:
    """A number as the attribute of clamp; an absent one never binds."""
    if is_fp(code):
        attr.v.f = (-INFINITY if low else INFINITY) if v is None else v
        attr.n = 1
    else:
        attr.v.i = (-9223372036854775807 if low else 9223372036854775807) if v is None else v
        attr.n = 0
    return 0


cdef Tensor c_clamp(Tensor x, object lo, object hi, bint inplace):
    cdef fnn_attr attr[2]
    cdef Tensor tlo = None, thi = None, y = x, src
    cdef Node n
    cdef bint rec
    cdef int code = x.t.dtype
    if lo is None and hi is None:
        raise RuntimeError("clamp: at least one of 'min' or 'max' must not be None")
    lo, hi = operand(lo), operand(hi)
    for v in (lo, hi):
        if v is not None:
            code = pair_code(to_code(x, code), v) if isinstance(v, Tensor) else code_with(v, code)
    if isinstance(lo, Tensor):
        tlo = <Tensor>lo
    if isinstance(hi, Tensor):
        thi = <Tensor>hi
    rec = recording3(x, tlo, thi)
    set_bound(&attr[0], None if tlo is not None else lo, code, True)
    set_bound(&attr[1], None if thi is not None else hi, code, False)
    if inplace:
        if rec:
            check_inplace(x)
        src = x.clone() if rec else x
        if code != x.t.dtype:
            raise RuntimeError("clamp_: the result's dtype is not the tensor's")
    else:
        src = x
        y = None
    tl = None if tlo is None else to_code(tlo, code)
    th = None if thi is None else to_code(thi, code)
    if inplace:
        write_into(FNN_OP_clamp, x, 3, x, tl, th, attr)
    else:
        y = run3(FNN_OP_clamp, to_code(x, code), tl, th, attr)
    if rec:
        n = make_clamp_node(y, x, tlo, thi, inplace)
        n.save(0, src)
        n.save(1, tlo)
        n.save(2, thi)
        n.i0 = (1 if tlo is None and lo is not None else 0) | (
            2 if thi is None and hi is not None else 0)
        n.f0 = lo if n.i0 & 1 else 0
        n.f1 = hi if n.i0 & 2 else 0
    return y


cdef Node make_clamp_node(Tensor y, Tensor x, Tensor lo, Tensor hi, bint inplace):
    if inplace:
        return record_inplace(clamp_vjp, b"clamp", y, lo, hi)
    return record(clamp_vjp, b"clamp", y, x, lo, hi)


def clamp(Tensor input not None, min=None, max=None, *, Tensor out=None):
    """min(max(input, min), max); bounds are numbers or tensors, NaN stays NaN."""
    return deliver(c_clamp(input, min, max, False), out)


def clamp_(Tensor self not None, min=None, max=None):
    """clamp in place."""
    return c_clamp(self, min, max, True)


def clamp_min(Tensor input not None, min, *, Tensor out=None):
    """max(input, min)."""
    return deliver(c_clamp(input, min, None, False), out)


def clamp_max(Tensor input not None, max, *, Tensor out=None):
    """min(input, max)."""
    return deliver(c_clamp(input, None, max, False), out)


def clamp_min_(Tensor self not None, min):
    """clamp_min in place."""
    return c_clamp(self, min, None, True)


def clamp_max_(Tensor self not None, max):
    """clamp_max in place."""
    return c_clamp(self, None, max, True)


clip = clamp


# ------------------------------------------------------------------ operators

cdef object o_floordiv(object a, object b):
    return FLOOR_DIV.apply(a, b)


cdef object o_mod(object a, object b):
    return REMAINDER.apply(a, b)


cdef object o_neg(Tensor a):
    return c_neg(a)


cdef object o_iadd(object a, object b):
    return ADD.apply_(a, b)


cdef object o_isub(object a, object b):
    return SUB.apply_(a, b)


cdef object o_imul(object a, object b):
    return MUL.apply_(a, b)


cdef object o_itruediv(object a, object b):
    return DIV.apply_(a, b)


cdef object o_ifloordiv(object a, object b):
    return FLOOR_DIV.apply_(a, b)


cdef object o_imod(object a, object b):
    return REMAINDER.apply_(a, b)


cdef object o_ipow(object a, object b):
    return POW.apply_(a, b)


slots.add = c_add
slots.sub = c_sub
slots.mul = c_mul
slots.truediv = c_div
slots.floordiv = o_floordiv
slots.mod = o_mod
slots.pow = c_pow
slots.neg = o_neg
slots.iadd = o_iadd
slots.isub = o_isub
slots.imul = o_imul
slots.itruediv = o_itruediv
slots.ifloordiv = o_ifloordiv
slots.imod = o_imod
slots.ipow = o_ipow


def pow_(Tensor self not None, exponent):
    """pow in place."""
    if POW.apply_(self, exponent) is NotImplemented:
        raise TypeError(f"pow_(): expected a tensor or a number, got {type(exponent).__name__}")
    return self


def neg(Tensor input not None, *, Tensor out=None):
    """-input."""
    return deliver(c_neg(input), out)


def neg_(Tensor self not None):
    """neg in place."""
    return MUL.apply_(self, -1)


negative = neg
__all__ += ["neg", "negative"]

for _name, _f in dict(add=add, add_=add_, sub=sub, sub_=sub_, subtract=sub, div=div, div_=div_,
                      divide=div, true_divide=div, multiply=multiply, arctan2=arctan2, pow=pow, pow_=pow_, neg=neg,
                      neg_=neg_, negative=neg, addcmul=addcmul, addcmul_=addcmul_,
                      addcdiv=addcdiv, addcdiv_=addcdiv_, lerp=lerp, lerp_=lerp_, clamp=clamp,
                      clamp_=clamp_, clip=clamp, clip_=clamp_, clamp_min=clamp_min,
                      clamp_max=clamp_max, clamp_min_=clamp_min_,
                      clamp_max_=clamp_max_).items():
    register(_name, _f)
