"""Fair timing of several ways to do the same: one interleaved run, medians."""

import statistics
import time
from collections.abc import Callable
from typing import Any

ROUNDS = 9
WARM = 0.1  # seconds: NumPy's threads spin for some 60 ms behind a product, PyTorch's for 10


def interleaved(
    works: dict[str, Callable[[], Any]], seconds: float = 1.0, rounds: int = ROUNDS
) -> dict[str, float]:
    """Median seconds per call of every work, measured in turns A B A B for about ``seconds``.

    Each turn repeats its work often enough for the clock. Before that the work runs uncounted,
    until caches are full and the threads of the engine before have stopped spinning.
    """
    share = seconds / (rounds * len(works))
    counts = {name: calibrated(work, share) for name, work in works.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            warm(work)
            times[name].append(timed(work, counts[name]))
    return {name: statistics.median(values) for name, values in times.items()}


def warm(work: Callable[[], Any], seconds: float = WARM) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        work()


def calibrated(work: Callable[[], Any], share: float) -> int:
    """How many calls fill ``share`` seconds, at least one."""
    work()
    count = 1
    while True:
        each = timed(work, count)
        if each * count >= share / 2 or count >= 1_000_000:
            return max(1, round(share / max(each, 1e-9)))
        count *= 4


def timed(work: Callable[[], Any], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        work()
    return (time.perf_counter() - start) / count


def readable(seconds: float) -> str:
    """Three digits and a unit that suits: 12.3 us."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"
