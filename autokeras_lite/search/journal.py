"""The journal of a search: every decision as one line, durable before its effect, from which a search goes on.

A search is a function of its seed and of these events: which cohorts were begun and with how many lanes, how trials
stood at the rungs, what broke, what ended and how.
"""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autokeras_lite.durable import disk_faults, sync
from autokeras_lite.errors import ArtifactError
from autokeras_lite.trial import TrialOutcome

Event = Mapping[str, Any]


def cohort_begun(number: int, num_lanes: int, trials: Mapping[int, Mapping[str, Any]], *, space: str = "") -> Event:
    """A cohort of a space was made; `num_lanes` is how many were asked for, `trials` the values of those that came."""
    of = {"cohort": number, "space": space, "lanes": num_lanes}
    return {"event": "begun", **of, "trials": {str(n): v for n, v in trials.items()}}


def rung_reached(cohort: int, rung: int, scores: Mapping[int, float]) -> Event:
    """Trials of a cohort were judged at a rung."""
    return {"event": "rung", "cohort": cohort, "rung": rung, "scores": {str(n): s for n, s in scores.items()}}


def cohort_shortened(cohort: int, epochs: int) -> Event:
    """A cohort got a schedule of so many epochs, which fits into the time that is left."""
    return {"event": "shortened", "cohort": cohort, "epochs": epochs}


def cohort_broke(cohort: int, cause: str, message: str) -> Event:
    """A cohort failed as a whole and its trials are tried again."""
    return {"event": "broke", "cohort": cohort, "cause": cause, "message": message}


def cohort_ended(cohort: int, outcomes: Sequence[TrialOutcome]) -> Event:
    """The trials of a cohort ended so, and count."""
    return {"event": "ended", "cohort": cohort, "outcomes": [outcome.to_json() for outcome in outcomes]}


@dataclass
class Journal:
    """One line of JSON for each event. Only the holder of the folder's lock may open it."""

    path: Path
    events: list[Event] = field(default_factory=list)

    @classmethod
    def open(cls, path: Path) -> "Journal":
        """Read what was written; a last line that a crash left half written is cut off.

        Raises:
            ArtifactError: a line before the last is damaged.
        """
        if not path.exists():
            with disk_faults(path):
                path.touch()
                sync(path.parent)
        events, num_bytes = _read(path)
        if num_bytes < path.stat().st_size:
            with path.open("rb+") as file:
                file.truncate(num_bytes)
                os.fsync(file.fileno())
        return cls(path, events)

    def append(self, event: Event) -> None:
        """Write an event; after this returns, a power cut cannot take it away.

        Raises:
            StorageError: the disk is full.
        """
        before = self.path.stat().st_size
        with disk_faults(self.path):
            try:
                with self.path.open("ab") as file:
                    file.write(json.dumps(event, default=str).encode() + b"\n")
                    file.flush()
                    os.fsync(file.fileno())
            except OSError:
                # Half a line must not stand before a later one; closing the file tried to write the rest of it.
                os.truncate(self.path, before)
                raise
        self.events.append(event)


def read_events(path: Path) -> list[Event]:
    """Read what was written so far, also while a search writes; nothing is changed.

    Raises:
        ArtifactError: a line before the last is damaged.
    """
    return _read(path)[0] if path.exists() else []


def _read(path: Path) -> tuple[list[Event], int]:
    """Return the events, and how many bytes they take: without a last line that is half written."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    events = [_event(line) for line in whole.splitlines()]
    damaged = [number for number, event in enumerate(events, start=1) if event is None]
    if damaged:
        raise ArtifactError(
            f"Line {damaged[0]} of {path} is damaged. Expected the file that the search wrote. "
            "Restore it from a copy, or begin a new search with another --name."
        )
    return [event for event in events if event is not None], len(whole)


def _event(line: bytes) -> Event | None:
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "event" in event else None
