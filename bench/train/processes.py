"""What happens outside of one process: import, first step, memory, two processes side by side."""

import compileall
import json
import os
import statistics
import subprocess
import sys
import time
import zipfile
from glob import glob
from pathlib import Path
from typing import Any

from bench import workloads

ROOT = Path(__file__).parents[2]

IMPORT = """
import numpy, time, sys
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
before, start = resident(), time.perf_counter()
if sys.argv[1] != "numpy":
    __import__(sys.argv[1])
print((time.perf_counter() - start) * 1e3, resident() - before)
"""
FIRST_STEP = """
import sys
if sys.argv[1] == "numpy":
    import numpy
else:
    T = __import__(sys.argv[1])
    net = T.nn.Linear(4, 2)
    optimizer = T.optim.SGD(net.parameters(), lr=0.1)
    optimizer.zero_grad()
    net(T.ones(3, 4)).sum().backward()
    optimizer.step()
"""


def as_installed() -> None:
    """Byte-compile the tree's modules, as pip does where it installs them."""
    compileall.compile_dir(str(ROOT / "fastnn"), quiet=1)


def run(code: str, *args: str) -> str:
    done = subprocess.run([sys.executable, "-c", code, *args], cwd=ROOT, capture_output=True,
                          text=True, check=True)  # fmt: skip
    return done.stdout


def import_figures(names: list[str], rounds: int) -> dict[str, tuple[float, float]]:
    """Median (milliseconds, MB) that importing each adds to a process that has NumPy."""
    as_installed()
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in names}
    for _ in range(rounds):
        for name in names:
            milliseconds, megabytes = map(float, run(IMPORT, name).split())
            found[name].append((milliseconds, megabytes))
    return {n: tuple(map(statistics.median, zip(*v, strict=True))) for n, v in found.items()}


def first_step_figures(names: list[str], rounds: int) -> dict[str, float]:
    """Median seconds from starting a process to the end of its first training step, and of it."""
    as_installed()
    found: dict[str, list[float]] = {name: [] for name in ["numpy", *names]}
    for _ in range(rounds):
        for name, values in found.items():
            start = time.perf_counter()
            run(FIRST_STEP, name)
            values.append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in found.items()}


def wheel_size() -> float | None:
    """MB of the newest wheel in dist/, if one was built."""
    wheels = sorted(glob(str(ROOT / "dist" / "fastnn-*.whl")), key=os.path.getmtime)
    if not wheels or not zipfile.is_zipfile(wheels[-1]):
        return None
    return os.path.getsize(wheels[-1]) / 1e6


def step_times(engine: str, workload: str, seconds: float, threads: int) -> float:
    """Median time of a training step in this process, waiting for a line on stdin to begin."""
    T: Any = __import__(engine)
    T.set_num_threads(threads)
    work = workloads.REG[workload]["make"](T, workloads.Ctx())
    for _ in range(20):
        work.step()
    print("ready", flush=True)
    sys.stdin.readline()
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        work.step()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def side_by_side(
    engine: str, workload: str, count: int, seconds: float, threads: int
) -> list[float]:
    """Median step times of ``count`` processes that run at the same time."""
    command = [sys.executable, "-m", "bench.train.processes", engine, workload, str(seconds),
               str(threads)]  # fmt: skip
    children = [
        subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(count)
    ]
    for child in children:
        assert child.stdout is not None
        child.stdout.readline()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    return [json.loads(child.communicate()[0]) for child in children]


def slowdown(
    engine: str, workload: str, seconds: float, threads: int, rounds: int = 3
) -> tuple[float, float]:
    """(median step time alone, how many times longer it is beside a second process)."""
    alone, beside = [], []
    for _ in range(rounds):
        alone += side_by_side(engine, workload, 1, seconds, threads)
        beside += side_by_side(engine, workload, 2, seconds, threads)
    once = statistics.median(alone)
    return once, statistics.median(beside) / once


if __name__ == "__main__":
    print(json.dumps(step_times(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
