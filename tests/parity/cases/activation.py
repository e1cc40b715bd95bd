"""Activations and dropout (in evaluation, and with probabilities that leave nothing to chance)."""

from tests.parity.case import Case, normal, values

SHAPES = [(3, 4), (7,), (), (2, 3, 4, 5), (0, 3)]
EDGES = values([-100.0, -6.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0, 6.0, 100.0])


def inplace(T, module, x):
    return module(x * 1)


def plain(*sets, call=None):
    """The first set on every shape, the others on one, and the edges of all."""
    sets = sets or ({},)
    made = [Case((), sets[0], (normal(*s),), call=call) for s in SHAPES]
    made += [Case((), s, (normal(3, 4),), call=call) for s in sets[1:]]
    made += [Case((), s, (EDGES,), call=call) for s in sets]
    more = [(5, 2), (1, 1), (2, 1, 3), (3, 0), (17,)]
    made += [Case((), sets[-1], (normal(*s),), call=call) for s in more]
    return made


def along(*dims, shapes):
    return [Case((d,), {}, (normal(*s),)) for s in shapes for d in dims if -len(s) <= d < len(s)]


def dropped(*shapes):
    made = [Case(a, k, (normal(*s),), train=False) for a, k in
            (((), {}), ((0.3,), {}), ((1.0,), {}), ((0.7, False), {})) for s in shapes[:2]]
    made += [Case((0.0,), {}, (normal(*s),)) for s in shapes]
    made += [Case((1.0,), {}, (normal(*s),)) for s in shapes]
    return made


INPLACE = {"inplace": True}
MATRICES = [(3, 4), (2, 3, 4), (5,), (2, 4, 3, 2)]

CASES = {
    **{name: plain() for name in ("Sigmoid", "Tanh", "LogSigmoid", "Softsign", "Tanhshrink")},
    **{name: plain({}, INPLACE, call=inplace)
       for name in ("ReLU", "ReLU6", "SELU", "SiLU", "Mish", "Hardsigmoid", "Hardswish")},
    "CELU": plain({}, {"alpha": 0.5}, {"alpha": 2.0, "inplace": True}, call=inplace),
    "ELU": plain({}, {"alpha": 0.5}, {"alpha": 2.0, "inplace": True}, call=inplace),
    "GELU": plain({}, {"approximate": "tanh"}),
    "Hardshrink": plain({}, {"lambd": 1.0}, {"lambd": 0.0}),
    "Softshrink": plain({}, {"lambd": 1.0}, {"lambd": 0.0}),
    "Hardtanh": plain({}, {"min_val": -2.0, "max_val": 0.5}, {"max_val": 3.0, "inplace": True},
                      call=inplace),
    "LeakyReLU": plain({}, {"negative_slope": 0.3}, {"negative_slope": 0.0, "inplace": True},
                       call=inplace),
    "RReLU": [Case((), k, (x,), train=t) for k, t in (
        ({}, False), ({"lower": 0.2, "upper": 0.2}, True), ({"lower": 0.1, "upper": 0.9}, False),
        ({"lower": 0.0, "upper": 0.0}, True)) for x in (normal(3, 4), normal(), EDGES)],
    "Softplus": plain({}, {"beta": 2.0}, {"beta": 0.5, "threshold": 3.0}),
    "Threshold": plain({"threshold": 0.1, "value": 5.0}, {"threshold": -1.0, "value": 0.0},
                       {"threshold": 0.5, "value": 1.0, "inplace": True}, call=inplace),
    "PReLU": [Case((), k, (normal(*s),), typed=True) for k, s in (
        ({}, (3, 4)), ({}, ()), ({}, (7,)), ({"init": 0.5}, (3, 4)),
        ({"num_parameters": 4}, (3, 4)), ({"num_parameters": 3}, (2, 3, 4)),
        ({"num_parameters": 3, "init": 1.0}, (2, 3, 4, 2)),
        ({"num_parameters": 1}, (2, 3, 4)), ({"init": -0.1}, (2, 3)), ({"num_parameters": 5},
                                                                              (0, 5)))],
    "Softmax": along(0, 1, -1, 2, shapes=MATRICES),
    "LogSoftmax": along(0, 1, -1, 2, shapes=MATRICES),
    "Softmin": along(0, 1, -1, 2, shapes=MATRICES),
    "Softmax2d": [Case((), {}, (normal(*s),)) for s in (
        (2, 3, 4, 5), (3, 4, 5), (1, 1, 2, 2), (2, 5, 1, 1), (4, 2, 3), (2, 7, 3, 3), (1, 3, 1, 9),
        (5, 1, 2), (3, 2, 2, 2), (2, 2, 5))],
    "GLU": [Case(a, {}, (normal(*s),)) for a, s in (
        ((), (3, 4)), ((0,), (2, 3)), ((1,), (3, 4)), ((-1,), (2, 3, 6)), ((1,), (2, 4, 3)),
        ((0,), (8,)), ((-2,), (3, 4, 5)), ((2,), (2, 3, 4, 5)), ((), (2, 2)), ((1,), (5, 10)))],
    "Dropout": dropped((3, 4), (2, 3, 4), (7,)),
    "Dropout1d": dropped((2, 3, 4), (3, 4)),
    "Dropout2d": dropped((2, 3, 4, 5), (1, 2, 2, 2)),
    "Dropout3d": dropped((2, 3, 4, 5, 2), (3, 4, 5, 2)),
    "AlphaDropout": dropped((3, 4), (2, 3, 4)),
    "FeatureAlphaDropout": dropped((2, 3, 4, 5), (2, 3, 4, 5, 2)),
    "Identity": [Case(a, k, (normal(*s),)) for a, k in (((), {}), ((54,), {"unused": 1}))
                 for s in SHAPES],
}
