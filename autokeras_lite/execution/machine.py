"""What this machine has, asked without loading TensorFlow, and how workers share it."""

import os
from dataclasses import dataclass
from pathlib import Path

import psutil

_BYTES_OF_ONE_WORKER = 1 << 30
_GPU_DEVICES = (Path("/dev/nvidia0"), Path("/dev/dxg"), Path("/dev/kfd"))


@dataclass(frozen=True)
class Machine:
    """Cores that this process may use, memory in bytes, and whether there is a GPU."""

    cores: int
    free_bytes: int
    has_gpu: bool


@dataclass(frozen=True)
class Share:
    """How the machine is divided: so many workers, each with so many threads and bytes."""

    workers: int
    threads: int
    bytes_each: int


def look_at_machine() -> Machine:
    """Ask the operating system."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    has_gpu = any(device.exists() for device in _GPU_DEVICES) and os.environ.get("CUDA_VISIBLE_DEVICES") != ""
    return Machine(cores, psutil.virtual_memory().available, has_gpu)


def share_machine(machine: Machine, workers: int | None) -> Share:
    """Divide a machine among `workers`; `None` means one for each core that has a gigabyte, and one for a GPU.

    Example:
        >>> share_machine(Machine(cores=8, free_bytes=16 << 30, has_gpu=False), workers=2)
        Share(workers=2, threads=4, bytes_each=8589934592)
    """
    if workers is None:
        fitting = max(1, machine.free_bytes // _BYTES_OF_ONE_WORKER)
        workers = 1 if machine.has_gpu else min(machine.cores, fitting)
    return Share(workers, max(1, machine.cores // workers), machine.free_bytes // workers)
