"""One record per op, from which the tests of this folder are made.

A record names the function, its NumPy reference in float64, and samples of its arguments. From it
come: values against the reference and PyTorch, first and second derivatives, views of the
arguments, thread counts, instruction sets, and refused arguments. No record, no op.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

EPS = {"float32": float(np.finfo("f4").eps), "float64": float(np.finfo("f8").eps)}


@dataclass
class Arg:
    """A tensor argument that a sample draws: uniform in [low, high), or these values."""

    shape: tuple[int, ...] = ()
    low: float = -2.0
    high: float = 2.0
    dtype: str | None = None  # None: the dtype that the test runs in
    values: Any = None
    grad: bool = True  # differentiate with respect to it

    def draw(self, rng: np.random.Generator, dtype: str) -> np.ndarray:
        own = self.dtype or dtype
        if self.values is not None:
            return np.array(self.values, dtype=own)
        if own.startswith("float"):
            return rng.uniform(self.low, self.high, self.shape).astype(own)
        if own == "bool":
            return rng.integers(0, 2, self.shape).astype(own)
        return rng.integers(int(self.low), int(self.high), self.shape).astype(own)

    @property
    def differentiable(self) -> bool:
        return self.grad and (self.dtype is None or self.dtype.startswith("float"))


@dataclass
class Sample:
    """One call: Arg among args stands for a tensor, everything else for itself."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)
    smooth: bool = True  # False: at a kink (ties), where differences are no derivative

    def draw(self, dtype: str, seed: int = 0) -> tuple[tuple[Any, ...], dict[str, Any]]:
        rng = np.random.default_rng(seed)

        def one(a: Any) -> Any:
            if isinstance(a, Arg):
                return a.draw(rng, dtype)
            if isinstance(a, list) and a and isinstance(a[0], Arg):
                return [x.draw(rng, dtype) for x in a]
            return a
        return tuple(one(a) for a in self.args), {k: one(v) for k, v in self.kwargs.items()}

    def __repr__(self) -> str:
        shown = [f"{a.dtype or 'f'}{list(a.shape)}" if isinstance(a, Arg) else repr(a)
                 for a in self.args]
        shown += [f"{k}={v!r}" if not isinstance(v, Arg) else f"{k}=..."
                  for k, v in self.kwargs.items()]
        return ", ".join(shown)[:60]


@dataclass
class Error:
    """A call that must be refused: arguments (arrays become tensors), kind, and words."""

    args: tuple[Any, ...]
    kind: type[Exception]
    match: str
    kwargs: dict[str, Any] = field(default_factory=dict)


@dataclass
class Spec:
    """The record of one function.

    ulp: bound of the error in units of eps * scale, where scale is max(|reference|, floor) and
    floor says what size of intermediate the rounding is relative to (a sum of n terms of size 1
    has floor n). grad: whether gradcheck runs; second: whether it runs on the gradient.
    """

    name: str
    function: str  # dotted name under fastnn
    reference: Callable[..., Any] | None
    samples: Sequence[Sample]
    ulp: float = 4.0
    floor: float = 0.0
    dtypes: tuple[str, ...] = ("float32", "float64")
    grad: bool = True
    second: bool = True
    isa_exact: bool = True  # avx2 and avx512 give the same bits
    host: bool = False  # runs in NumPy: no instruction sets, no threads
    torch: str | None = "same"  # dotted name under torch; None: PyTorch has no such function
    torch_ulp: float | None = None
    errors: Sequence[Error] = ()
    views: bool = True  # test transposed, sliced, expanded arguments

    def __repr__(self) -> str:
        return self.name


def resolve(path: str, package: Any) -> Any:
    """package.path, where path is dotted."""
    for part in path.split("."):
        package = getattr(package, part)
    return package


def pointwise(name: str, reference: Callable[..., Any], low: float = -2.0, high: float = 2.0,
              arity: int = 1, **options: Any) -> Spec:
    """The record of an elementwise function of `arity` tensors that broadcasts."""
    shapes = [(), (1,), (7,), (3, 5), (2, 3, 4), (0, 3), (67,), (4, 1, 33)]
    samples = [Sample(tuple(Arg(s, low, high) for _ in range(arity))) for s in shapes]
    if arity == 2:
        pairs = [((3, 1), (1, 4)), ((5,), (2, 5)), ((), (3,)), ((2, 1, 3), (4, 1))]
        samples += [Sample((Arg(a, low, high), Arg(b, low, high))) for a, b in pairs]
    return Spec(name, options.pop("function", name), reference, samples, **options)
