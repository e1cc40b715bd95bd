"""A function and the method of its name in both engines: values, dtypes, gradients, strides,
whether the result shares memory with an argument, and kinds of errors."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import fastnn
from tests.parity.run import drawn, tensors

DTYPES = ("float32", "float64")
# What LAPACK computes is laid out by columns in PyTorch; NumPy gives rows. Attention lays heads
# beside each other, as the projection behind it wants them.
COLUMNS = ("argwhere", "cholesky", "cholesky_inverse", "cholesky_solve", "householder_product",
           "inv", "inverse", "matrix_power", "nonzero", "pinv", "pinverse", "qr",
           "scaled_dot_product_attention", "solve", "solve_triangular", "tensorinv",
           "tensorsolve", "triangular_solve")
LOOSE = {"digamma": 1e-8, "digamma_": 1e-8}  # PyTorch's trigamma is right to nine digits
TOLERANCE = {"float64": 1e-11, "float32": 2e-5}


def split(call: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """A call is a tuple of arguments, the last of them a dict of keywords or not."""
    if call and isinstance(call[-1], dict):
        return call[:-1], call[-1]
    return call, {}


def converted(T: Any, value: Any) -> Any:
    """Names of dtypes, "dtype:int64", become the engine's."""
    if isinstance(value, str) and value.startswith("dtype:"):
        return getattr(T, value[6:])
    return value


def outcome(T: Any, name: str, call: Any, dtype: str, method: bool) -> Any:
    """What a call gives: a list of facts, or the kind of its exception."""
    args, kwargs = split(call)
    rng = np.random.default_rng(3)
    args = tuple(converted(T, a) for a in drawn(T, args, rng, dtype))
    kwargs = {k: converted(T, v) for k, v in drawn(T, kwargs, rng, dtype).items()}
    function: Any = T
    leaves = [x for x in tensors(T, [args, list(kwargs.values())]) if x.requires_grad]
    if name.endswith("_") and leaves:  # in place: on a tensor that is no leaf
        args = (args[0] * 1, *args[1:])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if method:
                got = getattr(args[0], name)
                got = got(*args[1:], **kwargs) if callable(got) else got
            else:
                for part in name.split("."):
                    function = getattr(function, part)
                got = function(*args, **kwargs)
    except Exception as error:
        return type(error)
    found = tensors(T, got) or [got]
    facts: list[Any] = []
    total: Any = None
    weights = np.random.default_rng(5)
    for y in found:
        if not isinstance(y, T.Tensor):
            facts.append(tuple(y) if isinstance(y, (list, tuple)) else y)
            continue
        shared = [i for i, x in enumerate(tensors(T, args)) if y.numel() and x.numel()
                  and same_memory(x, y)]
        lapack = name.rpartition(".")[2] in COLUMNS
        stride = tuple(y.stride()) if y.numel() > 1 and not lapack else ()
        facts.append((str(y.dtype).rpartition(".")[2], tuple(y.shape), stride, shared,
                      y.requires_grad))
        facts.append(np.array(y.detach().numpy()))
        if y.requires_grad:
            w = weights.standard_normal(tuple(y.shape)).astype(facts[-2][0])
            part = (y * T.tensor(w)).sum()
            total = part if total is None else total + part
    if total is not None:
        try:
            total.backward()
        except (NotImplementedError, RuntimeError) as error:
            return [*facts, type(error)]
        facts += [(x.grad + T.zeros_like(x)).detach().numpy() if x.grad is not None else None
                  for x in leaves]
    return facts


def same_memory(x: Any, y: Any) -> bool:
    a, b = x.detach().numpy(), y.detach().numpy()
    return bool(np.shares_memory(a, b))


def close(a: Any, b: Any, bound: float) -> bool:
    if isinstance(a, np.ndarray):
        if not isinstance(b, np.ndarray) or a.shape != b.shape or a.dtype != b.dtype:
            return False
        if a.dtype.kind != "f":
            return bool(np.array_equal(a, b))
        size = max(1.0, float(np.abs(a[np.isfinite(a)]).max(initial=0)))
        bound = max(bound, TOLERANCE[a.dtype.name]) if a.dtype.name in TOLERANCE else bound
        return bool(np.allclose(b, a, rtol=bound, atol=bound * size, equal_nan=True))
    if isinstance(a, float):
        return bool(np.isclose(a, b, equal_nan=True))
    return bool(a == b)


def shown(a: Any, b: Any) -> str:
    """A fact in a line: of two arrays, the first of their elements that differ."""
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and a.shape == b.shape:
        at = int(np.argmax(np.abs(a.astype(float) - b.astype(float)))) if a.size else 0
        return f"{a.dtype} {a.reshape(-1)[at:at + 1]} at {at} of {a.size}"
    return str(a)[:90]


def kind_of(error: type) -> type:
    """The exception that programs catch: subclasses count as theirs."""
    for kind in (IndexError, NotImplementedError, ValueError, TypeError, RuntimeError):
        if issubclass(error, kind):
            return kind
    return error


def differences(name: str, call: Any, dtype: str) -> list[str]:
    """What differs, as a function of the package and as a method; empty where all agrees."""
    import torch

    bad = []
    forms = [False] if resolves(torch, name) else []
    forms += [True] if "." not in name and hasattr(torch.Tensor, name) else []
    for method in forms:
        want = outcome(torch, name, call, dtype, method)
        got = outcome(fastnn, name, call, dtype, method)
        how = "method " if method else ""
        if isinstance(want, type) or isinstance(got, type):
            if not (isinstance(want, type) and isinstance(got, type)
                    and kind_of(want) == kind_of(got)):
                bad.append(f"{how}{got if isinstance(got, type) else 'a result'} is not "
                           f"{want if isinstance(want, type) else 'a result'}")
            continue
        if want and isinstance(want[-1], type):  # PyTorch has no derivative: ours is our own
            want, got = want[:-1], got[:len(want) - 1]
        if len(want) != len(got):
            bad.append(f"{how}{len(got)} results are not {len(want)}")
            continue
        bad += [f"{how}{shown(b, a)} is not {shown(a, b)}" for a, b in zip(want, got, strict=True)
                if not close(a, b, LOOSE.get(name, TOLERANCE[dtype]))]
    return bad


def resolves(package: Any, name: str) -> bool:
    for part in name.split("."):
        package = getattr(package, part, None)
    return callable(package)
