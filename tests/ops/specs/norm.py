"""Records of the normalisations."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def layer_norm(x, shape, weight=None, bias=None, eps=1e-5):
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    y = (x - x.mean(axes, keepdims=True)) / np.sqrt(x.var(axes, keepdims=True) + eps)
    return y * (1 if weight is None else weight) + (0 if bias is None else bias)


def rms_norm(x, shape, weight=None, eps=1e-5):
    axes = tuple(range(x.ndim - len(shape), x.ndim))
    y = x / np.sqrt((x * x).mean(axes, keepdims=True) + eps)
    return y * (1 if weight is None else weight)


def batch_norm(x, mean, var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5):
    one = [1, -1] + [1] * (x.ndim - 2)
    if training:
        axes = (0, *range(2, x.ndim))
        mean, var = x.mean(axes), x.var(axes)
    y = (x - mean.reshape(one)) / np.sqrt(var.reshape(one) + eps)
    return (y * (1 if weight is None else weight.reshape(one))
            + (0 if bias is None else bias.reshape(one)))


def affine(shape):
    return Arg(shape, 0.5, 2), Arg(shape)


def statistics(n):
    return Arg((n,), grad=False), Arg((n,), 0.5, 2, grad=False)


SHAPES = [((3, 5), [5]), ((2, 3, 4), [4]), ((2, 3, 4), [3, 4]), ((2, 70), [70]), ((7,), [7])]
BATCHES = [(4, 3), (3, 2, 4), (6, 70), (2, 3, 2, 3)]

SPECS = [
    Spec("layer_norm", "nn.functional.layer_norm", layer_norm,
         [Sample((Arg(x), s)) for x, s in SHAPES]
         + [Sample((Arg(x), s, *affine(tuple(s)))) for x, s in SHAPES]
         + [Sample((Arg((3, 5)), [5], Arg((5,))), {"eps": 0.1})], ulp=32, floor=4.0,
         errors=[Error((np.zeros((2, 3)), [4]), RuntimeError, "normalized_shape")]),
    Spec("rms_norm", "nn.functional.rms_norm", rms_norm,
         [Sample((Arg(x), s, Arg(tuple(s), 0.5, 2)), {"eps": 1e-3}) for x, s in SHAPES], ulp=32,
         floor=4.0),
    Spec("batch_norm", "nn.functional.batch_norm", batch_norm,
         [Sample((Arg(s), *statistics(s[1]), *affine((s[1],)), training))
          for s in BATCHES for training in (False, True)]
         + [Sample((Arg((4, 3)), None, None, None, None, True))], ulp=64, floor=8.0,
         views=False,  # running statistics are written in place and must be contiguous
         errors=[Error((np.zeros((1, 3)), None, None, None, None, True), ValueError,
                       "more than 1 value per channel")]),
]
