"""How tensors are printed."""

from __future__ import annotations

from typing import Any

import numpy as np

_options: dict[str, Any] = {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80,
                            "sci_mode": None}
_profiles: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": 2**63 - 1, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(precision: int | None = None, threshold: float | None = None,
                     edgeitems: int | None = None, linewidth: int | None = None,
                     profile: str | None = None, sci_mode: bool | None = None) -> None:
    """Set how many digits, elements and columns printed tensors have."""
    if profile is not None:
        _options.update(_profiles[profile])
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems,
             "linewidth": linewidth}
    _options.update({k: v for k, v in given.items() if v is not None})
    _options["sci_mode"] = sci_mode


def _shown(a: np.ndarray) -> np.ndarray:
    """The elements that are printed: all, or the edges of a large array."""
    if a.size <= _options["threshold"]:
        return a.reshape(-1)
    edge = _options["edgeitems"]
    for axis in range(a.ndim):
        if a.shape[axis] > 2 * edge:
            keep = np.r_[0:edge, a.shape[axis] - edge:a.shape[axis]]
            a = a.take(keep, axis=axis)
    return a.reshape(-1)


def _float_format(values: np.ndarray) -> Any:
    """One format for all finite values: integers as '1.', else fixed or scientific digits."""
    finite = np.abs(values[np.isfinite(values)].astype(np.float64))
    finite = finite[finite != 0]
    digits = _options["precision"]
    if finite.size and (finite == np.rint(finite)).all():
        high = finite.max()
        scientific = high / finite.min() > 1000 or high > 1e8
        text = (lambda v: f"{v:.{digits}e}") if scientific else (lambda v: f"{v:.0f}.")
    elif finite.size:
        high, low = finite.max(), finite.min()
        scientific = high / low > 1000 or high > 1e8 or low < 1e-4
        if _options["sci_mode"] is not None:
            scientific = _options["sci_mode"]
        text = (lambda v: f"{v:.{digits}e}") if scientific else (lambda v: f"{v:.{digits}f}")
    else:
        def text(v: float) -> str:
            return f"{v:.0f}."

    def show(v: float) -> str:
        return text(v) if np.isfinite(v) else str(float(v))
    return show


def _element(a: np.ndarray) -> Any:
    if a.dtype.kind == "f":
        return _float_format(_shown(a))
    if a.dtype.kind == "b":
        return lambda v: "True" if v else "False"
    return lambda v: str(int(v))


def _rows(a: np.ndarray, show: Any, width: int, indent: int) -> str:
    edge = _options["edgeitems"]
    cut = a.size_all > _options["threshold"] and a.shape[0] > 2 * edge  # type: ignore[attr-defined]
    if a.ndim == 1:
        cells = [show(v).rjust(width) for v in (np.r_[a[:edge], a[-edge:]] if cut else a)]
        if cut:
            cells.insert(edge, " ...")
        per_line = max(1, (_options["linewidth"] - indent) // (width + 2))
        lines = [", ".join(cells[i:i + per_line]) for i in range(0, len(cells), per_line)]
        return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"
    picked = list(range(edge)) + [-1] + list(range(a.shape[0] - edge, a.shape[0])) if cut \
        else list(range(a.shape[0]))
    parts = ["..." if i == -1 else _rows(a[i], show, width, indent + 1) for i in picked]
    gap = "," + "\n" * (a.ndim - 1) + " " * (indent + 1)
    return "[" + gap.join(parts) + "]"


class _Counted(np.ndarray):
    """An array whose parts remember the size of the whole."""

    size_all = 0

    def __array_finalize__(self, whole: Any) -> None:
        self.size_all = getattr(whole, "size_all", 0)


def _values(t: Any, indent: int) -> str:
    a = t.detach()._array()
    show = _element(a)
    if a.ndim == 0:
        return str(show(a[()]))
    if a.size == 0:
        return "[]"
    width = max(len(show(v)) for v in _shown(a))
    counted = a.view(_Counted)
    counted.size_all = a.size
    return _rows(counted, show, width, indent)


def tensor_str(t: Any) -> str:
    """The text of a tensor: values, dtype where it is not the default one, its place on the tape.
    """
    import fastnn

    name = type(t).__name__
    prefix = "tensor("
    text = prefix + _values(t, len(prefix))
    if t.numel() == 0 and t.ndim != 1:
        text += f", size={tuple(t.shape)}"
    usual = (fastnn.get_default_dtype(), fastnn.int64, fastnn.bool)
    if t.dtype not in usual or (t.numel() == 0 and t.dtype is not usual[0]):
        text += f", dtype={t.dtype}"
    if t.grad_fn is not None:
        text += f", grad_fn=<{t.grad_fn.name()}>"
    elif t.requires_grad:
        text += ", requires_grad=True"
    text += ")"
    return f"{name} containing:\n{text}" if name == "Parameter" else text
