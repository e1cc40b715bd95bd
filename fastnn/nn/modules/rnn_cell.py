"""Recurrent cells: one step, for loops of one's own."""

from __future__ import annotations

import math
from typing import Any

import fastnn
from fastnn._core.ops import empty
from fastnn._core.ops.rnn import recurrence
from fastnn._core.tensor import Tensor
from fastnn.nn import functional as F
from fastnn.nn import init
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Parameter

__all__ = ["GRUCell", "LSTMCell", "RNNCell", "RNNCellBase"]

KINDS = {"RNN_TANH": "rnn_tanh", "RNN_RELU": "rnn_relu", "LSTM": "lstm", "GRU": "gru"}


def input_gates(mode: str, x: Tensor, w: Tensor, b_ih: Tensor | None, b_hh: Tensor | None
                 ) -> tuple[Tensor, Tensor | None]:
    """What the input gives to the gates of all steps, and the bias that is left for the loop."""
    if b_ih is None or b_hh is None:
        return F.linear(x, w), None
    if mode == "GRU":
        return F.linear(x, w, b_ih), b_hh
    return F.linear(x, w, b_ih + b_hh), None


class RNNCellBase(Module):
    """One step of a recurrence: input (N, input_size) or (input_size), state (N, H) or (H)."""

    mode: str
    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(self, input_size: int, hidden_size: int, bias: bool, num_chunks: int,
                 device: Any = None, dtype: Any = None) -> None:
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        rows = num_chunks * hidden_size
        self.weight_ih = Parameter(empty(rows, input_size, device=device, dtype=dtype))
        self.weight_hh = Parameter(empty(rows, hidden_size, device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(
                name, Parameter(empty(rows, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw all parameters anew, uniform in +-1/sqrt(hidden_size)."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for parameter in self.parameters():
            init.uniform_(parameter, -bound, bound)

    def _step(self, mode: str, input: Tensor, h: Tensor | None, c: Tensor | None
              ) -> tuple[Tensor, Tensor | None]:
        name = type(self).__name__
        if input.ndim not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.ndim}D instead")
        for state in (h, c):
            if state is not None and state.ndim not in (1, 2):
                raise ValueError(f"{name}: Expected hidden to be 1D or 2D, got {state.ndim}D "
                                 "instead")
        if input.shape[-1] != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.shape[-1]} expected "
                               f"{self.input_size}")
        batched = input.ndim == 2
        x = input if batched else input.unsqueeze(0)
        zeros = fastnn.zeros(x.shape[0], self.hidden_size, dtype=x.dtype)
        states = [zeros if s is None else s if s.ndim == 2 else s.unsqueeze(0) for s in (h, c)]
        for state in states:
            if tuple(state.shape) != tuple(zeros.shape):
                raise RuntimeError(f"hidden has inconsistent size: got {tuple(state.shape)}, "
                                   f"expected {tuple(zeros.shape)}")
        gates, bias = input_gates(mode, x, self.weight_ih, self.bias_ih, self.bias_hh)
        y, _, *cn = recurrence(KINDS[mode], gates, self.weight_hh, states[0],
                               states[1] if mode == "LSTM" else None, bias)
        found = [s if batched else s.squeeze(0) for s in (y, *cn)]
        return found[0], found[1] if cn else None

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias else text + ", bias=False"


class RNNCell(RNNCellBase):
    """h' = tanh(x W_ih^T + b_ih + h W_hh^T + b_hh), or relu of it."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True,
                 nonlinearity: str = "tanh", device: Any = None, dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        return self._step(f"RNN_{self.nonlinearity.upper()}", input, hx, None)[0]

    def extra_repr(self) -> str:
        text = super().extra_repr()
        return text if self.nonlinearity == "tanh" else text + f", nonlinearity={self.nonlinearity}"


class LSTMCell(RNNCellBase):
    """(h', c') of one step of an LSTM; hx is (h, c)."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        h, c = (None, None) if hx is None else hx
        return self._step("LSTM", input, h, c)


class GRUCell(RNNCellBase):
    """h' of one step of a GRU."""

    def __init__(self, input_size: int, hidden_size: int, bias: bool = True, device: Any = None,
                 dtype: Any = None) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        return self._step("GRU", input, hx, None)[0]
