"""Connectionist temporal classification (Graves et al. 2006)."""

from __future__ import annotations

import math
from typing import Any

import fastnn
from fastnn._core.tensor import Tensor
from fastnn.nn.functional.reduction import chosen, reduced

__all__ = ["ctc_loss"]

NEVER = -1e30  # the logarithm of 0: finite, so that no derivative is NaN


def _lengths(name: str, lengths: Any, n: int, most: int) -> Tensor:
    made = fastnn.as_tensor(lengths).reshape(-1)
    if made.dtype not in (fastnn.int64, fastnn.int32):
        raise RuntimeError(f"{name} must be integral")
    if made.numel() != n:
        raise RuntimeError(f"{name} must be of size batch_size: expected {n}, got {made.numel()}")
    low, high = (int(made.min()), int(made.max())) if n else (0, 0)
    if low < 0 or high > most:
        raise RuntimeError(f"ctc_loss: Expected {name} to have value at least 0 and at most {most},"
                           f" but got value {low if low < 0 else high}")
    return made.long()


def _padded(targets: Tensor, lengths: Tensor, classes: int) -> Tensor:
    """The targets as (N, longest); what lies behind a target's end is 0."""
    n, longest = lengths.numel(), int(lengths.max()) if lengths.numel() else 0
    at = fastnn.arange(longest).expand(n, longest)
    inside = at < lengths.unsqueeze(1)
    if targets.ndim == 2:
        if targets.shape[0] != n or targets.shape[1] < longest:
            raise RuntimeError(f"ctc_loss: targets {tuple(targets.shape)} do not hold {n} targets "
                               f"of up to {longest} labels")
        labels = targets[:, :longest]
    else:
        if targets.ndim != 1 or targets.numel() != int(lengths.sum()):
            raise RuntimeError(f"ctc_loss: targets {tuple(targets.shape)} are not {n} targets of "
                               f"{int(lengths.sum())} labels together")
        starts = lengths.cumsum(0) - lengths
        place = (starts.unsqueeze(1) + at).clamp(max=max(targets.numel() - 1, 0))
        labels = targets[place] if targets.numel() else place
    labels = labels.long().masked_fill(~inside, 0)
    if bool(((labels < 0) | (labels >= classes)).any()):
        raise RuntimeError(f"ctc_loss: a target is no label below {classes}")
    return labels


def _step(paths: Tensor, skip: Tensor, emitted: Tensor) -> Tensor:
    """One time step: from the same state, the one before, or the one before that. Two columns of
    no states stand in front."""
    stay, move, leap = paths[:, 2:], paths[:, 1:-1], paths[:, :-2]
    new = fastnn.logaddexp(fastnn.logaddexp(stay, move), leap + skip) + emitted
    return fastnn.constant_pad_nd(new.clamp(min=NEVER), (2, 0), NEVER)


def _losses(log_probs: Tensor, labels: Tensor, steps: Tensor, lengths: Tensor,
            blank: int) -> Tensor:
    """-log of the probability of each target (N,), infinite where it cannot be."""
    t, n, _ = log_probs.shape
    states = 2 * labels.shape[1] + 1  # blanks between the labels and around them
    path = fastnn.full((n, states), blank, dtype=fastnn.int64)
    path[:, 1::2] = labels
    emitted = log_probs.gather(2, path.expand(t, n, states))
    skip = log_probs.new_full((n, states), NEVER)
    skip[:, 1:2] = 0.0  # the first label may come first
    if states > 3:
        skip[:, 3::2] = (labels[:, 1:] == labels[:, :-1]).to(skip.dtype) * NEVER
    paths = log_probs.new_full((n, states + 2), NEVER)
    paths[:, 1] = 0.0
    shortest = int(steps.min()) if n else 0
    for i in range(t):
        new = _step(paths, skip, emitted[i])
        paths = new if i < shortest else fastnn.where((i < steps).unsqueeze(1), new, paths)
    last = 2 * lengths.unsqueeze(1)
    loss = -fastnn.logaddexp(paths.gather(1, last + 2), paths.gather(1, last + 1)).squeeze(1)
    return loss.masked_fill(loss > -NEVER / 10, math.inf)


def ctc_loss(log_probs: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any,
             blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Tensor:
    """-log of the probability that the outputs, repeats and then blanks removed, spell the target.

    Shapes: log_probs (T, N, C) or (T, C), logarithms of probabilities; targets (N, S), or (sum of
    target_lengths,); lengths (N,). "mean" divides by the targets' lengths first. The gradient is
    that of probabilities which add up to 1, as log_softmax gives them: p minus the label's share.
    zero_infinity: targets that cannot be (too long for the input) count 0. Raises RuntimeError for
    lengths, labels or shapes that do not fit.
    """
    how = chosen(reduction)
    single = log_probs.ndim == 2
    x = log_probs.unsqueeze(1) if single else log_probs
    if x.ndim != 3 or not x.is_floating_point():
        raise RuntimeError("ctc_loss: log_probs must be floating (T, N, C) or (T, C), got "
                           f"{tuple(log_probs.shape)} of {log_probs.dtype}")
    t, n, classes = x.shape
    if not 0 <= blank < classes:
        raise RuntimeError("blank must be in label range")
    if targets.dtype not in (fastnn.int64, fastnn.int32):
        raise RuntimeError(f"targets must be integral, got {targets.dtype}")
    steps = _lengths("input_lengths", input_lengths, n, t)
    lengths = _lengths("target_lengths", target_lengths, n, targets.shape[-1])
    loss = _losses(x, _padded(targets, lengths, classes), steps, lengths, blank)
    possible = loss.isfinite()
    used = (fastnn.arange(t).unsqueeze(1) < steps) & possible
    total = fastnn.where(used, x.exp().sum(2), 0.0).sum(0)
    loss = loss + (total - total.detach())
    if zero_infinity:
        loss = fastnn.where(possible, loss, 0.0)
    if how == "mean":
        loss = loss / lengths.clamp(min=1).to(loss.dtype)
    return reduced(loss.squeeze(0) if single else loss, how)
