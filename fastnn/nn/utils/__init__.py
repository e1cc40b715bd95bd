"""Utilities for parameters and gradients."""

from fastnn.nn.utils import rnn
from fastnn.nn.utils.clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from fastnn.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
from fastnn.nn.utils.spectral_norm import remove_spectral_norm, spectral_norm
from fastnn.nn.utils.weight_norm import remove_weight_norm, weight_norm

_ON_FIRST_USE = {
    "fusion": ["fuse_conv_bn_eval", "fuse_conv_bn_weights", "fuse_linear_bn_eval",
               "fuse_linear_bn_weights"],
    "init": ["skip_init"],
    "memory_format": ["convert_conv2d_weight_memory_format",
                      "convert_conv3d_weight_memory_format"],
    "parametrizations": [],
    "parametrize": [],
    "prune": [],
    "stateless": [],
}
_HOMES = {name: home for home, names in _ON_FIRST_USE.items() for name in names}


def __getattr__(name: str):
    """Imports what few programs use, when it is first named."""
    if name not in _HOMES and name not in _ON_FIRST_USE:
        raise AttributeError(f"module 'fastnn.nn.utils' has no attribute {name!r}")
    from importlib import import_module

    home = import_module(f"{__name__}.{_HOMES.get(name, name)}")
    globals()[name] = home if name in _ON_FIRST_USE else getattr(home, name)
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_ON_FIRST_USE})
