"""Utilities for parameters and gradients."""

from fastnn.nn.utils.convert_parameters import parameters_to_vector, vector_to_parameters
