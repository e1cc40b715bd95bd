"""Tools around training that are neither modules nor optimizers."""

from fastnn.utils import data

__all__ = ["data"]
