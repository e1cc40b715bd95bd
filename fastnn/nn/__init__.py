"""Building blocks of networks: modules, parameters, functions, initial values, utilities."""

from fastnn.nn import functional, init, modules, utils
from fastnn.nn.modules import *
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter


def __getattr__(name: str):
    return getattr(modules, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(modules)})
