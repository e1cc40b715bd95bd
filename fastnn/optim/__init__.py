"""Optimizers and learning-rate schedulers."""

import importlib
from typing import Any

from fastnn.optim.adadelta import Adadelta
from fastnn.optim.adafactor import Adafactor
from fastnn.optim.adagrad import Adagrad
from fastnn.optim.adam import Adam
from fastnn.optim.adamax import Adamax
from fastnn.optim.adamw import AdamW
from fastnn.optim.asgd import ASGD
from fastnn.optim.lbfgs import LBFGS
from fastnn.optim.muon import Muon
from fastnn.optim.nadam import NAdam
from fastnn.optim.optimizer import Optimizer
from fastnn.optim.radam import RAdam
from fastnn.optim.rmsprop import RMSprop
from fastnn.optim.rprop import Rprop
from fastnn.optim.sgd import SGD

__all__ = [
    "ASGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "LBFGS",
    "Muon",
    "NAdam",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Rprop",
    "SGD",
    "lr_scheduler",
]


def __getattr__(name: str) -> Any:
    if name == "lr_scheduler":  # imported when first used
        return importlib.import_module("fastnn.optim.lr_scheduler")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
