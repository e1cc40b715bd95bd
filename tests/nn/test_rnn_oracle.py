"""RNN, LSTM, GRU and the cells against PyTorch's: parameters, outputs, states, all gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import fastnn
from tests.nn.oracle import compare

torch = pytest.importorskip("torch")

KINDS = ["RNN", "RELU", "LSTM", "GRU"]
OPTIONS: list[dict[str, Any]] = [
    {}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True}, {"bias": False},
    {"num_layers": 3}, {"bidirectional": True, "batch_first": True, "bias": False},
]


def make(kind: str, size: int, hidden: int, **options: Any) -> Any:
    def build(T: Any, dtype: Any) -> Any:
        if kind == "RELU":
            return T.nn.RNN(size, hidden, nonlinearity="relu", dtype=dtype, **options)
        return getattr(T.nn, kind)(size, hidden, dtype=dtype, **options)
    return build


def flat(result: Any) -> list[Any]:
    y, state = result
    return [y, *(state if isinstance(state, tuple) else [state])]


def state_shapes(kind: str, options: dict[str, Any], batch: int, hidden: int) -> list[Any]:
    n = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
    size = options.get("proj_size", 0) or hidden
    return [(n, batch, size)] + ([(n, batch, hidden)] if kind == "LSTM" else [])


def states_of(kind: str, x: list[Any]) -> Any:
    return (x[1], x[2]) if kind == "LSTM" else x[1]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("hidden", [3, 16, 37])
@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_layers(kind: str, options: dict[str, Any], hidden: int, dtype: str) -> None:
    steps, batch = 6, 4
    shape = (batch, steps, 5) if options.get("batch_first") else (steps, batch, 5)
    states = state_shapes(kind, options, batch, hidden)
    compare(make(kind, 5, hidden, **options),
            lambda module, T, x: flat(module(x[0], states_of(kind, x))), [shape, *states], dtype)


@pytest.mark.parametrize("kind", KINDS)
def test_without_states_and_without_a_batch(kind: str) -> None:
    compare(make(kind, 5, 7), lambda module, T, x: flat(module(x[0])), [(6, 4, 5)], "float64")
    compare(make(kind, 5, 7), lambda module, T, x: flat(module(x[0])), [(6, 5)], "float64")
    squeezed = [s[::2] for s in state_shapes(kind, {}, 1, 7)]
    compare(make(kind, 5, 7), lambda module, T, x: flat(module(x[0], states_of(kind, x))),
            [(6, 5), *squeezed], "float64")


@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True}], ids=str)
def test_projections(options: dict[str, Any]) -> None:
    options = {**options, "proj_size": 3}
    compare(make("LSTM", 5, 7, **options), lambda module, T, x: flat(module(x[0], (x[1], x[2]))),
            [(6, 4, 5), *state_shapes("LSTM", options, 4, 7)], "float64")


@pytest.mark.parametrize("hidden", [128, 530])
@pytest.mark.parametrize("kind", KINDS)
def test_many_units(kind: str, hidden: int) -> None:
    compare(make(kind, 20, hidden), lambda module, T, x: flat(module(x[0])), [(3, 33, 20)],
            "float64")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("lengths", [[6, 4, 4, 1], [2, 6, 1, 3], [3, 3, 3, 3]])
@pytest.mark.parametrize("options", [{}, {"num_layers": 2, "bidirectional": True},
                                     {"bidirectional": True, "proj_size": 3}], ids=str)
@pytest.mark.parametrize("kind", KINDS)
def test_packed_sequences(kind: str, options: dict[str, Any], lengths: list[int],
                          dtype: str) -> None:
    if options.get("proj_size") and kind != "LSTM":
        return  # only an LSTM projects

    def run(module: Any, T: Any, x: list[Any]) -> list[Any]:
        rnn = T.nn.utils.rnn
        packed = rnn.pack_padded_sequence(x[0], lengths, enforce_sorted=False)
        y, *states = flat(module(packed, states_of(kind, x)))
        padded, given = rnn.pad_packed_sequence(y, padding_value=0.5)
        assert given.tolist() == lengths
        return [y.data, padded, *states]

    compare(make(kind, 5, 7, **options), run,
            [(6, 4, 5), *state_shapes(kind, options, 4, 7)], dtype)


@pytest.mark.parametrize("batched", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
def test_cells(kind: str, bias: bool, batched: bool) -> None:
    def run(module: Any, T: Any, x: list[Any]) -> list[Any]:
        given = (x[1], x[2]) if kind == "LSTMCell" else x[1]
        once = module(x[0], given)
        twice = module(x[0], once)
        start = module(x[0])
        return [*twice, *start] if kind == "LSTMCell" else [twice, start]

    lead = (4,) if batched else ()
    shapes = [(*lead, 5), (*lead, 7)] + [(*lead, 7)] * (kind == "LSTMCell")
    compare(lambda T, d: getattr(T.nn, kind)(5, 7, bias=bias, dtype=d), run, shapes, "float64")


def test_packing_is_torch_s() -> None:
    rng = np.random.default_rng(0)
    parts = [rng.standard_normal((n, 2)) for n in (2, 5, 3)]
    results = []
    for T in (torch, fastnn):
        rnn = T.nn.utils.rnn
        tensors = [T.tensor(p) for p in parts]
        packed = rnn.pack_sequence(tensors, enforce_sorted=False)
        padded, lengths = rnn.pad_packed_sequence(packed, batch_first=True, total_length=7)
        found = [*packed, padded, lengths, rnn.pad_sequence(tensors, padding_value=-1.0),
                 rnn.pad_sequence(tensors, batch_first=True, padding_side="left"),
                 *rnn.unpad_sequence(padded, lengths, batch_first=True),
                 *rnn.unpack_sequence(packed)]
        results.append([x.numpy() for x in found])
    for a, b in zip(*results, strict=True):
        np.testing.assert_array_equal(a, b)


def test_refusals() -> None:
    nn, rnn = fastnn.nn, fastnn.nn.utils.rnn
    x = fastnn.zeros(6, 4, 5)
    lstm = nn.LSTM(5, 7)
    with pytest.raises(RuntimeError, match="input_size"):
        lstm(fastnn.zeros(6, 4, 3))
    with pytest.raises(ValueError, match="2D or 3D"):
        lstm(fastnn.zeros(5))
    with pytest.raises(RuntimeError, match=r"Expected hidden\[0\] size"):
        lstm(x, (fastnn.zeros(1, 3, 7), fastnn.zeros(1, 4, 7)))
    with pytest.raises(RuntimeError, match="3-D"):
        lstm(x, (fastnn.zeros(4, 7), fastnn.zeros(4, 7)))
    lstm.weight_hh_l0 = nn.Parameter(fastnn.zeros(27, 7))
    with pytest.raises(RuntimeError, match="weight must be"):
        lstm(x)
    for bad in ({"num_layers": 0}, {"proj_size": 7}, {"dropout": 2.0}):
        with pytest.raises(ValueError):
            nn.LSTM(5, 7, **bad)
    with pytest.raises(ValueError, match="nonlinearity"):
        nn.RNN(5, 7, nonlinearity="gelu")
    with pytest.raises(RuntimeError, match="decreasing order"):
        rnn.pack_padded_sequence(x, [1, 2, 3, 4])
    with pytest.raises(RuntimeError, match="greater than 0"):
        rnn.pack_padded_sequence(x, [4, 2, 0, 0])
    with pytest.raises(RuntimeError, match="batch_size"):
        rnn.pack_padded_sequence(x, [4, 2])
    with pytest.raises(RuntimeError, match="more than the input"):
        rnn.pack_padded_sequence(x, [9, 2, 1, 1])
    with pytest.warns(UserWarning, match="num_layers greater than 1"):
        nn.GRU(5, 7, dropout=0.5)


def test_dropout_between_layers_in_training_only() -> None:
    gru, x = fastnn.nn.GRU(5, 7, 2, dropout=0.5), fastnn.randn(6, 4, 5)
    assert not (gru(x)[0] == gru(x)[0]).all()
    gru.eval()
    assert (gru(x)[0] == gru(x)[0]).all()
