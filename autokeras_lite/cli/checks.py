"""What `doctor` looks at, each as a value with its verdict and a way to mend it."""

import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from autokeras_lite.config import Execution
from autokeras_lite.errors import ConfigError
from autokeras_lite.execution.machine import Machine, look_at_machine, share_machine
from autokeras_lite.report.wording import count, show_bytes
from autokeras_lite.search.hold import check_file_system

State = Literal["ok", "warning", "problem"]

PACKAGES = ("tensorflow", "keras", "optuna", "mlflow", "scikit-learn", "numpy", "pandas", "pyarrow", "pydantic")
_LEAST_PYTHON = (3, 11)
_LITTLE_MEMORY_BYTES = 2 << 30
_LITTLE_DISK_BYTES = 1 << 30


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `fix` says what to do where it is not in order."""

    name: str
    state: State
    found: str
    fix: str = ""


def check_machine(runs_dir: str) -> list[Check]:
    """Look at everything that needs no TensorFlow."""
    return [
        _check_python(),
        *map(_check_package, PACKAGES),
        *_check_resources(look_at_machine()),
        *_check_runs_dir(Path(runs_dir)),
        check_place(Path(runs_dir)),
    ]


def check_training(find_device: Callable[[], str]) -> list[Check]:
    """Start a child as a search does, and ask it for its device; takes seconds."""
    started = time.monotonic()
    try:
        device = find_device()
    except (OSError, ImportError, RuntimeError, EOFError) as error:
        reason = f"{type(error).__name__}: {(str(error).splitlines() or [''])[0][:120]}"
        fix = "Install tensorflow again, or search with --executor inline."
        return [Check("training process", "problem", f"does not start ({reason})", fix)]
    seconds, machine = time.monotonic() - started, look_at_machine()
    way = "forked from a server" if sys.platform == "linux" and not machine.has_gpu else "spawned"
    return [
        Check("training process", "ok", f"{way}, TensorFlow loaded in {seconds:.1f} s"),
        _check_device(device, machine),
    ]


def _check_python() -> Check:
    is_new = sys.version_info >= _LEAST_PYTHON
    fix = "" if is_new else "Use Python 3.11 or newer."
    return Check("python", "ok" if is_new else "problem", platform.python_version(), fix)


def _check_package(name: str) -> Check:
    try:
        return Check(name, "ok", version(name))
    except PackageNotFoundError:
        return Check(name, "problem", "is not installed", f"pip install {name}")


def check_place(runs_dir: Path, mounts: tuple[tuple[str, str], ...] | None = None) -> Check:
    """See whether searches can be kept in a folder; `mounts` as for `search/hold.py: check_file_system`."""
    try:
        check_file_system(runs_dir.expanduser().absolute() / "search", mounts)
    except ConfigError as error:
        return Check("file system", "problem", str(error))
    return Check("file system", "ok", "local, files can be locked")


def _check_resources(machine: Machine) -> list[Check]:
    is_low = machine.free_bytes < _LITTLE_MEMORY_BYTES
    memory = Check(
        "memory",
        "warning" if is_low else "ok",
        f"{show_bytes(machine.free_bytes)} free",
        "Close other programs, or search with --workers 1." if is_low else "",
    )
    return [Check("cores", "ok", str(machine.cores)), memory, _check_limits(machine)]


def _check_limits(machine: Machine) -> Check:
    """Say what a worker gets when nothing is asked for."""
    share = share_machine(machine, Execution())
    each = f"{count(share.threads, 'thread')} and {show_bytes(share.bytes_each)} of memory"
    gpu = "" if share.gpu_bytes is None else f", {show_bytes(share.gpu_bytes)} of a GPU"
    found = f"{count(share.workers, 'worker')} by default, each with {each}{gpu}; no time limit for a trial"
    return Check("limits", "ok", found)


def _check_device(device: str, machine: Machine) -> Check:
    if device.upper().endswith("CPU") and machine.has_gpu:
        fix = 'Install the GPU libraries: pip install "autokeras_lite[cuda]", and see that nvidia-smi works.'
        return Check("device", "warning", f"{device}; there is a GPU that TensorFlow cannot use", fix)
    return Check("device", "ok", f"models train on {device}")


def _check_runs_dir(runs_dir: Path) -> list[Check]:
    folder = runs_dir.expanduser().absolute()
    present = next(place for place in (folder, *folder.parents) if place.exists())
    try:
        with tempfile.TemporaryFile(dir=present):
            pass
    except OSError as error:
        fix = "Choose another --runs-dir, or change its permissions."
        return [Check("runs folder", "problem", f"{present} cannot be written ({error.strerror})", fix)]
    free = shutil.disk_usage(present).free
    is_low = free < _LITTLE_DISK_BYTES
    disk = Check("disk", "warning" if is_low else "ok", f"{show_bytes(free)} free", "Make room." if is_low else "")
    state = "writable" if present == folder else "will be made"
    return [Check("runs folder", "ok", f"{os.fspath(folder)} ({state})"), disk]
