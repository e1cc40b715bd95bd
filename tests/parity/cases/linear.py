"""Linear layers, tables, shapes, resizing and containers."""

from collections import OrderedDict

from tests.parity.case import Case, integers, normal, values

X = normal(2, 3, 6, 5)
BAG, OFFSETS = integers(7, 9), values([0, 2, 2, 7])


def resized(shape, modes, sets):
    return [Case((), {"mode": m, **s}, (normal(*shape),)) for m in modes for s in sets]


def lookup(T, module, x):
    return module(x)


def lines(T):
    return [T.nn.Linear(4, 3), T.nn.ReLU(), T.nn.Linear(3, 2)]


def built(n, kind):
    """A container of the first n of three layers, as an argument that knows its engine."""
    def make(T, dtype):
        layers = lines(T)[:n]
        return layers if kind == "list" else OrderedDict(
            (f"l{i}", m) for i, m in enumerate(layers))
    return make


def through(T, module, x):
    for m in (module.values() if hasattr(module, "values") else module):
        x = m(x)
    return x


def parameters(n, keyed):
    def make(T, dtype):
        values = [T.nn.Parameter(T.ones(i + 1, 4) * (i + 1)) for i in range(n)]
        return {f"p{i}": v for i, v in enumerate(values)} if keyed else values
    return make


def used(T, module, x):
    return sum(((x * p).sum() for p in (module.values() if hasattr(module, "values") else module)),
               x.sum())


SIZES = [{"size": 7}, {"size": 3}, {"scale_factor": 2}, {"scale_factor": 1.7},
         {"scale_factor": 0.6, "recompute_scale_factor": True}]
ALIGNED = [{**s, "align_corners": a} for s in SIZES[:4] for a in (True, False)]

CASES = {
    "Linear": [Case(a, k, (normal(*s),), typed=True) for a, k in (((6, 4), {}), ((6, 1), {}),
                                                                 ((6, 4), {"bias": False}))
               for s in ((3, 6), (6,), (2, 3, 6), (0, 6))],
    "Bilinear": [Case(a, k, (normal(*s, a[0]), normal(*s, a[1])), typed=True)
                 for a in ((3, 4, 2), (1, 1, 1)) for k in ({}, {"bias": False})
                 for s in ((5,), (), (2, 3))],
    "Embedding": [Case((7, 4), k, (x,), typed=True) for k in (
        {}, {"padding_idx": 2}, {"padding_idx": -1}, {"scale_grad_by_freq": True},
        {"max_norm": 1.0}, {"max_norm": 0.5, "norm_type": 1.0}) for x in (integers(7, 3, 5),
                                                                          integers(7, 4))],
    "EmbeddingBag": [
        *[Case((7, 4), {"mode": m, **k}, (integers(7, 3, 5),), typed=True)
          for m in ("sum", "mean", "max") for k in ({}, {"padding_idx": 2}, {"max_norm": 1.0})],
        *[Case((7, 4), {"mode": m}, (BAG, OFFSETS), typed=True) for m in ("sum", "mean", "max")],
        Case((7, 4), {"mode": "sum", "include_last_offset": True}, (BAG, values([0, 3, 9])),
             typed=True),
        Case((7, 4), {"mode": "sum", "scale_grad_by_freq": True}, (BAG, OFFSETS), typed=True),
        Case((7, 4), {"mode": "sum"}, (integers(7, 3, 5), normal(3, 5)), typed=True,
             call=lambda T, m, x, w: m(x, per_sample_weights=w))],
    "Flatten": [Case(a, {}, (X,)) for a in ((), (0,), (1, 2), (2,), (-2,), (0, 1), (1, -1), (3,),
                                            (-3, -2), (0, -1))],
    "Unflatten": [Case(a, {}, (normal(2, 12, 3),)) for a in (
        (1, (3, 4)), (1, (2, 6)), (1, (12, 1)), (1, (2, 3, 2)), (1, (-1, 4)), (1, (2, -1)),
        (-2, (3, 4)), (2, (3, 1)), (0, (1, 2)), (1, [4, 3]))],
    "PixelShuffle": [Case((r,), {}, (normal(*s),)) for r, s in (
        (2, (2, 8, 3, 4)), (1, (2, 8, 3, 4)), (3, (1, 9, 2, 2)), (2, (4, 3, 3)),
        (2, (2, 2, 4, 1, 2)), (4, (1, 16, 1, 1)), (2, (1, 12, 5, 2)), (3, (18, 2, 1)),
        (2, (3, 4, 2, 2)), (1, (1, 1, 1)))],
    "PixelUnshuffle": [Case((r,), {}, (normal(*s),)) for r, s in (
        (2, (2, 2, 4, 6)), (1, (2, 3, 3, 4)), (3, (1, 1, 6, 3)), (2, (3, 4, 4)),
        (2, (2, 2, 1, 2, 4)), (4, (1, 1, 4, 8)), (2, (1, 3, 6, 2)),
        (3, (2, 3, 3)), (2, (3, 1, 4, 4)), (1, (1, 1, 1)))],
    "ChannelShuffle": [Case((g,), {}, (normal(*s),)) for g in (1, 2, 3, 6)
                       for s in ((2, 6, 3, 4), (1, 12, 5), (2, 6, 2, 2, 2))],
    "Upsample": [*resized((2, 3, 6), ("nearest", "nearest-exact"), SIZES),
                 *resized((2, 3, 6), ("linear",), ALIGNED),
                 *resized((2, 3, 6, 5), ("nearest",), SIZES),
                 *resized((2, 3, 6, 5), ("bilinear", "bicubic"), ALIGNED),
                 *resized((1, 2, 3, 4, 5), ("trilinear",), ALIGNED)],
    "UpsamplingNearest2d": [Case(a, k, (X,)) for a, k in (
        ((3,), {}), ((7,), {}), (((4, 9),), {}), ((1,), {}), ((12,), {}), ((), {"scale_factor": 2}),
        ((), {"scale_factor": 0.5}), ((), {"scale_factor": (2, 3)}), ((), {"scale_factor": 1.5}),
        (((6, 5),), {}))],
    "UpsamplingBilinear2d": [Case(a, k, (X,)) for a, k in (
        ((3,), {}), ((7,), {}), (((4, 9),), {}), ((1,), {}), ((12,), {}), ((), {"scale_factor": 2}),
        ((), {"scale_factor": 0.5}), ((), {"scale_factor": (2, 3)}), ((), {"scale_factor": 1.5}),
        (((6, 5),), {}))],
    "ModuleList": [Case((built(n, "list"),), {}, (normal(*s, 4),), call=through)
                   for n in (0, 1, 2, 3) for s in ((5,), (), (2, 3))],
    "Sequential": [Case((built(n, "dict"),), {}, (normal(*s, 4),))
                   for n in (0, 1, 2, 3) for s in ((5,), (), (2, 3))],
    "ModuleDict": [Case((built(n, "dict"),), {}, (normal(*s, 4),), call=through)
                   for n in (0, 1, 2, 3) for s in ((5,), (), (2, 3))],
    "ParameterList": [Case((parameters(n, False),), {}, (normal(*s, 4),), call=used)
                      for n in (0, 1, 2, 3, 4) for s in ((1,), (3, 1))],
    "ParameterDict": [Case((parameters(n, True),), {}, (normal(*s, 4),), call=used)
                      for n in (0, 1, 2, 3, 4) for s in ((1,), (3, 1))],
}
