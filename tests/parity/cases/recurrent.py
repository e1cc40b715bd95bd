"""Recurrent layers and cells, over sequences of one length and packed ones."""

from tests.parity.case import Case, normal, values

X, SINGLE = normal(5, 3, 4), normal(5, 4)


def states(T, module, x, *h):
    return module(x, h if len(h) > 1 else h[0])


def weights(T, module, x):
    """What a base has that has no forward."""
    return [p * 1 for p in module.parameters()]


def packed(T, module, x, lengths):
    y, h = module(T.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False))
    return [T.nn.utils.rnn.pad_packed_sequence(y)[0], h]


def layers(*own, lstm=False):
    sets = [{}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False}, {"batch_first": True},
            {"num_layers": 2, "bidirectional": True}, {"num_layers": 3, "dropout": 0.0},
            {"bidirectional": True, "batch_first": True, "bias": False}, *own]
    made = [Case((4, 6), k, (X,), typed=True) for k in sets]
    made += [Case((4, 6), k, (SINGLE,), typed=True) for k in ({}, {"bidirectional": True})]
    made.append(Case((4, 6), {"num_layers": 2, "dropout": 0.5}, (X,), train=False, typed=True))
    h = (normal(2, 3, 6), normal(2, 3, 6)) if lstm else (normal(2, 3, 6),)
    made.append(Case((4, 6), {"num_layers": 2}, (X, *h), typed=True, call=states))
    made.append(Case((4, 6), {"bidirectional": True}, (X, values([5, 2, 3])), typed=True,
                     call=packed))
    return made


def cells(*own, lstm=False):
    def h(*shape):
        return (normal(*shape), normal(*shape)) if lstm else (normal(*shape),)
    made = [Case((4, 6), k, (normal(3, 4),), typed=True) for k in ({}, {"bias": False}, *own)]
    made += [Case((4, 6), k, (normal(3, 4), *h(3, 6)), typed=True, call=states)
             for k in ({}, {"bias": False}, *own)]
    made += [Case(a, {}, (normal(a[0]),), typed=True) for a in ((4, 6), (1, 1), (2, 3))]
    made += [Case(a, {}, (normal(2, a[0]), *h(2, a[1])), typed=True, call=states)
             for a in ((3, 2), (1, 5), (5, 1))]
    return made


RELU = {"nonlinearity": "relu"}

CASES = {
    "RNN": layers(RELU, {**RELU, "num_layers": 2, "bidirectional": True}),
    "LSTM": layers({"proj_size": 3}, {"proj_size": 2, "num_layers": 2, "bidirectional": True},
                   lstm=True),
    "RNNBase": [Case((mode, 4, 6), k, (X,), typed=True, call=weights)
                for mode in ("LSTM", "GRU", "RNN_TANH")
                for k in ({}, {"num_layers": 2}, {"bidirectional": True}, {"bias": False})],
    "GRU": layers(), "RNNCell": cells(RELU), "LSTMCell": cells(lstm=True), "GRUCell": cells(),
}
