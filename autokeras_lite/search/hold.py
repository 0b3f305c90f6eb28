"""One driver for one search: the lock on its folder, which vanishes with the process that holds it."""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from autokeras_lite.durable import disk_faults
from autokeras_lite.errors import ConfigError, InUseError

LOCK_FILE = "driver.lock"
DRIVER_FILE = "driver.json"
# Locks are not to be relied upon there, and SQLite's own manual warns of it.
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "afs", "fuse.sshfs", "ncpfs")


@contextmanager
def hold_folder(path: Path) -> Iterator[None]:
    """Hold the lock on the folder of a search, making the folder where there is none; what stays empty is removed.

    Raises:
        InUseError: another process holds it.
        ConfigError: the folder cannot be made, or lies on a network file system.
    """
    made = _make(path)
    lock = FileLock(path / LOCK_FILE, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise InUseError(_in_use(path)) from None
    try:
        check_file_system(path)
        _note_driver(path)
        yield
    finally:
        (path / DRIVER_FILE).unlink(missing_ok=True)
        _remove_empty(path, made)  # while nobody else can hold the lock
        lock.release()


def check_file_system(path: Path, mounts: tuple[tuple[str, str], ...] | None = None) -> None:
    """Check that files in a folder can be locked; `mounts` are pairs of mount point and type, by default the real ones.

    Raises:
        ConfigError: it lies on a network file system.

    Example:
        >>> check_file_system(Path("/home/ann/runs"), (("/", "ext4"), ("/home", "ext4")))
    """
    if mounts is None:
        mounts = tuple((part.mountpoint, part.fstype) for part in psutil.disk_partitions(all=True))
    real = path.resolve()
    above = [(point, kind) for point, kind in mounts if real.is_relative_to(point)]
    if not above:
        return
    _, kind = max(above, key=lambda pair: len(pair[0]))
    if kind.startswith(_NETWORK_FILE_SYSTEMS):
        raise ConfigError(
            f"The runs folder {path.parent} lies on a network file system ({kind}). Expected a local disk: the study "
            "and the lock of a search are not safe elsewhere. Choose another --runs-dir, and copy the results."
        )


def _make(path: Path) -> list[Path]:
    """Make the folder; return it and those above it that had to be made, the deepest first."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        with disk_faults(path):
            path.mkdir(parents=True, exist_ok=True)
            (path / LOCK_FILE).touch()
    except OSError as error:
        raise ConfigError(
            f"The folder {path} cannot be written ({error.strerror}). Expected a writable place. "
            "Choose another --runs-dir."
        ) from None
    return missing


def _note_driver(path: Path) -> None:
    driver = {"pid": os.getpid(), "host": socket.gethostname(), "since": time.strftime("%F %T")}
    with suppress(OSError):  # a full disk: the lock holds without it, and what matters says so
        (path / DRIVER_FILE).write_text(json.dumps(driver))


def _remove_empty(path: Path, made: list[Path]) -> None:
    """Leave nothing behind of a search that was refused before anything was written."""
    if not made or any(file.name != LOCK_FILE for file in path.iterdir()):
        return
    with suppress(OSError):
        (path / LOCK_FILE).unlink(missing_ok=True)
        for folder in made:
            folder.rmdir()


def _in_use(path: Path) -> str:
    with suppress(OSError, ValueError, KeyError, TypeError):
        driver = json.loads((path / DRIVER_FILE).read_text())
        who = f"process {driver['pid']} on {driver['host']} since {driver['since']}"
        return (
            f"The search {path.name!r} is being worked on by {who}. Expected one process at a time. "
            f"Follow it with `autokeras-lite watch {path.name}`, wait for it, or choose another --name."
        )
    return f"Another process works on the search {path.name!r}. Expected one at a time. Wait, or choose another --name."
