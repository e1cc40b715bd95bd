"""conv, conv_transpose and conv_bwd_w instructions: shapes of many parts, panels and partial sums
against float64, layouts, threads and instruction sets against each other, borders of memory."""

import numpy as np
import pytest
from engine import BEST, ISAS, guarded, lib, run, set_isa

from tests.ops.specs.conv import conv, conv_transpose

# name, x, w, stride, padding, dilation, groups
CASES = [
    ("several bands of one image", (1, 24, 80, 81), (70, 24, 3, 3), 1, 1, 1, 1),
    ("several images in a part, batch below threads", (3, 20, 9, 7), (33, 20, 3, 3), 1, 1, 1, 1),
    ("several K blocks", (2, 260, 6, 5), (17, 260, 3, 3), 1, 1, 1, 1),
    ("several panels", (2, 12, 10, 10), (150, 12, 3, 2), 2, 1, 1, 1),
    ("a segment per tap", (2, 9, 20, 20), (12, 9, 3, 3), 2, 3, 2, 1),
    ("groups", (2, 24, 11, 12), (36, 6, 3, 3), 1, 2, 1, 4),
    ("depthwise, several blocks of channels", (3, 37, 21, 18), (37, 1, 3, 3), 1, 1, 1, 37),
    ("depthwise, strided, many taps", (2, 8, 23, 20), (8, 1, 5, 4), 2, 3, 1, 8),
    ("depthwise, several bands of a plane", (1, 5, 200, 30), (5, 1, 3, 5), 1, (1, 2), 1, 5),
    ("depthwise, wide taps without a border", (2, 4, 14, 32), (4, 1, 2, 15), 1, 0, 1, 4),
    ("depthwise, dilated", (2, 3, 30, 28), (3, 1, 3, 3), 1, (5, 2), (4, 2), 3),
    ("one tap", (5, 30, 8, 9), (40, 30, 1, 1), 1, 0, 1, 1),
    ("one tap, groups", (3, 30, 8, 9), (40, 15, 1, 1), 1, 0, 1, 2),
    ("one tap of small planes", (30, 33, 2, 3), (20, 33, 1, 1), 1, 0, 1, 1),
    ("one tap, one image", (1, 64, 30, 30), (70, 64, 1, 1), 1, 0, 1, 1),
    ("one channel", (4, 1, 28, 28), (32, 1, 3, 3), 1, 0, 1, 1),
    ("padding wider than the kernel", (2, 3, 4, 5), (4, 3, 2, 2), 1, 5, 1, 1),
    ("one dimension", (3, 20, 700), (30, 20, 9), 1, 4, 1, 1),
    ("three dimensions", (2, 10, 5, 12, 9), (20, 10, 3, 3, 3), (1, 2, 1), 1, 1, 1),
]
IDS = [c[0] for c in CASES]


@pytest.fixture(params=ISAS)
def isa(request):
    set_isa(request.param)
    yield request.param
    set_isa(BEST)


def channels_last(a):
    """The same values, in memory (N, spatial, C)."""
    return np.ascontiguousarray(np.moveaxis(a, 1, -1)).swapaxes(1, -1) if a.ndim == 3 else \
        np.moveaxis(np.ascontiguousarray(np.moveaxis(a, 1, -1)), -1, 1)


def each(value, a):
    return list(value) if isinstance(value, tuple) else [value] * (a.ndim - 2)


def operands(case, dtype, seed=0):
    _, xs, ws, stride, padding, dilation, groups = case
    r = np.random.default_rng(seed)
    x, w = (r.uniform(-1, 1, s).astype(dtype) for s in (xs, ws))
    window = [each(v, x) for v in (stride, padding, dilation)]
    return x, w, window, groups


def size_of(x, w, window):
    return [(n + 2 * p - d * (k - 1) - 1) // s + 1
            for n, k, s, p, d in zip(x.shape[2:], w.shape[2:], *window, strict=True)]


def close(got, want, terms, dtype):
    """A sum of `terms` products of numbers up to 1, each step rounded once or twice."""
    bound = 4 * np.finfo(dtype).eps * terms**0.5 * max(1.0, np.abs(want).max())
    np.testing.assert_allclose(got, want, rtol=0, atol=bound)


def forward(x, w, window, groups, bias=None, act=0, out=None):
    return run("conv", x, w, bias, attrs=[*window, groups, act], out=out)


def to_input(dy, w, window, groups, x, out=None):
    least = [(q - 1) * s - 2 * p + d * (k - 1) + 1
             for q, k, s, p, d in zip(dy.shape[2:], w.shape[2:], *window, strict=True)]
    more = [n - m for n, m in zip(x.shape[2:], least, strict=True)]
    return run("conv_transpose", dy, w, None, attrs=[*window, groups, 0, more], out=out)


def to_weight(dy, x, w, window, groups, out=None):
    return run("conv_bwd_w", dy, x, attrs=[list(w.shape[2:]), *window, groups], out=out)


def weight_reference(dy, x, w, window, groups):
    """By linearity in w: correlation of x, images and channels exchanged, with dy."""
    stride, padding, dilation = window
    outs, ins = w.shape[0] // groups, w.shape[1]
    parts = []
    for g in range(groups):
        part = x[:, g * ins:(g + 1) * ins].swapaxes(0, 1)
        d = dy[:, g * outs:(g + 1) * outs].swapaxes(0, 1)
        full = conv(part, d, None, dilation, padding, stride)
        parts.append(full[(slice(None), slice(None), *map(slice, w.shape[2:]))].swapaxes(0, 1))
    return np.concatenate(parts)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_values(case, dtype, isa):
    x, w, window, groups = operands(case, dtype)
    dy = np.random.default_rng(1).uniform(-1, 1, (x.shape[0], w.shape[0], *size_of(x, w, window)))
    dy = dy.astype(dtype)
    up = [a.astype(float) for a in (x, w, dy)]
    stride, padding, dilation = window
    taps = int(np.prod(w.shape[2:]))
    more = [n - (q - 1) * s + 2 * p - d * (k - 1) - 1 for n, q, k, s, p, d in zip(
        x.shape[2:], dy.shape[2:], w.shape[2:], *window, strict=True)]
    want_y = conv(up[0], up[1], None, stride, padding, dilation, groups)
    want_dx = conv_transpose(up[2], up[1], None, stride, padding, more, groups, dilation)
    want_dw = weight_reference(up[2], up[0], w, window, groups)
    for layout in (lambda a: a, channels_last):
        close(forward(layout(x), w, window, groups), want_y, taps * w.shape[1], dtype)
        close(to_input(layout(dy), w, window, groups, x), want_dx, taps * w.shape[0], dtype)
        close(to_weight(layout(dy), layout(x), w, window, groups), want_dw,
              dy[:, 0].size, dtype)


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_bits_depend_on_neither_threads_nor_vectors_nor_layout(case):
    x, w, window, groups = operands(case, "float32")
    shape = (x.shape[0], w.shape[0], *size_of(x, w, window))
    dy = np.random.default_rng(1).uniform(-1, 1, shape).astype("float32")
    seen = set()
    for name in [i for i in ISAS if i != "base"]:  # base multiplies and adds in two roundings
        set_isa(name)
        for threads in (1, 2, 3, 8):
            lib.fnn_set_num_threads(threads)
            got = (forward(x, w, window, groups), to_input(dy, w, window, groups, x),
                   to_weight(dy, x, w, window, groups))
            seen.add(b"".join(np.ascontiguousarray(g).tobytes() for g in got))
            if "one tap" in case[0] or "depthwise" in case[0]:  # planes have forms of their own
                continue
            got = (forward(channels_last(x), w, window, groups),
                   to_input(channels_last(dy), w, window, groups, x),
                   to_weight(channels_last(dy), channels_last(x), w, window, groups))
            seen.add(b"".join(np.ascontiguousarray(g).tobytes() for g in got))
    lib.fnn_set_num_threads(0)
    set_isa(BEST)
    assert len(seen) <= 1


@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_bias_and_relu_follow_the_sum(case, isa):
    x, w, window, groups = operands(case, "float32")
    bias = np.linspace(-1, 1, w.shape[0], dtype="float32")
    plain = forward(x, w, window, groups)
    shifted = plain + bias.reshape(-1, *[1] * (x.ndim - 2))
    assert np.array_equal(forward(x, w, window, groups, bias), shifted)
    assert np.array_equal(forward(x, w, window, groups, bias, act=1), np.maximum(shifted, 0))
    with pytest.raises(ValueError, match="activation"):
        forward(x, w, window, groups, act=2)


@pytest.mark.parametrize("at_end", [False, True])
@pytest.mark.parametrize("case", CASES, ids=IDS)
def test_nothing_is_read_or_written_outside(case, at_end, isa):
    x, w, window, groups = operands(case, "float32")
    shape = (x.shape[0], w.shape[0], *size_of(x, w, window))
    held = [guarded(s, "float32", at_end) for s in (x.shape, w.shape, shape, w.shape, x.shape)]
    held[0][...], held[1][...] = x, w
    y = forward(held[0], held[1], window, groups, out=[held[2]])
    assert np.array_equal(y, forward(x, w, window, groups))
    to_weight(held[2], held[0], w, window, groups, out=[held[3]])
    assert np.array_equal(held[3], to_weight(y, x, w, window, groups))
    to_input(held[2], held[1], window, groups, x, out=[held[4]])
    assert np.array_equal(held[4], to_input(y, w, window, groups, x))


@pytest.mark.parametrize("case", CASES[:13], ids=IDS[:13])
def test_outputs_with_strides_of_their_own(case):
    x, w, window, groups = operands(case, "float32")
    y = forward(x, w, window, groups)
    wide = np.zeros((*y.shape[:-1], 2 * y.shape[-1]), "float32")
    forward(x, w, window, groups, out=[wide[..., ::2]])
    assert np.array_equal(wide[..., ::2], y) and not wide[..., 1::2].any()
    wide = np.zeros((*w.shape[:-1], 2 * w.shape[-1]), "float32")
    to_weight(y, x, w, window, groups, out=[wide[..., ::2]])
    assert np.array_equal(wide[..., ::2], to_weight(y, x, w, window, groups))
    assert not wide[..., 1::2].any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_pixel_reaches_only_the_windows_that_see_it(value, isa):
    x, w = np.ones((1, 20, 9, 9), "float32"), np.ones((30, 20, 3, 3), "float32")
    x[0, 3, 0, 8] = value
    y = forward(x, w, [[1, 1], [1, 1], [1, 1]], 1)
    assert not np.isfinite(y[0, :, :2, 7:]).any()
    assert np.isfinite(y[0, :, 2:]).all() and np.isfinite(y[0, :, :, :7]).all()


def test_an_empty_batch_has_a_gradient_of_zeros():
    x, w = np.zeros((0, 3, 5, 5), "float32"), np.zeros((4, 3, 3, 3), "float32")
    window = [[1, 1], [1, 1], [1, 1]]
    assert forward(x, w, window, 1).shape == (0, 4, 5, 5)
    dw = guarded(w.shape, "float32")
    dw[...] = 7
    assert not to_weight(np.zeros((0, 4, 5, 5), "float32"), x, w, window, 1, out=[dw]).any()


@pytest.mark.parametrize("change, words", [
    (dict(kernel=[3]), "does not fit"), (dict(kernel=[2, 3]), "does not fit"),
    (dict(kernel=[9, 9]), "Kernel size"), (dict(groups=2), "does not fit"),
    (dict(stride=[1]), "numbers each"),
])
def test_bwd_w_refuses_what_does_not_fit(change, words):
    a = dict(kernel=[3, 3], stride=[1, 1], padding=[1, 1], dilation=[1, 1], groups=1) | change
    x, dy = np.zeros((2, 3, 5, 5), "float32"), np.zeros((2, 4, 5, 5), "float32")
    with pytest.raises(RuntimeError, match=words):
        run("conv_bwd_w", dy, x, attrs=list(a.values()))


def test_a_weight_with_uneven_taps_is_refused():
    w = np.zeros((4, 3, 3, 4), "float32")[..., :3]
    with pytest.raises(TypeError, match="contiguous or channels last"):
        forward(np.zeros((1, 3, 5, 5), "float32"), w, [[1, 1], [0, 0], [1, 1]], 1)
