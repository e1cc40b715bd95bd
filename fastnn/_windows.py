"""Windows for signals: vectors of weights."""

from __future__ import annotations

import math
from typing import Any

from fastnn._core import ops
from fastnn._core.tensor import Tensor

__all__ = ["bartlett_window", "blackman_window", "hamming_window", "hann_window", "kaiser_window"]


def _phase(window_length: int, periodic: bool, dtype: Any) -> Tensor:
    """0 to 1 over the window; periodic: over one element more, which is left out."""
    if window_length < 0:
        raise RuntimeError(f"window requires non-negative window_length, got {window_length}")
    n = window_length if periodic else window_length - 1
    return ops.arange(window_length, dtype=ops.empty(0, dtype=dtype).double().dtype) / max(n, 1)


def _made(w: Tensor, window_length: int, dtype: Any, requires_grad: bool) -> Tensor:
    if window_length == 1:
        w = ops.ones_like(w)
    return w.to(ops.empty(0, dtype=dtype).dtype).requires_grad_(requires_grad)


def hamming_window(window_length: int, periodic: bool = True, alpha: float = 0.54,
                   beta: float = 0.46, *, dtype: Any = None, layout: Any = None,
                   device: Any = None, requires_grad: bool = False) -> Tensor:
    """alpha - beta cos(2 pi n / N)."""
    t = _phase(window_length, periodic, dtype)
    return _made(alpha - beta * (2 * math.pi * t).cos(), window_length, dtype, requires_grad)


def hann_window(window_length: int, periodic: bool = True, *, dtype: Any = None,
                layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """(1 - cos(2 pi n / N)) / 2."""
    return hamming_window(window_length, periodic, 0.5, 0.5, dtype=dtype,
                          requires_grad=requires_grad)


def blackman_window(window_length: int, periodic: bool = True, *, dtype: Any = None,
                    layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """0.42 - 0.5 cos(2 pi n / N) + 0.08 cos(4 pi n / N)."""
    t = 2 * math.pi * _phase(window_length, periodic, dtype)
    w = 0.42 - 0.5 * t.cos() + 0.08 * (2 * t).cos()
    return _made(w, window_length, dtype, requires_grad)


def bartlett_window(window_length: int, periodic: bool = True, *, dtype: Any = None,
                    layout: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """1 - |2 n / N - 1|."""
    t = _phase(window_length, periodic, dtype)
    return _made(1 - (2 * t - 1).abs(), window_length, dtype, requires_grad)


def kaiser_window(window_length: int, periodic: bool = True, beta: float = 12.0, *,
                  dtype: Any = None, layout: Any = None, device: Any = None,
                  requires_grad: bool = False) -> Tensor:
    """I0(beta sqrt(1 - (2 n / N - 1)^2)) / I0(beta)."""
    import numpy as np

    from fastnn._core.host import host_op
    t = 2 * _phase(window_length, periodic, dtype) - 1
    w = host_op("i0", np.i0, beta * (1 - t * t).clamp(min=0).sqrt()) / float(np.i0(beta))
    return _made(w, window_length, dtype, requires_grad)
