"""Losses."""

from tests.parity.case import (
    Case,
    between,
    bits,
    integers,
    normal,
    signs,
    softmax,
    values,
)

HOW = [{"reduction": r} for r in ("mean", "sum", "none")]
OLD = [{"size_average": False}, {"reduce": False}, {"size_average": True, "reduce": True}]
PAIRS = [((3, 4), (3, 4)), ((7,), (7,)), ((), ()), ((2, 3, 4), (2, 3, 4))]


def crossed(inputs, sets, more=()):
    """Each of the inputs with the first set, the first of them with every set, and more."""
    made = [Case((), sets[0], i) for i in inputs]
    made += [Case((), s, inputs[0]) for s in sets[1:]]
    return made + list(more)


def pairs(x=normal, y=normal):
    return [(x(*a), y(*b)) for a, b in PAIRS]


def probability(*shape):
    return between(0.05, 0.95, *shape)


def simple(sets=({},), x=normal, y=normal, old=True):
    return crossed(pairs(x, y), [*HOW, *(OLD if old else []), *sets])


CLASSES = [(normal(5, 4), integers(4, 5)), (normal(4), integers(4)),
           (normal(2, 4, 3), integers(4, 2, 3)), (normal(2, 4, 3, 2), integers(4, 2, 3, 2))]
WEIGHT = between(0.5, 2, 4, grad=False)


def logs(*shape):
    return softmax(*shape, log=True, axis=-1)


PROBABLE = [(softmax(5, 4, log=True), integers(4, 5)), (softmax(4, log=True, axis=0), integers(4)),
            (softmax(2, 4, 3, log=True), integers(4, 2, 3)),
            (softmax(2, 4, 3, 2, log=True), integers(4, 2, 3, 2))]
BY_CLASS = [*HOW, {"weight": WEIGHT}, {"weight": WEIGHT, "reduction": "sum"}, {"ignore_index": 1},
            {"ignore_index": 2, "weight": WEIGHT}, {"ignore_index": 0, "reduction": "none"}, *OLD]
ROWS = [(normal(5, 4), integers(4, 5)), (normal(4), integers(4)), (normal(1, 4), integers(4, 1))]
LABELS = values([[0, 2, -1, 1], [3, -1, 0, 0], [1, 0, 3, 2], [-1, 0, 1, 2]])
ANCHORS = [tuple(normal(5, 4) for _ in range(3)), tuple(normal(4) for _ in range(3)),
           tuple(normal(2, 3, 4) for _ in range(3))]


def distance(T, dtype):
    return lambda a, b: (a - b).abs().sum(-1)


def ctc(t=12, n=3, c=5, lengths=(12, 10, 7), sizes=(4, 2, 3), flat=False, one=False):
    target = (values([1, 2, 2, 4, 3, 1, 1, 2, 4][:sum(sizes)]) if flat else
              values([[1, 2, 2, 4, 0], [3, 1, 0, 0, 0], [1, 1, 2, 0, 0]][:n]))
    if one:
        return (softmax(t, c, log=True, axis=1), values([1, 2, 2, 4]), values(t), values(4))
    return (softmax(t, n, c, log=True, axis=2), target, values(list(lengths)),
            values(list(sizes)))


SHORT = ctc(lengths=(12, 10, 3))  # the last target does not fit
CTC = [ctc(), ctc(flat=True), ctc(one=True), ctc(lengths=(12, 12, 12)), ctc(sizes=(4, 0, 3))]
VARIANCES = [(normal(5, 4), normal(5, 4), between(0.1, 2, 5, 4)),
             (normal(5, 4), normal(5, 4), between(0.1, 2, 5, 1)),
             (normal(5, 4), normal(5, 4), between(0.1, 2, 5)), (normal(5, 4), normal(5, 4), 0.7),
             (normal(2, 3, 4), normal(2, 3, 4), between(0.1, 2, 2, 3, 4))]
LINEAR = [((6, 4), {}), ((6, 4), {"bias": True}), ((6, 4), {"out_features": (2,)}),
          ((6, 4), {"out_features": (2, 3), "bias": True})]

CASES = {
    "L1Loss": simple(),
    "MSELoss": simple(),
    "SmoothL1Loss": simple(({"beta": 0.5}, {"beta": 2.0, "reduction": "sum"})),
    "HuberLoss": simple(({"delta": 0.5}, {"delta": 2.0, "reduction": "sum"},
                         {"delta": 0.3, "reduction": "none"}, {"delta": 5.0}), old=False),
    "BCELoss": simple(({"weight": between(0.5, 2, 4, grad=False)},), probability, probability),
    "BCEWithLogitsLoss": simple(({"weight": WEIGHT}, {"pos_weight": WEIGHT},
                                 {"weight": WEIGHT, "pos_weight": WEIGHT, "reduction": "sum"}),
                                normal, probability),
    "KLDivLoss": simple(({"reduction": "batchmean"}, {"log_target": True},
                         {"log_target": True, "reduction": "batchmean"}), normal, probability),
    "PoissonNLLLoss": simple(({"full": True}, {"log_input": False, "eps": 1e-2},
                              {"full": True, "reduction": "sum"}),
                             lambda *s: between(0.1, 2, *s), lambda *s: between(0.2, 5, *s)),
    "SoftMarginLoss": simple(({"reduction": "none", "reduce": True},), normal, signs),
    "HingeEmbeddingLoss": simple(({"margin": 0.5}, {"margin": 2.0, "reduction": "none"}), normal,
                                 signs),
    "MultiLabelSoftMarginLoss": crossed(
        [(normal(3, 4), bits(3, 4)), (normal(4), bits(4)), (normal(2, 3, 4), bits(2, 3, 4))],
        [*HOW, *OLD, {"weight": WEIGHT}, {"weight": WEIGHT, "reduction": "none"}]),
    "GaussianNLLLoss": crossed(VARIANCES, [*HOW, {"full": True}, {"eps": 0.5}, {"eps": 1.0,
                                                                              "full": True}]),
    "CrossEntropyLoss": crossed(CLASSES, [*BY_CLASS, {"label_smoothing": 0.1},
                                          {"label_smoothing": 0.3, "weight": WEIGHT}],
                                [Case((), k, (normal(5, 4), softmax(5, 4)))
                                 for k in ({}, {"label_smoothing": 0.2}, {"weight": WEIGHT})]),
    "NLLLoss": crossed(PROBABLE, BY_CLASS),
    "NLLLoss2d": crossed(PROBABLE, BY_CLASS),
    "MultiMarginLoss": crossed(ROWS, [*HOW, *OLD, {"p": 2}, {"margin": 0.3}, {"weight": WEIGHT},
                                      {"p": 2, "weight": WEIGHT, "reduction": "none"}]),
    "MultiLabelMarginLoss": crossed(
        [(normal(4, 4), LABELS), (normal(4), values([2, 0, -1, 3])),
         (normal(4), values([-1, 0, 1, 2])), (normal(1, 4), values([[3, 2, 1, 0]])),
         (normal(4, 4), values([[0, 0, -1, 1]] * 4))], [*HOW, *OLD]),
    "MarginRankingLoss": crossed(
        [(normal(*s), normal(*s), signs(*s)) for s in ((7,), (), (3, 4), (1,))],
        [*HOW, *OLD, {"margin": 0.5}, {"margin": 2.0, "reduction": "none"}]),
    "CosineEmbeddingLoss": crossed(
        [(normal(5, 4), normal(5, 4), signs(5)), (normal(4), normal(4), signs()),
         (normal(1, 4), normal(1, 4), signs(1))],
        [*HOW, *OLD, {"margin": 0.3}, {"margin": -0.5, "reduction": "none"}]),
    "TripletMarginLoss": crossed(ANCHORS, [*HOW, *OLD, {"swap": True}, {"p": 1.0, "margin": 0.5},
                                           {"p": 3.0, "eps": 1e-3, "swap": True}]),
    "TripletMarginWithDistanceLoss": crossed(
        ANCHORS, [*HOW, {"swap": True}, {"margin": 2.0}, {"distance_function": distance},
                  {"distance_function": distance, "swap": True, "reduction": "none"},
                  {"margin": 0.3, "swap": True}]),
    "CTCLoss": crossed(CTC, [*HOW, {"blank": 0, "zero_infinity": True}],
                       [Case((), {"zero_infinity": True}, SHORT),
                        Case((), {"zero_infinity": True, "reduction": "none"}, SHORT),
                        Case((), {"blank": 4}, (softmax(9, 2, 5, log=True, axis=2),
                                                integers(4, 2, 3), (9, 8), (3, 2)))]),
    "LinearCrossEntropyLoss": [
        *[Case(a, k, (normal(3, 6), integers(4, 3, *k.get("out_features", ()))), typed=True)
          for a, k in LINEAR],
        *[Case((6, 4), k, (normal(3, 6), integers(4, 3)), typed=True)
          for k in (HOW[1], HOW[2], {"label_smoothing": 0.2}, {"weight": WEIGHT},
                    {"ignore_index": 1})],
        Case((6, 4), {"bias": True}, (normal(6), integers(4)), typed=True),
        Case((6, 4), {"bias": True}, (normal(3, 6), softmax(3, 4)), typed=True)],
    "AdaptiveLogSoftmaxWithLoss": [
        Case(a, k, (normal(9, 8), integers(20, 9)), typed=True)
        for a, k in [((8, 20, [4, 10]), {}), ((8, 20, [5]), {}), ((8, 20, [1, 2, 3]), {}),
                     ((8, 20, [4, 10]), {"div_value": 2.0}),
                     ((8, 20, [4, 10]), {"head_bias": True, "div_value": 2.0}),
                     ((8, 20, [19]), {"div_value": 1.5}), ((8, 20, (2, 18)), {"div_value": 1.0})]]
    + [Case((8, 20, [4, 10]), {"div_value": 2.0}, (normal(8), integers(20)), typed=True),
       Case((8, 20, [4, 10]), {"div_value": 2.0}, (normal(5, 8),), typed=True,
            call=lambda T, m, x: m.log_prob(x)),
       Case((8, 20, [4, 10]), {"div_value": 2.0}, (normal(5, 8),), typed=True,
            call=lambda T, m, x: m.predict(x))],
}
