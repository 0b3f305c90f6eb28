"""Who works on a search, as its folder tells it: nothing is written there, and the lock is not touched."""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from autokeras_lite.durable import read_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.hold import DRIVER_FILE

_MOST_BYTES = 4096
_MOST_PID = 2**31
# A process that began later than this after the note was written has only got the number of the one that wrote it.
_LATER_SECONDS = 10.0
# A driver notes the time every five seconds while it trains, and is silent while it makes the model.
_SILENT_SECONDS = 300.0


@dataclass(frozen=True)
class Driver:
    """A process that works on a search, or did until it was killed; `noted` is when it wrote that down.

    `pid` is 0 where the note cannot be read. Times are in seconds since the epoch; `since` is local time, to be read.
    """

    pid: int
    host: str
    since: str
    noted: float

    def is_alive(self, last_change: float) -> bool:
        """Say whether the process still lives; `last_change` of the folder decides for one that cannot be seen."""
        if self.pid == 0 or self.host != socket.gethostname():
            return time.time() - max(last_change, self.noted) < _SILENT_SECONDS
        try:
            process = psutil.Process(self.pid)
            if process.create_time() > self.noted + _LATER_SECONDS:
                return False
            return bool(process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False
        except psutil.AccessDenied:
            return True


def read_driver(folder: Path) -> Driver | None:
    """Return who works on the search in a folder, or who did when it was killed; `None` where nobody was left."""
    file = folder / DRIVER_FILE
    try:
        noted = file.stat().st_mtime
    except OSError:
        return None
    with suppress(ArtifactError, KeyError, TypeError, ValueError, OverflowError):
        values = read_json(file, most_bytes=_MOST_BYTES)
        pid = int(values["pid"])
        if 0 < pid < _MOST_PID:
            return Driver(pid, str(values["host"]), str(values["since"]), noted)
    # It is being written, or damaged.
    return Driver(0, "", "", noted) if file.exists() else None


def read_living_driver(folder: Path, last_change: float) -> tuple[Driver | None, bool]:
    """Return who works on a search, or did, and whether that process lives.

    One that ends in order takes its note with it; what it wrote before is read by whoever calls this first.
    """
    driver = read_driver(folder)
    is_alive = driver is not None and driver.is_alive(last_change)
    if driver is not None and not is_alive and not (folder / DRIVER_FILE).exists():
        return None, False  # it ended in order between two looks
    return driver, is_alive
