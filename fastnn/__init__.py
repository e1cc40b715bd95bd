"""fastnn: a neural-network engine for CPUs.

Import it like PyTorch, install it like NumPy, link it like SQLite.
"""

from typing import TYPE_CHECKING

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
from fastnn._dotted import attach as _attach
from fastnn._info import *
from fastnn._kinds import *
from fastnn._late import FUNCTIONS as _functions
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

strided, sparse_coo = "fastnn.strided", "fastnn.sparse_coo"

from fastnn import autograd, nn, optim, utils  # noqa: E402, F401

for _name in ("fastnn", "fastnn.autograd", "fastnn.optim"):  # other packages attach theirs
    _attach(_name)

_ON_FIRST_USE = {
    "_legacy": ["fill", "frombuffer", "range"],
    "_native": ["batch_norm", "binary_cross_entropy_with_logits", "instance_norm", "kl_div",
                "poisson_nll_loss"],
    "_storage": ["TypedStorage", "UntypedStorage"],
    "_sampling": ["binomial", "poisson"],
    "_settings": ["are_deterministic_algorithms_enabled", "get_default_device",
                  "get_deterministic_debug_mode", "get_float32_matmul_precision",
                  "get_num_interop_threads", "set_default_device", "set_default_tensor_type",
                  "set_deterministic_debug_mode", "set_float32_matmul_precision",
                  "set_flush_denormal", "set_num_interop_threads", "set_warn_always",
                  "use_deterministic_algorithms"],
    "amp": ["GradScaler", "autocast", "get_autocast_dtype", "is_autocast_enabled"],
    "_tensor_str": ["set_printoptions"],
    "_vmap": ["vmap"],
    "_windows": ["bartlett_window", "blackman_window", "hamming_window", "hann_window",
                 "kaiser_window"],
    "_paths": ["get_include", "get_lib", "get_library_dir"],
    "nn.functional": ["adaptive_avg_pool1d", "adaptive_max_pool1d", "avg_pool1d", "bilinear",
                      "channel_shuffle", "conv_tbc", "cosine_embedding_loss", "cosine_similarity",
                      "group_norm", "hinge_embedding_loss", "layer_norm", "margin_ranking_loss",
                      "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d",
                      "pairwise_distance", "pdist", "pixel_shuffle", "pixel_unshuffle", "rms_norm",
                      "rrelu", "rrelu_", "triplet_margin_loss"],
    "nn.utils.weight_norm": ["norm_except_dim"],
    "serialization": ["load", "save"],
    "sparse": ["sparse_coo_tensor", "spmm"],
}
_MODULES = ["accelerator", "amp", "backends", "cuda", "datasets", "distributed", "distributions",
            "func", "jit", "linalg", "metrics", "multiprocessing", "overrides", "random",
            "serialization", "sparse", "special", "testing", "types", "version"]
_METHODS = ["acosh_", "addmv_", "arccos_", "arccosh_", "arcsin_", "arcsinh_", "arctan_", "arctanh_",
            "asinh_", "atanh_", "clamp_", "clamp_max_", "clamp_min_", "clip_", "conj_physical_",
            "deg2rad_", "detach", "detach_", "fill_", "fix_", "frac_", "gcd_", "index_put_", "lcm_",
            "ldexp_", "logit_", "neg_", "negative_", "rad2deg_", "resize_as_", "sinc_",
            "split_with_sizes", "xlogy_", "zero_"]  # functions too
_HOMES = {name: home for home, names in _ON_FIRST_USE.items() for name in names}
_HOMES |= {name: home for home, names in _functions.items() for name in names.split()}
if TYPE_CHECKING:
    from fastnn._elementwise import *
    from fastnn._legacy import *
    from fastnn._matrices import *
    from fastnn._sampling import *
    from fastnn._scatters import *
    from fastnn._settings import *
    from fastnn._special import *
    from fastnn._statistics import *
    from fastnn._windows import *


def __getattr__(name: str):
    """Imports what costs time and many programs never use, when it is first named."""
    if name in _METHODS:
        value = getattr(Tensor, name)
    elif name in _HOMES or name in _MODULES:
        from importlib import import_module

        home = import_module(f"fastnn.{_HOMES.get(name, name)}")
        value = home if name in _MODULES else getattr(home, name)
    else:
        raise AttributeError(f"module 'fastnn' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_METHODS, *_MODULES})
