"""How much of the machine is in use, and how much memory a search takes: read in a millisecond or two."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import psutil

from autokeras_lite.execution.machine import query_gpus, sees_gpu
from autokeras_lite.execution.memory import anonymous_bytes

_MEGABYTE = 1e6  # as in MLflow
_GPU_FIELDS = ("utilization.gpu", "memory.used", "memory.total")
_GPU_MEGABYTE = 2**20
_GPU_SECONDS = 2.0
# It has ended, or belongs to another user; or nothing can be read now, for want of file descriptors.
_UNSEEN = (psutil.Error, OSError)


class UsageGauge:
    """Reads what MLflow calls system metrics, under its names: percent of the whole machine, and megabytes (1e6 bytes).

    Beyond MLflow's it reads `search_memory_usage_megabytes`: this process with all that it started. The disk is that of
    `folder`. What cannot be read is left out. Use it in one thread: the load of the processors is that since the last
    reading there, and the first one says nothing of it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._driver = psutil.Process()
        self._has_load = False
        self._asks_gpus = sees_gpu()

    def read(self) -> dict[str, float]:
        """Return values by name."""
        found: dict[str, float] = {}
        for part in (self._processors, _memory, self._search, self._disk, self._gpus):
            with suppress(*_UNSEEN):
                found |= part()
        return {name: round(value, 1) for name, value in found.items()}

    def _processors(self) -> dict[str, float]:
        load, had_load = psutil.cpu_percent(), self._has_load
        self._has_load = True
        return {"cpu_utilization_percentage": load} if had_load else {}

    def _search(self) -> dict[str, float]:
        taken = {process.pid: pair for process in self._processes() if (pair := _parent_and_bytes(process)) is not None}
        return {"search_memory_usage_megabytes": bytes_together(self._driver.pid, taken) / _MEGABYTE}

    def _processes(self) -> Iterator[psutil.Process]:
        yield self._driver
        yield from self._driver.children(recursive=True)

    def _disk(self) -> dict[str, float]:
        disk = psutil.disk_usage(os.fspath(self._folder))
        return {"disk_usage_percentage": disk.percent, "disk_available_megabytes": disk.free / _MEGABYTE}

    def _gpus(self) -> dict[str, float]:
        gpus = query_gpus(_GPU_FIELDS, _GPU_SECONDS) if self._asks_gpus else ()
        self._asks_gpus = bool(gpus)  # a program that is missing or slow is not asked again
        return gpu_values(gpus)


def bytes_together(driver: int, taken: Mapping[int, tuple[int, int]]) -> int:
    """Return the memory of a driver and its descendants; `taken` says the parent and the bytes of each process.

    A child of a child is one that was forked from a server: it shares the pages of its parent, so only what it has
    beyond that counts.

    Example:
        >>> bytes_together(1, {1: (0, 400), 2: (1, 300), 3: (2, 350), 4: (2, 380)})
        830
    """
    total = 0
    for pid, (parent, num_bytes) in taken.items():
        is_forked = driver not in (pid, parent) and parent in taken
        total += max(0, num_bytes - taken[parent][1]) if is_forked else num_bytes
    return total


def gpu_values(gpus: Sequence[Sequence[float]]) -> dict[str, float]:
    """Return the values of GPUs by MLflow's names, from the utilization and the used and whole memory of each (MiB).

    Example:
        >>> gpu_values([(35, 1000, 4000)])["gpu_0_memory_usage_percentage"]
        25.0
    """
    found: dict[str, float] = {}
    for index, (load, used, whole) in enumerate(gpus):
        found[f"gpu_{index}_utilization_percentage"] = load
        found[f"gpu_{index}_memory_usage_megabytes"] = used * _GPU_MEGABYTE / _MEGABYTE
        found[f"gpu_{index}_memory_usage_percentage"] = 100.0 * used / max(whole, 1.0)
    return found


def _memory() -> dict[str, float]:
    memory = psutil.virtual_memory()
    return {
        "system_memory_usage_megabytes": memory.used / _MEGABYTE,
        "system_memory_usage_percentage": 100.0 * memory.used / memory.total,
    }


def _parent_and_bytes(process: psutil.Process) -> tuple[int, int] | None:
    """Return them for a process that is still there."""
    with suppress(*_UNSEEN):
        return process.ppid(), anonymous_bytes(process)
    return None
