"""The fork server of this program, which every executor shares: found, ended, and put back for other tests."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_SECONDS_TO_GO = 20.0


def fork_server() -> psutil.Process | None:
    """Return the fork server of this program, if one runs."""
    return next((child for child in psutil.Process().children() if _is_fork_server(child)), None)


def _is_fork_server(process: psutil.Process) -> bool:
    try:
        return "multiprocessing.forkserver" in " ".join(process.cmdline())
    except psutil.Error:
        return False


def kill_fork_server() -> None:
    server = fork_server()
    assert server is not None
    server.kill()
    wait_until_gone([server])


def wait_until_gone(processes: list[psutil.Process]) -> None:
    """Wait without taking the exit status of a child: that is multiprocessing's to take."""
    until = time.monotonic() + _SECONDS_TO_GO
    while left := [process for process in processes if runs(process)]:
        assert time.monotonic() < until, f"still there: {left}"
        time.sleep(0.02)


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def found_by_fork_servers(folder: Path) -> Iterator[None]:
    """Let servers that are started meanwhile find the modules of a folder, and end them afterwards.

    Tests that need Keras would else find a server without it.
    """
    before, path = fork_server(), os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = str(folder)
    try:
        yield
    finally:
        os.environ.pop("PYTHONPATH")
        if path is not None:
            os.environ["PYTHONPATH"] = path
        if fork_server() not in (None, before):
            kill_fork_server()
