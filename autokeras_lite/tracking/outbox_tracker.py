"""Keep the record of a search in a store without ever making the search wait for it.

The driver's calls put an event into the outbox, which is on disk, and into a queue; one thread takes them out of the
queue and writes them through a `RunStore`, in order. While the store is away the oldest event is tried again, after
longer and longer pauses. An event that the store refuses, or that alone fails each time, is set aside and tried once
more at the end. What was not delivered then stays in the outbox, and the next tracker of the search begins with it.
"""

import threading
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.masking import without_secrets
from autokeras_lite.tracking.outbox import Entry, Outbox
from autokeras_lite.tracking.run_store import EventRefusedError, RunStore
from autokeras_lite.tracking.tracker import (
    BestModel,
    Event,
    RunFiles,
    SearchEnd,
    SearchRecord,
    TrackingLink,
    TrialEnd,
    TrialRecord,
    UsageReadings,
)
from autokeras_lite.tracking.uri import mask

MAX_PROBLEMS = 20

_PASS_OVER = 5  # each so many failures of the oldest event, the next one is tried: is it the store, or the event?
_LAST_TRIES = 3
_MODEL_TRIES = 5  # a model is long under way each time, and nothing that follows depends on it


@dataclass(frozen=True)
class Pauses:
    """Seconds between the tries of an event: twice as long after each failure, `most_seconds` in the end."""

    first_seconds: float = 0.2
    most_seconds: float = 30.0
    closing_seconds: float = 1.0

    def after(self, num_failures: int, *, is_closing: bool) -> float:
        """Return how long to wait after so many failures in a row; less while somebody waits for the end.

        Example:
            >>> [Pauses().after(failures, is_closing=False) for failures in (1, 2, 3, 100)]
            [0.2, 0.4, 0.8, 30.0]
        """
        most = self.closing_seconds if is_closing else self.most_seconds
        return float(min(most, self.first_seconds * 2 ** min(num_failures - 1, 30)))


class OutboxTracker:
    """A `Tracker` that writes from an outbox to any `RunStore`, such as MLflow, in a thread of its own.

    `open_store` is called by that thread, at the first event: it may take seconds. `link` must show no password. What
    waits in the `outbox` is delivered first.
    """

    def __init__(
        self, link: TrackingLink, open_store: Callable[[], RunStore], outbox: Outbox, pauses: Pauses | None = None
    ) -> None:
        self._link = link
        self._open_store = open_store
        self._outbox = outbox
        self._pauses = pauses or Pauses()
        self._changed = threading.Condition()
        self._queue = deque(outbox.waiting)
        if not outbox.waiting:
            outbox.drop()  # everything that may stand there was delivered
        self._refused: list[tuple[Entry, str]] = []
        self._model_failures: Counter[int] = Counter()
        self._failure = ""
        self._num_failures = 0
        self._is_suspect = False
        self._tries_left = _LAST_TRIES
        self._is_closing = False
        self._store: RunStore | None = None
        self._is_prepared = False
        self._name = ""
        self._thread = threading.Thread(target=self._work, name="autokeras_lite-tracking", daemon=True)
        self._thread.start()

    def start_search(self, record: SearchRecord) -> None:
        """Write down that the search began, or that it goes on."""
        self._name = record.name
        self._tell(record)

    def start_trial(self, record: TrialRecord) -> None:
        """Write down that a trial began, or began again."""
        self._tell(record)

    def finish_trial(self, end: TrialEnd) -> None:
        """Write down how a trial ended, with its curves."""
        self._tell(end)

    def finish_search(self, end: SearchEnd) -> None:
        """Write down how the search ended, then keep and register its best model."""
        self._tell(end)
        if end.artifact is not None:
            self._tell(BestModel(self._name, end.artifact))

    def log_files(self, files: RunFiles) -> None:
        """Keep files beside the record of the search, under their names; one that is there is written over."""
        self._tell(files)

    def log_usage(self, readings: UsageReadings) -> None:
        """Write down how much of the machine was in use, as system metrics of the search."""
        self._tell(readings)

    def close(self, timeout_seconds: float) -> int:
        """Wait for what is still to be written, at most so long; return how many events could not be written.

        A store that is away already is tried once more. What is under way when the time is over may still get through.
        """
        with self._changed:
            is_first = not self._is_closing
            if is_first:
                self._tries_left = 1 if self._num_failures else _LAST_TRIES
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join(max(0.0, timeout_seconds))
        pending = self.pending
        if not self._thread.is_alive():
            self._outbox.close()
            if is_first and not pending:  # later, another tracker may use the file already
                self._outbox.drop()
        return pending

    @property
    def pending(self) -> int:
        """How many events are still to be written, those of earlier starts of the search among them."""
        with self._changed:
            return len(self._queue) + len(self._refused)

    @property
    def link(self) -> TrackingLink:
        """Where a person finds the record; the ids appear when the store has given them."""
        return self._link

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with events that are not written, one line each, without repetition."""
        with self._changed:
            told = [*(problem for _, problem in self._refused), self._failure, self._outbox.problem]
            is_left_over = self._is_closing and bool(self._queue)
        found = tuple(dict.fromkeys(problem for problem in told if problem))[:MAX_PROBLEMS]
        if is_left_over and not found:
            return (f"{self.pending} events still wait to be written to {self._link.uri}.",)
        return found

    def _tell(self, event: Event) -> None:
        entry = self._outbox.append(without_secrets(event))
        with self._changed:
            self._queue.append(entry)
            self._changed.notify_all()

    def _work(self) -> None:
        try:
            while (index := self._next()) is not None:
                self._deliver(index)
            self._try_refused()
        finally:
            if self._is_closing:
                self._outbox.close()

    def _next(self) -> int | None:
        """Wait for an event to be tried and return its place in the queue, `None` when nothing more is to be tried."""
        with self._changed:
            if self._num_failures:
                self._pause()
                if self._is_closing and self._tries_left <= 0:
                    return None
                self._tries_left -= self._is_closing
                return 1 if self._num_failures % _PASS_OVER == 0 and self._may_pass_over() else 0
            is_idle = not self._queue and not self._is_closing
        if is_idle and self._store is not None and not self._is_prepared:
            self._is_prepared = True
            with suppress(Exception):  # then the end takes longer, whatever it was
                self._store.prepare()
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._is_closing)
            return 0 if self._queue else None

    def _may_pass_over(self) -> bool:
        """Say whether the second event can be tried before the first: not before its search is known to the store."""
        return len(self._queue) > 1 and not isinstance(self._queue[0].event, SearchRecord)

    def _pause(self) -> None:
        """Wait before the next try; closing ends a long pause."""
        pause = self._pauses.after(self._num_failures, is_closing=self._is_closing)
        if self._is_closing:
            self._changed.wait(pause)
        else:
            self._changed.wait_for(lambda: self._is_closing, pause)

    def _deliver(self, index: int) -> None:
        """Try the event at that place. One that fails although the store has just taken another is set aside."""
        entry = self._queue[index]
        try:
            self._write(entry)
        except TrackingError as error:
            if self._is_suspect or self._is_given_up(entry):
                self._settle(index, str(error))
                return
            with self._changed:
                self._num_failures += 1
                self._failure = str(error)
        except EventRefusedError as error:
            self._settle(index, str(error))
        else:
            self._outbox.mark(entry)
            self._settle(index, "")

    def _is_given_up(self, entry: Entry) -> bool:
        """Count a failure of a model in a store that could be opened; too many, and it waits for the next start."""
        if isinstance(entry.event, BestModel) and self._store is not None:
            self._model_failures[entry.number] += 1
        return self._model_failures[entry.number] >= _MODEL_TRIES

    def _settle(self, index: int, problem: str) -> None:
        """Take an event out of the queue; one with a problem is tried again at the end."""
        with self._changed:
            entry = self._queue[index]
            del self._queue[index]
            if problem:
                self._refused.append((entry, problem))
            self._is_suspect = index > 0
            self._num_failures = 0
            self._failure = ""

    def _try_refused(self) -> None:
        """Try once more what was refused: it may have been refused for want of what came later."""
        if self._num_failures:
            return
        for entry, _ in tuple(self._refused):
            if self._model_failures[entry.number] >= _MODEL_TRIES:
                continue
            try:
                self._write(entry)
            except TrackingError:
                return
            except EventRefusedError:
                continue
            self._outbox.mark(entry)
            with self._changed:
                self._refused = [one for one in self._refused if one[0] is not entry]

    def _write(self, entry: Entry) -> None:
        if self._store is None:
            if not self._outbox.claim():
                raise TrackingError("An earlier tracker of this search has not ended yet. Expected it to end soon.")
            self._store = self._opened()
        try:
            self._store.write(entry.event)
        except (TrackingError, EventRefusedError):
            raise
        except Exception as error:  # whatever one event meets, the others are to be written
            raise EventRefusedError(_line(error)) from error
        experiment_id, run_id = self._store.ids
        self._link = replace(self._link, experiment_id=experiment_id, run_id=run_id)

    def _opened(self) -> RunStore:
        try:
            store = self._open_store()
            if self._outbox.recalled is not None:
                store.recall(self._outbox.recalled)
        except TrackingError:
            raise
        except ImportError as error:
            raise TrackingError(
                f"The store at {self._link.uri} needs the package {error.name or 'named here'!r} ({_line(error)}). "
                "Expected it to be installed. Install it, then run the same command again."
            ) from error
        except Exception as error:  # the search goes on without a record, and the person reads why
            raise TrackingError(f"The store at {self._link.uri} could not be opened ({_line(error)}).") from error
        return store


def _line(error: Exception) -> str:
    """Return what an unexpected error says, in one line without secrets."""
    said = " ".join(str(error).split())[:300]
    return mask(f"{type(error).__name__}: {said}" if said else type(error).__name__)
