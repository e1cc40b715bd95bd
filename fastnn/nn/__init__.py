"""Building blocks of networks: modules, parameters, functions, initial values, utilities."""

from fastnn.nn import functional, init, modules, utils
from fastnn.nn.modules import *
from fastnn.nn.modules.module import Module
from fastnn.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

_ON_FIRST_USE = ("attention", "common_types", "grad", "parallel")
_LATER = ("intrinsic", "qat", "quantizable", "quantized")


def __getattr__(name: str):
    """Imports what few programs use, when it is first named."""
    from importlib import import_module

    if name in _ON_FIRST_USE:
        value = import_module(f"fastnn.nn.{name}")
    elif name in _LATER:
        value = import_module("fastnn.nn._later").Later(f"nn.{name}")
    elif name == "DataParallel":
        value = import_module("fastnn.nn.parallel").DataParallel
    else:
        value = getattr(modules, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(modules), *_ON_FIRST_USE, *_LATER, "DataParallel"})
