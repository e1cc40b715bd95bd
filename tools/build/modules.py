"""The Cython modules: a shared object each in a working tree, all in one where they are shipped."""

import hashlib
import os
from glob import glob
from pathlib import Path

from setuptools import Extension

from .flags import LINK, NO_UNWIND, SANITIZE, SMALL, WARN

# What Cython would repeat in every module (its function type, exceptions, calls): made by it, once.
SHARED = "fastnn/_core/shared.c"
# The others spend their time in C, or run once: they are as small as can be.
FAST = {"tensor", "door", "size", "tape", "engine", "gradient", "pointwise", "arith", "activation",
        "matmul", "reduce", "optim"}  # fmt: skip
WHOLE = "-flto=auto"  # functions that 45 modules repeat become one

# Built-in functions, which carry their signature: Cython's own type is an eighth larger.
DIRECTIVES = {"language_level": 3, "cdivision": True, "auto_pickle": False, "binding": False,
              "embedsignature": True, "embedsignature.format": "clinic"}  # fmt: skip
CYTHON = {
    "compiler_directives": DIRECTIVES,
    # other settings, other sources
    "build_dir": "build/cython/" + hashlib.sha1(repr(DIRECTIVES).encode()).hexdigest()[:8],
    "shared_utility_qualified_name": "fastnn._core.shared",
    "shared_utility_features_disabled": ["MemoryView"],
}  # fmt: skip


def extensions():
    paths = [*sorted(glob("fastnn/_core/**/*.pyx", recursive=True)), SHARED]
    return [extension(path) for path in paths]


def extension(path):
    name = os.path.splitext(path)[0].replace("/", ".")
    size = ["-O2"] if Path(path).stem in FAST else SMALL
    size = size if SANITIZE else [*size, NO_UNWIND]
    up = "/".join([".."] * (name.count(".") - 1))
    return Extension(
        name,
        [path],
        include_dirs=["csrc/include", "fastnn/_core"],
        libraries=["fastnn"],
        # gcc would clear each new object by rep stos, whose start takes 12 ns
        extra_compile_args=[*size, "-fno-builtin-memset", "-g0", *WARN, "-Wno-unused-parameter",
                            "-Wno-missing-field-initializers", "-Wno-cast-function-type",
                            "-Wno-unused-function", *SANITIZE],
        extra_link_args=[*LINK, f"-Wl,-rpath,$ORIGIN/{up}/lib"],
        depends=["csrc/include/fastnn.h", "csrc/include/fastnn_ops.def", "setup.py",
                 *glob("tools/build/*.py")],
    )  # fmt: skip


def join(command, compiler, lib, whole):
    """One shared object in place of one for each module; fastnn/_core finds the modules in it."""
    objects = compiler.object_filenames(
        [s for ext in command.extensions for s in ext.sources], output_dir=command.build_temp)
    for ext in command.extensions:
        os.unlink(command.get_ext_fullpath(ext.name))
    compiler.link_shared_object(
        objects, command.get_ext_fullpath("fastnn._core.modules"), libraries=["fastnn"],
        library_dirs=[str(lib)], extra_postargs=[*LINK, *whole, "-Wl,-rpath,$ORIGIN/../lib"])
