"""Records of unfold and fold: loops over windows."""

import itertools

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def pair(value):
    return (value, value) if isinstance(value, int) else tuple(value)


def places(size, kernel_size, dilation, padding, stride):
    """(column, window's row, window's column, tap's row and column in the padded image)."""
    k, d, p, s = map(pair, (kernel_size, dilation, padding, stride))
    counts = [(n + 2 * a - b * (c - 1) - 1) // e + 1 for n, a, b, c, e in zip(size, p, d, k, s,
                                                                             strict=True)]
    for at, (i, j) in enumerate(itertools.product(*map(range, counts))):
        for u, v in itertools.product(*map(range, k)):
            yield at, u, v, i * s[0] + u * d[0], j * s[1] + v * d[1]



def unfold(x, kernel_size, dilation=1, padding=0, stride=1):
    if x.ndim == 3:
        return unfold(x[None], kernel_size, dilation, padding, stride)[0]
    (kh, kw), (ph, pw) = pair(kernel_size), pair(padding)
    wide = np.pad(x, [(0, 0), (0, 0), (ph, ph), (pw, pw)])
    found = list(places(x.shape[2:], kernel_size, dilation, padding, stride))
    y = np.zeros((*x.shape[:2], kh, kw, max(f[0] for f in found) + 1))
    for at, u, v, i, j in found:
        y[:, :, u, v, at] = wide[:, :, i, j]
    return y.reshape(x.shape[0], -1, y.shape[-1])


def fold(x, output_size, kernel_size, dilation=1, padding=0, stride=1):
    if x.ndim == 2:
        return fold(x[None], output_size, kernel_size, dilation, padding, stride)[0]
    (h, w), (kh, kw), (ph, pw) = pair(output_size), pair(kernel_size), pair(padding)
    columns = x.reshape(x.shape[0], -1, kh, kw, x.shape[-1])
    y = np.zeros((*columns.shape[:2], h + 2 * ph, w + 2 * pw))
    for at, u, v, i, j in places((h, w), kernel_size, dilation, padding, stride):
        y[:, :, i, j] += columns[:, :, u, v, at]
    return y[:, :, ph:ph + h, pw:pw + w]


def ones(*shape):
    return np.ones(shape, np.float32)


SPECS = [
    Spec("unfold_images", "nn.functional.unfold", unfold, [
        Sample((Arg((2, 2, 4, 5)), 2)),
        Sample((Arg((2, 3, 5)), (2, 3)), {"padding": (1, 2), "stride": (2, 1)}),
        Sample((Arg((1, 2, 5, 4)), (3, 2)), {"dilation": (2, 1), "padding": 1, "stride": 2}),
    ], errors=[
        Error((ones(2, 2, 4, 5), 6), RuntimeError, "windows"),
        Error((ones(4, 5), 2), RuntimeError, "Expected 3D"),
        Error((ones(2, 2, 4, 5), 0), RuntimeError, "kernel_size"),
    ]),
    Spec("fold_images", "nn.functional.fold", fold, [
        Sample((Arg((2, 8, 12)), (4, 5), 2)),
        Sample((Arg((12, 10)), (3, 3), (2, 3)), {"padding": (1, 2), "stride": (2, 1)}),
        Sample((Arg((1, 12, 4)), (5, 4), (3, 2)), {"dilation": (2, 1), "padding": 1,
                                                  "stride": (2, 3)}),
    ], floor=18, errors=[
        Error((ones(2, 9, 12), (4, 5), 2), RuntimeError, "divisible"),
        Error((ones(2, 8, 11), (4, 5), 2), RuntimeError, "sliding blocks"),
    ]),
]
