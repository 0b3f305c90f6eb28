"""The memory of a process, as the child that takes it and the driver that watches it both measure it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

_MEGABYTE = 1 << 20


def anonymous_bytes(process: psutil.Process) -> int:
    """Return the memory that only this process has, without mapped files; 0 for one that has ended.

    Pages that a forked child still shares with its server count. What it takes is therefore the difference of two
    such numbers.
    """
    memory = process.memory_info()
    return int(memory.rss - memory.shared) if sys.platform == "linux" else int(memory.rss)


def as_size(num_bytes: int) -> str:
    """Write a size as `--memory-limit` takes it.

    Example:
        >>> as_size(3 << 29)
        '1536m'
    """
    return f"{max(1, round(num_bytes / _MEGABYTE))}m"


def go_first() -> None:
    """Have the kernel end this process before any other when the memory of the machine is used up."""
    if sys.platform == "linux":
        with suppress(OSError):  # Not every container allows it.
            Path("/proc/self/oom_score_adj").write_text("1000")


@contextmanager
def limited(room_bytes: int, num_new_threads: int = 0) -> Iterator[None]:
    """Let allocations fail that go more than `room_bytes` beyond what this process has now.

    What is there now does not count: the libraries alone take more than many a trial. The kernel counts the stacks of
    threads whole, although hardly a page of them is used, so those of threads that are still to come are added. Does
    nothing on systems other than Linux, where the watch of the driver remains.
    """
    if sys.platform != "linux":
        yield
        return
    import resource

    before, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = _data_bytes() + room_bytes + num_new_threads * _stack_bytes()
    bounds = [wanted, *(bound for bound in (before, most) if bound != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(bounds), most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (before, most))


def _stack_bytes() -> int:
    import resource

    each, _ = resource.getrlimit(resource.RLIMIT_STACK)
    return 8 * _MEGABYTE if each == resource.RLIM_INFINITY else each


def _data_bytes() -> int:
    """Return what counts against the limit now."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmData:"))
