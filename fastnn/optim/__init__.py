"""Optimizers and learning-rate schedulers."""

import importlib
from typing import Any

from fastnn.optim.adadelta import Adadelta
from fastnn.optim.adagrad import Adagrad
from fastnn.optim.adam import Adam
from fastnn.optim.adamw import AdamW
from fastnn.optim.optimizer import Optimizer
from fastnn.optim.rmsprop import RMSprop
from fastnn.optim.sgd import SGD

__all__ = [
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "SGD",
    "lr_scheduler",
]


def __getattr__(name: str) -> Any:
    if name == "lr_scheduler":  # imported when first used
        return importlib.import_module("fastnn.optim.lr_scheduler")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
