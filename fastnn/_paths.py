"""Where the header and the library are, for compilers."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_include", "get_lib", "get_library_dir"]

_HERE = Path(__file__).parent


def get_prefix() -> str:
    """The folder of both, for CMAKE_PREFIX_PATH."""
    return str(_HERE)


def get_include() -> str:
    """The folder of fastnn.h: cc -I."""
    return str(_HERE / "include")


def get_lib() -> str:
    """The folder of libfastnn.so, libfastnn.a, pkgconfig and cmake: cc -L (and -Wl,-rpath)."""
    return str(_HERE / "lib")


get_library_dir = get_lib


def flags(cflags: bool, libs: bool, static: bool) -> list[str]:
    """What a compiler is told; for the static library the others that it needs are named too."""
    told = [f"-I{get_include()}"] if cflags else []
    if libs and static:
        text = (_HERE / "lib/pkgconfig/fastnn-static.pc").read_text()
        told += text.split("Libs: ")[1].split("\n")[0].replace("${libdir}", get_lib()).split()
    elif libs:
        told += [f"-L{get_lib()}", f"-Wl,-rpath,{get_lib()}", "-lfastnn"]
    return told
