"""One set of arguments of a module, and the inputs it is called with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Drawn:
    """A tensor to be drawn: draw(rng) gives an array; floating ones are cast, and want grad."""

    draw: Callable[[np.random.Generator], np.ndarray]
    grad: bool = True

    def __repr__(self) -> str:
        return "tensor"

    def make(self, T: Any, rng: np.random.Generator, dtype: str) -> Any:
        array = self.draw(rng)
        if array.dtype.kind != "f":
            return T.tensor(array)
        made = T.tensor(array.astype(dtype))
        return made.requires_grad_() if self.grad else made


def normal(*shape: int, grad: bool = True) -> Drawn:
    return Drawn(lambda rng: rng.standard_normal(shape), grad)


def between(low: float, high: float, *shape: int, grad: bool = True) -> Drawn:
    return Drawn(lambda rng: rng.uniform(low, high, shape), grad)


def integers(high: int, *shape: int, low: int = 0) -> Drawn:
    return Drawn(lambda rng: rng.integers(low, high, shape))


def signs(*shape: int) -> Drawn:
    return Drawn(lambda rng: rng.choice([-1.0, 1.0], shape), False)


def bits(*shape: int) -> Drawn:
    return Drawn(lambda rng: rng.choice([0.0, 1.0], shape), False)


def softmax(*shape: int, axis: int = 1, log: bool = False, grad: bool = True) -> Drawn:
    def draw(rng: np.random.Generator) -> np.ndarray:
        x = rng.standard_normal(shape)
        x = x - np.log(np.exp(x).sum(axis, keepdims=True))
        return x if log else np.exp(x)
    return Drawn(draw, grad)


def values(value: Any) -> Drawn:
    return Drawn(lambda rng: np.array(value), False)


@dataclass
class Case:
    """name(*args, **kwargs), called with inputs; call: another way to call it."""

    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    inputs: tuple[Any, ...] = ()
    train: bool = True
    call: Callable[..., Any] | None = None
    typed: bool = False  # the constructor takes a dtype

    def __repr__(self) -> str:
        shown = [repr(a) if not isinstance(a, Drawn) else "tensor" for a in self.args]
        shown += [f"{k}={'tensor' if isinstance(v, Drawn) else v!r}"
                  for k, v in self.kwargs.items()]
        return ", ".join(shown)[:80]


def cases(*inputs: Any, sets: list[Any], train: bool = True, typed: bool = False,
          call: Callable[..., Any] | None = None) -> list[Case]:
    """A case for each set of arguments: a tuple, a dict, or a pair of both."""
    made = []
    for one in sets:
        args, kwargs = (((), one) if isinstance(one, dict) else
                        one if len(one) == 2 and isinstance(one[1], dict)
                        and isinstance(one[0], tuple) else (one, {}))
        made.append(Case(args, kwargs, inputs, train, call, typed))
    return made
