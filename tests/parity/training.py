"""Optimizers and schedulers: the cases of tests/optim, counted by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def passes(test: Callable[..., None], *args: Any) -> bool:
    try:
        test(*args)
    except AssertionError as error:
        print(f"    {args}: {str(error).strip().splitlines()[0]}")
        return False
    return True


def results() -> Iterator[tuple[str, int, int]]:
    """Name, cases passed, cases: 100 steps of an optimizer, 200 learning rates of a scheduler."""
    from tests.optim import test_optimizers_oracle as optimizers
    from tests.optim import test_schedulers_oracle as schedulers

    for name, options in optimizers.CASES.items():
        good = [passes(test, name, i) for i in range(len(options))
                for test in (optimizers.test_float64_equals_torch,
                             optimizers.test_float32_is_as_close_to_float64_as_torchs)]
        yield f"optim.{name}", sum(good), len(good)
    good = [passes(optimizers.test_lbfgs_on_rosenbrock, options) for options in optimizers.LBFGS]
    yield "optim.LBFGS", sum(good), len(good)
    good = [passes(optimizers.test_muon, shape, adjust) for shape in ((4, 9), (9, 4))
            for adjust in (None, "match_rms_adamw")]
    yield "optim.Muon", sum(good), len(good)
    for case in schedulers.CASES:
        good = [passes(schedulers.test_two_hundred_steps, case, kind) for kind in ("SGD", "Adam")]
        yield f"lr_scheduler {case}", sum(good), len(good)
