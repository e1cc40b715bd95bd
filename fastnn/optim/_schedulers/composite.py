"""Schedules made of schedules: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from fastnn.optim._schedulers.base import LRScheduler, copied, put
from fastnn.optim._schedulers.plateau import ReduceLROnPlateau
from fastnn.optim.optimizer import Optimizer

__all__ = ["ChainedScheduler", "SequentialLR"]


class _Composite(LRScheduler):
    """Saves and loads its parts."""

    _schedulers: list[LRScheduler]
    unsaved = ("optimizer", "_schedulers")

    def _adopt(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None, verb: str
    ) -> None:
        name = type(self).__name__
        if len(schedulers) < 1:
            raise ValueError(f"{name} expects at least one scheduler{verb}, but got no scheduler.")
        optimizer = optimizer or schedulers[0].optimizer
        for i, part in enumerate(schedulers):
            if not hasattr(part, "optimizer"):
                raise TypeError(f"{name}: item {i} has no optimizer attribute")
            if isinstance(part, ReduceLROnPlateau):
                raise ValueError(
                    f"{name} does not support ReduceLROnPlateau, whose step needs a metric, but "
                    f"got one at index {i} in the given schedulers sequence."
                )
            if part.optimizer is not optimizer:
                raise ValueError(
                    f"{name} expects all schedulers to belong to the same optimizer, but "
                    f"{type(part).__name__} at index {i} has another one"
                )
        self._schedulers = list(schedulers)
        self.optimizer = optimizer

    def state_dict(self) -> dict[str, Any]:
        state = {key: value for key, value in self.__dict__.items() if key not in self.unsaved}
        return {**state, "_schedulers": [part.state_dict() for part in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        state = dict(state_dict)
        for part, saved in zip(self._schedulers, state.pop("_schedulers"), strict=True):
            part.load_state_dict(saved)
        self.__dict__.update(state)

    def _note_rates(self) -> None:
        self._last_lr = [copied(group["lr"]) for group in self.optimizer.param_groups]


class SequentialLR(_Composite):
    """Schedulers one after the other: scheduler i starts, at its epoch 0, at milestones[i - 1]."""

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: list[LRScheduler],
        milestones: list[int],
        last_epoch: int = -1,
    ) -> None:
        self._adopt(schedulers, optimizer, "")
        if len(milestones) != len(schedulers) - 1:
            raise ValueError(
                "SequentialLR expects one scheduler more than milestones, but got "
                f"{len(schedulers)} schedulers and {len(milestones)} milestones"
            )
        self._milestones = milestones
        self.last_epoch = last_epoch + 1
        for group in optimizer.param_groups:  # undo the first step that each part has made
            put(group, "lr", copied(group["initial_lr"]))
        for part in self._schedulers:
            _rewind(part)
        _restart(self._schedulers[0])
        self._last_lr = schedulers[0].get_last_lr()

    def step(self) -> None:  # type: ignore[override]
        """Go to the next epoch of whichever scheduler is due."""
        self.last_epoch += 1
        which = bisect_right(self._milestones, self.last_epoch)
        part = self._schedulers[which]
        if which > 0 and self._milestones[which - 1] == self.last_epoch:
            if isinstance(part, SequentialLR):
                _restart(part)
            else:
                part._update_lr(0)
        else:
            part.step()
        self._last_lr = part.get_last_lr()


def _rewind(part: LRScheduler) -> None:
    part.last_epoch -= 1
    if isinstance(part, _Composite):
        for inner in part._schedulers:
            _rewind(inner)


def _restart(part: LRScheduler) -> None:
    if isinstance(part, _Composite):
        if isinstance(part, SequentialLR):
            part.last_epoch += 1
            _restart(part._schedulers[0])
        else:
            for inner in part._schedulers:
                _restart(inner)
        part._note_rates()
    else:
        part._initial_step()


class ChainedScheduler(_Composite):
    """All schedulers step together, each on what the one before it has left."""

    def __init__(
        self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None
    ) -> None:
        self._adopt(schedulers, optimizer, " to be chained")
        self._note_rates()

    def step(self) -> None:  # type: ignore[override]
        """Step every scheduler once."""
        for part in self._schedulers:
            part.step()
        self._note_rates()

    def _update_lr(self, epoch: int | None = None) -> None:
        for part in self._schedulers:
            part._update_lr(epoch)
        self._note_rates()
