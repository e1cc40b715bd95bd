"""Optimizers and learning-rate schedulers."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fastnn.optim import lr_scheduler
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
    from fastnn.optim.sparse_adam import SparseAdam

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
    "SparseAdam",
    "lr_scheduler",
]

# A class's module bears its name in small letters.
_MODULES = {name.lower() for name in __all__} | {"sparse_adam", "swa_utils"}


def __getattr__(name: str) -> Any:
    """Imports an optimizer when it is first named: a program uses one or two of them."""
    if name not in __all__ and name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = "sparse_adam" if name == "SparseAdam" else name.lower()
    module = import_module(f"{__name__}.{home}")
    value = module if name in _MODULES else getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "swa_utils"})
