"""What the figures were measured on, and the limits that shares are taken of."""

import datetime
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np

from fastnn._core import runtime
from fastnn.cli.info import cpu_name

HERE = Path(__file__).parent


def header(threads: int) -> str:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], cwd=HERE,
                            capture_output=True, text=True).stdout.strip()  # fmt: skip
    return (
        f"{cpu_name()}; ISA {runtime.isa()}, {threads} threads, backend "
        f"{runtime.parallel_backend()}; commit {commit or 'unknown'}, {datetime.date.today()}"
    )


def check_environment() -> list[str]:
    """What makes peers differ from what pip installs."""
    changed = [name for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    return [f"unset {name}: it changes NumPy's BLAS" for name in changed]


def fma_peak(isa: str) -> float | None:
    """GF/s of one core in float32 multiply-adds (2 each); None without a compiler or on Arm."""
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None or isa not in ("avx2", "avx512"):
        return None
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "peak")
        built = subprocess.run([compiler, "-O2", "-mavx2", "-mfma", "-funroll-loops",
                                str(HERE / "peak.c"), "-o", program])  # fmt: skip
        if built.returncode:
            return None
        widths = [[]] if isa == "avx2" else [[], ["wide"]]
        runs = [subprocess.run([program, *w], capture_output=True, text=True) for w in widths]
    return max(float(run.stdout) for run in runs)


def copy_bandwidth(nbytes: int) -> float:
    """GB/s of a NumPy copy (read + written) of so many bytes, one thread, best of many."""
    source = np.ones(nbytes // 8)
    target = np.empty_like(source)
    best = float("inf")
    for _ in range(max(5, int(2e8 / nbytes))):
        start = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - start)
    return 2 * nbytes / best * 1e-9
