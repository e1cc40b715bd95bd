"""fastnn: a neural-network engine for CPUs.

Import it like PyTorch, install it like NumPy, link it like SQLite.
"""

from fastnn._contractions import *
from fastnn._core import runtime as _runtime
from fastnn._core.convert import as_tensor, from_numpy, tensor
from fastnn._core.dlpack import from_dlpack
from fastnn._core.dtypes import device, dtype, get_default_dtype, memory_format, set_default_dtype
from fastnn._core.dtypes import public as _dtypes
from fastnn._core.ops import *
from fastnn._core.runtime import get_num_threads, set_num_threads
from fastnn._core.size import Size
from fastnn._core.tensor import Tensor
from fastnn._info import *
from fastnn.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

globals().update(_dtypes)
__version__ = _runtime.version()

strided = "fastnn.strided"

from fastnn import autograd, nn, optim, utils  # noqa: E402, F401

_ON_FIRST_USE = {"load": "serialization", "save": "serialization", "serialization": None,
                 "accelerator": None, "backends": None, "cuda": None, "datasets": None,
                 "jit": None, "linalg": None, "metrics": None,
                 "get_include": "embedding", "get_library_dir": "embedding",
                 "random": None, "set_printoptions": "_tensor_str"}  # fmt: skip


def __getattr__(name: str):
    """Imports what costs time and many programs never use, when it is first named."""
    if name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'fastnn' has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"fastnn.{_ON_FIRST_USE[name] or name}")
    value = getattr(module, name) if _ON_FIRST_USE[name] else module
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ON_FIRST_USE})
