"""The memory of a process and everything that it started."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

import psutil

INTERVAL = 2.0  # seconds; a look at four processes that use TensorFlow takes 0.05 seconds of a core
GIGABYTE = 1024**3


class TreeMemory:
    """The largest memory that was seen.

    `pss` counts a page that several processes share once, in parts; `rss` counts it for each of them, and so overstates
    children that were forked. Sampling misses what lasts less than two seconds.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self.pss = 0
        self.rss = 0

    def watch(self, process: subprocess.Popen[bytes], seconds: float) -> None:
        """Look until the process has ended, or has taken too many seconds."""
        end = time.monotonic() + seconds
        while process.poll() is None and time.monotonic() < end:
            self.look()
            with suppress(subprocess.TimeoutExpired):
                process.wait(INTERVAL)

    def look(self) -> None:
        """Look once."""
        seen = [found for member in members(self.number) if (found := _measure(member)) is not None]
        self.pss = max(self.pss, sum(pss for pss, _ in seen))
        self.rss = max(self.rss, sum(rss for _, rss in seen))

    def gigabytes(self) -> dict[str, float]:
        """Return both in gigabytes (2**30 bytes)."""
        return {"pss": round(self.pss / GIGABYTE, 2), "rss": round(self.rss / GIGABYTE, 2)}


def members(number: int) -> Iterator[psutil.Process]:
    """Yield a process and all its descendants."""
    with suppress(psutil.NoSuchProcess):
        root = psutil.Process(number)
        yield root
        yield from root.children(recursive=True)


def _measure(member: psutil.Process) -> tuple[int, int] | None:
    with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        taken = member.memory_full_info()
        return taken.pss, taken.rss
    return None


def end_tree(process: subprocess.Popen[bytes]) -> None:
    """End a process that this script started, with its descendants, if it still runs."""
    if process.poll() is None:
        for member in list(members(process.pid)):
            with suppress(psutil.NoSuchProcess):
                member.kill()
    process.wait()
