"""Activations, with the derivatives. The functions have torch.nn.functional's arguments.

The derivative is one fused instruction; where it is itself to be differentiated (create_graph),
it is the product of dy and the slope, written in taped ops.
"""

__all__ = ["celu", "celu_", "hardshrink", "prelu", "relu", "relu_", "selu", "selu_", "threshold",
           "threshold_"]

from ..door cimport attr_f, run1, run2
from ..fnn cimport fnn_attr, fnn_op
from ..tape cimport Node, record, recording, recording2, vjp_fn
from ..tensor cimport Tensor
from ..tensor import register
from ..views cimport check_inplace, record_inplace
from .arith cimport c_add, c_div, c_mul, c_neg, c_sub
from .compare cimport c_and, c_ge, c_gt, c_le, c_lt, c_where
from .elementary cimport c_abs, c_erf, c_exp, c_sigmoid, c_tanh
from .pointwise cimport write_into

cdef extern from "fastnn.h":
    enum:
        FNN_OP_relu, FNN_OP_relu_bwd, FNN_OP_leaky_relu, FNN_OP_leaky_relu_bwd, FNN_OP_elu
        FNN_OP_elu_bwd, FNN_OP_gelu, FNN_OP_gelu_bwd, FNN_OP_gelu_tanh, FNN_OP_gelu_tanh_bwd
        FNN_OP_silu, FNN_OP_silu_bwd, FNN_OP_mish, FNN_OP_mish_bwd, FNN_OP_softplus
        FNN_OP_softplus_bwd, FNN_OP_logsigmoid, FNN_OP_logsigmoid_bwd, FNN_OP_hardtanh
        FNN_OP_hardtanh_bwd, FNN_OP_hardsigmoid, FNN_OP_hardsigmoid_bwd, FNN_OP_hardswish
        FNN_OP_hardswish_bwd, FNN_OP_hardshrink, FNN_OP_softshrink, FNN_OP_shrink_bwd
        FNN_OP_softsign, FNN_OP_softsign_bwd, FNN_OP_threshold, FNN_OP_threshold_bwd

ctypedef object (*taped_fn)(Node n, Tensor x, object g)


cdef Tensor act(Tensor x, fnn_op op, const char *name, vjp_fn vjp, bint inplace, double p0=0,
                double p1=0, double p2=0):
    """y = op(x; p0, p1, p2) with a derivative that reads x and the numbers."""
    cdef fnn_attr attr[3]
    cdef Tensor y = x, old = x
    cdef Node n
    cdef bint rec = recording(x)
    attr[0] = attr_f(p0)
    attr[1] = attr_f(p1)
    attr[2] = attr_f(p2)
    if inplace:
        if rec:
            check_inplace(x)
            old = x.clone()
        write_into(op, x, 1, x, None, None, attr)
    else:
        y = run1(op, x, attr)
    if rec:
        n = record_inplace(vjp, name, y) if inplace else record(vjp, name, y, x)
        n.save(0, old)
        n.f0 = p0
        n.f1 = p1
        if p2:
            n.extra = p2
    return y


cdef object derive(Node n, object g, fnn_op bwd, taped_fn taped):
    """dx = bwd(dy, x), or the same in taped ops."""
    cdef Tensor x = n.saved(0)
    cdef fnn_attr attr[3]
    if recording2(<Tensor>g, x):
        return taped(n, x, g)
    attr[0] = attr_f(n.f0)
    attr[1] = attr_f(n.f1)
    attr[2] = attr_f(0.0 if n.extra is None else n.extra)
    return run2(bwd, <Tensor>g, x, attr)


# ------------------------------------------------------------------ relu

cdef object relu_vjp(Node n, object g):
    """y = max(x, 0);  dx = dy where y > 0, else 0."""
    cdef Tensor y = n.saved(0)
    if recording2(<Tensor>g, None):
        return c_where(c_le(y, 0.0), 0.0, g)
    return run2(FNN_OP_relu_bwd, <Tensor>g, y)


cdef Tensor c_relu(Tensor x):
    cdef Tensor y = run1(FNN_OP_relu, x)
    if recording(x):
        record(relu_vjp, b"relu", y, x).save_out(0, y)
    return y


cdef Tensor c_relu_(Tensor x):
    cdef bint rec = recording(x)
    if rec:
        check_inplace(x)
    write_into(FNN_OP_relu, x, 1, x, None, None, NULL)
    if rec:
        record_relu_(x)
    return x


cdef int record_relu_(Tensor x) except -1:
    cdef Node n = record_inplace(relu_vjp, b"relu", x)
    if x.base is None:
        n.save_out(0, x)
    else:
        n.save(0, x.detach())
    return 0


def relu(Tensor input not None, bint inplace=False):
    """max(x, 0), elementwise; NaN stays NaN."""
    return c_relu_(input) if inplace else c_relu(input)


def relu_(Tensor input not None):
    """relu in place."""
    return c_relu_(input)


# ------------------------------------------------------------------ with one kink or two

cdef object leaky_relu_taped(Node n, Tensor x, object g):
    return c_where(c_gt(x, 0.0), g, c_mul(g, n.f0))


cdef object leaky_relu_vjp(Node n, object g):
    """y = x, or slope x below 0;  dx = dy, or slope dy."""
    return derive(n, g, FNN_OP_leaky_relu_bwd, leaky_relu_taped)


def leaky_relu(Tensor input not None, double negative_slope=0.01, bint inplace=False):
    """x where x > 0, else negative_slope * x."""
    return act(input, FNN_OP_leaky_relu, b"leaky_relu", leaky_relu_vjp, inplace, negative_slope)


cdef object inside(Tensor x, double lo, double hi, object g):
    """g where lo < x < hi, else 0."""
    return c_where(c_and(c_gt(x, lo), c_lt(x, hi)), g, 0.0)


cdef object hardtanh_taped(Node n, Tensor x, object g):
    return inside(x, n.f0, n.f1, g)


cdef object hardtanh_vjp(Node n, object g):
    """y = min(max(x, lo), hi);  dx = dy where lo < x < hi."""
    return derive(n, g, FNN_OP_hardtanh_bwd, hardtanh_taped)


def hardtanh(Tensor input not None, double min_val=-1.0, double max_val=1.0, bint inplace=False):
    """min(max(x, min_val), max_val)."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return act(input, FNN_OP_hardtanh, b"hardtanh", hardtanh_vjp, inplace, min_val, max_val)


def relu6(Tensor input not None, bint inplace=False):
    """min(max(x, 0), 6)."""
    return act(input, FNN_OP_hardtanh, b"hardtanh", hardtanh_vjp, inplace, 0.0, 6.0)


cdef object threshold_taped(Node n, Tensor x, object g):
    return c_where(c_le(x, n.f0), 0.0, g)


cdef object threshold_vjp(Node n, object g):
    """y = x where x > at, else value;  dx = dy where x > at."""
    return derive(n, g, FNN_OP_threshold_bwd, threshold_taped)


def threshold(Tensor input not None, double threshold, double value, bint inplace=False):
    """x where x > threshold, else value."""
    return act(input, FNN_OP_threshold, b"threshold", threshold_vjp, inplace, threshold, value)


def threshold_(Tensor input not None, double threshold, double value):
    """threshold in place."""
    return act(input, FNN_OP_threshold, b"threshold", threshold_vjp, True, threshold, value)


cdef object hardsigmoid_taped(Node n, Tensor x, object g):
    return c_div(inside(x, -3.0, 3.0, g), 6.0)


cdef object hardsigmoid_vjp(Node n, object g):
    """y = min(max(x + 3, 0), 6) / 6;  dx = dy / 6 where |x| < 3."""
    return derive(n, g, FNN_OP_hardsigmoid_bwd, hardsigmoid_taped)


def hardsigmoid(Tensor input not None, bint inplace=False):
    """min(max(x + 3, 0), 6) / 6."""
    return act(input, FNN_OP_hardsigmoid, b"hardsigmoid", hardsigmoid_vjp, inplace)


cdef object hardswish_taped(Node n, Tensor x, object g):
    cdef object middle = c_mul(g, c_add(c_div(x, 3.0), 0.5))
    return c_where(c_le(x, -3.0), 0.0, c_where(c_lt(x, 3.0), middle, g))


cdef object hardswish_vjp(Node n, object g):
    """y = x min(max(x + 3, 0), 6) / 6;  dx = 0, dy (x / 3 + 1/2), dy below, within, above 3."""
    return derive(n, g, FNN_OP_hardswish_bwd, hardswish_taped)


def hardswish(Tensor input not None, bint inplace=False):
    """x * hardsigmoid(x)  (Howard et al., Searching for MobileNetV3, 2019)."""
    return act(input, FNN_OP_hardswish, b"hardswish", hardswish_vjp, inplace)


cdef object shrink_taped(Node n, Tensor x, object g):
    return c_where(c_and(c_ge(x, -n.f0), c_le(x, n.f0)), 0.0, g)


cdef object shrink_vjp(Node n, object g):
    """y = x, or x moved towards 0, beyond lambd, else 0;  dx = dy beyond lambd."""
    return derive(n, g, FNN_OP_shrink_bwd, shrink_taped)


def hardshrink(Tensor input not None, double lambd=0.5):
    """x where |x| > lambd, else 0."""
    return act(input, FNN_OP_hardshrink, b"hardshrink", shrink_vjp, False, lambd)


def softshrink(Tensor input not None, double lambd=0.5):
    """x moved towards 0 by lambd, 0 within it."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return act(input, FNN_OP_softshrink, b"softshrink", shrink_vjp, False, lambd)


# ------------------------------------------------------------------ smooth

cdef object elu_taped(Node n, Tensor x, object g):
    cdef double t = n.extra
    cdef object e = c_exp(c_mul(c_neg(c_relu(c_neg(x))), t))  # of x <= 0 only: no 0 * inf
    return c_where(c_gt(x, 0.0), c_mul(g, n.f1), c_mul(g, c_mul(e, n.f0 * n.f1 * t)))


cdef object elu_vjp(Node n, object g):
    """y = s x, or s a (e^(t x) - 1) below 0;  dx = s dy, or s a t dy e^(t x)."""
    return derive(n, g, FNN_OP_elu_bwd, elu_taped)


def elu(Tensor input not None, double alpha=1.0, bint inplace=False):
    """x where x > 0, else alpha (e^x - 1)  (Clevert, Unterthiner, Hochreiter 2016)."""
    return act(input, FNN_OP_elu, b"elu", elu_vjp, inplace, alpha, 1.0, 1.0)


cdef double SELU_ALPHA = 1.6732632423543772848170429916717
cdef double SELU_SCALE = 1.0507009873554804934193349852946


def selu(Tensor input not None, bint inplace=False):
    """scale * elu(x, alpha), alpha 1.6733, scale 1.0507 (Klambauer et al., SELU, 2017)."""
    return act(input, FNN_OP_elu, b"elu", elu_vjp, inplace, SELU_ALPHA, SELU_SCALE, 1.0)


def selu_(Tensor input not None):
    """selu in place."""
    return act(input, FNN_OP_elu, b"elu", elu_vjp, True, SELU_ALPHA, SELU_SCALE, 1.0)


def celu(Tensor input not None, double alpha=1.0, bint inplace=False):
    """max(x, 0) + min(0, alpha (e^(x / alpha) - 1))  (Barron 2017)."""
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return act(input, FNN_OP_elu, b"elu", elu_vjp, inplace, alpha, 1.0, 1.0 / alpha)


def celu_(Tensor input not None, double alpha=1.0):
    """celu in place."""
    return celu(input, alpha, True)


cdef object gelu_taped(Node n, Tensor x, object g):
    cdef object cdf = c_mul(c_add(c_erf(c_mul(x, 0.7071067811865476)), 1.0), 0.5)
    cdef object pdf = c_mul(c_exp(c_mul(c_mul(x, x), -0.5)), 0.3989422804014327)
    return c_mul(g, c_add(cdf, c_mul(x, pdf)))


cdef object gelu_vjp(Node n, object g):
    """y = x P(x), P the normal distribution;  dx = dy (P(x) + x P'(x))."""
    return derive(n, g, FNN_OP_gelu_bwd, gelu_taped)


cdef object gelu_tanh_taped(Node n, Tensor x, object g):
    cdef object z = c_mul(x, x)
    cdef object t = c_tanh(c_mul(c_mul(x, c_add(c_mul(z, 0.044715), 1.0)), 0.7978845608028654))
    cdef object dq = c_mul(c_add(c_mul(z, 0.134145), 1.0), 0.7978845608028654)
    cdef object tail = c_mul(c_mul(x, c_sub(1.0, c_mul(t, t))), dq)
    return c_mul(g, c_mul(c_add(c_add(t, 1.0), tail), 0.5))


cdef object gelu_tanh_vjp(Node n, object g):
    """y = x (1 + tanh(q)) / 2, q = sqrt(2 / pi) (x + 0.044715 x^3), and its derivative."""
    return derive(n, g, FNN_OP_gelu_tanh_bwd, gelu_tanh_taped)


def gelu(Tensor input not None, *, str approximate="none"):
    """x P(X <= x), X normal; approximate="tanh" for the tanh form (Hendrycks, Gimpel 2016)."""
    if approximate == "none":
        return act(input, FNN_OP_gelu, b"gelu", gelu_vjp, False)
    if approximate == "tanh":
        return act(input, FNN_OP_gelu_tanh, b"gelu", gelu_tanh_vjp, False)
    raise RuntimeError("approximate argument must be either none or tanh.")


cdef object silu_taped(Node n, Tensor x, object g):
    cdef object s = c_sigmoid(x)
    return c_mul(g, c_mul(s, c_add(c_mul(x, c_sub(1.0, s)), 1.0)))


cdef object silu_vjp(Node n, object g):
    """y = x s(x);  dx = dy s (1 + x (1 - s))."""
    return derive(n, g, FNN_OP_silu_bwd, silu_taped)


def silu(Tensor input not None, bint inplace=False):
    """x * sigmoid(x), also called swish."""
    return act(input, FNN_OP_silu, b"silu", silu_vjp, inplace)


cdef object mish_taped(Node n, Tensor x, object g):
    cdef object t = c_tanh(softplus(x))
    return c_mul(g, c_add(t, c_mul(c_mul(x, c_sigmoid(x)), c_sub(1.0, c_mul(t, t)))))


cdef object mish_vjp(Node n, object g):
    """y = x t, t = tanh(softplus(x));  dx = dy (t + x s(x) (1 - t^2))."""
    return derive(n, g, FNN_OP_mish_bwd, mish_taped)


def mish(Tensor input not None, bint inplace=False):
    """x * tanh(softplus(x))  (Misra 2019)."""
    return act(input, FNN_OP_mish, b"mish", mish_vjp, inplace)


cdef object softplus_taped(Node n, Tensor x, object g):
    cdef object z = c_mul(x, n.f0)
    return c_where(c_gt(z, n.f1), g, c_mul(g, c_sigmoid(z)))


cdef object softplus_vjp(Node n, object g):
    """y = log(1 + e^(b x)) / b;  dx = dy s(b x); y = x above the threshold."""
    return derive(n, g, FNN_OP_softplus_bwd, softplus_taped)


def softplus(Tensor input not None, double beta=1.0, double threshold=20.0):
    """log(1 + e^(beta x)) / beta, and x itself where beta x > threshold."""
    return act(input, FNN_OP_softplus, b"softplus", softplus_vjp, False, beta, threshold)


cdef object logsigmoid_taped(Node n, Tensor x, object g):
    return c_mul(g, c_sigmoid(c_neg(x)))


cdef object logsigmoid_vjp(Node n, object g):
    """y = log s(x);  dx = dy s(-x)."""
    return derive(n, g, FNN_OP_logsigmoid_bwd, logsigmoid_taped)


def logsigmoid(Tensor input not None):
    """log(sigmoid(x))."""
    return act(input, FNN_OP_logsigmoid, b"log_sigmoid", logsigmoid_vjp, False)


cdef object softsign_taped(Node n, Tensor x, object g):
    cdef object d = c_add(c_abs(x), 1.0)
    return c_div(g, c_mul(d, d))


cdef object softsign_vjp(Node n, object g):
    """y = x / (1 + |x|);  dx = dy / (1 + |x|)^2."""
    return derive(n, g, FNN_OP_softsign_bwd, softsign_taped)


def softsign(Tensor input not None):
    """x / (1 + |x|)."""
    return act(input, FNN_OP_softsign, b"softsign", softsign_vjp, False)


def tanhshrink(Tensor input not None):
    """x - tanh(x)."""
    return c_sub(input, c_tanh(input))


def prelu(Tensor input not None, Tensor weight not None):
    """x where x > 0, else weight * x; weight has one element or one per channel (dimension 1)."""
    channels = input.size(1) if input.dim() > 1 else 1
    if weight.numel() != 1 and weight.numel() != channels:
        raise RuntimeError("Mismatch of parameter numbers and input channel size. Found parameter "
                           f"numbers = {weight.numel()} and channel size = {channels}.")
    if weight.numel() != 1:
        weight = weight.reshape([-1 if d == 1 else 1 for d in range(input.dim())])
    elif input.dim() == 0:
        weight = weight.reshape([])
    return c_where(c_gt(input, 0.0), input, c_mul(input, weight))


for _name, _f in dict(relu=relu, relu_=relu_, hardshrink=hardshrink, prelu=prelu).items():
    register(_name, _f)
