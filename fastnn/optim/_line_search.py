"""A line search for the strong Wolfe conditions, by cubic interpolation."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

__all__ = ["Point", "strong_wolfe"]

SUFFICIENT = 1e-4  # share of the predicted decrease that must be had
CURVATURE = 0.9  # share of the first slope that may be left


class Point(NamedTuple):
    """A step length with the loss, the gradient and the slope along the direction there."""

    t: float
    loss: float
    grad: Any
    slope: float


def _minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes is least, within bounds."""
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    if a.t > b.t:
        a, b = b, a
    if a.t == b.t:
        return (low + high) / 2
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = math.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, low), high)


def _enough(point: Point, start: Point) -> bool:
    return point.loss <= start.loss + SUFFICIENT * point.t * start.slope


def _flat(point: Point, start: Point) -> bool:
    return abs(point.slope) <= -CURVATURE * start.slope


def _bracket(
    start: Point, new: Point, at: Callable[[float], Point], max_steps: int
) -> tuple[list[Point], bool, int]:
    """Two points around a minimum, or one that will do; and the steps taken."""
    previous = start
    for step in range(max_steps):
        if not _enough(new, start) or (step > 1 and new.loss >= previous.loss):
            return [previous, new], False, step
        if _flat(new, start):
            return [new], True, step
        if new.slope >= 0:
            return [previous, new], False, step
        bounds = (new.t + 0.01 * (new.t - previous.t), new.t * 10)
        t = _minimum(previous, new, bounds)
        previous, new = new, at(t)
    return [start, new], False, max_steps


def _pushed(t: float, ends: list[float], stalled: bool) -> tuple[float, bool]:
    """Keep t away from the bracket's ends: the second time in a row it is moved inside."""
    low, high = min(ends), max(ends)
    margin = 0.1 * (high - low)
    if min(high - t, t - low) >= margin:
        return t, False
    if stalled or t >= high or t <= low:
        return (high - margin if abs(t - high) < abs(t - low) else low + margin), False
    return t, True


def strong_wolfe(
    evaluate: Callable[[float], Point],
    start: Point,
    t: float,
    size: float,
    tolerance: float,
    max_steps: int,
) -> tuple[Point, int]:
    """A point with enough decrease and a flat enough slope, and the evaluations it took.

    size is the direction's largest element: a bracket below tolerance / size ends the search, and
    so do max_steps evaluations after the first. Source: Nocedal and Wright, Numerical
    Optimization, 2006, algorithms 3.5 and 3.6.
    """
    count = 0

    def at(t: float) -> Point:
        nonlocal count
        count += 1
        return evaluate(t)

    ends, done, steps = _bracket(start, at(t), at, max_steps)
    best, other = (0, -1) if ends[0].loss <= ends[-1].loss else (1, 0)
    stalled = False
    while not done and steps < max_steps:
        if abs(ends[1].t - ends[0].t) * size < tolerance:
            break
        t, stalled = _pushed(_minimum(ends[0], ends[1]), [e.t for e in ends], stalled)
        new = at(t)
        steps += 1
        if not _enough(new, start) or new.loss >= ends[best].loss:
            ends[other] = new
            best, other = (0, 1) if ends[0].loss <= ends[1].loss else (1, 0)
            continue
        done = _flat(new, start)
        if not done and new.slope * (ends[other].t - ends[best].t) >= 0:
            ends[other] = ends[best]
        ends[best] = new
    return ends[best], count
