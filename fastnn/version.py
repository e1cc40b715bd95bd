"""Versions, and the devices that there are not."""

from fastnn._core import runtime

__all__ = ["cuda", "debug", "git_version", "hip", "xpu"]

__version__ = runtime.version()
cuda = hip = xpu = git_version = None
debug = False
