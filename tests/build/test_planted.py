"""Every detector finds the fault that was planted for it (csrc/runtime/plant.c).

Needs a build with FASTNN_PLANT=1; `make asan` makes one that is instrumented as well.
"""

import ctypes
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[2] / "fastnn/lib/libfastnn.so"
lib = ctypes.CDLL(str(LIBRARY))
pytestmark = pytest.mark.skipif(not hasattr(lib, "fnn_plant"),
                                reason="a build without FNN_PLANT holds no faults; see make asan")
INSTRUMENTED = "libasan" in os.environ.get("LD_PRELOAD", "")


@pytest.fixture
def plant():
    lib.fnn_plant.restype = ctypes.c_double
    lib.fnn_memory_fail_at.argtypes = [ctypes.c_int64]
    lib.fnn_set_num_threads.argtypes = [ctypes.c_int]
    yield lambda fault, n: lib.fnn_plant(fault.encode(), ctypes.c_int64(n))
    lib.fnn_memory_set_poison(0)
    lib.fnn_memory_fail_at(0)
    lib.fnn_set_num_threads(0)


@pytest.mark.skipif(not INSTRUMENTED, reason="FNN_PLANT without the sanitizers; see make asan")
@pytest.mark.parametrize("fault, n, report", [
    ("read beyond", 1000, "AddressSanitizer: heap-buffer-overflow"),
    ("overflow", 3, "signed integer overflow"),
])
def test_sanitizers(fault, n, report):
    code = ("import ctypes, sys\n"
            f"ctypes.CDLL({str(LIBRARY)!r}).fnn_plant({fault.encode()!r}, ctypes.c_int64({n}))\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          env={**os.environ, "FASTNN_ISA": "base"})
    assert done.returncode != 0 and report in done.stderr
    assert "plant.c" in done.stderr or "/kernels/" in done.stderr


def test_poison(plant):
    lib.fnn_memory_set_poison(1)
    assert math.isnan(plant("read unwritten", 100))


def test_failed_allocations_show_a_leak(plant):
    class Stats(ctypes.Structure):
        _fields_ = [(n, ctypes.c_int64) for n in ("live", "blocks", "cached", "peak", "requests")]

    before, after = Stats(), Stats()
    lib.fnn_memory_get_stats(ctypes.byref(before))
    lib.fnn_memory_fail_at(2)
    assert plant("leak on failure", 100) == -1
    lib.fnn_memory_get_stats(ctypes.byref(after))
    assert after.blocks == before.blocks + 1


def test_numbers_of_threads_show_an_order(plant):
    sums = set()
    for n in (1, 2, 3, 4, 7, 8):
        lib.fnn_set_num_threads(n)
        sums.add(plant("sum by thread", 1_000_003))
    assert len(sums) > 1
