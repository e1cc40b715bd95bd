"""For tests of programs: assert_close, and the checks of derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from fastnn._core.convert import as_tensor
from fastnn._core.tensor import Tensor
from fastnn._gradcheck import GradcheckError, gradcheck, gradgradcheck

__all__ = ["GradcheckError", "assert_close", "gradcheck", "gradgradcheck"]

# dtype -> rtol, atol; anything else must be equal
TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5),
              "float64": (1e-7, 1e-7)}


def _name(x: Tensor) -> str:
    return str(x.dtype).rpartition(".")[2]


def _fail(text: str, where: str, msg: Any) -> None:
    text += f"\n\nThe failure occurred for item {where}" if where else ""
    raise AssertionError(msg(text) if callable(msg) else msg or text)


def _tensors(a: Tensor, b: Tensor, rtol: float | None, atol: float | None, equal_nan: bool,
             check_dtype: bool, check_stride: bool, where: str, msg: Any) -> None:
    if a.shape != b.shape:
        _fail(f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}.", where, msg)
    if check_dtype and a.dtype != b.dtype:
        _fail(f"The values for attribute 'dtype' do not match: {a.dtype} != {b.dtype}.", where, msg)
    if check_stride and a.stride() != b.stride():
        _fail(f"The values for attribute 'stride()' do not match: {a.stride()} != {b.stride()}.",
              where, msg)
    wide = [TOLERANCES.get(_name(x), (0.0, 0.0)) for x in (a, b)]
    r = max(w[0] for w in wide) if rtol is None else rtol
    t = max(w[1] for w in wide) if atol is None else atol
    x, y = (v.detach().double().numpy() if v.is_floating_point() else v.detach().numpy()
            for v in (a, b))
    bad = ~np.isclose(x, y, rtol=r, atol=t, equal_nan=equal_nan)
    if not bad.any():
        return
    with np.errstate(all="ignore"):
        away = np.where(bad, np.abs(x.astype(float) - y.astype(float)), -1.0)
    away = np.where(np.isnan(away), np.inf, away)
    at = tuple(int(i) for i in np.unravel_index(int(np.argmax(away)), away.shape))
    _fail(f"Tensor-likes are not close!\n\nMismatched elements: {int(bad.sum())} / {bad.size} "
          f"({100 * bad.mean():.1f}%)\nGreatest absolute difference: {away[at]} at index {at} (up "
          f"to {t} allowed, and {r} relative)", where, msg)


def assert_close(actual: Any, expected: Any, *, allow_subclasses: bool = True,
                 rtol: float | None = None, atol: float | None = None, equal_nan: bool = False,
                 check_device: bool = True, check_dtype: bool = True, check_layout: bool = True,
                 check_stride: bool = False,
                 msg: str | Callable[[str], str] | None = None) -> None:
    """|actual - expected| <= atol + rtol |expected|, of tensors, numbers, and nests of them.

    Without rtol and atol, which come together, the dtypes say how close: float32 1.3e-6 and 1e-5,
    float64 1e-7 both. Raises AssertionError with what differs, ValueError for one tolerance alone.
    """
    if (rtol is None) != (atol is None):
        raise ValueError("rtol and atol must both be specified or both be unspecified")

    def compare(a: Any, b: Any, where: str) -> None:
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            if set(a) != set(b):
                _fail(f"The keys of the mappings do not match: {sorted(a)} and {sorted(b)}", where,
                      msg)
            for k in a:
                compare(a[k], b[k], f"{where}[{k!r}]")
        elif isinstance(a, Sequence) and isinstance(b, Sequence) and not isinstance(a, str):
            if len(a) != len(b):
                _fail(f"The length of the sequences mismatch: {len(a)} != {len(b)}", where, msg)
            for i, (x, y) in enumerate(zip(a, b, strict=True)):
                compare(x, y, f"{where}[{i}]")
        elif a is None and b is None:
            return
        else:
            plain = not isinstance(a, Tensor) and not isinstance(b, Tensor)
            _tensors(as_tensor(a), as_tensor(b), rtol, atol, equal_nan, check_dtype and not plain,
                     check_stride, where, msg)

    compare(actual, expected, "")
