"""Running the commands, in a process of their own and in this one."""

import os
import subprocess
import sys

import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@pytest.fixture
def environment():
    """The environment in which a child process finds the fastnn that is tested, from any folder."""
    path = [ROOT, *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, path))}


@pytest.fixture
def process(tmp_path, environment):
    """Runs python -m fastnn with the arguments in a fresh folder."""

    def run(*args, **variables):
        return subprocess.run(
            [sys.executable, "-m", "fastnn", *map(str, args)],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Runs a command in this process; (exit code, stdout, stderr)."""
    from fastnn.cli import main

    monkeypatch.chdir(tmp_path)

    def run(*args):
        try:
            code = main([str(arg) for arg in args])
        except SystemExit as exit:
            code = exit.code
        out, err = capsys.readouterr()
        return code, out, err

    return run


def flowers(rows=90, seed=0):
    """A CSV text with a number, a category and a class that follows from both."""
    rng = np.random.default_rng(seed)
    lines = ["size,colour,kind"]
    for _ in range(rows):
        size, colour = rng.normal(), rng.choice(["red", "blue"])
        kind = "big" if size > 0 else f"small {colour}"
        lines.append(f"{size:.4f},{colour},{kind}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def table(tmp_path):
    (tmp_path / "flowers.csv").write_text(flowers())
    return tmp_path / "flowers.csv"
