"""What this machine has, asked without loading TensorFlow, and how workers share it."""

import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autokeras_lite.config import Execution
from autokeras_lite.data.free_memory import free_bytes
from autokeras_lite.errors import ConfigError
from autokeras_lite.execution.memory import as_size

_BYTES_OF_ONE_WORKER = 1 << 30
_GPU_DEVICES = (Path("/dev/nvidia0"), Path("/dev/dxg"), Path("/dev/kfd"))
# The rest is for the driver, and for work beside the cohorts.
_SHARED_FRACTION = 0.9
_MOST_BUSY = 1.5
_GPU_PROGRAM = "nvidia-smi"
_GPU_SECONDS = 20.0
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True)
class Machine:
    """Cores that this process may use, free memory in bytes, whether there is a GPU, and its memory where known."""

    cores: int
    free_bytes: int
    has_gpu: bool
    gpu_bytes: int | None = None


@dataclass(frozen=True)
class Share:
    """How the machine is divided: so many workers, each with so many threads and bytes.

    `trial_seconds` is the time for one cohort, `None` for no limit. `gpu_bytes` is what a worker may take of a GPU;
    with `None` it takes what it comes to need.
    """

    workers: int
    threads: int
    bytes_each: int
    trial_seconds: float | None = None
    gpu_bytes: int | None = None


def count_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def look_at_machine() -> Machine:
    """Ask the operating system."""
    has_gpu = sees_gpu()
    return Machine(count_cores(), free_bytes(), has_gpu, _gpu_bytes() if has_gpu else None)


def sees_gpu() -> bool:
    """Say whether there is a GPU that this process may use."""
    return any(device.exists() for device in _GPU_DEVICES) and os.environ.get("CUDA_VISIBLE_DEVICES") != ""


def query_gpus(fields: Sequence[str], timeout_seconds: float) -> tuple[tuple[float, ...], ...]:
    """Return numbers that `nvidia-smi` tells of each GPU, memory in MiB; nothing where it tells none in time."""
    program = shutil.which(_GPU_PROGRAM)
    if program is None:
        return ()
    asked = [program, f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(  # noqa: S603 - ours
            asked, capture_output=True, text=True, timeout=timeout_seconds, check=True
        ).stdout
        return tuple(tuple(float(value) for value in line.split(",")) for line in told.splitlines() if line.strip())
    except (OSError, subprocess.SubprocessError, ValueError):
        return ()


def how_busy() -> float:
    """Say how many processes share one core of the machine at present, at least 1: so much longer does each take."""
    if sys.platform == "win32":
        return 1.0
    return min(_MOST_BUSY, max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)))


def share_machine(machine: Machine, execution: Execution) -> Share:
    """Divide a machine among workers: as many as asked for, else one for each core with a gigabyte, or one for a GPU.

    More memory than is free may be promised, with a warning: a limit is no reservation, and the kernel ends a trial
    before it ends the driver. The memory of a GPU cannot be promised twice.

    Raises:
        ConfigError: the GPU has not so much memory, or does not tell how much it has.

    Example:
        >>> share_machine(Machine(cores=8, free_bytes=20 << 30, has_gpu=False), Execution(workers=2)).bytes_each >> 30
        9
    """
    workers = execution.workers
    if workers is None:
        fitting = max(1, machine.free_bytes // _BYTES_OF_ONE_WORKER)
        workers = 1 if machine.has_gpu else min(machine.cores, fitting)
    return Share(
        workers=workers,
        threads=execution.threads or max(1, machine.cores // workers),
        bytes_each=_bytes_each(machine, workers, execution.memory_bytes),
        trial_seconds=execution.trial_seconds,
        gpu_bytes=_gpu_bytes_each(machine, workers, execution.gpu_memory),
    )


def _bytes_each(machine: Machine, workers: int, asked: int | None) -> int:
    if asked is None:
        return int(machine.free_bytes * _SHARED_FRACTION) // workers
    if workers * asked > machine.free_bytes:
        _LOGGER.warning(
            "%d worker(s) may take %s each, more than the %s that are free: the system may end trials for want of "
            "memory. Lower --memory-limit or --workers.",
            workers,
            as_size(asked),
            as_size(machine.free_bytes),
        )
    return asked


def _gpu_bytes_each(machine: Machine, workers: int, fraction: float | None) -> int | None:
    if not machine.has_gpu:
        return None
    if fraction is not None and workers * fraction > 1:
        raise ConfigError(
            f"{workers} workers with {fraction:g} of the GPU's memory each were asked for. Expected 1 together. "
            f"Lower --gpu-memory to {1 / workers:.2g} or --workers to {int(1 / fraction)}."
        )
    if machine.gpu_bytes is None and fraction is not None:
        raise ConfigError(
            f"{fraction:g} of the GPU's memory was asked for. Expected {_GPU_PROGRAM} to say how much that is, and it "
            "says nothing. Install it, or leave out --gpu-memory."
        )
    if machine.gpu_bytes is None or (fraction is None and workers == 1):
        return None
    return int(machine.gpu_bytes * (_SHARED_FRACTION / workers if fraction is None else fraction))


def _gpu_bytes() -> int | None:
    """Return the memory of the smallest GPU; `None` where nothing tells it."""
    gpus = query_gpus(("memory.total",), _GPU_SECONDS)
    return min((int(whole) for (whole,) in gpus), default=0) << 20 or None
