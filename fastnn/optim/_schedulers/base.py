"""The base of the schedulers: counting epochs and writing rates into an optimizer's groups."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable
from contextlib import contextmanager
from typing import Any

import fastnn
from fastnn.optim.optimizer import Optimizer

__all__ = ["LRScheduler", "EPOCH_DEPRECATED", "per_group", "put"]

EPOCH_DEPRECATED = (
    "The epoch parameter of scheduler.step() is deprecated: call step() without it"
)
TOO_EARLY = (
    "Detected call of lr_scheduler.step() before optimizer.step(): call optimizer.step() first, "
    "or the first value of the schedule is skipped"
)
OVERRIDDEN = (
    "Seems like optimizer.step() has been overridden after learning rate scheduler "
    "initialization: make the scheduler after the override"
)


def put(group: dict[str, Any], name: str, value: Any) -> None:
    """Set an option; one that is a tensor keeps its identity and is filled."""
    if isinstance(group.get(name), fastnn.Tensor):
        group[name].fill_(float(value))
    else:
        group[name] = value


def copied(value: Any) -> Any:
    return value.clone() if isinstance(value, fastnn.Tensor) else value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """One value per group, from one for all or a list. Errors: ValueError for a wrong length."""
    groups = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [copied(value) for _ in range(groups)]
    if len(value) != groups:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {groups}."
        )
    return [copied(v) for v in value]


def saved_function(fn: Any) -> Any:
    """What a state_dict keeps of a callable: an object's attributes, nothing of a function."""
    return None if isinstance(fn, (types.FunctionType, types.BuiltinFunctionType)) else (
        fn.__dict__.copy() if hasattr(fn, "__dict__") else None
    )


def check_optimizer(optimizer: Any) -> None:
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def _notice_first_step(optimizer: Optimizer) -> None:
    """Note in optimizer._opt_called that step was called; the wrapper goes away when it was."""
    own = optimizer.__dict__
    if own.get("_opt_called") or getattr(own.get("step"), "notices", False):
        return
    original: Callable[..., Any] = optimizer.step
    previous = own.get("step")

    def step(*args: Any, **kwargs: Any) -> Any:
        own["_opt_called"] = True
        if own.get("step") is step:
            if previous is None:
                del own["step"]
            else:
                own["step"] = previous
        return original(*args, **kwargs)

    step.notices = True  # type: ignore[attr-defined]
    step.runs_hooks = getattr(original, "runs_hooks", False)  # type: ignore[attr-defined]
    own["step"] = step


class LRScheduler:
    """Sets each group's ``lr`` when ``step()`` is called, usually once per epoch.

    A subclass defines ``get_lr()``, the groups' next rates, mostly from their present ones (so
    that schedules can be chained); ``_get_closed_form_lr()`` gives them from last_epoch alone.

    Args:
        optimizer: whose groups to write to.
        last_epoch: index of the last epoch when resuming; -1 starts anew and stores every
            group's ``initial_lr``.
    """

    _is_initial = False
    _get_lr_called_within_step = False
    unsaved: tuple[str, ...] = ("optimizer",)

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", copied(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"param 'initial_lr' is not specified in param_groups[{i}] when resuming a "
                    "scheduler with last_epoch >= 0: load the optimizer's state_dict first"
                )
        self.base_lrs = [copied(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        _notice_first_step(optimizer)
        self._initial_step()

    def _initial_step(self) -> None:
        """Write the rates of epoch 0 (or of the epoch where a run resumes)."""
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def state_dict(self) -> dict[str, Any]:
        """All attributes but the optimizer (and functions)."""
        state = {"_is_initial": False, "_get_lr_called_within_step": False, **self.__dict__}
        return {key: value for key, value in state.items() if key not in self.unsaved}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take over what state_dict gave."""
        self.__dict__.update(state_dict)

    def get_last_lr(self) -> list[Any]:
        """The rates that the last step wrote."""
        return self._last_lr

    def get_lr(self) -> list[Any]:
        """The groups' rates for epoch last_epoch."""
        raise NotImplementedError

    def _warn_outside_step(self) -> None:
        if not self._get_lr_called_within_step:
            warnings.warn(
                "To get the last learning rate computed by the scheduler, use get_last_lr()",
                stacklevel=3,
            )

    @contextmanager
    def _inside_step(self) -> Any:
        self._get_lr_called_within_step = True
        try:
            yield
        finally:
            self._get_lr_called_within_step = False

    def _check_order(self) -> None:
        own = self.optimizer.__dict__
        if self._step_count == 1 and not own.get("_opt_called"):
            step = own.get("step")
            ours = getattr(step, "notices", False) or getattr(step, "runs_hooks", False)
            warnings.warn(TOO_EARLY if ours else OVERRIDDEN, stacklevel=3)

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or (deprecated) to the given one, and write its rates."""
        self._check_order()
        self._step_count += 1
        if epoch is not None:
            warnings.warn(EPOCH_DEPRECATED, UserWarning, stacklevel=2)
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        with self._inside_step():
            closed = None
            if epoch is None:
                self.last_epoch += 1
            else:
                self.last_epoch = epoch
                closed = getattr(self, "_get_closed_form_lr", None)
            values = closed() if closed else self.get_lr()
        self._write(values)

    def _write(self, values: list[Any]) -> None:
        groups = self.optimizer.param_groups
        for group, value in zip(groups, values, strict=True):
            put(group, "lr", value)
        self._last_lr = [copied(group["lr"]) for group in groups]

    def _scaled(self, factor: float) -> list[Any]:
        """The groups' present rates, times factor."""
        return [group["lr"] * factor for group in self.optimizer.param_groups]

    def _kept(self) -> list[Any]:
        return [copied(group["lr"]) for group in self.optimizer.param_groups]
