"""Whether OpenMP runs the parallel regions."""

from fastnn._core import runtime


def is_available() -> bool:
    """Whether the parallel backend is OpenMP."""
    return runtime.parallel_backend() == "openmp"
