"""Events on their way to the store, kept on disk until it has taken them.

The file `events.jsonl` is only ever appended to: a line for each event, and a line for each delivery. Whatever moment a
process is killed at, the lines before stand; a torn line is passed over. The order of the lines is that of the calls.
"""

import json
import numbers
import os
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from autokeras_lite.durable import sync
from autokeras_lite.tracking.tracker import (
    BestModel,
    Event,
    RunFiles,
    SearchEnd,
    SearchRecord,
    TrialEnd,
    TrialRecord,
    UsageReadings,
)

OUTBOX_FOLDER = "outbox"
EVENTS_FILE = "events.jsonl"
LOCK_FILE = "events.lock"

KINDS: dict[str, type[Event]] = {
    "search_start": SearchRecord,
    "trial_start": TrialRecord,
    "trial_end": TrialEnd,
    "search_end": SearchEnd,
    "best_model": BestModel,
    "files": RunFiles,
    "usage": UsageReadings,
}

_NEW_LINE = b"\n"
_NAMES = {kind: name for name, kind in KINDS.items()}
_SYNCED = (TrialEnd, SearchEnd, BestModel, RunFiles)  # a start without its end is worth little, and costs no trial


@dataclass(frozen=True)
class Entry:
    """An event and its number in the outbox."""

    number: int
    event: Event


class Outbox:
    """The events of one search that no store has taken yet; `folder`, below the search's own, is made with the first.

    `waiting` are those that an earlier process left, in order. `recalled` is the search that they belong to, where its
    beginning was delivered already. Lines that cannot be written, because the disk is full or the folder is gone, are
    kept in memory, tried again with every later line, and told by `problem`. Calls may come from several threads.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / EVENTS_FILE
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._unsaved: list[bytes] = []
        self._failure = ""
        self._claim = FileLock(folder / LOCK_FILE, timeout=0, thread_local=False)  # another thread may end it
        self._num_unreadable = 0
        self._next_number = 0
        self.waiting: tuple[Entry, ...] = ()
        self.recalled: SearchRecord | None = None
        try:
            self._read(self._file.read_bytes())
        except FileNotFoundError:
            return
        except OSError as error:
            self._failure = f"cannot be read ({error.strerror})"

    @property
    def problem(self) -> str:
        """What is wrong with the file, in one line; empty where nothing is."""
        if self._failure:
            num_lost = sum(line != _NEW_LINE for line in self._unsaved)
            return (
                f"The outbox {str(self._file)!r} {self._failure}: {num_lost} lines are only in memory. "
                "Free some space, or check the permissions."
            )
        if self._num_unreadable:
            return (
                f"{self._num_unreadable} lines of the outbox {str(self._file)!r} cannot be read: they are passed over."
            )
        return ""

    def append(self, event: Event) -> Entry:
        """Write an event down and return it with its number; ends are on the disk when this returns."""
        with self._lock:
            entry = Entry(self._next_number, event)
            self._next_number += 1
            self._write(
                {"number": entry.number, "kind": _NAMES[type(event)], "event": event.to_json(), **self._inside(event)},
                is_synced=isinstance(event, _SYNCED),
            )
        return entry

    def mark(self, entry: Entry) -> None:
        """Write down that an event was delivered."""
        with self._lock:
            self._write({"delivered": entry.number}, is_synced=False)

    def claim(self) -> bool:
        """Keep other trackers from delivering the same events; say whether that is possible, `close` ends it."""
        with self._lock:
            try:
                if not self._claim.is_locked:
                    self._claim.acquire()
            except Timeout:
                return False
            except (OSError, NotImplementedError):  # no file, or no locks there; the lock on the search is all there is
                return True
            return True

    def drop(self) -> None:
        """Delete everything: nothing waits any more. Lines that only another version can read keep the file."""
        self.close()
        with self._lock:
            if self._num_unreadable:
                return
            self._unsaved.clear()
            try:
                self._file.unlink(missing_ok=True)
                self._file.with_name(LOCK_FILE).unlink(missing_ok=True)
                self._file.parent.rmdir()
            except OSError:  # what stays is read at the next start and found to be delivered
                return

    def close(self) -> None:
        """Let the file go; a later call opens it again."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
            if self._claim.is_locked:
                self._claim.release()

    def _read(self, content: bytes) -> None:
        lines = content.split(_NEW_LINE)
        if lines.pop():
            self._unsaved.append(_NEW_LINE)  # ends the torn line, so that the next one stands alone
        entries: dict[int, Entry] = {}
        begun: dict[int, SearchRecord] = {}
        for number, event in filter(None, map(self._parsed, lines)):
            self._next_number = max(self._next_number, number + 1)
            if event is not None:
                entries[number] = Entry(number, event)
            elif number in entries:
                delivered = entries.pop(number).event
                if isinstance(delivered, SearchRecord):
                    begun[number] = delivered
        self.waiting = tuple(entries.values())
        earlier = [number for number in begun if self.waiting and number < self.waiting[0].number]
        self.recalled = begun[max(earlier)] if earlier else None

    def _parsed(self, line: bytes) -> tuple[int, Event | None] | None:
        """Return the number of a line with its event, `None` for the event where the line marks it as delivered."""
        try:
            values = json.loads(line)
        except ValueError:  # torn: the process ended, or the disk was full, while it was written
            return None
        try:
            if "delivered" in values:
                return int(values["delivered"]), None
            return int(values["number"]), self._event(values)
        except (ValueError, TypeError, KeyError, AttributeError):  # of another version
            self._num_unreadable += 1
            number = values.get("number") if isinstance(values, dict) else None
            if isinstance(number, int):
                self._next_number = max(self._next_number, number + 1)
            return None

    def _event(self, values: dict[str, Any]) -> Event:
        event, search = KINDS[values["kind"]].from_json(values["event"]), self._file.parent.parent
        match event:
            case BestModel() if "inside" in values:
                return replace(event, folder=search / values["inside"])
            case RunFiles() if "inside" in values:
                return replace(event, files=tuple(search / file for file in values["inside"]))
        return event

    def _inside(self, event: Event) -> dict[str, Any]:
        """Return where in the folder of the search files lie: the folder may be moved before the files are taken."""
        search = self._file.parent.parent.absolute()
        match event:
            case BestModel() if event.folder.absolute().is_relative_to(search):
                return {"inside": event.folder.absolute().relative_to(search).as_posix()}
            case RunFiles() if all(file.absolute().is_relative_to(search) for file in event.files):
                return {"inside": [file.absolute().relative_to(search).as_posix() for file in event.files]}
        return {}

    def _write(self, values: dict[str, Any], *, is_synced: bool) -> None:
        self._unsaved.append(json.dumps(values, default=_plain).encode() + _NEW_LINE)
        try:
            if self._descriptor is None:
                self._descriptor = self._open()
            _write_whole(self._descriptor, b"".join(self._unsaved))
            self._unsaved.clear()
            if is_synced:
                os.fsync(self._descriptor)
        except OSError as error:
            if self._unsaved and self._unsaved[0] != _NEW_LINE:
                self._unsaved.insert(0, _NEW_LINE)  # a part of the first line may stand there
            self._failure = f"cannot be written ({error.strerror})"
        else:
            self._failure = ""

    def _open(self) -> int:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        sync(self._file.parent)
        return descriptor


def _write_whole(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _plain(value: object) -> object:
    """Return what JSON knows for numbers of NumPy; anything else becomes text, as it does in a run."""
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else str(value)
