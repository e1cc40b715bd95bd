"""What the compiler is told, and why."""

import os
import sys
import tempfile
from pathlib import Path

VERSION = "0.1.0"
JOBS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
SANITIZE = os.environ.get("FASTNN_SANITIZE", "").split()  # e.g. "-fsanitize=address,undefined"
# Faults that the detectors must find: csrc/runtime/plant.c.
PLANT = [("FNN_PLANT", None)] if os.environ.get("FASTNN_PLANT") == "1" else []

# Python's own flags hold -fwrapv, under which UBSan finds no overflow.
DEBUG = ["-O1", "-g", "-fno-wrapv"]
OPT = DEBUG if SANITIZE else ["-O3", "-g0"]
PLAIN = [] if SANITIZE else ["-O2"]
SMALL = ["-O1"] if SANITIZE else ["-Os"]
LINK = [*SANITIZE] if SANITIZE else ["-Wl,-s", "-Wl,-z,noseparate-code"]
NO_UNWIND = "-fno-asynchronous-unwind-tables"  # no exception passes through C
WARN = ["-Wall", "-Wextra", "-Wno-pass-failed"]  # the last: loops that clang leaves scalar
if "--inplace" in sys.argv or os.environ.get("FASTNN_WERROR") == "1":
    WARN.append("-Werror")  # developers and CI; a user's newer compiler knows newer warnings
if SANITIZE:  # instrumented code looks uninitialised to gcc where it is not
    WARN.append("-Wno-maybe-uninitialized")


class Compiler:
    """distutils' compiler, and what it turns out to know."""

    def __init__(self, compiler):
        self.compiler = compiler
        wanted = os.environ.get("FASTNN_OPENMP") != "0" and self.accepts(
            "-fopenmp", "#include <omp.h>\nint f(void) { return omp_get_max_threads(); }\n")
        self.openmp = ["-fopenmp"] if wanted else []

    def known(self, *flags):
        return [flag for flag in flags if self.accepts(flag)]

    def accepts(self, flag, source="int f(void) { return 0; }\n"):
        """Whether the compiler takes the flag without a warning, and links what it made."""
        with tempfile.TemporaryDirectory() as tmp:
            path = Path(tmp) / "probe.c"
            path.write_text(source)
            try:
                objects = self.compiler.compile(
                    [str(path)], output_dir=tmp, extra_postargs=[flag, "-fPIC", "-Werror"])
                self.compiler.link_shared_object(
                    objects, str(Path(tmp) / "probe.so"), extra_postargs=[flag])
            except Exception:
                return False
        return True
