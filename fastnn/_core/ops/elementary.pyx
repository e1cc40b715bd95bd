"""Elementary functions of one tensor, with the derivatives."""

__all__ = ["frac", "nan_to_num", "nan_to_num_", "round", "round_"]

cimport cython
from libc.math cimport INFINITY, M_PI, sqrt as root

from ..door cimport attr_f, run1, run2
from ..fnn cimport FNN_F32, fnn_attr
from ..tape cimport Node, record, recording, recording2
from ..tensor cimport Tensor, slots
from ..tensor import register
from ..views cimport check_inplace, record_inplace
from .arith cimport c_div, c_mul, c_neg, c_sub, c_add, c_pow
from .pointwise cimport SAVE_A, SAVE_Y, Unary, deliver, is_fp, unary, write_into
from .pointwise import publish_unary

cdef extern from "fastnn.h":
    enum:
        FNN_OP_exp, FNN_OP_exp2, FNN_OP_expm1, FNN_OP_log, FNN_OP_log1p, FNN_OP_log2
        FNN_OP_log10, FNN_OP_sqrt, FNN_OP_rsqrt, FNN_OP_square, FNN_OP_reciprocal, FNN_OP_sin
        FNN_OP_cos, FNN_OP_tan, FNN_OP_asin, FNN_OP_acos, FNN_OP_atan, FNN_OP_sinh, FNN_OP_cosh
        FNN_OP_tanh, FNN_OP_tanh_bwd, FNN_OP_sigmoid, FNN_OP_sigmoid_bwd, FNN_OP_erf
        FNN_OP_erfc, FNN_OP_erfinv, FNN_OP_lgamma, FNN_OP_digamma, FNN_OP_floor, FNN_OP_ceil
        FNN_OP_round, FNN_OP_trunc, FNN_OP_frac, FNN_OP_abs, FNN_OP_sign, FNN_OP_nan_to_num


# ------------------------------------------------------------------ derivatives

cdef bint taped(Tensor g, Tensor saved) except -1:
    """Whether the derivative itself is to be differentiable: then it is made of taped ops."""
    return recording2(g, saved)


cdef object exp_vjp(Node n, object g):
    """y = e^x;  dx = dy y."""
    return c_mul(g, n.saved(0))


cdef object exp2_vjp(Node n, object g):
    """y = 2^x;  dx = dy y log 2."""
    return c_mul(c_mul(g, n.saved(0)), 0.6931471805599453)


cdef object expm1_vjp(Node n, object g):
    """y = e^x - 1;  dx = dy (y + 1)."""
    return c_mul(g, c_add(n.saved(0), 1.0))


cdef object log_vjp(Node n, object g):
    """y = log(x);  dx = dy / x."""
    return c_div(g, n.saved(0))


cdef object log1p_vjp(Node n, object g):
    """y = log(1 + x);  dx = dy / (1 + x)."""
    return c_div(g, c_add(n.saved(0), 1.0))


cdef object log2_vjp(Node n, object g):
    """y = log2(x);  dx = dy / (x log 2)."""
    return c_div(g, c_mul(n.saved(0), 0.6931471805599453))


cdef object log10_vjp(Node n, object g):
    """y = log10(x);  dx = dy / (x log 10)."""
    return c_div(g, c_mul(n.saved(0), 2.302585092994046))


cdef object sqrt_vjp(Node n, object g):
    """y = sqrt(x);  dx = dy / (2 y)."""
    return c_div(g, c_mul(n.saved(0), 2.0))


cdef object rsqrt_vjp(Node n, object g):
    """y = 1 / sqrt(x);  dx = -dy y^3 / 2."""
    return c_mul(c_mul(g, -0.5), c_pow(n.saved(0), 3))


cdef object square_vjp(Node n, object g):
    """y = x^2;  dx = 2 dy x."""
    return c_mul(g, c_mul(n.saved(0), 2.0))


cdef object reciprocal_vjp(Node n, object g):
    """y = 1 / x;  dx = -dy y^2."""
    cdef Tensor y = n.saved(0)
    return c_neg(c_mul(g, c_mul(y, y)))


cdef object sin_vjp(Node n, object g):
    """y = sin(x);  dx = dy cos(x)."""
    return c_mul(g, COS.apply(n.saved(0)))


cdef object cos_vjp(Node n, object g):
    """y = cos(x);  dx = -dy sin(x)."""
    return c_neg(c_mul(g, SIN.apply(n.saved(0))))


cdef object tan_vjp(Node n, object g):
    """y = tan(x);  dx = dy (1 + y^2)."""
    cdef Tensor y = n.saved(0)
    return c_mul(g, c_add(c_mul(y, y), 1.0))


cdef Tensor under_root(Tensor x, double sign):
    """1 / sqrt(1 + sign x^2)"""
    return RSQRT.apply(c_add(c_mul(c_mul(x, x), sign), 1.0))


cdef object asin_vjp(Node n, object g):
    """y = asin(x);  dx = dy / sqrt(1 - x^2)."""
    return c_mul(g, under_root(n.saved(0), -1))


cdef object acos_vjp(Node n, object g):
    """y = acos(x);  dx = -dy / sqrt(1 - x^2)."""
    return c_neg(c_mul(g, under_root(n.saved(0), -1)))


cdef object atan_vjp(Node n, object g):
    """y = atan(x);  dx = dy / (1 + x^2)."""
    cdef Tensor x = n.saved(0)
    return c_div(g, c_add(c_mul(x, x), 1.0))


cdef object sinh_vjp(Node n, object g):
    """y = sinh(x);  dx = dy cosh(x)."""
    return c_mul(g, COSH.apply(n.saved(0)))


cdef object cosh_vjp(Node n, object g):
    """y = cosh(x);  dx = dy sinh(x)."""
    return c_mul(g, SINH.apply(n.saved(0)))


cdef object tanh_vjp(Node n, object g):
    """y = tanh(x);  dx = dy (1 - y^2)."""
    cdef Tensor y = n.saved(0)
    if taped(g, y):
        return c_mul(g, c_sub(1.0, c_mul(y, y)))
    return run2(FNN_OP_tanh_bwd, g, y)


cdef object sigmoid_vjp(Node n, object g):
    """y = 1 / (1 + e^-x);  dx = dy y (1 - y)."""
    cdef Tensor y = n.saved(0)
    if taped(g, y):
        return c_mul(g, c_mul(y, c_sub(1.0, y)))
    return run2(FNN_OP_sigmoid_bwd, g, y)


cdef object erf_vjp(Node n, object g):
    """y = erf(x);  dx = 2 / sqrt(pi) dy e^(-x^2)."""
    cdef Tensor x = n.saved(0)
    return c_mul(c_mul(g, 2 / root(M_PI)), EXP.apply(c_neg(c_mul(x, x))))


cdef object erfc_vjp(Node n, object g):
    """y = 1 - erf(x);  dx = -2 / sqrt(pi) dy e^(-x^2)."""
    return c_neg(erf_vjp(n, g))


cdef object erfinv_vjp(Node n, object g):
    """x = erf(y);  dx = sqrt(pi) / 2 dy e^(y^2)."""
    cdef Tensor y = n.saved(0)
    return c_mul(c_mul(g, root(M_PI) / 2), EXP.apply(c_mul(y, y)))


cdef object lgamma_vjp(Node n, object g):
    """y = log|gamma(x)|;  dx = dy digamma(x)."""
    return c_mul(g, DIGAMMA.apply(n.saved(0)))


cdef object _polygamma = None


def use_polygamma(function):
    """Give digamma its derivative: NumPy computes it, above this module."""
    global _polygamma
    _polygamma = function


cdef object digamma_vjp(Node n, object g):
    """y = digamma(x);  dx = dy polygamma(1, x)."""
    return c_mul(g, _polygamma(1, n.saved(0)))


cdef object zero_vjp(Node n, object g):
    """y is constant between jumps;  dx = 0."""
    return c_mul(g, 0.0)


cdef object pass_vjp(Node n, object g):
    """y = x + a constant between jumps;  dx = dy."""
    return g


cdef object abs_vjp(Node n, object g):
    """y = |x|;  dx = dy sign(x)."""
    return c_mul(g, SIGN.apply(n.saved(0)))


# ------------------------------------------------------------------ the functions

cdef Unary EXP = unary(FNN_OP_exp, b"exp", exp_vjp, SAVE_Y)
cdef Unary LOG = unary(FNN_OP_log, b"log", log_vjp, SAVE_A)
cdef Unary RSQRT = unary(FNN_OP_rsqrt, b"rsqrt", rsqrt_vjp, SAVE_Y)
cdef Unary SIN = unary(FNN_OP_sin, b"sin", sin_vjp, SAVE_A)
cdef Unary COS = unary(FNN_OP_cos, b"cos", cos_vjp, SAVE_A)
cdef Unary SINH = unary(FNN_OP_sinh, b"sinh", sinh_vjp, SAVE_A)
cdef Unary COSH = unary(FNN_OP_cosh, b"cosh", cosh_vjp, SAVE_A)
cdef Unary TANH = unary(FNN_OP_tanh, b"tanh", tanh_vjp, SAVE_Y)
cdef Unary SIGMOID = unary(FNN_OP_sigmoid, b"sigmoid", sigmoid_vjp, SAVE_Y)
cdef Unary ERF = unary(FNN_OP_erf, b"erf", erf_vjp, SAVE_A)
cdef Unary DIGAMMA = unary(FNN_OP_digamma, b"digamma", digamma_vjp, SAVE_A)
cdef Unary FLOOR = unary(FNN_OP_floor, b"floor", zero_vjp, 0)
cdef Unary CEIL = unary(FNN_OP_ceil, b"ceil", zero_vjp, 0)
cdef Unary TRUNC = unary(FNN_OP_trunc, b"trunc", zero_vjp, 0)
cdef Unary ROUND = unary(FNN_OP_round, b"round", zero_vjp, 0)
cdef Unary ABS = unary(FNN_OP_abs, b"abs", abs_vjp, SAVE_A, False)
cdef Unary SIGN = unary(FNN_OP_sign, b"sign", zero_vjp, 0, False)


cdef Tensor c_exp(Tensor x):
    return EXP.apply(x)


cdef Tensor c_log(Tensor x):
    return LOG.apply(x)


cdef Tensor c_sigmoid(Tensor x):
    return SIGMOID.apply(x)


cdef Tensor c_tanh(Tensor x):
    return TANH.apply(x)


cdef Tensor c_floor(Tensor x):
    return FLOOR.apply(x)


cdef Tensor c_trunc(Tensor x):
    return TRUNC.apply(x)


cdef Tensor c_abs(Tensor x):
    return ABS.apply(x)


cdef Tensor c_erf(Tensor x):
    return ERF.apply(x)


cdef object o_abs(Tensor a):
    return ABS.apply(a)


slots.abs = o_abs

_names = globals()
for _name, _map, _doc in (
        ("exp", EXP, "e^x."),
        ("exp2", unary(FNN_OP_exp2, b"exp2", exp2_vjp, SAVE_Y), "2^x."),
        ("expm1", unary(FNN_OP_expm1, b"expm1", expm1_vjp, SAVE_Y),
         "e^x - 1, exact to the last bits near 0."),
        ("log", LOG, "The natural logarithm; NaN below 0, -inf at 0."),
        ("log1p", unary(FNN_OP_log1p, b"log1p", log1p_vjp, SAVE_A),
         "log(1 + x), exact to the last bits near 0."),
        ("log2", unary(FNN_OP_log2, b"log2", log2_vjp, SAVE_A), "The logarithm to base 2."),
        ("log10", unary(FNN_OP_log10, b"log10", log10_vjp, SAVE_A), "The logarithm to base 10."),
        ("sqrt", unary(FNN_OP_sqrt, b"sqrt", sqrt_vjp, SAVE_Y), "The square root."),
        ("rsqrt", RSQRT, "1 / sqrt(x)."),
        ("square", unary(FNN_OP_square, b"square", square_vjp, SAVE_A, False), "x^2."),
        ("reciprocal", unary(FNN_OP_reciprocal, b"reciprocal", reciprocal_vjp, SAVE_Y), "1 / x."),
        ("sin", SIN, "The sine."), ("cos", COS, "The cosine."),
        ("tan", unary(FNN_OP_tan, b"tan", tan_vjp, SAVE_Y), "The tangent."),
        ("asin", unary(FNN_OP_asin, b"asin", asin_vjp, SAVE_A), "The inverse of sin."),
        ("acos", unary(FNN_OP_acos, b"acos", acos_vjp, SAVE_A), "The inverse of cos."),
        ("atan", unary(FNN_OP_atan, b"atan", atan_vjp, SAVE_A), "The inverse of tan."),
        ("sinh", SINH, "The hyperbolic sine."), ("cosh", COSH, "The hyperbolic cosine."),
        ("tanh", TANH, "The hyperbolic tangent."),
        ("sigmoid", SIGMOID, "1 / (1 + e^-x)."),
        ("erf", ERF, "The error function, 2 / sqrt(pi) times the integral of e^(-t^2) to x."),
        ("erfc", unary(FNN_OP_erfc, b"erfc", erfc_vjp, SAVE_A), "1 - erf(x)."),
        ("erfinv", unary(FNN_OP_erfinv, b"erfinv", erfinv_vjp, SAVE_Y), "The inverse of erf."),
        ("lgamma", unary(FNN_OP_lgamma, b"lgamma", lgamma_vjp, SAVE_A), "log|gamma(x)|."),
        ("digamma", DIGAMMA, "The derivative of lgamma."),
        ("abs", ABS, "|x|."), ("sign", SIGN, "1, 0 or -1 as x is above, at or below 0.")):
    publish_unary(_map, _name, _doc, _names)
    __all__ += [_name, _name + "_"]

# ------------------------------------------------------------------ rounding

def publish_rounding(Unary m, str name, str doc):
    """As publish_unary; integers are their own rounding."""
    publish_unary(m, name, doc, _names)
    inner, inner_ = _names[name], _names[name + "_"]

    @cython.binding(True)
    def function(Tensor input not None, *, Tensor out=None):
        if not is_fp(input.t.dtype):
            return deliver(input.clone(), out)
        return inner(input, out=out)

    @cython.binding(True)
    def inplace(Tensor self not None):
        return inner_(self) if is_fp(self.t.dtype) else self

    @cython.binding(True)
    def method(Tensor self not None):
        return function(self)

    for f, own in ((function, name), (method, name), (inplace, name + "_")):
        f.__name__ = f.__qualname__ = own
        f.__doc__ = doc
    _names[name], _names[name + "_"] = function, inplace
    register(name, method)
    register(name + "_", inplace)


for _name, _map, _doc in (("floor", FLOOR, "The largest integer not above x."),
                          ("ceil", CEIL, "The smallest integer not below x."),
                          ("trunc", TRUNC, "x without its fraction.")):
    publish_rounding(_map, _name, _doc)
    __all__ += [_name, _name + "_"]

cdef Unary FRAC = unary(FNN_OP_frac, b"frac", pass_vjp, 0, False)
publish_unary(FRAC, "frac", "The fraction of x, with x's sign.", _names)


def round(Tensor input not None, *, int decimals=0, Tensor out=None):
    """The nearest integer, ties to even; with decimals, to that many digits after the point."""
    if not is_fp(input.t.dtype):
        return deliver(input.clone(), out)
    if decimals == 0:
        return deliver(ROUND.apply(input), out)
    scale = 10.0 ** (decimals if decimals > 0 else -decimals)
    if decimals > 0:
        return deliver(c_div(ROUND.apply(c_mul(input, scale)), scale), out)
    return deliver(c_mul(ROUND.apply(c_div(input, scale)), scale), out)


def round_(Tensor self not None, *, int decimals=0):
    """round in place."""
    if decimals == 0:
        return ROUND.apply_(self) if is_fp(self.t.dtype) else self
    return self.copy_(round(self, decimals=decimals))


# ------------------------------------------------------------------ repair

cdef object nan_to_num_vjp(Node n, object g):
    """y = x where finite;  dx = dy there, else 0."""
    cdef Tensor x = n.saved(0)
    return c_mul(g, x.isfinite())


cdef Tensor c_nan_to_num(Tensor x, object nan, object posinf, object neginf, bint inplace):
    cdef fnn_attr attr[3]
    cdef Tensor y = x, old = x
    cdef Node n
    cdef bint rec = recording(x)
    cdef double top = 3.4028234663852886e38 if x.t.dtype == FNN_F32 else 1.7976931348623157e308
    if not is_fp(x.t.dtype):
        return x if inplace else x.clone()
    attr[0] = attr_f(0 if nan is None else nan)
    attr[1] = attr_f(top if posinf is None else posinf)
    attr[2] = attr_f(-top if neginf is None else neginf)
    if inplace:
        if rec:
            check_inplace(x)
            old = x.clone()
        write_into(FNN_OP_nan_to_num, x, 1, x, None, None, attr)
    else:
        y = run1(FNN_OP_nan_to_num, x, attr)
    if rec:
        n = record_inplace(nan_to_num_vjp, b"nan_to_num", y) if inplace else record(
            nan_to_num_vjp, b"nan_to_num", y, x)
        n.save(0, old)
    return y


def nan_to_num(Tensor input not None, nan=None, posinf=None, neginf=None, *, Tensor out=None):
    """NaN to nan (0), infinities to posinf and neginf (the dtype's largest and smallest)."""
    return deliver(c_nan_to_num(input, nan, posinf, neginf, False), out)


def nan_to_num_(Tensor self not None, nan=None, posinf=None, neginf=None):
    """nan_to_num in place."""
    return c_nan_to_num(self, nan, posinf, neginf, True)


for _name, _f in dict(round=round, round_=round_, nan_to_num=nan_to_num,
                      nan_to_num_=nan_to_num_).items():
    register(_name, _f)
for _name, _alias in (("absolute", "abs"), ("arcsin", "asin"), ("arccos", "acos"),
                      ("arctan", "atan"), ("fix", "trunc")):
    _names[_name] = _names[_alias]
    register(_name, getattr(Tensor, _alias))
    __all__.append(_name)
