"""fastnn.h compiles by itself; the library exports what it lists, and needs what Linux has."""

import ctypes
import re
import subprocess

import pytest

import fastnn
from tests.embed.programs import ROOT, STRICT, call, tool

HEADER = (ROOT / "csrc/include/fastnn.h").read_text()
LIBRARY = f"{fastnn.get_lib()}/libfastnn.so"
# Append only: who links to a function finds it in every later version.
LISTED = (ROOT / "tests/embed/symbols.txt").read_text().split()
PLANTED = hasattr(ctypes.CDLL(LIBRARY), "fnn_plant")


def nm(*args):
    lines = subprocess.run([tool("nm"), *args], capture_output=True, text=True, check=True).stdout
    return [line.split() for line in lines.splitlines() if line]


@pytest.mark.parametrize("compiler, standard", [
    ("gcc", "c99"), ("gcc", "c11"), ("gcc", "c17"), ("clang", "c99"), ("clang", "c17"),
    ("g++", "c++11"), ("g++", "c++20"), ("clang++", "c++11"), ("clang++", "c++20"),
])
def test_the_header_alone(compiler, standard, tmp_path):
    cc = tool(compiler)
    more = ["-Wconversion", "-Wshadow", "-Wundef", "-Wstrict-prototypes"]
    if "++" in standard:
        more = ["-Wconversion", "-Wshadow", "-Wundef"]
    source = tmp_path / ("only.cc" if "++" in standard else "only.c")
    source.write_text("#include <fastnn.h>\n#include <fastnn.h>\n"
                      "int ok(const fnn_tensor *t);\n"
                      "int ok(const fnn_tensor *t) { return fnn_tensor_data(t) != 0; }\n")
    call(cc, f"-std={standard}", *STRICT, *more, f"-I{fastnn.get_include()}", "-c", source, "-o",
         tmp_path / "only.o")


def declared():
    code = re.sub(r"/\*.*?\*/", " ", HEADER, flags=re.S)
    return re.findall(r"^FNN_API[^(;]*?\b(fnn_\w+)\(", code, re.M)


def test_every_function_is_listed():
    assert sorted(declared()) == sorted(LISTED), "tests/embed/symbols.txt is append only"


@pytest.mark.skipif(PLANTED, reason="FNN_PLANT adds a function to the library")
def test_the_shared_library_exports_those_and_nothing_else():
    exported = {line[-1] for line in nm("-D", "--defined-only", LIBRARY)}
    assert exported == set(LISTED)


@pytest.mark.skipif(PLANTED, reason="FNN_PLANT adds a function to the library")
def test_the_static_library_defines_no_names_of_others():
    """What the program's own functions could clash with."""
    names = {line[-1] for line in nm("-g", "--defined-only", f"{fastnn.get_lib()}/libfastnn.a")
             if len(line) == 3}
    assert names == set(LISTED)


def test_soname_and_what_the_library_needs():
    """auditwheel's manylinux policy names these libraries as present everywhere (libgomp aside,
    which belongs to the compiler)."""
    told = subprocess.run([tool("objdump"), "-p", LIBRARY], capture_output=True, text=True,
                          check=True).stdout
    assert re.search(r"SONAME\s+libfastnn\.so\n", told)
    needed = set(re.findall(r"NEEDED\s+(\S+)", told))
    usual = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "libgomp.so.1",
             "libomp.so.5", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libasan.so.8",
             "libubsan.so.1"}
    assert needed <= usual


def test_cython_sees_every_function():
    text = (ROOT / "fastnn/_core/fnn.pxd").read_text()
    assert not [name for name in declared() if not re.search(rf"\b{name}\(", text)]


def test_versions():
    lib = ctypes.CDLL(LIBRARY)
    lib.fnn_version.restype = ctypes.c_char_p
    assert lib.fnn_abi_version() == int(re.search(r"FNN_ABI_VERSION (\d+)", HEADER)[1])
    assert lib.fnn_version().decode() == fastnn.__version__


SIZES = """#include <fastnn.h>
#include <stdio.h>
int main(void) {
  printf("%zu %zu %zu %zu %zu %zu\\n", sizeof(fnn_tensor), sizeof(fnn_attr), sizeof(fnn_call),
         sizeof(fnn_storage), sizeof(fnn_context), sizeof(fnn_memory_stats));
  return 0;
}
"""


def test_structs_keep_their_size(tmp_path):
    """The first three for good; the others, which the library makes, may only grow."""
    (tmp_path / "sizes.c").write_text(SIZES)
    call(tool("cc", "gcc"), f"-I{fastnn.get_include()}", "sizes.c", "-o", "sizes", cwd=tmp_path)
    tensor, attr, instruction, *grown = map(int, call(tmp_path / "sizes").split())
    assert (tensor, attr, instruction) == (152, 16, 40)
    assert all(now >= least for now, least in zip(grown, (56, 24, 40), strict=True))
