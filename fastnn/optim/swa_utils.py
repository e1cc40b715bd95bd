"""Averages of a model's weights over training (Izmailov et al. 2018,
https://arxiv.org/abs/1803.05407), and the schedule that goes with them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterable
from typing import Any

from fastnn._core.convert import tensor
from fastnn._core.tensor import Tensor
from fastnn.autograd import no_grad
from fastnn.nn.modules.batchnorm import _BatchNorm
from fastnn.nn.modules.module import Module
from fastnn.optim._schedulers.base import LRScheduler, per_group
from fastnn.optim.optimizer import Optimizer

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
           "get_swa_multi_avg_fn", "update_bn"]


def _check_decay(decay: float) -> None:
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] "
                         "range.")


def get_ema_avg_fn(decay: float = 0.999) -> Callable[..., Tensor]:
    """averaged, current, n -> decay * averaged + (1 - decay) * current."""
    _check_decay(decay)

    @no_grad()
    def average(ema_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return decay * ema_param + (1 - decay) * current_param
    return average


def get_swa_avg_fn() -> Callable[..., Tensor]:
    """averaged, current, n -> averaged + (current - averaged) / (n + 1)."""
    @no_grad()
    def average(averaged_param: Tensor, current_param: Tensor, num_averaged: Any) -> Tensor:
        return averaged_param + (current_param - averaged_param) / (num_averaged + 1)
    return average


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """get_ema_avg_fn over lists of tensors, in place."""
    _check_decay(decay)

    @no_grad()
    def average(ema_param_list: list[Tensor], current_param_list: list[Tensor], _: Any) -> None:
        for p, current in zip(ema_param_list, current_param_list, strict=True):
            p.lerp_(current.to(p.dtype), 1 - decay)
    return average


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """get_swa_avg_fn over lists of tensors, in place."""
    @no_grad()
    def average(averaged_param_list: list[Tensor], current_param_list: list[Tensor],
                num_averaged: Any) -> None:
        for p, current in zip(averaged_param_list, current_param_list, strict=True):
            p.lerp_(current.to(p.dtype), 1 / (float(num_averaged) + 1))
    return average


class AveragedModel(Module):
    """A copy of a model whose parameters are averages of those it is shown.

    avg_fn(averaged, current, n) gives the new average of a tensor, multi_avg_fn works on lists in
    place; without either it is the mean. use_buffers: buffers are averaged too, else they are the
    latest. `module` is the copy, `n_averaged` how many models it has seen.
    """

    n_averaged: Tensor

    def __init__(self, model: Module, device: Any = None,
                 avg_fn: Callable[..., Tensor] | None = None,
                 multi_avg_fn: Callable[..., None] | None = None,
                 use_buffers: bool = False) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        self.register_buffer("n_averaged", tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    def update_parameters(self, model: Module) -> None:
        """Take another model, of the same kind, into the average."""
        own, theirs = list(self.module.parameters()), list(model.parameters())
        if self.use_buffers:
            own += list(self.module.buffers())  # type: ignore[arg-type]
            theirs += list(model.buffers())  # type: ignore[arg-type]
        own_all = [p.detach() for p in own]
        current = [p.detach() for p in theirs]
        with no_grad():
            if int(self.n_averaged) == 0:
                for p, q in zip(own_all, current, strict=True):
                    p.copy_(q)
            else:
                self._average(own_all, current)
            if not self.use_buffers:
                for b, c in zip(self.module.buffers(), model.buffers(), strict=True):
                    b.detach().copy_(c.detach())
            self.n_averaged += 1

    def _average(self, own: list[Tensor], current: list[Tensor]) -> None:
        if self.avg_fn is not None:
            for p, q in zip(own, current, strict=True):
                p.copy_(self.avg_fn(p, q, self.n_averaged))
            return
        floats = [(p, q) for p, q in zip(own, current, strict=True) if p.is_floating_point()]
        average = self.multi_avg_fn or get_swa_multi_avg_fn()
        average([p for p, _ in floats], [q for _, q in floats], self.n_averaged)
        for p, q in zip(own, current, strict=True):
            if not p.is_floating_point():
                p.copy_(q)


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Let the model's batch normalisations take their statistics from the whole of a loader.

    A batch that is a list or tuple is called with its first item. The model's mode is kept.
    """
    momenta = {m: m.momentum for m in model.modules() if isinstance(m, _BatchNorm)}
    if not momenta:
        return
    training = model.training
    model.train()
    for m in momenta:
        m.reset_running_stats()
        m.momentum = None  # the cumulative average
    for batch in loader:
        model(batch[0] if isinstance(batch, (list, tuple)) else batch)
    for m, momentum in momenta.items():
        m.momentum = momentum
    model.train(training)


class SWALR(LRScheduler):
    """Goes from the present rates to swa_lr in anneal_epochs, on a cosine or a line; stays there.

    Raises ValueError for another strategy, or a number of epochs that is none.
    """

    def __init__(self, optimizer: Optimizer, swa_lr: Any, anneal_epochs: int = 10,
                 anneal_strategy: str = "cos", last_epoch: int = -1) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError("anneal_strategy must be one of 'cos' or 'linear', instead got "
                             f"{anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError("anneal_epochs must be equal or greater than 0, got "
                             f"{anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: float) -> float:
        """How much of the way is behind after `step` steps."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[Any]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        made = []
        for group in self.optimizer.param_groups:
            goal, rate = group["swa_lr"], group["lr"]
            start = goal if before == 1 else (rate - before * goal) / (1 - before)
            made.append(goal * now + start * (1 - now))
        return made
