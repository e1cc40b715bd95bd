"""Lazy modules: their first call gives them their shapes, then they are compared."""

from tests.parity.case import Case, normal

SHAPES = {1: (2, 4, 9), 2: (2, 4, 7, 8), 3: (2, 4, 5, 6, 4)}


def convolutions(nd, transposed):
    x, wide = normal(*SHAPES[nd]), normal(*SHAPES[nd][1:])
    made = [((3, 3), {}), ((3, 2), {"stride": 2}), ((3, 3), {"padding": 1}),
            ((3, 3), {"bias": False}), ((4, 3), {"groups": 2}), ((4, 3), {"groups": 4}),
            ((3, 2), {"dilation": 2}), ((2, (2,) * nd), {"stride": (2,) * nd, "padding": 1})]
    if transposed:
        made += [((3, 3), {"stride": 2, "output_padding": 1}), ((3, 2), {"stride": 3})]
    else:
        made += [((3, 3), {"padding": "same"}), ((3, 3), {"padding": 1,
                                                          "padding_mode": "replicate"})]
    return [Case(a, k, (x,)) for a, k in made] + [Case((3, 2), {}, (wide,))]


def norms(nd, instance):
    sets = [{}, {"eps": 0.1}, {"momentum": 0.7}, {"affine": False}, {"bias": False},
            {"track_running_stats": False}, {"affine": False, "track_running_stats": False},
            {"momentum": 0.3, "eps": 1e-3}, {"affine": False, "momentum": 0.5}]
    made = [Case((), k, (normal(*SHAPES[nd]),)) for k in sets]
    more = {"train": False}
    made += [Case((), {}, (normal(*SHAPES[nd]),), **more)]
    return made


CASES = {
    "LazyLinear": [
        *[Case(a, k, (normal(*s),)) for a, k in [((3,), {}), ((3, False), {}), ((1,), {}),
                                                ((5,), {"bias": False})]
          for s in ((4, 6), (6,), (2, 3, 5))]],
    **{f"LazyConv{nd}d": convolutions(nd, False) for nd in (1, 2, 3)},
    **{f"LazyConvTranspose{nd}d": convolutions(nd, True) for nd in (1, 2, 3)},
    **{f"Lazy{kind}{nd}d": norms(nd, kind != "BatchNorm") for kind in ("BatchNorm", "InstanceNorm")
       for nd in (1, 2, 3)},
}
