"""Whether there is memory for what a file claims to hold, asked before it is read."""

import resource
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from autokeras_lite.errors import DataError

_ROOT = Path("/")
# Of a group of processes (a container, a batch job): its limit, what it takes, and what of that are files that the
# kernel drops when memory is wanted. Version 2 of control groups, then version 1.
_GROUP_FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
_FILES_OF_EVENTS = ("memory.events", "memory.oom_control")
_UNITS = ((2**30, "GB"), (2**20, "MB"))


def require_memory(name: str, needed_bytes: int) -> None:
    """Check that the least memory that reading a file can take is free.

    Raises:
        DataError: it is not.
    """
    free = free_bytes()
    if needed_bytes > free:
        raise DataError(
            f"{name} holds what takes at least {_size(needed_bytes)} in memory. Expected at most the {_size(free)} "
            "that are free. Keep fewer rows or columns, or use a machine with more memory."
        )


def free_bytes(root: Path = _ROOT) -> int:
    """Return how much memory this process may still take: what the machine has, or less where a limit is set.

    Limits are those of this process and of the containers or batch jobs around it, as the files under `root` tell them.
    """
    used = psutil.Process().memory_info()._asdict()
    limits = ((resource.RLIMIT_AS, used["vms"]), (resource.RLIMIT_DATA, used.get("data", 0)))  # `data`: Linux alone
    left = [soft - taken for limit, taken in limits if (soft := resource.getrlimit(limit)[0]) != resource.RLIM_INFINITY]
    return int(max(0, min((psutil.virtual_memory().available, *left, *_left_in_groups(root)))))


def num_oom_kills(root: Path = _ROOT) -> int | None:
    """Return how many processes of this container or batch job the kernel has ended for want of memory, if it tells."""
    for folder in _groups(root):
        for name in _FILES_OF_EVENTS:
            number = _number_in(folder / name, "oom_kill")
            if number is not None:
                return number
    return None


def _left_in_groups(root: Path) -> Iterator[int]:
    for folder in _groups(root):
        for limit_file, usage_file, reclaimable in _GROUP_FILES:
            limit, usage = _number(folder / limit_file), _number(folder / usage_file)
            if limit is not None and usage is not None:
                yield limit - usage + (_number_in(folder / "memory.stat", reclaimable) or 0)


def _groups(root: Path) -> Iterator[Path]:
    """Yield the folders of the groups that this process is in, the innermost first.

    A container may be shown its own group as the outermost, and be told the path from outside all the same: folders
    that are not there are left for the readers to find out.
    """
    for line in _text(root / "proc/self/cgroup").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and "memory" not in controllers.split(","):
            continue
        mount = root / "sys/fs/cgroup" / ("memory" if controllers else "")
        group = mount / path.strip("/")
        yield from (folder for folder in (group, *group.parents) if folder == mount or mount in folder.parents)


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None  # Without a limit the word `max` is there.


def _number_in(path: Path, name: str) -> int | None:
    words = (line.split() for line in _text(path).splitlines())
    return next((int(each[1]) for each in words if len(each) == 2 and each[0] == name), None)


def _text(path: Path) -> str:
    with suppress(OSError):
        return path.read_text()
    return ""


def _size(count: int) -> str:
    unit, name = next((each for each in _UNITS if count >= each[0]), _UNITS[-1])
    return f"{count / unit:,.1f} {name}"
