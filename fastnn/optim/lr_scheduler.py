"""Schedules for learning rates and momentum, by torch's names."""

from fastnn.optim._schedulers.base import LRScheduler
from fastnn.optim._schedulers.composite import ChainedScheduler, SequentialLR
from fastnn.optim._schedulers.cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts
from fastnn.optim._schedulers.cyclic import CyclicLR, OneCycleLR
from fastnn.optim._schedulers.factors import (
    ConstantLR,
    ExponentialLR,
    LinearLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from fastnn.optim._schedulers.functions import LambdaLR, MultiplicativeLR
from fastnn.optim._schedulers.plateau import ReduceLROnPlateau

_LRScheduler = LRScheduler  # the base's old name, still subclassed by programs

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "CyclicLR",
    "ExponentialLR",
    "LRScheduler",
    "LambdaLR",
    "LinearLR",
    "MultiStepLR",
    "MultiplicativeLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "SequentialLR",
    "StepLR",
]
