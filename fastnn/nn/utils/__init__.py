"""Utilities for parameters and gradients."""

from fastnn.nn.utils import rnn
from fastnn.nn.utils.clip_grad import (
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from fastnn.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
