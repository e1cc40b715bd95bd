"""Pooling."""

from tests.parity.case import Case, between, normal

SHAPES = {1: (2, 3, 13), 2: (2, 3, 8, 9), 3: (2, 3, 6, 7, 8)}


def pooled(nd, sets):
    x, single = normal(*SHAPES[nd]), normal(*SHAPES[nd][1:])
    return [Case(a, k, (x,)) for a, k in sets] + [Case(*sets[0], (single,))]


def largest(nd):
    return pooled(nd, [
        ((2,), {}), ((3,), {}), ((3, 2), {}), ((3,), {"padding": 1}), ((2,), {"dilation": 2}),
        ((3, 1), {"dilation": 2, "padding": 1}), ((2,), {"return_indices": True}),
        ((3, 2), {"ceil_mode": True}), ((2, 3), {"ceil_mode": True, "return_indices": True}),
        (((2,) * nd,), {"stride": (1,) * nd}), ((4,), {"padding": 2, "stride": 3}), ((1,), {})])


def average(nd):
    sets = [((2,), {}), ((3,), {}), ((3, 2), {}), ((3,), {"padding": 1}),
            ((3,), {"padding": 1, "count_include_pad": False}), ((3, 2), {"ceil_mode": True}),
            ((3, 2), {"ceil_mode": True, "padding": 1, "count_include_pad": False}),
            ((2, 1), {}), (((2,) * nd,), {"stride": (1,) * nd}), ((4,), {"stride": 3}), ((1,), {})]
    if nd > 1:
        sets += [((2,), {"divisor_override": 3}), ((3, 1), {"padding": 1, "divisor_override": 2})]
    return pooled(nd, sets)


def adaptive(nd, indices):
    sizes = [1, 2, 3, (4,) * nd, (5,) * nd, (1, 2, 3)[:nd], (3, 1, 2)[:nd], 6, 7]
    if nd > 1:
        sizes += [(None,) * nd, (2,) + (None,) * (nd - 1)]
    sets = [((s,), {}) for s in sizes]
    sets += [((3,), {"return_indices": True}), ((2,), {"return_indices": True})] if indices else []
    return pooled(nd, sets)


def powers(nd):
    x = between(0.2, 2, *SHAPES[nd])
    single = between(0.2, 2, *SHAPES[nd][1:])
    sets = [((2, 2), {}), ((2, 3), {}), ((1, 2), {}), ((3, 2), {}), ((2, 3, 2), {}),
            ((2, 3, 2), {"ceil_mode": True}), ((1.5, 2), {}), ((4, 2, 1), {}),
            ((2, (2,) * nd if nd > 1 else 2), {}),
            ((2, 2, 3), {"ceil_mode": True})]
    return [Case(a, k, (x,)) for a, k in sets] + [Case((2, 2), {}, (single,))]


def undone(nd):
    """The pooled values put back: the places come from a pooling of the same engine."""
    def call(output_size=None, **options):
        def run(T, module, x):
            y, at = getattr(T.nn.functional, f"max_pool{nd}d")(x, return_indices=True, **options)
            return module(y, at) if output_size is None else module(y, at, output_size)
        return run
    x, shape = normal(*SHAPES[nd]), SHAPES[nd]
    sets = [((2,), {}), ((3,), {}), ((2, 2), {}), ((3, 3), {}), ((2, 3), {}), ((3, 2), {}),
            (((2,) * nd,), {}), ((2, 2), {"padding": 1}), ((3, 2), {"padding": 1}), ((1,), {})]
    made = []
    for a, k in sets:
        options = {"kernel_size": a[0], "stride": a[1] if len(a) > 1 else a[0], **k}
        made.append(Case(a, k, (x,), call=call(shape[2:], **options)))
    return made


def random(nd):
    """Where the samples that place the windows are given, fractional pooling is no chance."""
    def samples(T, dtype):
        import numpy as np

        return T.tensor(np.random.default_rng(9).uniform(0, 1, (2, 3, nd)).astype(dtype))
    x = normal(*SHAPES[nd])
    sizes = [2, 3, 4, (3,) * nd, (4, 3, 2)[:nd], (2, 4, 3)[:nd]]
    sets = [{"output_size": s} for s in sizes] + [{"output_ratio": r} for r in (
        0.5, 0.6, (0.5, 0.6, 0.7)[:nd], (0.7, 0.4, 0.5)[:nd])]
    made = [Case((2,), {**s, "_random_samples": samples}, (x,)) for s in sets]
    return made + [Case((2,), {"output_size": 3, "return_indices": True,
                               "_random_samples": samples}, (x,))]


CASES = {
    **{f"MaxPool{nd}d": largest(nd) for nd in (1, 2, 3)},
    **{f"AvgPool{nd}d": average(nd) for nd in (1, 2, 3)},
    **{f"AdaptiveAvgPool{nd}d": adaptive(nd, False) for nd in (1, 2, 3)},
    **{f"AdaptiveMaxPool{nd}d": adaptive(nd, True) for nd in (1, 2, 3)},
    **{f"LPPool{nd}d": powers(nd) for nd in (1, 2, 3)},
    **{f"MaxUnpool{nd}d": undone(nd) for nd in (1, 2, 3)},
    **{f"FractionalMaxPool{nd}d": random(nd) for nd in (2, 3)},
}
