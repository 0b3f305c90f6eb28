"""Keep the record of a search in MLflow without ever making the search wait for it.

The driver's calls put an event into a queue; one thread takes them out and writes them through a `RunStore`. What fails
is tried again, then set aside, tried before each later event and once more at the end; what still fails is counted and
told.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from queue import SimpleQueue
from typing import Protocol

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.tracker import (
    BestModel,
    Event,
    SearchEnd,
    SearchRecord,
    TrackingLink,
    TrialEnd,
    TrialRecord,
)

RETRY_SECONDS = (0.2, 1.0)
MAX_PROBLEMS = 20


class RunStore(Protocol):
    """Writes events. A call that failed may be repeated, and a repeated call changes nothing."""

    def write(self, event: Event) -> None:
        """Write one event.

        Raises:
            TrackingError: the store refused it or cannot be reached.
        """

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of the experiment and of the search's run, empty as long as there are none."""


class MlflowTracker:
    """A `Tracker` that writes to MLflow from a thread of its own.

    `open_store` is called once by that thread, at the first event: it may take seconds. `link` must show no password.
    """

    def __init__(
        self,
        link: TrackingLink,
        open_store: Callable[[], RunStore],
        retry_seconds: tuple[float, ...] = RETRY_SECONDS,
    ) -> None:
        self._link = link
        self._open_store = open_store
        self._retry_seconds = retry_seconds
        self._queue: SimpleQueue[Event | None] = SimpleQueue()
        self._store: RunStore | None = None
        self._late: list[Event] = []
        self._problems: list[str] = []
        self._told = 0
        self._written = 0
        self._name = ""
        self._is_closed = False
        self._thread = threading.Thread(target=self._work, name="autokeras_lite-tracking", daemon=True)
        self._thread.start()

    def start_search(self, record: SearchRecord) -> None:
        """Write down that the search began."""
        self._name = record.name
        self._tell(record)

    def start_trial(self, record: TrialRecord) -> None:
        """Write down that a trial began."""
        self._tell(record)

    def finish_trial(self, end: TrialEnd) -> None:
        """Write down how a trial ended, with its curves."""
        self._tell(end)

    def finish_search(self, end: SearchEnd) -> None:
        """Write down how the search ended, then keep and register its best model."""
        self._tell(end)
        if end.artifact is not None:
            self._tell(BestModel(self._name, end.artifact))

    def close(self, timeout_seconds: float) -> int:
        """Wait for what is still to be written, at most so long; return how many events could not be written."""
        self._is_closed = True
        self._queue.put(None)
        self._thread.join(max(0.0, timeout_seconds))
        return self._told - self._written

    @property
    def link(self) -> TrackingLink:
        """Where a person finds the record; the ids appear when the store has given them."""
        return self._link

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with events that are not written, one line each, without repetition."""
        waiting = self._told - self._written - len(self._late)
        if self._is_closed and waiting > 0:
            return (*self._problems, f"{waiting} events still wait to be written to {self._link.uri}.")
        return tuple(self._problems)

    def _tell(self, event: Event) -> None:
        self._told += 1
        self._queue.put(event)

    def _work(self) -> None:
        while (event := self._queue.get()) is not None:
            self._catch_up()
            if not self._write(event, self._retry_seconds):
                self._late.append(event)
        self._problems.clear()
        self._late = [event for event in self._late if not self._write(event, ())]

    def _catch_up(self) -> None:
        """Write what was set aside, in its order, as far as the store takes it."""
        while self._late and self._write(self._late[0], ()):
            self._late.pop(0)
        if not self._late:
            self._problems.clear()

    def _write(self, event: Event, waits: tuple[float, ...]) -> bool:
        """Try to write an event, and again after each of the waits; while older ones fail it has one try."""
        problem = self._try(event)
        for wait in () if self._late else waits:
            if problem is None:
                break
            time.sleep(wait)
            problem = self._try(event)
        if problem is None:
            self._written += 1
            return True
        if problem not in self._problems and len(self._problems) < MAX_PROBLEMS:
            self._problems.append(problem)
        return False

    def _try(self, event: Event) -> str | None:
        try:
            if self._store is None:
                self._store = self._open_store()
            self._store.write(event)
        except TrackingError as error:
            return str(error)
        experiment_id, run_id = self._store.ids
        self._link = replace(self._link, experiment_id=experiment_id, run_id=run_id)
        return None
