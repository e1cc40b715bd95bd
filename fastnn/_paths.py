"""Where the header and the library are, for compilers."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_include", "get_library_dir"]


def get_include() -> str:
    """The folder of fastnn.h: cc -I."""
    return str(Path(__file__).parent / "include")


def get_library_dir() -> str:
    """The folder of libfastnn.so and libfastnn.a: cc -L (and -Wl,-rpath)."""
    return str(Path(__file__).parent / "lib")
