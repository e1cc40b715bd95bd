"""Records of softmax and its kin."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def softmax(x, dim, dtype=None):
    e = np.exp(x - x.max(dim, keepdims=True, initial=-np.inf))
    return e / e.sum(dim, keepdims=True)


def log_softmax(x, dim, dtype=None):
    shifted = x - x.max(dim, keepdims=True, initial=-np.inf)
    return shifted - np.log(np.exp(shifted).sum(dim, keepdims=True))


SAMPLES = [Sample((Arg(shape, -5, 5), dim)) for shape, dim in [
    ((3, 10), 1), ((3, 10), 0), ((7,), 0), ((2, 3, 4), -2), ((5, 64), 1), ((3, 129), -1),
    ((2, 70, 3), 1), ((0, 3), 1), ((40, 17), 0)]]
ERRORS = [Error((np.zeros((2, 3)), 2), IndexError, "out of range"),
          Error((np.zeros((2, 3), "int64"), 1), TypeError, "expected float32 or float64")]

SPECS = [
    Spec("softmax", "softmax", softmax, SAMPLES, ulp=20, errors=ERRORS),
    # log p of the likeliest class may be far smaller than the terms it is the difference of
    Spec("log_softmax", "log_softmax", log_softmax, SAMPLES, ulp=8, floor=4.0, errors=ERRORS),
    Spec("softmin", "nn.functional.softmin", lambda x, dim: softmax(-x, dim), SAMPLES, ulp=20),
]
