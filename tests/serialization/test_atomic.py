"""Atomic writing: the old file or the new one, whole; nothing else left behind."""

import os
import signal
import stat
import subprocess
import sys
import time

import pytest

from fastnn._atomic import SUFFIX, atomic_write


def leftovers(folder):
    return [name for name in os.listdir(folder) if name.endswith(SUFFIX)]


def test_replaces_whole_and_keeps_the_mode(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    path.chmod(0o640)
    with atomic_write(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new" and stat.S_IMODE(path.stat().st_mode) == 0o640
    assert leftovers(tmp_path) == []


def test_an_error_leaves_the_old_file(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_write(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old" and leftovers(tmp_path) == []


def test_a_symbolic_link_stays_one(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with atomic_write(tmp_path / "link") as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_bytes() == b"new"


def test_devices_are_written_directly():
    with atomic_write(os.devnull) as file:
        file.write(b"x")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_stale_temporaries_are_swept_and_others_stay(tmp_path):
    names = {f".f.1{SUFFIX}": 3600, f".f.2{SUFFIX}": 0, f".g.3{SUFFIX}": 3600, ".f.txt": 3600}
    for name, age in names.items():
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    with atomic_write(tmp_path / "f") as file:
        file.write(b"x")
    assert set(os.listdir(tmp_path)) == {"f", f".f.2{SUFFIX}", f".g.3{SUFFIX}", ".f.txt"}


def test_the_temporary_of_a_living_writer_stays(tmp_path):
    with atomic_write(tmp_path / "f") as slow:
        slow.write(b"slow")
        (busy,) = leftovers(tmp_path)
        os.utime(tmp_path / busy, (time.time() - 3600,) * 2)
        with atomic_write(tmp_path / "f") as fast:
            fast.write(b"fast")
        assert leftovers(tmp_path) == [busy]
    assert (tmp_path / "f").read_bytes() == b"slow"


LOOP = """
import sys
from fastnn._atomic import atomic_write
print("ready", flush=True)
n = 0
while True:
    with atomic_write(sys.argv[1]) as file:
        for _ in range(64):
            file.write(bytes([n % 256]) * 4096)
    n += 1
"""


def test_a_killed_writer_never_leaves_half_a_file(tmp_path):
    path = tmp_path / "f"
    for attempt in range(5):
        child = subprocess.Popen(
            [sys.executable, "-c", LOOP, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.02 + 0.013 * attempt)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        if path.exists():
            content = path.read_bytes()
            assert len(content) == 64 * 4096 and content == content[:1] * len(content)
