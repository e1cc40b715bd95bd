"""Files that appear whole or not at all, also when the process is killed or the power fails."""

import contextlib
import os
import stat
import time
from collections.abc import Iterator
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # a system without file locks: age alone tells a stale temporary
    fcntl = None  # type: ignore[assignment]

SUFFIX = ".fastnn-tmp"
STALE_SECONDS = 60.0  # longer than from creating a temporary to locking it


@contextlib.contextmanager
def atomic_write(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """Yields a binary file that takes the place of ``path`` when the block ends without error.

    Temporary file in the same folder, fsync, rename, fsync of the folder. Before that, temporaries
    that a killed process left behind for the same path are removed. What is not a regular file
    (a pipe, /dev/null) is written directly.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not stat.S_ISREG(os.stat(target).st_mode):
        with open(target, "wb") as file:
            yield file
        return
    folder, name = os.path.split(target)
    sweep(folder, name)
    temporary = os.path.join(folder, f".{name}.{os.urandom(6).hex()}{SUFFIX}")
    try:
        with open(temporary, "xb") as file:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX)
            yield file
            file.flush()
            os.fsync(file.fileno())
            if os.path.exists(target):
                os.chmod(temporary, stat.S_IMODE(os.stat(target).st_mode))
            os.replace(temporary, target)
        sync_folder(folder)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def sweep(folder: str, name: str) -> None:
    """Removes the temporaries of ``name`` whose writer no longer lives."""
    with contextlib.suppress(OSError):
        for entry in os.listdir(folder):
            if entry.startswith(f".{name}.") and entry.endswith(SUFFIX):
                with contextlib.suppress(OSError):
                    remove_if_stale(os.path.join(folder, entry))


def remove_if_stale(path: str) -> None:
    with open(path, "rb") as file:
        if time.time() - os.fstat(file.fileno()).st_mtime < STALE_SECONDS:
            return
        if fcntl:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # a living writer holds the lock
        os.unlink(path)


def sync_folder(folder: str) -> None:
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # a folder that cannot be opened (Windows) cannot be synced either
        return
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
