"""The arrow rule: which layer may name what. Design, section 3."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CSRC = ROOT / "csrc"
FILES = sorted(p for p in CSRC.rglob("*") if p.suffix in (".c", ".h", ".inc", ".def"))
# A layer, and the layers whose headers it may include besides its own and the public header.
MAY = {
    "include": set(),
    "simd": set(),
    "kernels": {"simd"},
    "isa": {"kernels", "simd"},
    "runtime": {"kernels"},
    "ops": {"runtime", "kernels"},
    "program": {"ops", "runtime", "kernels"},
    "api": {"program", "ops", "runtime", "kernels"},
}


def code(path):
    """The file without its comments and strings, but with the names of what it includes."""
    text = path.read_text()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    return "\n".join(line if line.lstrip().startswith("#include")
                     else re.sub(r'"(\\.|[^"\\])*"', '""', line)
                     for line in text.splitlines())


def name(path):
    return str(path.relative_to(CSRC))


def test_there_are_files():
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=name)
def test_includes_follow_the_arrow(path):
    layer = path.relative_to(CSRC).parts[0]
    for line in code(path).splitlines():
        found = re.match(r'\s*#include "([^"]+)"', line)
        if not found or found[1] in ("fastnn.h", "fastnn_ops.def"):
            continue
        target = found[1].split("/")[0]
        assert target == layer or target in MAY[layer], f"{name(path)} includes {found[1]}"
        assert (CSRC / found[1]).exists(), f"{name(path)} includes {found[1]}"


@pytest.mark.parametrize("what,pattern,allowed", [
    ("Python's C API", r"Python\.h|\bPy[A-Z]\w+", []),
    ("OpenMP", r"\bomp_\w+|#\s*pragma\s+omp|<omp\.h>|_Pragma\(.omp", ["runtime/parallel.c"]),
    ("intrinsics", r"\b_mm\d*_\w+|\b__m(128|256|512)|immintrin\.h|arm_neon\.h|\bv\w+q_f(32|64)\(",
     ["simd/"]),
    ("the system's allocator",
     r"\b(malloc|calloc|realloc|posix_memalign|aligned_alloc|mmap|munmap|free|strdup)\s*\(",
     ["runtime/memory"]),
    ("an end to the process", r"\b(abort|exit|_exit|assert|raise|kill)\s*\(", []),
    ("output", r"\b(printf|puts|putchar|fputs|perror)\s*\(|\bfprintf\s*\(", []),
    ("the host's settings", r"\b(signal|sigaction|setlocale|setenv|putenv|fesetround|fesetenv)\s*\("
     r"|_mm_setcsr", []),
    ("flags that change arithmetic for the whole process", r"fast-math|Ofast|unsafe-math", []),
])
def test_only_there(what, pattern, allowed):
    """Each thing in its one place."""
    for path in FILES:
        if any(name(path).startswith(a) for a in allowed):
            continue
        found = re.search(pattern, code(path))
        assert not found, f"{what} in {name(path)}: {found[0]!r}"


def test_the_rules_find_what_they_look_for():
    assert re.search(r"\bomp_\w+", code(CSRC / "runtime/parallel.c"))
    assert re.search(r"\bmmap\s*\(", code(CSRC / "runtime/memory_pool.c"))


def test_the_build_has_no_forbidden_flags():
    told = [ROOT / "setup.py", *(ROOT / "tools/build").glob("*.py")]
    text = "".join(path.read_text() for path in told)
    for flag in ("-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-march=native"):
        assert flag not in text
    assert "-ffp-contract=off" in text


def test_python_layers():
    """nn and optim are Python over ops: they import no module that was compiled for the core's
    own use but tensors, the tape's switches, ops and settings."""
    for path in [*(ROOT / "fastnn/nn").rglob("*.py"), *(ROOT / "fastnn/optim").rglob("*.py")]:
        text = path.read_text()
        assert not re.search(r"\b(ctypes|cffi)\b", text), path
        assert not re.search(r"^\s*(import|from) (torch|scipy|sklearn)\b", text, re.M), path
