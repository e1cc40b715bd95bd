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

from tests.embed.programs import tool

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


@pytest.fixture
def programs(made, tmp_path):
    """The program of docs/embedding.md in C and one in C++; (their folder, the package's)"""
    doc = (ROOT / "docs/embedding.md").read_text()
    (tmp_path / "prog.c").write_text(re.search(r"```c\n(.*?)```", doc, re.S)[1])
    shutil.copy(ROOT / "examples/embed/attention.cc", tmp_path / "prog.cc")
    return tmp_path, Path(call(made[3].parent / "fastnn-config", "--prefix").strip())


def told(by, folder, static):
    """Flags by the installed script, or by a pkg-config file of a package that was moved."""
    if by == "fastnn-config":
        script = folder.parents[3] / "bin/fastnn-config"
        return call(script, "--cflags", "--libs", *(["--static"] if static else [])).split()
    return call(tool("pkg-config", "pkgconf"), "--cflags", "--libs",
                "fastnn-static" if static else "fastnn",
                env={"PKG_CONFIG_PATH": str(folder / "lib/pkgconfig")}).split()


@pytest.mark.parametrize("compiler, source, last", [
    ("cc -std=c99", "prog.c", "2"), ("c++ -std=c++11", "prog.cc", "cannot be multiplied")])
@pytest.mark.parametrize("static", [False, True], ids=["shared", "static"])
@pytest.mark.parametrize("by", ["fastnn-config", "pkg-config"])
def test_a_program_links(programs, compiler, source, last, static, by):
    """Warning-free."""
    tmp, folder = programs
    if by == "pkg-config":
        folder = shutil.copytree(folder, tmp / "moved", ignore=shutil.ignore_patterns("*.py"))
    call(*compiler.split(), "-Wall", "-Wextra", "-Werror", "-pedantic", source,
         *told(by, folder, static), "-o", "program", cwd=tmp)
    assert call(tmp / "program").strip().endswith(last)
    needed = call("ldd", tmp / "program")
    assert ("libfastnn.so" in needed) != static


def test_cmake_finds_it(programs):
    tmp, folder = programs
    moved = shutil.copytree(folder, tmp / "moved", ignore=shutil.ignore_patterns("*.py"))
    (tmp / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.13)\nproject(prog C)\nset(CMAKE_C_STANDARD 99)\n"
        "find_package(fastnn REQUIRED)\nadd_executable(prog prog.c)\n"
        "target_link_libraries(prog fastnn::fastnn)\nadd_executable(whole prog.c)\n"
        "target_link_libraries(whole fastnn::static)\n")
    call(tool("cmake"), "-S", tmp, "-B", tmp / "made", f"-DCMAKE_PREFIX_PATH={moved}")
    call(tool("cmake"), "--build", tmp / "made")
    assert call(tmp / "made/prog").strip() == call(tmp / "made/whole").strip() == "2"


def test_cimport(made, tmp_path):
    (tmp_path / "count.pyx").write_text(
        "from fastnn cimport descriptor, fnn_tensor_numel\n"
        "def count(t):\n    return fnn_tensor_numel(descriptor(t))\n")
    (tmp_path / "setup.py").write_text(
        "import fastnn\nfrom Cython.Build import cythonize\n"
        "from setuptools import Extension, setup\n"
        "where = [fastnn.get_lib()]\n"
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
