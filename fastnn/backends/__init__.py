"""Switches and questions of other engines' back ends, so that programs can ask."""

from fastnn._dotted import attach
from fastnn.backends import cuda, cudnn, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkldnn", "mps", "openmp"]

attach(__name__)
