"""sdist -> wheel -> clean environment -> import -> cimport -> cc: what a user gets, and its size.

Takes minutes: run by `.ci/run` and `make test-all` (FASTNN_TEST_PACKAGE=1).
"""

import os
import re
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
    call(tool, "-m", "pip", "install", "-q", "build", "setuptools>=77", "cython>=3.1", "wheel")
    call(tool, "-m", "build", "--no-isolation", "--sdist", "-o", tmp / "dist", ROOT)
    sdist = next((tmp / "dist").glob("*.tar.gz"))
    call(tool, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", tmp / "dist",
         sdist)
    wheel = next((tmp / "dist").glob("*.whl"))
    call(sys.executable, "-m", "venv", tmp / "clean")
    python = tmp / "clean/bin/python"
    call(python, "-m", "pip", "install", "-q", wheel, "cython>=3.1", "setuptools>=77")
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
    assert made[2].stat().st_size <= 3 << 20, f"{made[2].stat().st_size / 2**20:.2f} MB"


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


def test_c(made, tmp_path):
    """The program of docs/embedding.md, shared and static, as C99 and as C++11."""
    doc = (ROOT / "docs/embedding.md").read_text()
    (tmp_path / "relu.c").write_text(re.search(r"```c\n(.*?)```", doc, re.S)[1])
    where = call(made[3], "-c", "import fastnn; print(fastnn.get_library_dir())",
                 cwd=tmp_path).strip()
    include = ["-I", f"{where}/../include", "-Wall", "-Wextra", "-Werror", "-pedantic"]
    call("cc", "-std=c99", "relu.c", *include, "-L", where, "-lfastnn", f"-Wl,-rpath,{where}",
         "-o", "shared", cwd=tmp_path)
    call("cc", "-std=c99", "relu.c", *include, f"{where}/libfastnn.a", "-fopenmp", "-lm",
         "-lpthread", "-o", "static", cwd=tmp_path)
    (tmp_path / "header.cc").write_text("#include <fastnn.h>\nint main() { return 0; }\n")
    call("c++", "-std=c++11", "header.cc", *include, "-o", "header", cwd=tmp_path)
    for program in ("shared", "static"):
        assert call(tmp_path / program).strip() == "2"


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
