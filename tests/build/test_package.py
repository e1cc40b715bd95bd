"""sdist -> wheel -> clean environment -> import -> cimport -> cc: what a user gets, and its size.

Takes minutes: run by `.ci/run` and `make test-all` (FASTNN_TEST_PACKAGE=1).
"""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(os.environ.get("FASTNN_TEST_PACKAGE") != "1",
                                reason="builds the package twice; set FASTNN_TEST_PACKAGE=1")


def call(*args, cwd=None, env=None):
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "FASTNN_SANITIZE")}
    done = subprocess.run([str(a) for a in args], cwd=cwd, capture_output=True, text=True,
                          env={**clean, **(env or {})})
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """(folder, sdist, wheel, the clean environment's python)"""
    tmp = tmp_path_factory.mktemp("package")
    call(sys.executable, "-m", "venv", tmp / "build")
    tool = tmp / "build/bin/python"
    call(tool, "-m", "pip", "install", "-q", "build", "setuptools>=77", "cython>=3.3", "wheel")
    call(tool, "-m", "build", "--no-isolation", "--sdist", "-o", tmp / "dist", ROOT)
    sdist = next((tmp / "dist").glob("*.tar.gz"))
    call(tool, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp / "dist",
         sdist)
    wheel = next((tmp / "dist").glob("*.whl"))
    call(sys.executable, "-m", "venv", tmp / "clean")
    python = tmp / "clean/bin/python"
    call(python, "-m", "pip", "install", "-q", wheel, "cython>=3.3", "setuptools>=77")
    return tmp, sdist, wheel, python


def test_sdist_holds_every_source(made):
    names = {n.split("/", 1)[1] for n in tarfile.open(made[1]).getnames() if "/" in n}
    tracked = call("git", "ls-files", "csrc", "fastnn", cwd=ROOT).split()
    assert not [n for n in tracked if n not in names]
    assert "MANIFEST.in" in names and "LICENSE" in names


def test_wheel(made):
    names = zipfile.ZipFile(made[2]).namelist()
    assert "fastnn/lib/libfastnn.so" in names and "fastnn/lib/libfastnn.a" in names
    assert "fastnn/include/fastnn.h" in names and "fastnn/include/fastnn_ops.def" in names
    assert "fastnn/__init__.pxd" in names and "fastnn/_core/fnn.pxd" in names
    assert not [n for n in names if n.endswith((".pyx", ".c")) or n.startswith(("tests", "csrc"))]
    assert len([n for n in names if n.endswith(".so")]) == 2, "the library, and all modules in one"
    assert made[2].stat().st_size <= 3e6, f"{made[2].stat().st_size / 1e6:.2f} MB"  # ADR 0002


def test_nothing_names_the_machine_it_was_built_on(made):
    with zipfile.ZipFile(made[2]) as z:
        for name in z.namelist():
            assert str(ROOT).encode() not in z.read(name), name


def test_import_and_train_a_step(made, tmp_path):
    code = """
import fastnn as torch
from fastnn import nn
net = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 1))
out = net(torch.rand(2, 4))
out.sum().backward()
print(net[0].weight.grad.shape, torch.get_include())
"""
    assert "[3, 4]" in call(made[3], "-c", code, cwd=tmp_path)


def test_the_command_line(made, tmp_path):
    assert re.search(r"(?i)threads", call(made[3].parent / "fastnn", "info", cwd=tmp_path))


CPP = """#include <fastnn.h>
#include <cstdio>

int main() {
  const int64_t size = 3;
  fnn_tensor x = fnn_tensor(), y = fnn_tensor();
  if (fnn_tensor_empty(&x, FNN_F32, 1, &size)) return 1;
  float *p = static_cast<float *>(fnn_tensor_data(&x));
  p[0] = -1, p[1] = 0, p[2] = 2;
  const fnn_tensor *in[] = {&x};
  fnn_tensor *out[] = {&y};
  fnn_call call = {FNN_OP_relu, 1, 1, in, out, nullptr};
  if (fnn_run(&call)) return 1;
  std::printf("%g\\n", static_cast<double>(static_cast<float *>(fnn_tensor_data(&y))[2]));
  fnn_tensor_release(&x);
  fnn_tensor_release(&y);
}
"""


@pytest.fixture
def programs(made, tmp_path):
    """The program of docs/embedding.md in C, its like in C++; (folder, library folder)"""
    doc = (ROOT / "docs/embedding.md").read_text()
    (tmp_path / "relu.c").write_text(re.search(r"```c\n(.*?)```", doc, re.S)[1])
    (tmp_path / "relu.cc").write_text(CPP)
    where = call(made[3], "-c", "import fastnn; print(fastnn.get_library_dir())", cwd=tmp_path)
    return tmp_path, Path(where.strip())


@pytest.mark.parametrize("compiler, source", [("cc -std=c99", "relu.c"),
                                              ("c++ -std=c++11", "relu.cc")])
@pytest.mark.parametrize("link", ["shared", "static"])
def test_a_program_links(programs, compiler, source, link):
    """By the flags of pkg-config, and warning-free."""
    if not shutil.which("pkg-config"):
        pytest.skip("pkg-config is not installed")
    tmp, where = programs
    flags = call("pkg-config", "--cflags", "--libs", *(["--static"] if link == "static" else []),
                 "fastnn", env={"PKG_CONFIG_PATH": str(where / "pkgconfig")}).split()
    if link == "static":
        flags = [str(where / "libfastnn.a") if flag == "-lfastnn" else flag for flag in flags]
    call(*compiler.split(), "-Wall", "-Wextra", "-Werror", "-pedantic", source, *flags,
         f"-Wl,-rpath,{where}", "-o", "program", cwd=tmp)
    assert call(tmp / "program").strip() == "2"
    needed = call("ldd", tmp / "program")
    assert ("libfastnn.so" in needed) == (link == "shared")


def test_cmake_finds_it(programs):
    if not shutil.which("cmake"):
        pytest.skip("cmake is not installed")
    tmp, where = programs
    (tmp / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(relu C)\nset(CMAKE_C_STANDARD 99)\n"
        "find_package(fastnn REQUIRED)\nadd_executable(relu relu.c)\n"
        "target_link_libraries(relu fastnn::fastnn)\n")
    call("cmake", "-S", tmp, "-B", tmp / "made", f"-DCMAKE_PREFIX_PATH={where.parent}")
    call("cmake", "--build", tmp / "made")
    assert call(tmp / "made/relu").strip() == "2"


def test_cimport(made, tmp_path):
    (tmp_path / "count.pyx").write_text(
        "from fastnn cimport descriptor, fnn_tensor_numel\n"
        "def count(t):\n    return fnn_tensor_numel(descriptor(t))\n")
    (tmp_path / "setup.py").write_text(
        "import fastnn\nfrom Cython.Build import cythonize\n"
        "from setuptools import Extension, setup\n"
        "where = [fastnn.get_library_dir()]\n"
        "setup(ext_modules=cythonize([Extension('count', ['count.pyx'], libraries=['fastnn'],\n"
        "    include_dirs=[fastnn.get_include()], library_dirs=where,\n"
        "    runtime_library_dirs=where)], language_level=3))\n")
    call(made[3], "setup.py", "build_ext", "--inplace", cwd=tmp_path)
    code = "import fastnn, count; print(count.count(fastnn.zeros(3, 5)))"
    assert call(made[3], "-c", code, cwd=tmp_path).strip() == "15"
    code = "import fastnn, count; count.count(3)"
    done = subprocess.run([made[3], "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert "TypeError: expected a fastnn.Tensor, got int" in done.stderr


def test_one_engine_in_the_process(made, tmp_path):
    """Every module finds the same libfastnn, whose soname it was linked to."""
    code = """
import fastnn, fastnn.nn
maps = {l.split()[-1] for l in open("/proc/self/maps") if "libfastnn" in l}
print(len(maps))
"""
    assert call(made[3], "-c", code, cwd=tmp_path).strip() == "1"
