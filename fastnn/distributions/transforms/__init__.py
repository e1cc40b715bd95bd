"""Transforms of random variables, and how to undo them."""

from fastnn.distributions.transforms import elementwise, transform, vectors
from fastnn.distributions.transforms.elementwise import *
from fastnn.distributions.transforms.transform import *
from fastnn.distributions.transforms.vectors import *

__all__ = [*elementwise.__all__, *transform.__all__, *vectors.__all__]
