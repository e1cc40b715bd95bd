"""Records of convolutions. A sum of k products of numbers up to 2 has floor 4 k."""

import itertools

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def each(value, nd):
    return [*value] if isinstance(value, (tuple, list)) else [value] * nd


def spread(x, by, before, after):
    """x with by - 1 zeros between its pixels, and borders of zeros (cut off where negative)."""
    nd = x.ndim - 2
    y = np.zeros((*x.shape[:2], *[(n - 1) * s + 1 for n, s in zip(x.shape[2:], by, strict=True)]))
    y[(slice(None), slice(None), *[slice(None, None, s) for s in by])] = x
    y = np.pad(y, [(0, 0)] * 2 + [(max(a, 0), max(b, 0)) for a, b in zip(before, after,
                                                                         strict=True)])
    cut = [slice(max(-before[d], 0), y.shape[d + 2] - max(-after[d], 0)) for d in range(nd)]
    return y[(slice(None), slice(None), *cut)]


def correlate(x, w, stride, dilation, groups):
    """Windows of x, already padded, times w: one product of matrices per tap and group."""
    nd = x.ndim - 2
    size = [(x.shape[d + 2] - dilation[d] * (w.shape[d + 2] - 1) - 1) // stride[d] + 1
            for d in range(nd)]
    y = np.zeros((x.shape[0], w.shape[0], *size))
    outs, ins = w.shape[0] // groups, w.shape[1]
    for g, *tap in itertools.product(range(groups), *map(range, w.shape[2:])):
        window = [slice(t * d, t * d + (n - 1) * s + 1, s)
                  for t, d, n, s in zip(tap, dilation, size, stride, strict=True)]
        part = x[(slice(None), slice(g * ins, (g + 1) * ins), *window)]
        weight = w[(slice(g * outs, (g + 1) * outs), slice(None), *tap)]
        y[:, g * outs:(g + 1) * outs] += np.einsum("oc,nc...->no...", weight, part)
    return y


def conv(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    nd = w.ndim - 2
    if x.ndim == nd + 1:
        return conv(x[None], w, b, stride, padding, dilation, groups)[0]
    stride, dilation = each(stride, nd), each(dilation, nd)
    if padding == "same":
        total = [d * (k - 1) for d, k in zip(dilation, w.shape[2:], strict=True)]
        before, after = [t // 2 for t in total], [t - t // 2 for t in total]
    else:
        before = after = each(0 if padding == "valid" else padding, nd)
    y = correlate(spread(x, [1] * nd, before, after), w, stride, dilation, groups)
    return y if b is None else y + b.reshape(-1, *[1] * nd)


def conv_transpose(x, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    nd = w.ndim - 2
    if x.ndim == nd + 1:
        return conv_transpose(x[None], w, b, stride, padding, output_padding, groups, dilation)[0]
    stride, dilation, padding = each(stride, nd), each(dilation, nd), each(padding, nd)
    before = [d * (k - 1) - p for d, k, p in zip(dilation, w.shape[2:], padding, strict=True)]
    after = [b + o for b, o in zip(before, each(output_padding, nd), strict=True)]
    flipped = w[(slice(None), slice(None), *[slice(None, None, -1)] * nd)]
    parts = np.split(flipped, groups)
    turned = np.concatenate([p.swapaxes(0, 1) for p in parts])
    y = correlate(spread(x, stride, before, after), turned, [1] * nd, dilation, groups)
    return y if b is None else y + b.reshape(-1, *[1] * nd)


def ones(*shape):
    return np.ones(shape, np.float32)


def samples(*calls):
    """(shape of x, shape of w, whether with bias, keywords) each; the bias has w's outputs."""
    made = []
    for x, w, bias, kwargs in calls:
        made.append(Sample((Arg(x), Arg(w), *([Arg((bias,))] if bias else [])), kwargs))
    return made


SPECS = [
    Spec("conv1d", "nn.functional.conv1d", conv, samples(
        ((2, 3, 7), (4, 3, 3), 4, {}),
        ((2, 3, 7), (4, 3, 3), 4, {"stride": 2, "padding": 1}),
        ((1, 4, 9), (6, 2, 2), 0, {"dilation": 3, "groups": 2, "padding": (4,)}),
        ((3, 7), (4, 3, 3), 4, {"padding": "valid"}),
        ((2, 2, 6), (2, 2, 4), 2, {"padding": "same"}),
        ((2, 2, 6), (2, 2, 2), 0, {"padding": "same", "dilation": 2}),
        ((0, 3, 7), (4, 3, 3), 4, {}),
        ((1, 1, 1), (1, 1, 1), 1, {}),
        ((2, 1, 40), (3, 1, 5), 3, {"padding": 9}),  # windows that see nothing but padding
    ), floor=120, errors=[
        Error((ones(2, 3, 7, 1), ones(4, 3, 3)), RuntimeError, "Expected 2D"),
        Error((ones(2, 3, 7), ones(4, 3, 3)), RuntimeError, "'same'",
              {"stride": 2, "padding": "same"}),
        Error((ones(2, 3, 7), ones(4, 3, 3)), RuntimeError, "padding string", {"padding": "no"}),
        Error((ones(2, 3, 7), ones(4, 3, 3)), RuntimeError, "list of 1 values",
              {"stride": (1, 2)}),
    ]),
    Spec("conv2d", "nn.functional.conv2d", conv, samples(
        ((2, 3, 5, 4), (4, 3, 3, 3), 4, {"padding": 1}),
        ((2, 3, 5, 6), (4, 3, 3, 2), 4, {"stride": (2, 1), "padding": (0, 1)}),
        ((1, 4, 7, 6), (6, 2, 2, 3), 6, {"dilation": (3, 2), "groups": 2, "padding": 2}),
        ((2, 3, 5, 6), (5, 3, 1, 1), 5, {}),
        ((2, 3, 5, 6), (5, 3, 1, 1), 0, {"stride": 2}),
        ((2, 3, 4, 5), (3, 1, 3, 3), 3, {"padding": 1, "groups": 3}),  # depthwise
        ((1, 2, 2, 16), (2, 1, 2, 3), 2, {"padding": 1, "groups": 2}),  # the same, along rows
        ((1, 3, 7, 5), (3, 1, 3, 2), 0, {"padding": 1, "groups": 3, "stride": 2, "dilation": 2}),
        ((1, 3, 5, 5), (6, 1, 3, 3), 6, {"padding": 1, "groups": 3}),
        ((3, 1, 6, 6), (2, 1, 3, 3), 2, {}),
        ((3, 5, 4), (2, 3, 2, 2), 2, {"padding": "same"}),
        ((0, 3, 5, 4), (4, 3, 3, 3), 4, {}),
    ), floor=120, errors=[
        Error((ones(2, 3, 5, 4), ones(4, 2, 3, 3)), RuntimeError, "to have 2 channels"),
        Error((ones(2, 3, 2, 4), ones(4, 3, 3, 3)), RuntimeError, "Kernel size can't be greater"),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3), ones(3)), RuntimeError, "bias"),
        Error((ones(2, 3, 5, 4), np.ones((4, 3, 3, 3))), RuntimeError, "dtype"),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3), np.ones(4)), RuntimeError, "bias type"),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3)), RuntimeError, "stride", {"stride": 0}),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3)), RuntimeError, "padding", {"padding": -1}),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3)), RuntimeError, "dilation", {"dilation": 0}),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3)), RuntimeError, "groups", {"groups": 0}),
        Error((ones(2, 4, 5, 4), ones(3, 2, 3, 3)), RuntimeError, "groups", {"groups": 2}),
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3)), RuntimeError, "at most",
              {"dilation": 2**62}),
        Error((np.ones((2, 3, 5, 4), int), np.ones((4, 3, 3, 3), int)), RuntimeError, "int64"),
    ]),
    Spec("conv3d", "nn.functional.conv3d", conv, samples(
        ((1, 2, 3, 4, 3), (3, 2, 2, 2, 2), 3, {"padding": 1}),
        ((2, 2, 4, 3, 5), (2, 1, 3, 2, 1), 0, {"stride": (1, 2, 3), "padding": (1, 0, 1),
                                               "groups": 2}),
        ((2, 3, 4, 5), (3, 2, 2, 2, 2), 3, {"dilation": (1, 2, 3)}),
    ), floor=70, errors=[
        Error((ones(2, 3, 5, 4), ones(4, 3, 3, 3)), RuntimeError, "weight"),
    ]),
    Spec("conv_transpose1d", "nn.functional.conv_transpose1d", conv_transpose, samples(
        ((2, 3, 5), (3, 4, 3), 4, {}),
        ((2, 3, 5), (3, 4, 3), 4, {"stride": 2, "padding": 1, "output_padding": 1}),
        ((1, 4, 5), (4, 3, 2), 0, {"groups": 2, "dilation": 3, "stride": 2, "output_padding": 2}),
        ((3, 5), (3, 2, 2), 2, {"stride": 4, "padding": 3}),
        ((2, 2, 3), (2, 2, 2), 2, {"stride": 6, "dilation": 4}),
    ), floor=60, errors=[
        Error((ones(2, 3, 5), ones(3, 4, 3)), RuntimeError, "output padding",
              {"stride": 2, "output_padding": 2}),
        Error((ones(2, 3, 1), ones(3, 4, 1)), RuntimeError, "output of", {"padding": 3}),
    ]),
    Spec("conv_transpose2d", "nn.functional.conv_transpose2d", conv_transpose, samples(
        ((2, 3, 3, 4), (3, 4, 3, 3), 4, {"padding": 1}),
        ((2, 3, 3, 4), (3, 4, 2, 2), 4, {"stride": 2}),
        ((1, 4, 3, 3), (4, 3, 3, 2), 6, {"stride": (3, 2), "padding": 1, "groups": 2,
                                        "output_padding": (2, 1), "dilation": (1, 2)}),
        ((2, 5, 4, 3), (5, 1, 3, 3), 5, {"stride": 2, "padding": 1, "groups": 5}),
    ), floor=120, errors=[
        Error((ones(2, 3, 5, 4), ones(2, 3, 3, 3)), RuntimeError, "channels"),
    ]),
    Spec("conv_transpose3d", "nn.functional.conv_transpose3d", conv_transpose, samples(
        ((1, 2, 2, 3, 2), (2, 3, 2, 2, 2), 3, {"padding": 1}),
        ((1, 2, 2, 3, 2), (2, 1, 2, 1, 3), 2, {"stride": 2, "groups": 2, "output_padding": 1}),
    ), floor=70),
]
