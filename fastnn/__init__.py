"""fastnn: a neural-network engine for CPUs.

Import it like PyTorch, install it like NumPy, link it like SQLite.
"""

from fastnn._core.dtypes import device, dtype, get_default_dtype, memory_format, set_default_dtype
from fastnn._core.dtypes import public as _dtypes
from fastnn._core.tensor import Size, Tensor, as_tensor, from_numpy, tensor
from fastnn._core.ops import *  # noqa: F403
from fastnn.autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)

globals().update(_dtypes)

from fastnn import optim, utils  # noqa: E402, F401
