"""Each program of examples/embed, as the tool that it is for builds and runs it."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from fastnn import _paths
from fastnn._core import runtime
from fastnn.datasets import load_digits
from tests.embed.programs import (
    CC,
    EXAMPLES,
    INSTRUMENTED,
    ROOT,
    SANITIZE,
    STRICT,
    call,
    compile_c,
    environment,
    python,
    tool,
)

MLP = [EXAMPLES / name for name in ("train_mlp.c", "net.c", "csv.c")]
THREADS = ["-pthread", "-lm"]
unsanitized = pytest.mark.skipif(
    INSTRUMENTED, reason="a Python without the sanitizers does not load what they made")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The shipped digits as a CSV file, with a line of names."""
    path = tmp_path_factory.mktemp("data") / "digits.csv"
    data = load_digits()
    names = ",".join([f"p{i}" for i in range(64)] + ["class"])
    np.savetxt(path, np.c_[data.data, data.target], fmt="%d", delimiter=",", header=names,
               comments="")
    return path


@pytest.fixture(scope="module")
def mlp(tmp_path_factory):
    return compile_c(tmp_path_factory.mktemp("mlp") / "train_mlp", *MLP, more=THREADS)


def accuracy(output):
    assert re.search(r"threads, 359 answers each: the same", output), output
    return float(re.search(r"test accuracy: ([\d.]+) %", output)[1])


@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
def test_c_trains_and_serves(static, tmp_path, digits):
    program = compile_c(tmp_path / "train_mlp", *MLP, static=static, more=THREADS)
    assert accuracy(call(program, digits, 20, 64, 4)) > 95
    needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    assert ("libfastnn.so" in needed) != static
    assert "python" not in needed


def test_threads_and_instruction_sets_give_the_same_net(mlp, digits):
    """What it prints, losses and accuracy, is the same for any number of threads."""
    told = {call(mlp, digits, 3, 64, 2, FASTNN_NUM_THREADS=str(n)) for n in (1, 2, 5)}
    assert len(told) == 1


@pytest.mark.parametrize("content, message", [
    ("", "no rows"), ("1,2\n3,x\n", "line 2"), ("1,2\n3\n", "line 2"), ("1,2.5\n", "no class"),
    ("1,-1\n", "no class"), ("1,nan\n", "no class"), ("1,1\n2,0\n", "too few rows"),
])
def test_a_bad_file_ends_with_its_line(mlp, tmp_path, content, message):
    (tmp_path / "bad.csv").write_text(content)
    assert message in call(mlp, tmp_path / "bad.csv", code=1)


def test_a_missing_file_and_no_arguments(mlp, tmp_path):
    assert "cannot be opened" in call(mlp, tmp_path / "none.csv", code=1)
    assert "usage" in call(mlp, code=2)


@pytest.mark.skipif(INSTRUMENTED, reason="valgrind does not run what the sanitizers made")
def test_valgrind_finds_nothing(mlp, digits):
    """With AVX2: valgrind knows no AVX-512. The small blocks come from malloc, so it sees each."""
    out = call(tool("valgrind"), "--error-exitcode=9", "--leak-check=full",
               "--errors-for-leak-kinds=definite,indirect", mlp, digits, 1, 16, 2,
               FASTNN_ISA={"avx512": "avx2"}.get(runtime.isa_best(), runtime.isa_best()),
               FASTNN_ALLOCATOR="system")
    assert "ERROR SUMMARY: 0 errors" in out


def test_cpp(tmp_path):
    program = compile_c(tmp_path / "attention", EXAMPLES / "attention.cc", standard="c++11")
    lines = call(program).splitlines()
    assert lines[:10] == ["1"] * 10 and lines[10].startswith("refused: linear: x of shape (2, 4)")


@pytest.fixture
def folder(tmp_path):
    """The examples as somebody copied them."""
    return shutil.copytree(EXAMPLES, tmp_path / "embed",
                           ignore=shutil.ignore_patterns("build", "*.so", "__pycache__"))


def config(tmp_path):
    """fastnn-config, of the fastnn that is tested."""
    script = tmp_path / "fastnn-config"
    script.write_text(f"#!/bin/sh\nLD_PRELOAD='{os.environ.get('LD_PRELOAD', '')}' "
                      f"PYTHONPATH='{ROOT}' exec '{sys.executable}' -m fastnn config \"$@\"\n")
    script.chmod(0o755)
    return script


@pytest.mark.parametrize("static", ["", "1"])
@pytest.mark.parametrize("by", ["pkg-config", "fastnn-config"])
def test_make(by, static, folder, digits, tmp_path):
    finder = tool("pkg-config", "pkgconf") if by == "pkg-config" else "false"
    flags = " ".join([*STRICT, *SANITIZE])
    call(tool("make"), f"FASTNN_CONFIG={config(tmp_path)}", f"CC={CC}", f"PKG_CONFIG={finder}",
         f"STATIC={static}", f"CFLAGS={flags}", f"CXXFLAGS={flags}", "train_mlp", "attention",
         cwd=folder)
    needed = subprocess.run(["ldd", folder / "train_mlp"], capture_output=True, text=True,
                            check=True).stdout
    assert ("libfastnn.so" in needed) == (static == "")
    assert accuracy(call(folder / "train_mlp", digits, 5)) > 90


def test_cmake(folder, digits):
    cmake, flags = tool("cmake"), " ".join(["-Wall -Wextra -Werror", *SANITIZE])
    call(cmake, "-S", folder, "-B", folder / "build", f"-DCMAKE_C_FLAGS={flags}",
         f"-DCMAKE_CXX_FLAGS={flags}", f"-DCMAKE_PREFIX_PATH={_paths.get_prefix()}")
    call(cmake, "--build", folder / "build")
    for name in ("train_mlp", "train_mlp_static"):
        assert accuracy(call(folder / "build" / name, digits, 5)) > 90
    call(folder / "build/attention")


def test_cmake_refuses_another_version(folder):
    text = (folder / "CMakeLists.txt").read_text()
    (folder / "CMakeLists.txt").write_text(text.replace("fastnn 0.1", "fastnn 0.2"))
    out = call(tool("cmake"), "-S", folder, "-B", folder / "build", code=1,
               CMAKE_PREFIX_PATH=_paths.get_prefix())
    assert "0.2" in out


@unsanitized
@pytest.mark.parametrize("name, needs", [("with_ctypes", "numpy"), ("with_cffi", "cffi"),
                                         ("with_numba", "numba")])
def test_python_without_a_compiler(name, needs):
    pytest.importorskip(needs, reason=f"the example is one of {needs}")
    out = python(EXAMPLES / f"{name}.py")
    if name == "with_ctypes":
        assert float(re.search(r"accuracy ([\d.]+)", out)[1]) > 0.95
    elif name == "with_cffi":
        assert "[[0.25 0.75]]" in out and "[ 0.  2. " in out.replace("-2.", " 2.")
    else:  # 50 steps, each a rounding of values of order 1
        assert float(out.split(":")[1]) < 1e-14


@unsanitized
def test_dlpack(tmp_path):
    library = compile_c(tmp_path / "libdlpack_relu.so", EXAMPLES / "dlpack_relu.c",
                        more=["-shared", "-fPIC"])
    out = python(EXAMPLES / "with_dlpack.py", library)
    assert "NumPy to fastnn: [[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]]" in out
    assert "NumPy, transposed: [[0.0, 0.0], [0.0, 1.0], [0.0, 2.0]]" in out
    assert "fastnn to NumPy: [[0.0, 2.0]]" in out and "float64: [[0.0, 0.0, 0.0]" in out


CYTHON = """
import fastnn, rows
x = fastnn.randn(300, 7000)
assert (rows.row_max(x) == x.amax(1)).all()
fastnn.set_num_threads(3)
assert rows.threads() == 3
fastnn.set_num_threads(1)
assert (rows.row_max(x) == x.amax(1)).all()
for bad in (x.T, x.double(), x[0]):
    try:
        rows.row_max(bad)
    except ValueError as error:
        assert "row_max" in str(error)
    else:
        raise AssertionError
maps = {line.split()[-1] for line in open("/proc/self/maps") if "libfastnn" in line}
assert len(maps) == 1, maps
print("ok")
"""


@unsanitized
def test_cython(folder):
    """It shares tensors and the setting of threads with Python."""
    pytest.importorskip("Cython")
    env = {**environment(), "PYTHONPATH": os.pathsep.join([str(ROOT), str(folder / "cython")])}
    call(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=folder / "cython", env=env)
    assert call(sys.executable, "-c", CYTHON, cwd=folder, env=env).strip().endswith("ok")
