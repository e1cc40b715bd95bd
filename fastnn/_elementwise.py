"""Elementwise functions that few programs use, composed of others or computed by NumPy, and
in-place forms of functions that have no instruction for it."""

from __future__ import annotations

import functools
import math
from collections import namedtuple
from collections.abc import Callable
from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.dtypes import get_default_dtype
from fastnn._core.host import host_op
from fastnn._core.tape import is_grad_enabled
from fastnn._core.tensor import Tensor, register
from fastnn.autograd import Function

__all__ = ["acosh", "angle", "arccosh", "arcsinh", "arctanh", "asinh", "atanh", "conj",
           "conj_physical", "deg2rad", "float_power", "frexp", "gcd", "heaviside",
           "imag", "isneginf", "isposinf", "isreal", "lcm", "ldexp", "logaddexp2", "logit",
           "mvlgamma", "nextafter", "positive", "rad2deg", "real", "resolve_conj", "resolve_neg",
           "sgn", "signbit", "sinc"]


FrexpResult = namedtuple("FrexpResult", ["mantissa", "exponent"])


def _floating(x: Tensor) -> Tensor:
    """x, integers converted to the default dtype."""
    return x if x.is_floating_point() else x.to(get_default_dtype())


def _host(name: str, function: Callable[..., Any], slope: Callable[[Tensor], Tensor]) -> Any:
    """function of NumPy as a differentiable op: dx = dy * slope(x)."""
    class Op(Function):
        @staticmethod
        def forward(ctx: Any, x: Tensor) -> Tensor:
            ctx.save_for_backward(x)
            return host_op(name, quiet, x)

        @staticmethod
        def backward(ctx: Any, g: Tensor) -> Tensor:
            (x,) = ctx.saved_tensors
            return g * slope(x)

    def quiet(x: Any) -> Any:
        with np.errstate(all="ignore"):
            return function(x)

    return Op


_Acosh = _host("acosh", np.arccosh, lambda x: (x * x - 1).rsqrt())
_Asinh = _host("asinh", np.arcsinh, lambda x: (x * x + 1).rsqrt())
_Atanh = _host("atanh", np.arctanh, lambda x: (1 - x * x).reciprocal())


def acosh(input: Tensor) -> Tensor:
    """The inverse of cosh on [1, inf).  dx = dy / sqrt(x^2 - 1)."""
    return _Acosh.apply(_floating(input))


def asinh(input: Tensor) -> Tensor:
    """The inverse of sinh.  dx = dy / sqrt(x^2 + 1)."""
    return _Asinh.apply(_floating(input))


def atanh(input: Tensor) -> Tensor:
    """The inverse of tanh on [-1, 1].  dx = dy / (1 - x^2)."""
    return _Atanh.apply(_floating(input))


arccosh, arcsinh, arctanh = acosh, asinh, atanh


def deg2rad(input: Tensor) -> Tensor:
    """x pi / 180."""
    return _floating(input) * (math.pi / 180)


def rad2deg(input: Tensor) -> Tensor:
    """x 180 / pi."""
    return _floating(input) * (180 / math.pi)


def logit(input: Tensor, eps: float | None = None) -> Tensor:
    """log(x / (1 - x)), with eps of x clamped to [eps, 1 - eps]."""
    x = _floating(input)
    x = x if eps is None else x.clamp(eps, 1 - eps)
    return x.log() - (-x).log1p()


def sinc(input: Tensor) -> Tensor:
    """sin(pi x) / (pi x), 1 at 0."""
    x = _floating(input) * math.pi
    at_zero = x == 0
    safe = x.masked_fill(at_zero, 1.0)
    # The second term is 0 at 0, and makes the second derivative there that of 1 - x^2 / 6.
    return ops.where(at_zero, 1 - x * x / 6, safe.sin() / safe)


def signbit(input: Tensor) -> Tensor:
    """Whether the sign is negative, that of -0.0 and of NaN included."""
    return host_op("signbit", lambda x: np.signbit(x) if x.dtype != bool else x & False,
                   input.detach())


def sgn(input: Tensor) -> Tensor:
    """sign(x)."""
    return input.sign()


def isposinf(input: Tensor) -> Tensor:
    """Whether x is +inf."""
    return input == math.inf


def isneginf(input: Tensor) -> Tensor:
    """Whether x is -inf."""
    return input == -math.inf


def isreal(input: Tensor) -> Tensor:
    """True: no tensor is complex."""
    return ops.ones_like(input, dtype=ops.eq(input, input).dtype)


def real(input: Tensor) -> Tensor:
    """x itself: no tensor is complex."""
    return input


def imag(input: Tensor) -> Tensor:
    """Raises RuntimeError: no tensor is complex."""
    raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")


def positive(input: Tensor) -> Tensor:
    """x itself. Raises RuntimeError for bools."""
    if str(input.dtype).endswith("bool"):
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return input


def conj(input: Tensor) -> Tensor:
    """x itself: no tensor is complex."""
    return input


conj_physical = resolve_conj = resolve_neg = conj


def angle(input: Tensor) -> Tensor:
    """pi where x < 0, else 0; NaN stays."""
    x = _floating(input)
    return ops.where(x.isnan(), x, (x < 0).to(x.dtype) * math.pi)


def mvlgamma(input: Tensor, p: int) -> Tensor:
    """The logarithm of the multivariate gamma function of p dimensions."""
    if p < 1:
        raise RuntimeError(f"p has to be greater than or equal to 1, got {p}")
    x: Any = _floating(input)
    y = x.lgamma() + p * (p - 1) / 4 * math.log(math.pi)
    for j in range(1, p):
        y = y + (x - j / 2).lgamma()
    return y


class _Frexp(Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Any:
        mantissa, exponent = host_op("frexp", lambda a: tuple(np.frexp(a)), x)
        ctx.mark_non_differentiable(exponent)
        ctx.save_for_backward(exponent)
        return mantissa, exponent

    @staticmethod
    def backward(ctx: Any, g: Tensor, _: Any) -> Tensor:
        (exponent,) = ctx.saved_tensors
        return g * (-exponent.to(g.dtype)).exp2()


def frexp(input: Tensor) -> Any:
    """(m, e) with x = m 2^e, |m| in [0.5, 1), e int32. Raises RuntimeError for integers."""
    if not input.is_floating_point():
        raise RuntimeError("frexp: only supports floating-point dtypes")
    return FrexpResult(*_Frexp.apply(input))


# ------------------------------------------------------------------ of two tensors

def _integers(name: str, input: Tensor, other: Tensor) -> Tensor:
    only_tensors(name, input, other)
    for x in (input, other):
        if x.is_floating_point() or str(x.dtype).endswith("bool"):
            raise NotImplementedError(f"{name}: not implemented for {x.dtype}")
    common = ops.result_type(input, other)
    return host_op(name, getattr(np, name), input.to(common), other.to(common))


def only_tensors(name: str, *values: Any) -> None:
    """Raises TypeError for a number."""
    for i, value in enumerate(values):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name}(): argument {i + 1} must be Tensor, not "
                            f"{type(value).__name__}")


def gcd(input: Tensor, other: Tensor) -> Tensor:
    """The greatest common divisor of integers."""
    return _integers("gcd", input, other)


def lcm(input: Tensor, other: Tensor) -> Tensor:
    """The least common multiple of integers."""
    return _integers("lcm", input, other)


def nextafter(input: Tensor, other: Tensor) -> Tensor:
    """The next floating-point number after x in the direction of other. No derivative."""
    only_tensors("nextafter", input, other)
    common = ops.result_type(input, other)
    if not common.is_floating_point:
        raise NotImplementedError(f"nextafter: not implemented for {common}")
    return host_op("nextafter", np.nextafter, input.detach().to(common),
                   other.detach().to(common))


def _whole(*xs: Any) -> bool:
    return not any(isinstance(x, Tensor) and x.is_floating_point() for x in xs)


def heaviside(input: Tensor, values: Tensor) -> Tensor:
    """0 where x < 0, 1 where x > 0, values where x = 0. No derivative."""
    only_tensors("heaviside", input, values)
    if input.dtype != values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    x, v = input.detach(), values.detach()
    return ops.where(x == 0, v, (x > 0).to(x.dtype))


def ldexp(input: Tensor, other: Tensor) -> Tensor:
    """x 2^other."""
    only_tensors("ldexp", input, other)
    return input * _floating(other).exp2()


def logaddexp2(input: Tensor, other: Tensor) -> Tensor:
    """log2(2^x + 2^y)."""
    x, y = (_floating(t) if _whole(input, other) else t.to(ops.result_type(input, other))
            for t in (input, other))
    return ops.logaddexp(x * math.log(2), y * math.log(2)) / math.log(2)


def float_power(input: Any, exponent: Any) -> Tensor:
    """x^y in float64."""
    def wide(x: Any) -> Any:
        return x.double() if isinstance(x, Tensor) else float(x)
    if not isinstance(input, Tensor) and not isinstance(exponent, Tensor):
        raise TypeError("float_power: expected a tensor")
    return ops.pow(wide(input), wide(exponent))


# ------------------------------------------------------------------ methods


def inplace(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The in-place form of a function of a tensor: what it gives is written over it."""
    @functools.wraps(function)
    def method(input: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        taped = input.requires_grad and is_grad_enabled()
        y = function(input.clone() if taped else input, *args, **kwargs)
        if not ops.can_cast(y.dtype, input.dtype) or (
                function is float_power and y.dtype != input.dtype):
            raise RuntimeError(f"result type {y.dtype} can't be cast to the desired output type "
                               f"{input.dtype}")
        return input.copy_(y)

    method.__name__ = method.__qualname__ = function.__name__ + "_"
    method.__doc__ = f"{function.__name__} in place."
    return method


ALIASES = {
    "absolute_": "abs_", "arccos_": "acos_", "arcsin_": "asin_", "arctan2_": "atan2_",
    "arctan_": "atan_", "divide_": "div_", "fix_": "trunc_", "greater_": "gt_",
    "greater_equal_": "ge_", "less_": "lt_", "less_equal_": "le_", "multiply_": "mul_",
    "negative_": "neg_", "not_equal_": "ne_", "subtract_": "sub_", "true_divide_": "div_",
}  # fmt: skip
# Those that have no in-place form.
WITHOUT = ("angle", "conj", "frexp", "imag", "isneginf", "isposinf", "isreal",
           "logaddexp2", "positive", "real", "resolve_conj", "resolve_neg", "signbit")

for _name in __all__:
    if _name not in ("real", "imag"):
        register(_name, globals()[_name])
    if _name not in WITHOUT:
        register(_name + "_", inplace(globals()[_name]))
for _name in ("addbmm", "addmm", "addmv", "addr", "baddbmm"):
    register(_name + "_", inplace(getattr(ops, _name)))
for _name, _f in ALIASES.items():
    register(_name, getattr(Tensor, _f))
register("real", property(real, doc=real.__doc__))
register("imag", property(imag, doc=imag.__doc__))
