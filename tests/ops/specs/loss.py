"""Records of the losses."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec

SHAPES = [(7,), (3, 4), (2, 3, 5), (), (67,)]
HOW = ["none", "mean", "sum"]


def reduced(loss, how):
    return loss if how == "none" else loss.mean() if how == "mean" else loss.sum()


def record(name, loss, low=-2.0, high=2.0, target=(-2.0, 2.0), ulp=16.0, extra=(), **options):
    """loss(x, t, **kwargs) elementwise; every reduction, and the keywords in extra."""
    def reference(x, t, reduction="mean", **kwargs):
        return reduced(loss(x, t, **kwargs), reduction)
    samples = [Sample((Arg(s, low, high), Arg(s, *target)), {"reduction": how, **kwargs})
               for s in SHAPES for how in HOW for kwargs in ({}, *extra)]
    errors = [Error((np.zeros(3), np.zeros(3)), ValueError, "not a valid value for reduction",
                    {"reduction": "all"})]
    return Spec(name, f"nn.functional.{name}", reference, samples, ulp=ulp, floor=100.0,
                errors=errors + list(options.pop("errors", [])), **options)


def smooth_l1(x, t, beta=1.0):
    d = abs(x - t)
    return np.where(d < beta, d * d / (2 * beta), d - beta / 2)


def huber(x, t, delta=1.0):
    d = abs(x - t)
    return np.where(d < delta, d * d / 2, delta * (d - delta / 2))


def bce(x, t, weight=1.0):
    return -(t * np.log(x) + (1 - t) * np.log1p(-x)) * weight


def bce_logits(x, t, weight=1.0, pos_weight=1.0):
    soft = np.log1p(np.exp(-abs(x))) + np.maximum(-x, 0)
    return ((1 - t) * x + (1 + (pos_weight - 1) * t) * soft) * weight


def kl_div(x, t, log_target=False):
    return np.exp(t) * (t - x) if log_target else t * (np.log(t) - x)


def classes(x, t, weight, reduction, ignore_index, smoothing, log):
    """The losses over class indices: cross_entropy, or with log nll_loss."""
    if x.ndim == 1:
        x, t = x[None], np.asarray(t)[None]
        one = True
    else:
        one = False
    c = x.shape[1]
    if not log:
        top = x.max(1, keepdims=True)
        x = x - top - np.log(np.exp(x - top).sum(1, keepdims=True))
    w = np.ones(c) if weight is None else weight
    used = t != ignore_index
    safe = np.where(used, t, 0)
    hit = np.moveaxis(np.eye(c)[safe], -1, 1)
    along = w.reshape([-1] + [1] * (x.ndim - 2))
    q = (1 - smoothing) * hit * along + smoothing / c * along
    loss = -(q * x).sum(1) * used
    if reduction == "mean":
        return loss.sum() / (w[safe] * used).sum()
    return loss.sum() if reduction == "sum" else loss[0] if one else loss


def cross_entropy(x, t, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    return classes(x, t, weight, reduction, ignore_index, label_smoothing, False)


def nll_loss(x, t, weight=None, ignore_index=-100, reduction="mean"):
    return classes(x, t, weight, reduction, ignore_index, 0.0, True)


def soft(x, t, weight=None, reduction="mean", label_smoothing=0.0):
    top = x.max(1, keepdims=True)
    logp = x - top - np.log(np.exp(x - top).sum(1, keepdims=True))
    t = t * (1 - label_smoothing) + label_smoothing / x.shape[1]
    w = 1 if weight is None else weight.reshape([-1] + [1] * (x.ndim - 2))
    return reduced(-(t * logp * w).sum(1), reduction)


LABELLED = [((4, 5), (4,)), ((5,), ()), ((2, 3, 4), (2, 4)), ((3, 70), (3,)), ((9, 17), (9,))]
WEIGHT = Arg((5,), 0.5, 2, grad=False)


def labelled(*options):
    made = [Sample((Arg(s, -3, 3), Arg(t, 0, s[min(1, len(s) - 1)], "int64")), {"reduction": how})
            for s, t in LABELLED for how in HOW]
    return made + [Sample((Arg((4, 5), -3, 3), Arg((4,), dtype="int64", values=[0, 2, 4, 2])),
                          {"reduction": how, **o}) for how in HOW for o in options]


OUTSIDE = Error((np.zeros((2, 3)), np.array([0, 3])), IndexError, "out of bounds")
SHAPE = Error((np.zeros((2, 3)), np.array([0, 1, 2])), ValueError, "without its classes")

SPECS = [
    record("mse_loss", lambda x, t: (x - t) ** 2),
    record("l1_loss", lambda x, t: abs(x - t)),
    record("smooth_l1_loss", smooth_l1, extra=[{"beta": 0.3}]),
    record("huber_loss", huber, extra=[{"delta": 0.3}]),
    record("binary_cross_entropy", bce, 0.05, 0.95, (0, 1),
           errors=[Error((np.full(3, 1.5), np.zeros(3)), RuntimeError, "between 0 and 1"),
                   Error((np.zeros(3), np.zeros(4)), ValueError, "different to the input size")]),
    record("binary_cross_entropy_with_logits", bce_logits, target=(0, 1)),
    record("kl_div", kl_div, target=(0.1, 1), extra=[{"log_target": True}]),
    Spec("cross_entropy", "nn.functional.cross_entropy", cross_entropy,
         labelled({"weight": WEIGHT}, {"ignore_index": 2}, {"label_smoothing": 0.2},
                  {"weight": WEIGHT, "label_smoothing": 0.2, "ignore_index": 2}),
         ulp=16, floor=8.0, errors=[OUTSIDE, SHAPE]),
    Spec("nll_loss", "nn.functional.nll_loss", nll_loss,
         labelled({"weight": WEIGHT}, {"ignore_index": 2}), ulp=8, floor=8.0,
         errors=[OUTSIDE, SHAPE]),
    Spec("cross_entropy_of_probabilities", "nn.functional.cross_entropy", soft,
         [Sample((Arg(s, -3, 3), Arg(s, 0, 1)), {"reduction": how, **o})
          for s in [(4, 5), (2, 5, 3)] for how in HOW
          for o in ({}, {"weight": WEIGHT}, {"label_smoothing": 0.2})], ulp=32, floor=16.0),
]
