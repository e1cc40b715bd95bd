"""Convolutions, and windows as columns."""

from tests.parity.case import Case, normal

SHAPES = {1: (2, 4, 11), 2: (2, 4, 8, 9), 3: (2, 4, 6, 5, 7)}


def plain(nd):
    x, single = normal(*SHAPES[nd]), normal(*SHAPES[nd][1:])
    odd = tuple(range(1, nd + 1))
    sets = [((4, 6, 3), {}), ((4, 6, 2), {"stride": 2}), ((4, 6, 3), {"padding": 1}),
            ((4, 6, 3), {"bias": False}), ((4, 6, 3), {"groups": 2}), ((4, 4, 3), {"groups": 4}),
            ((4, 8, 3), {"groups": 4, "padding": 1}), ((4, 3, 2), {"dilation": 2}),
            ((4, 3, odd), {}), ((4, 3, 3), {"padding": "same"}), ((4, 3, 3), {"padding": "valid"}),
            ((4, 3, 1), {}), ((4, 3, 3), {"stride": 3, "padding": 2, "dilation": 1}),
            ((4, 3, 3), {"padding": "same", "dilation": 2}),
            *[((4, 3, 3), {"padding": 1, "padding_mode": m})
              for m in ("reflect", "replicate", "circular")]]
    return [Case(a, k, (x,), typed=True) for a, k in sets] + [
        Case((4, 3, 3), {"padding": 1}, (single,), typed=True)]


def transposed(nd):
    x, single = normal(*SHAPES[nd]), normal(*SHAPES[nd][1:])
    sets = [((4, 6, 3), {}), ((4, 6, 2), {"stride": 2}), ((4, 6, 3), {"padding": 1}),
            ((4, 6, 3), {"bias": False}), ((4, 6, 3), {"groups": 2}), ((4, 4, 3), {"groups": 4}),
            ((4, 3, 2), {"dilation": 2}), ((4, 3, 3), {"stride": 2, "output_padding": 1}),
            ((4, 3, 3), {"stride": 2, "padding": 1, "output_padding": 1}), ((4, 3, 1), {}),
            ((4, 3, 3), {"dilation": 2, "output_padding": 1}), ((4, 3, 2), {"stride": 3})]
    made = [Case(a, k, (x,), typed=True) for a, k in sets]
    wide = [2 * n + 1 for n in SHAPES[nd][2:]]
    made.append(Case((4, 3, 3), {"stride": 2}, (x,), typed=True,
                     call=lambda T, m, x: m(x, output_size=[n + 1 for n in wide])))
    return made + [Case((4, 3, 3), {}, (single,), typed=True)]


IMAGE = normal(2, 3, 7, 8)
FOLDS = [((5, 6), 2, {}), ((5, 6), (2, 3), {}), ((5, 6), 2, {"stride": 2}),
         ((5, 6), 3, {"padding": 1}), ((5, 6), 2, {"dilation": 2}), ((4, 4), 2, {"stride": 2}),
         ((6, 6), 3, {"stride": 3}), ((5, 5), (3, 2), {"padding": (1, 0)}), ((7, 5), 1, {}),
         ((6, 8), 2, {"stride": (2, 1), "dilation": (1, 2)})]


def windows(size, kernel, stride=1, padding=0, dilation=1):
    def two(v):
        return v if isinstance(v, tuple) else (v, v)
    k, s, p, d = two(kernel), two(stride), two(padding), two(dilation)
    n = [(size[i] + 2 * p[i] - d[i] * (k[i] - 1) - 1) // s[i] + 1 for i in range(2)]
    return 3 * k[0] * k[1], n[0] * n[1]


CASES = {
    **{f"Conv{nd}d": plain(nd) for nd in (1, 2, 3)},
    **{f"ConvTranspose{nd}d": transposed(nd) for nd in (1, 2, 3)},
    "Unfold": [Case((k,), o, (IMAGE,)) for k, o in (
        (2, {}), ((2, 3), {}), (3, {"padding": 1}), (2, {"stride": 2}), (2, {"dilation": 2}),
        ((3, 2), {"stride": (2, 1)}), (1, {}), (3, {"stride": 3, "padding": 2}),
        ((2, 2), {"dilation": (1, 3)}))] + [Case((2,), {}, (normal(3, 7, 8),))],
    "Fold": [Case((size, k), o, (normal(2, *windows(size, k, **o)),)) for size, k, o in FOLDS],
}
