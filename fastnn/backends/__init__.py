"""Switches and questions of other engines' back ends, so that programs can ask."""

from fastnn.backends import cuda, cudnn, mkl, mkldnn, mps, openmp

__all__ = ["cuda", "cudnn", "mkl", "mkldnn", "mps", "openmp"]
