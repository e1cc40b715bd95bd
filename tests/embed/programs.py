"""Compiling programs against the libfastnn that is tested, and running them without Python's
environment. In a sanitized run (make asan) the programs are sanitized as well."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

import fastnn
from fastnn._paths import flags

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples/embed"
INSTRUMENTED = "libasan" in os.environ.get("LD_PRELOAD", "")
SANITIZE = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=undefined",
            "-DSANITIZED"] if INSTRUMENTED else []  # fmt: skip
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
CC = "gcc" if INSTRUMENTED else "cc"  # whose sanitizers the library was made with
PATH = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])


def tool(name, *others):
    """The path of a program, from the environment of this Python or the system."""
    for one in (name, *others):
        if found := shutil.which(one, path=PATH):
            return found
    pytest.skip(f"{name} is not installed")


def environment(**more):
    """Sanitized programs look for leaks; Python's own processes cannot."""
    env = {k: v for k, v in os.environ.items() if k not in ("LD_PRELOAD", "PYTHONMALLOC")}
    if INSTRUMENTED:
        env |= {"FASTNN_ALLOCATOR": "system",
                "ASAN_OPTIONS": "allocator_may_return_null=1:max_allocation_size_mb=256"}
    return {**env, **more}


def call(*args, cwd=None, timeout=300, code=0, env=None, **more):
    """What the command prints on both streams."""
    done = subprocess.run([str(a) for a in args], cwd=cwd, text=True, timeout=timeout,
                          env={**(environment() if env is None else env), **more},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == code, f"{args[0]}: {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


def compile_c(out, *sources, standard="c99", static=False, more=()):
    """The program `out`, warning-free."""
    cc = tool("c++", "g++", "clang++") if "++" in standard else tool(CC, "gcc")
    call(cc, f"-std={standard}", "-O1", *STRICT, *SANITIZE, *sources,
         *flags(True, True, static), *more, "-o", out)
    return out


def python(path, *args, **more):
    """A script in a process of its own, which finds the fastnn that is tested."""
    where = Path(fastnn.__file__).parents[1]
    found = os.pathsep.join([str(where), os.environ.get("PYTHONPATH", "")])
    return call(sys.executable, path, *args, env={**os.environ, "PYTHONPATH": found}, **more)
