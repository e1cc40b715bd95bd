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


def group_norm(x, groups, weight=None, bias=None, eps=1e-5):
    one = [1, -1] + [1] * (x.ndim - 2)
    rows = x.reshape(x.shape[0], groups, -1)
    y = (rows - rows.mean(2, keepdims=True)) / np.sqrt(rows.var(2, keepdims=True) + eps)
    y = y.reshape(x.shape)
    return (y * (1 if weight is None else weight.reshape(one))
            + (0 if bias is None else bias.reshape(one)))


def instance_norm(x, mean=None, var=None, weight=None, bias=None, use_input_stats=True,
                  momentum=0.1, eps=1e-5):
    if use_input_stats:
        return group_norm(x, x.shape[1], weight, bias, eps)
    return batch_norm(x, mean, var, weight, bias, False, momentum, eps)


def local_response_norm(x, size, alpha=1e-4, beta=0.75, k=1.0):
    total = np.zeros_like(x)
    c = x.shape[1]
    for i in range(c):
        window = slice(max(0, i - size // 2), min(c, i + (size - 1) // 2 + 1))
        total[:, i] = (x[:, window] ** 2).sum(1)
    return x / (k + alpha / size * total) ** beta


def small(shape):
    """Whether gradcheck, whose cost grows with the number of elements, is worth its time."""
    return np.prod(shape) <= 500


def affine(shape):
    return Arg(shape, 0.5, 2), Arg(shape)


def statistics(n):
    return Arg((n,), grad=False), Arg((n,), 0.5, 2, grad=False)


SHAPES = [((3, 5), [5]), ((2, 3, 4), [4]), ((2, 3, 4), [3, 4]), ((2, 70), [70]), ((7,), [7])]
BATCHES = [(4, 3), (3, 2, 4), (6, 70), (2, 3, 2, 3), (2, 17, 5, 7), (1, 2, 3, 3, 2), (3, 1, 9, 9),
           (2, 9, 40, 40), (3, 40, 1, 1), (700, 33)]
GROUPS = [((2, 4, 3), 2), ((2, 6, 5, 7), 3), ((3, 4), 1), ((2, 3, 2, 2, 3), 3), ((2, 5, 40, 40), 5),
          ((1, 6, 9), 2), ((4, 6), 2)]

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
         [Sample((Arg(s), *statistics(s[1]), *affine((s[1],)), training), smooth=small(s))
          for s in BATCHES for training in (False, True)]
         + [Sample((Arg((4, 3)), None, None, None, None, True))], ulp=64, floor=8.0,
         views=False,  # running statistics are written in place and must be contiguous
         errors=[Error((np.zeros((1, 3)), None, None, None, None, True), ValueError,
                       "more than 1 value per channel")]),
    Spec("group_norm", "nn.functional.group_norm", group_norm,
         [Sample((Arg(x), g, *affine((x[1],))), smooth=small(x)) for x, g in GROUPS]
         + [Sample((Arg(x), g)) for x, g in GROUPS[:2]]
         + [Sample((Arg((2, 4, 3)), 2, Arg((4,))), {"eps": 0.1})], ulp=64, floor=8.0,
         errors=[Error((np.zeros((2, 3, 4)), 2), RuntimeError, "divisible by num_groups"),
                 Error((np.zeros((2, 4, 4)), 2, np.zeros(3)), RuntimeError, "should contain 4")]),
    Spec("instance_norm", "nn.functional.instance_norm", instance_norm,
         [Sample((Arg(s), None, None, *affine((s[1],)))) for s in BATCHES[1:6]
          if len(s) > 2 and small(s)]
         + [Sample((Arg((2, 3, 4)), *statistics(3), *affine((3,)), stats))
            for stats in (False, True)], ulp=64, floor=8.0, views=False,
         errors=[Error((np.zeros((2, 3, 1)),), ValueError, "more than 1 spatial element")]),
    Spec("local_response_norm", "nn.functional.local_response_norm", local_response_norm,
         [Sample((Arg(s), n, 0.3, 0.75, 2.0)) for s in ((2, 5, 3), (2, 4, 3, 2), (1, 3, 2, 2, 2))
          for n in (1, 2, 3, 5)], ulp=16, floor=2.0,
         errors=[Error((np.zeros((2, 3)), 2), ValueError, "Expected 3D or higher")]),
]
