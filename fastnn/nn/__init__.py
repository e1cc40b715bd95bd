"""Building blocks of networks: modules, parameters, functions, initial values, utilities."""

from fastnn.nn import functional, init, modules, utils
from fastnn.nn.modules import *
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter


def __getattr__(name: str):
    """Imports what few programs use, when it is first named."""
    if name in ("DataParallel", "parallel"):
        from importlib import import_module

        home = import_module("fastnn.nn.parallel")
        value = home if name == "parallel" else home.DataParallel
    else:
        value = getattr(modules, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(modules), "DataParallel", "parallel"})
