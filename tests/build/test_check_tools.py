"""The first thing that both of README's commands do: name what this machine lacks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECK = Path(__file__).resolve().parents[2] / ".ci/check-tools"


@pytest.fixture
def machine(tmp_path):
    """A PATH that holds a shell, and what is added to it."""
    os.symlink(shutil.which("sh"), tmp_path / "sh")

    def add(name, script):
        path = tmp_path / name
        path.write_text(f"#!{tmp_path}/sh\n{script}\n")
        path.chmod(0o755)

    add("python3", f'exec {sys.executable} "$@"')
    add("gcc", "exit 0")
    return add


def check(machine_path, python="python3"):
    done = subprocess.run([machine_path / "sh", CHECK, python], text=True, capture_output=True,
                          env={"PATH": str(machine_path)})
    return done.returncode, done.stderr


def test_nothing_is_missing(machine, tmp_path):
    assert check(tmp_path) == (0, "")


@pytest.mark.parametrize("script, words", [
    ('case "$*" in *version_info*) exit 1;; -V) echo Python 3.8.2;; esac', ["3.10", "3.8.2"]),
    ('case "$*" in *venv*) exit 1;; esac', ["venv", "python3-venv"]),
    ('case "$*" in -) exit 1;; esac', ["headers of python3", "python3-dev"]),
])
def test_a_python_that_lacks_something(machine, tmp_path, script, words):
    machine("python3", script)
    code, message = check(tmp_path)
    assert code == 1 and message.count("missing") == 1
    assert all(word in message for word in words), message


def test_no_python(machine, tmp_path):
    code, message = check(tmp_path, "python3.99")
    assert code == 1 and message.startswith("missing: python3.99 (CPython 3.10 or newer")


@pytest.mark.parametrize("script, word", [("exit 1", "libc6-dev"), (None, "gcc or clang")])
def test_a_compiler(machine, tmp_path, script, word):
    if script:
        machine("gcc", script)
    else:
        (tmp_path / "gcc").unlink()
    code, message = check(tmp_path)
    assert code == 1 and word in message


def test_clang_will_do(machine, tmp_path):
    (tmp_path / "gcc").unlink()
    machine("clang", "exit 0")
    assert check(tmp_path) == (0, "")
