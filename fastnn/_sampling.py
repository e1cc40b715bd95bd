"""Random numbers of distributions that NumPy draws, from a seed of the engine's generator."""

from __future__ import annotations

from typing import Any

import numpy as np

from fastnn._core import ops
from fastnn._core.host import host_op
from fastnn._core.tensor import Tensor

__all__ = ["binomial", "poisson"]


def _generator(generator: Any) -> np.random.Generator:
    seed = ops.randint(2**62, (1,), generator=generator)
    return np.random.default_rng(int(seed))


def poisson(input: Tensor, generator: Any = None) -> Tensor:
    """Numbers of events, whose expected numbers are input's elements."""
    rng = _generator(generator)
    if input.numel() and bool((input < 0).any()):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return host_op("poisson", lambda x: np.asarray(rng.poisson(x)).astype(x.dtype), input.detach())


def binomial(count: Tensor, prob: Tensor, generator: Any = None) -> Tensor:
    """Numbers of successes of count trials of probability prob."""
    rng = _generator(generator)
    common = ops.result_type(count, prob)

    def draw(n: Any, p: Any) -> Any:
        return np.asarray(rng.binomial(n.astype(np.int64), p)).astype(p.dtype)

    return host_op("binomial", draw, count.detach().to(common), prob.detach().to(common))
