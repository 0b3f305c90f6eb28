"""How much of the machine was in use while a search ran, told to its tracker."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from autokeras_lite.execution.usage import UsageGauge
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.tracking.tracker import UsageReading, UsageReadings

INTERVAL_SECONDS = 10.0
_READINGS_AT_ONCE = 6
# The end is read too, unless the last reading is hardly older.
_LEAST_SECONDS = 5.0


@dataclass
class UsageLog:
    """Takes readings, and tells a minute of them at once: a line of the outbox and a request to the store for each.

    `elapsed` is how long the search has run, all its processes together: its whole seconds are the steps, so that a
    search which goes on goes on in its curves. What is not told yet when the process is killed is lost.
    """

    read: Callable[[], Mapping[str, float]]
    tell: Callable[[UsageReadings], None]
    elapsed: Callable[[], float]
    now: Callable[[], float] = time.time
    _readings: list[UsageReading] = field(default_factory=list)
    _read_at: float = 0.0

    def begin(self) -> None:
        """Read once for nothing: the load of the processors is that between two readings."""
        self._read_at = self.elapsed()
        self.read()

    def look(self) -> None:
        """Take a reading."""
        self._read_at = self.elapsed()
        self._readings.append(UsageReading(self.now(), int(self._read_at), self.read()))
        if len(self._readings) >= _READINGS_AT_ONCE:
            self._tell()

    def finish(self) -> None:
        """Take a last reading and tell what is left."""
        if self.elapsed() - self._read_at >= _LEAST_SECONDS:
            self.look()
        if self._readings:
            self._tell()

    def _tell(self) -> None:
        readings, self._readings = tuple(self._readings), []
        self.tell(UsageReadings(readings))


class UsageThread:
    """Keeps a log every `interval_seconds`, from now until `close`, which waits for the thread to end."""

    def __init__(self, log: UsageLog, interval_seconds: float = INTERVAL_SECONDS) -> None:
        self._log = log
        self._interval_seconds = interval_seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._work, name="autokeras_lite-usage", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take the last reading, tell what is left, and end the thread."""
        self._closed.set()
        self._thread.join()

    def _work(self) -> None:
        self._log.begin()
        while not self._closed.wait(self._interval_seconds):
            self._log.look()
        self._log.finish()


@contextmanager
def telling_usage(around: Surroundings) -> Iterator[None]:
    """Tell the tracker how much of the machine is in use, as long as the search is under way."""
    gauge = UsageGauge(around.folder.path)
    clock = around.clock
    thread = UsageThread(UsageLog(gauge.read, around.tracker.log_usage, lambda: clock.elapsed_seconds))
    try:
        yield
    finally:
        thread.close()
