"""Records of the activations."""

import math

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec, pointwise
from tests.ops.specs.elementary import each, sigmoid

A = "_core.ops.activation."


def softplus(x, beta=1.0, threshold=20.0):
    return np.where(beta * x > threshold, x, np.log1p(np.exp(np.minimum(beta * x, 50))) / beta)


def elu(x, alpha=1.0):
    return np.where(x > 0, x, alpha * np.expm1(x))


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return x * 0.5 * (1 + each(math.erf)(x / math.sqrt(2)))


def hardshrink(x, lambd=0.5):
    return np.where(np.abs(x) > lambd, x, 0)


def softshrink(x, lambd=0.5):
    return np.sign(x) * np.maximum(np.abs(x) - lambd, 0)


def prelu(x, w):
    w = w.reshape([-1 if d == 1 else 1 for d in range(x.ndim)]) if w.size > 1 else w.reshape(())
    return np.where(x > 0, x, w * x)


def record(name, reference, *kwargs, ulp=4.0, floor=1.0, where="nn.functional.", **options):
    samples = [Sample((Arg(s, -4, 4),), k) for s in ((), (7,), (3, 40), (0, 3))
               for k in (kwargs or ({},))]
    return Spec(name, A + name, reference, samples, ulp=ulp, floor=floor, torch=where + name,
                **options)


SPECS = [
    pointwise("relu", lambda x: np.maximum(x, 0), -4, 4, ulp=0),
    record("leaky_relu", lambda x, negative_slope=0.01: np.where(x > 0, x, negative_slope * x),
           {}, {"negative_slope": 0.3}),
    record("relu6", lambda x: np.clip(x, 0, 6), ulp=0),
    record("hardtanh", lambda x, min_val=-1.0, max_val=1.0: np.clip(x, min_val, max_val), {},
           {"min_val": -2.0, "max_val": 0.5}, ulp=1,
           errors=[Error((np.ones(2, "f4"), 2.0, 1.0), ValueError, "min_val")]),
    record("threshold", lambda x, threshold, value: np.where(x > threshold, x, value),
           {"threshold": 0.3, "value": -2.0}, ulp=1),
    record("hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6),
    record("hardswish", lambda x: x * np.clip(x + 3, 0, 6) / 6, floor=4),
    record("hardshrink", hardshrink, {}, {"lambd": 1.5}, ulp=0),
    record("softshrink", softshrink, {}, {"lambd": 1.5}, ulp=1,
           errors=[Error((np.ones(2, "f4"), -1.0), RuntimeError, "lambda")]),
    record("elu", elu, {}, {"alpha": 0.7}),
    record("selu", lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772), floor=4),
    record("celu", lambda x, alpha=1.0: np.where(x > 0, x, alpha * np.expm1(x / alpha)), {},
           {"alpha": 1.7}, errors=[Error((np.ones(2, "f4"), 0.0), RuntimeError, "alpha")]),
    record("gelu", gelu, {}, {"approximate": "tanh"},
           errors=[Error((np.ones(2, "f4"),), RuntimeError, "approximate",
                         {"approximate": "no"})]),
    record("silu", lambda x: x * sigmoid(x)),
    record("mish", lambda x: x * np.tanh(softplus(x))),
    record("softplus", softplus, {}, {"beta": 2.0, "threshold": 3.0}),
    record("logsigmoid", lambda x: -softplus(-x)),
    record("softsign", lambda x: x / (1 + np.abs(x))),
    record("tanhshrink", lambda x: x - np.tanh(x), floor=4),
    Spec("prelu", A + "prelu", prelu,
         [Sample((Arg((4, 5), -4, 4), Arg((5,)))), Sample((Arg((2, 3, 4), -4, 4), Arg((1,)))),
          Sample((Arg((), -4, 4), Arg((1,))))], ulp=2, torch="nn.functional.prelu",
         errors=[Error((np.ones((2, 3), "f4"), np.ones(2, "f4")), RuntimeError, "channel")]),
]
