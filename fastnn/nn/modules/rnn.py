"""Recurrent layers: RNN (Elman), LSTM (Hochreiter and Schmidhuber 1997), GRU (Cho et al.
2014, https://arxiv.org/abs/1406.1078)."""

from __future__ import annotations

import math
import warnings
from typing import Any

import fastnn
from fastnn._core.ops import empty
from fastnn._core.ops.rnn import recurrence
from fastnn._core.tensor import Tensor
from fastnn.nn import functional as F
from fastnn.nn import init
from fastnn.nn.modules.module import Module
from fastnn.nn.modules.rnn_cell import (
    KINDS,
    GRUCell,
    LSTMCell,
    RNNCell,
    RNNCellBase,
    input_gates,
)
from fastnn.nn.parameter import Parameter
from fastnn.nn.utils.rnn import PackedSequence

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "LSTM": 4, "GRU": 3}


def _projected(x: Tensor, w: Tensor, w_hr: Tensor, h: Tensor, c: Tensor, sizes: list[int],
               reverse: bool) -> tuple[Tensor, Tensor, Tensor]:
    """An LSTM whose state is h = (o tanh(c)) W_hr^T, step by step."""
    starts = [sum(sizes[:t]) for t in range(len(sizes))]
    order = range(len(sizes) - 1, -1, -1) if reverse else range(len(sizes))
    outputs: dict[int, Tensor] = {}
    for t in order:
        n = sizes[t]
        gates = x[starts[t]:starts[t] + n] + F.linear(h[:n], w)
        i, f, g, o = gates.chunk(4, 1)
        cell = f.sigmoid() * c[:n] + i.sigmoid() * g.tanh()
        out = F.linear(o.sigmoid() * cell.tanh(), w_hr)
        outputs[t] = out
        h = fastnn.cat([out, h[n:]]) if n < h.shape[0] else out
        c = fastnn.cat([cell, c[n:]]) if n < c.shape[0] else cell
    return fastnn.cat([outputs[t] for t in range(len(sizes))]), h, c


class RNNBase(Module):
    """What RNN, LSTM and GRU share: layers, directions, dropout between layers, packed input.

    Shapes: input (T, N, input_size), with batch_first (N, T, input_size), (T, input_size) without
    a batch, or a PackedSequence; states (layers * directions, N, H). Parameters are named
    weight_ih_l0, weight_hh_l0, bias_ih_l0, bias_hh_l0, (weight_hr_l0,) then with _reverse, then
    layer 1; all start uniform in +-1/sqrt(hidden_size).
    """

    def __init__(self, mode: str, input_size: int, hidden_size: int, num_layers: int = 1,
                 bias: bool = True, batch_first: bool = False, dropout: float = 0.0,
                 bidirectional: bool = False, proj_size: int = 0, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__()
        self.mode, self.input_size, self.hidden_size = mode, input_size, hidden_size
        self.num_layers, self.bias, self.batch_first = num_layers, bias, batch_first
        self.dropout, self.bidirectional, self.proj_size = dropout, bidirectional, proj_size
        self._check_options()
        self._names: list[list[str]] = []
        state = proj_size or hidden_size
        rows = _GATES[mode] * hidden_size
        for layer in range(num_layers):
            size = input_size if layer == 0 else state * self._directions
            for suffix in ["", "_reverse"][:self._directions]:
                shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, size),
                                                      "weight_hh": (rows, state)}
                if bias:
                    shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
                if proj_size:
                    shapes["weight_hr"] = (proj_size, hidden_size)
                self._names.append([f"{name}_l{layer}{suffix}" for name in shapes])
                for name, shape in zip(self._names[-1], shapes.values(), strict=True):
                    setattr(self, name, Parameter(empty(*shape, device=device, dtype=dtype)))
        self.reset_parameters()

    def _check_options(self) -> None:
        if not isinstance(self.dropout, (int, float)) or isinstance(self.dropout, bool) \
                or not 0 <= self.dropout <= 1:
            raise ValueError("dropout should be a number in range [0, 1] representing the "
                             "probability of an element being zeroed")
        if self.dropout > 0 and self.num_layers == 1:
            warnings.warn("dropout option adds dropout after all but last recurrent layer, so "
                          f"non-zero dropout expects num_layers greater than 1, but got "
                          f"dropout={self.dropout} and num_layers=1", stacklevel=4)
        for name in ("input_size", "hidden_size"):
            if not isinstance(getattr(self, name), int):
                raise TypeError(f"{name} should be of type int, got: "
                                f"{type(getattr(self, name)).__name__}")
        if self.hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if self.num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if self.proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable "
                             "projections")
        if self.proj_size >= self.hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        if self.proj_size and self.mode != "LSTM":
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")

    @property
    def _directions(self) -> int:
        return 2 if self.bidirectional else 1

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The parameters of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._names]

    def reset_parameters(self) -> None:
        """Draw all parameters anew."""
        bound = 1 / math.sqrt(self.hidden_size)
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def flatten_parameters(self) -> None:
        """Does nothing: parameters need no common memory here."""

    # -------------------------------------------------- states
    def _check_state(self, state: Tensor, batch: int, size: int, what: str) -> None:
        want = (self.num_layers * self._directions, batch, size)
        if tuple(state.shape) != want:
            raise RuntimeError(f"Expected {what} size {want}, got {list(state.shape)}")

    def _states(self, hx: Any, batch: int, like: Tensor, batched: bool
                ) -> tuple[Tensor, Tensor | None]:
        """(h0, c0 or None), each (layers * directions, batch, size)."""
        lstm, size = self.mode == "LSTM", self.proj_size or self.hidden_size
        if hx is None:
            def zeros(width: int) -> Tensor:
                return fastnn.zeros(self.num_layers * self._directions, batch, width,
                                    dtype=like.dtype)
            return zeros(size), zeros(self.hidden_size) if lstm else None
        h, c = hx if lstm else (hx, None)
        dims = 3 if batched else 2
        if h.ndim != dims or (c is not None and c.ndim != dims):
            kind = "batched 3-D" if batched else "unbatched 2-D"
            raise RuntimeError(f"For {kind} input, hx {'and cx ' if lstm else ''}should also be "
                               f"{dims}-D but got {h.ndim}-D tensor")
        if not batched:
            h, c = h.unsqueeze(1), None if c is None else c.unsqueeze(1)
        self._check_state(h, batch, size, "hidden[0]" if lstm else "hidden")
        if c is not None:
            self._check_state(c, batch, self.hidden_size, "hidden[1]")
        return h, c

    # -------------------------------------------------- the layers
    def _direction(self, x: Tensor, weights: list[Parameter], h: Tensor, c: Tensor | None,
                   sizes: Tensor | None, reverse: bool) -> tuple[Tensor, Tensor, Tensor | None]:
        w_ih, w_hh, *rest = weights
        b_ih, b_hh = rest[:2] if self.bias else (None, None)
        gates, bias = input_gates(self.mode, x, w_ih, b_ih, b_hh)
        if self.proj_size and c is not None:
            steps = [h.shape[0]] * (x.shape[0] // h.shape[0]) if sizes is None else sizes.tolist()
            return _projected(gates, w_hh, rest[-1], h, c, steps, reverse)
        y, hn, *cn = recurrence(KINDS[self.mode], gates, w_hh, h, c, bias, sizes, reverse)
        return y, hn, cn[0] if cn else None

    def _layers(self, x: Tensor, h: Tensor, c: Tensor | None, sizes: Tensor | None
                ) -> tuple[Tensor, Tensor, Tensor | None]:
        """x: rows of all steps."""
        last_h: list[Tensor] = []
        last_c: list[Tensor] = []
        weights = self.all_weights
        for layer in range(self.num_layers):
            if layer and self.dropout and self.training:
                x = F.dropout(x, self.dropout, True)
            outputs = []
            for d in range(self._directions):
                k = layer * self._directions + d
                y, hn, cn = self._direction(x, weights[k], h[k], None if c is None else c[k], sizes,
                                            d == 1)
                outputs.append(y)
                last_h.append(hn)
                if cn is not None:
                    last_c.append(cn)
            x = outputs[0] if len(outputs) == 1 else fastnn.cat(outputs, 1)
        return x, fastnn.stack(last_h), fastnn.stack(last_c) if last_c else None

    def _packed(self, input: PackedSequence, hx: Any) -> Any:
        sizes = input.batch_sizes
        h, c = self._states(hx, int(sizes[0]), input.data, True)
        if hx is not None and input.sorted_indices is not None:
            h = h.index_select(1, input.sorted_indices)
            c = None if c is None else c.index_select(1, input.sorted_indices)
        y, hn, cn = self._layers(input.data, h, c, sizes)
        if input.unsorted_indices is not None:
            hn = hn.index_select(1, input.unsorted_indices)
            cn = None if cn is None else cn.index_select(1, input.unsorted_indices)
        packed = PackedSequence(y, sizes, input.sorted_indices, input.unsorted_indices)
        return packed, hn if cn is None else (hn, cn)

    def forward(self, input: Any, hx: Any = None) -> Any:
        packed = isinstance(input, PackedSequence)
        if not packed and input.ndim not in (2, 3):
            raise ValueError(f"{type(self).__name__}: Expected input to be 2D or 3D, got "
                             f"{input.ndim}D instead")
        size = (input.data if packed else input).shape[-1]
        if size != self.input_size:
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected "
                               f"{self.input_size}, got {size}")
        if packed:
            return self._packed(input, hx)
        batched, batch_first = input.ndim == 3, self.batch_first and input.ndim == 3
        x = input if batched else input.unsqueeze(1)
        x = x.transpose(0, 1) if batch_first else x
        steps, batch, _ = x.shape
        if steps == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        h, c = self._states(hx, batch, x, batched)
        y, hn, cn = self._layers(x.reshape(steps * batch, size), h, c, None)
        y = y.view(steps, batch, y.shape[-1])
        if not batched:
            y, hn, cn = y.squeeze(1), hn.squeeze(1), None if cn is None else cn.squeeze(1)
        elif batch_first:
            y = y.transpose(0, 1)
        return y, hn if cn is None else (hn, cn)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        for name, usual in (("proj_size", 0), ("num_layers", 1), ("bias", True),
                            ("batch_first", False), ("dropout", 0), ("bidirectional", False)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text


class RNN(RNNBase):
    """h_t = tanh(x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh), or relu of it.

    Returns (output, h_n). Raises ValueError for another nonlinearity.
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1,
                 nonlinearity: str = "tanh", bias: bool = True, batch_first: bool = False,
                 dropout: float = 0.0, bidirectional: bool = False, device: Any = None,
                 dtype: Any = None) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or "
                             "'relu'.")
        super().__init__(f"RNN_{nonlinearity.upper()}", input_size, hidden_size, num_layers, bias,
                         batch_first, dropout, bidirectional, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity


class LSTM(RNNBase):
    """c_t = f c_(t-1) + i g, h_t = o tanh(c_t); i, f, o are sigmoids and g is tanh of
    x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh, in the order i, f, g, o.

    Returns (output, (h_n, c_n)). proj_size: h_t is projected to that size by weight_hr (Sak et al.
    2014, https://arxiv.org/abs/1402.1128).
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 proj_size: int = 0, device: Any = None, dtype: Any = None) -> None:
        super().__init__("LSTM", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, proj_size, device, dtype)


class GRU(RNNBase):
    """h_t = (1 - z) n + z h_(t-1), n = tanh(x_t W_in^T + b_in + r (h_(t-1) W_hn^T + b_hn)); r and z
    are sigmoids of x_t W_ih^T + b_ih + h_(t-1) W_hh^T + b_hh, in the order r, z, n.

    Returns (output, h_n).
    """

    def __init__(self, input_size: int, hidden_size: int, num_layers: int = 1, bias: bool = True,
                 batch_first: bool = False, dropout: float = 0.0, bidirectional: bool = False,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__("GRU", input_size, hidden_size, num_layers, bias, batch_first, dropout,
                         bidirectional, device=device, dtype=dtype)
