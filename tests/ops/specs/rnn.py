"""Records of the recurrences."""

import numpy as np

from tests.ops.spec import Arg, Error, Sample, Spec


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, x, w, h, c, bias):
    p = h @ w.T + (0 if bias is None else bias)
    if kind == "rnn_tanh":
        return np.tanh(x + p), None
    if kind == "rnn_relu":
        return np.maximum(x + p, 0), None
    if kind == "lstm":
        i, f, g, o = np.split(x + p, 4, 1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (xr, xz, xn), (pr, pz, pn) = np.split(x, 3, 1), np.split(p, 3, 1)
    z, n = sigmoid(xz + pz), np.tanh(xn + sigmoid(xr + pr) * pn)
    return (1 - z) * n + z * h, None


def recurrence(kind, x, w, h0, c0=None, bias=None, batch_sizes=None, reverse=False):
    b = len(h0)
    sizes = [b] * (len(x) // b if b else 0) if batch_sizes is None else list(map(int, batch_sizes))
    firsts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
    h, c = h0.copy(), None if c0 is None else c0.copy()
    y = np.empty((len(x), h0.shape[1]))
    for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
        n, at = sizes[t], slice(firsts[t], firsts[t + 1])
        h[:n], cell = step(kind, x[at], w, h[:n], None if c is None else c[:n], bias)
        if c is not None:
            c[:n] = cell
        y[at] = h[:n]
    return (y, h) if c is None else (y, h, c)


def sample(kind, steps, batch, hidden, sizes=None, bias=False, reverse=False):
    gates = {"lstm": 4, "gru": 3}.get(kind, 1) * hidden
    rows = steps * batch if sizes is None else sum(sizes)
    state, small = Arg((batch, hidden), -1, 1), hidden < 30  # differences take a call per value
    return Sample((kind, Arg((rows, gates), grad=small),
                   Arg((gates, hidden), -0.5, 0.5, grad=small), state,
                   state if kind == "lstm" else None, Arg((gates,), -1, 1) if bias else None),
                  {"batch_sizes": None if sizes is None else Arg(values=sizes, dtype="int64"),
                   "reverse": reverse}, smooth=kind != "rnn_relu")


def samples(kind):
    return [sample(kind, 3, 2, 3), sample(kind, 2, 3, 6, bias=True, reverse=True),
            sample(kind, 1, 1, 5, bias=True), sample(kind, 4, 14, 37),
            sample(kind, 0, 3, 4, sizes=[3, 3, 1]), sample(kind, 0, 2, 5, sizes=[2, 1, 1, 1],
                                                           bias=True, reverse=True),
            sample(kind, 0, 2, 3), sample(kind, 3, 0, 3), sample(kind, 2, 3, 130)]


def refused(kind):
    g = {"lstm": 4, "gru": 3}.get(kind, 1)
    x, w, h = np.ones((6, g * 2)), np.ones((g * 2, 2)), np.ones((3, 2))
    c = h if kind == "lstm" else None
    return [Error((kind, x, w[1:], h, c), RuntimeError, "weight must be"),
            Error((kind, x[:, 1:], w, h, c), RuntimeError, "input must be"),
            Error((kind, x[:5], w, h, c), ValueError, "do not go with"),
            Error((kind, x, w, h, c), ValueError, "batch sizes must begin",
                  {"batch_sizes": np.array([2, 3, 1])}),
            Error((kind, x, w, h, c), ValueError, "do not go with",
                  {"batch_sizes": np.array([3, 2])}),
            Error((kind, x, w, h, h[1:]), RuntimeError, "c0 must be"),
            Error((kind, x.astype("f4"), w, h, c), RuntimeError, "weight must be")]


SPECS = [
    # Rounding of a step of size 1, carried through four of them at most.
    Spec(kind, "_core.ops.rnn.recurrence", recurrence, samples(kind), ulp=64, floor=1.0,
         second=False, torch=None, errors=refused(kind))
    for kind in ("rnn_tanh", "rnn_relu", "lstm", "gru")
]
