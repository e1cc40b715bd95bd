"""Running a case in both engines and comparing all that comes out."""

from __future__ import annotations

import copy
import warnings
from typing import Any

import numpy as np

import fastnn
from tests.parity.case import Case, Drawn

DTYPES = ("float32", "float64")
# Sums of some hundred terms of size 1, in either order, through a few layers.
TOLERANCE = {"float64": 1e-12, "float32": 3e-5}
LOOSE = {"Hardsigmoid": 1e-7, "Hardswish": 1e-7}  # PyTorch's 1/6 is a float32 in float64 too


def one_thread() -> None:
    """For cases so small a second thread of either engine is only in the way."""
    import torch

    torch.set_num_threads(1)
    fastnn.set_num_threads(1)


class Outcome(dict):
    """What one engine gave: name -> array."""


def tensors(T: Any, value: Any) -> list[Any]:
    """The tensors of a result, however nested."""
    if isinstance(value, T.Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in tensors(T, v)]
    return []


def drawn(T: Any, values: Any, rng: np.random.Generator, dtype: str) -> Any:
    def one(v: Any) -> Any:
        if isinstance(v, Drawn):
            return v.make(T, rng, dtype)
        if isinstance(v, (list, tuple)) and any(isinstance(x, Drawn) for x in v):
            return type(v)(one(x) for x in v)
        return v
    if isinstance(values, dict):
        return {k: one(v) for k, v in values.items()}
    return tuple(one(v) for v in values)


def build(T: Any, name: str, case: Case, dtype: str) -> Any:
    rng = np.random.default_rng(7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        args = [copy.copy(a) if isinstance(a, list) else a
                for a in drawn(T, case.args, rng, dtype)]
        args = [a(T, dtype) if callable(a) and not isinstance(a, type) else a for a in args]
        kwargs = {k: v(T, dtype) if callable(v) and not isinstance(v, T.Tensor) else v
                  for k, v in drawn(T, case.kwargs, rng, dtype).items()}
        kwargs = {k: v.detach() if isinstance(v, T.Tensor) else v for k, v in kwargs.items()}
        if case.typed:
            kwargs["dtype"] = getattr(T, dtype)
        module = getattr(T.nn, name)(*args, **kwargs)
        return module.to(getattr(T, dtype)).train(case.train)


def call(T: Any, module: Any, case: Case, dtype: str) -> Outcome:
    """Outputs, gradients of inputs and parameters, and buffers."""
    inputs = drawn(T, case.inputs, np.random.default_rng(1), dtype)
    leaves = [x for x in tensors(T, inputs) if x.requires_grad]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = case.call(T, module, *inputs) if case.call else module(*inputs)
    outputs = tensors(T, result)
    rng = np.random.default_rng(2)
    total: Any = 0
    for y in outputs:
        if y.requires_grad:
            total = total + (y * T.tensor(rng.standard_normal(tuple(y.shape)).astype(
                str(y.dtype).split(".")[1]))).sum()
    if isinstance(total, T.Tensor):
        total.backward()
    out = Outcome((f"output {i}", y.detach().numpy()) for i, y in enumerate(outputs))
    wanted = [(f"input {i}", x) for i, x in enumerate(leaves)]
    wanted += [(n, p) for n, p in module.named_parameters()]
    out.update((f"grad of {n}", x.grad.numpy()) for n, x in wanted if x.grad is not None)
    out.update((f"buffer {n}", b.numpy()) for n, b in module.named_buffers())
    return out


def give_state(theirs: Any, ours: Any) -> None:
    """PyTorch's weights to both, the constant ones a little off."""
    import torch

    torch.manual_seed(0)
    with torch.no_grad():
        for p in theirs.parameters():
            if p.dim() == 1:
                p.add_(0.1 * torch.randn_like(p))
    state = theirs.state_dict()
    mine = ours.state_dict()
    assert list(mine) == list(state), f"keys {list(mine)} are not {list(state)}"
    for k, v in state.items():
        assert tuple(mine[k].shape) == tuple(v.shape), f"{k}: {mine[k].shape} is not {v.shape}"
        assert str(mine[k].dtype).split(".")[1] == str(v.dtype).split(".")[1], f"dtype of {k}"
    ours.load_state_dict({k: fastnn.tensor(v.numpy()) for k, v in state.items()})


def differences(name: str, case: Case, dtype: str) -> list[str]:
    """What differs between the engines, in words; empty where all agrees."""
    import torch

    try:
        theirs, ours = build(torch, name, case, dtype), build(fastnn, name, case, dtype)
        lazy = name.startswith("Lazy")
        if not lazy:
            give_state(theirs, ours)
        shown = repr(ours).replace("fastnn", "torch")
        if shown != repr(theirs):
            return [f"repr {shown!r} is not {repr(theirs)!r}"]
        if lazy:  # parameters have their shapes after a first call
            for T, module in ((torch, theirs), (fastnn, ours)):
                call(T, module, case, dtype)
                module.zero_grad()
            give_state(theirs, ours)
        want, got = call(torch, theirs, case, dtype), call(fastnn, ours, case, dtype)
    except Exception as error:  # a case that fails is a case that differs
        return [f"{type(error).__name__}: {error}"]
    found = [f"{k}: only in {'PyTorch' if k in want else 'fastnn'}"
             for k in sorted(set(want) ^ set(got))]
    for k in want.keys() & got.keys():
        a, b = want[k], got[k]
        if a.shape != b.shape or a.dtype != b.dtype:
            found.append(f"{k}: {b.dtype}{b.shape} is not {a.dtype}{a.shape}")
            continue
        if a.dtype.kind != "f":
            if not np.array_equal(a, b):
                found.append(f"{k}: {b.reshape(-1)[:4]} is not {a.reshape(-1)[:4]}")
            continue
        finite = a[np.isfinite(a)]
        near = max(TOLERANCE[dtype], LOOSE.get(name, 0.0))
        bound = near * max(1.0, float(np.abs(finite).max(initial=0)))
        if not np.allclose(b, a, rtol=near, atol=bound, equal_nan=True):
            with np.errstate(invalid="ignore"):
                found.append(f"{k}: off by {np.nanmax(np.abs(a - b)):.3g} of "
                             f"{np.abs(finite).max(initial=0):.3g}")
    return found
