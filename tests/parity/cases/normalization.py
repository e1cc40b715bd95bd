"""Normalisations."""

from tests.parity.case import Case, normal

SHAPES = {1: (5, 4, 6), 2: (4, 4, 5, 3), 3: (3, 4, 2, 3, 4)}
OPTIONS = [{}, {"eps": 0.1}, {"momentum": 0.7}, {"affine": False}, {"bias": False},
           {"track_running_stats": False}, {"affine": False, "track_running_stats": False},
           {"momentum": None}, {"momentum": 0.3, "eps": 1e-3}]


def batch(*shapes):
    made = [Case((4,), k, (normal(*shapes[0]),), typed=True) for k in OPTIONS]
    made += [Case((4,), k, (normal(*s),), train=t, typed=True) for s in shapes
             for k in ({}, {"track_running_stats": False}) for t in (True, False)]
    return made


def instance(nd):
    sets = [{}, {"affine": True}, {"track_running_stats": True}, {"eps": 0.1},
            {"affine": True, "track_running_stats": True}, {"affine": True, "bias": False},
            {"momentum": 0.7, "track_running_stats": True}]
    x, single = normal(*SHAPES[nd]), normal(*SHAPES[nd][1:])
    made = [Case((4,), k, (x,), typed=True) for k in sets]
    made += [Case((4,), k, (x,), train=False, typed=True) for k in sets[:3]]
    return made + [Case((4,), {"affine": True}, (single,), typed=True)]


def layers(*more):
    shapes = [((4,), (3, 4)), ((4,), (2, 3, 4)), ((3, 4), (2, 3, 4)), ((5,), (5,)),
              ((2, 3, 4), (2, 3, 4)), ((1,), (3, 1)), ((64,), (3, 64))]
    made = [Case((n,), {}, (normal(*s),), typed=True) for n, s in shapes]
    return made + [Case((4,), k, (normal(2, 3, 4),), typed=True)
                   for k in ({"eps": 0.1}, {"elementwise_affine": False}, *more)]


NEIGHBOURS = [((2,), {}), ((3,), {}), ((5,), {}), ((1,), {}), ((3, 0.1), {}), ((3, 0.1, 0.5), {}),
              ((2, 0.2, 0.75, 2.0), {}), ((4,), {"k": 0.5})]

CASES = {
    "BatchNorm1d": batch((6, 4), SHAPES[1]), "BatchNorm2d": batch(SHAPES[2]),
    "BatchNorm3d": batch(SHAPES[3]),
    "SyncBatchNorm": [Case((4,), k, (normal(*SHAPES[2]),), train=False, typed=True)
                      for k in (*OPTIONS, {"eps": 0.5})],
    **{f"InstanceNorm{nd}d": instance(nd) for nd in (1, 2, 3)},
    "LayerNorm": layers({"bias": False}), "RMSNorm": layers({"eps": 1e-3}),
    "GroupNorm": [Case(a, k, (normal(*s),), typed=True) for a, k, s in (
        ((2, 4), {}, (3, 4)), ((2, 4), {}, (3, 4, 5)), ((1, 4), {}, (2, 4, 3, 2)),
        ((4, 4), {}, (2, 4, 3, 2)), ((2, 4), {"eps": 0.1}, (2, 4, 3, 2)),
        ((2, 4), {"affine": False}, (2, 4, 3, 2)), ((2, 4), {"bias": False}, (2, 4, 5)),
        ((3, 6), {}, (2, 6, 2, 3, 2)), ((2, 6), {}, (1, 6, 3)), ((6, 6), {}, (2, 6, 4)))],
    "LocalResponseNorm": [Case(a, k, (normal(*s),)) for a, k in NEIGHBOURS
                          for s in ((2, 5, 3, 4), (2, 4, 6))],
    # over all channels, forward alone: see docs/compat.md for what PyTorch computes
    "CrossMapLRN2d": [Case((5, *a), {}, (normal(*s, grad=False),)) for a in ((), (0.1,), (0.1, 0.5),
                                                                 (0.2, 0.75, 2.0), (1e-3, 0.9, 0.5))
                      for s in ((2, 3, 3, 4), (1, 2, 2, 2))],
}
