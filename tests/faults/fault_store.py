"""A place for runs that is a file: durable, idempotent, and down, slow or failing when it is told to.

`store.json` in its folder says how it is: `{"mode": "up"}`, `"down"` (nothing answers), `"slow"` (each write takes
`seconds`), `"failing"` (every second write is taken and answered with an error all the same).
"""

import json
import time
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from fault_trade import append_line

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.outbox import KINDS
from autokeras_lite.tracking.run_store import EventRefusedError
from autokeras_lite.tracking.tracker import Event, SearchEnd, SearchRecord, TrialEnd, TrialRecord

RECORD_FILE = "record.jsonl"
HEALTH_FILE = "store.json"


@dataclass
class Record:
    """What the store holds: the state of the search, and of each trial by its number, with its outcome."""

    search: str = ""
    uid: str = ""
    trials: dict[int, str] = field(default_factory=dict)
    outcomes: dict[int, dict[str, Any]] = field(default_factory=dict)
    models: int = 0

    def take(self, event: Event) -> None:
        match event:
            case SearchRecord():
                self.search, self.uid = "RUNNING", event.uid
            case TrialRecord():
                self.trials[event.spec.number] = "RUNNING"
                self.outcomes.pop(event.spec.number, None)
            case TrialEnd():
                self.trials[event.outcome.number] = str(event.outcome.status)
                self.outcomes[event.outcome.number] = event.outcome.to_json()
            case SearchEnd():
                self.search = event.status
                still = [number for number, status in self.trials.items() if status == "RUNNING"]
                self.trials |= dict.fromkeys(still, "cancelled")
            case _:
                self.models += 1

    @classmethod
    def read(cls, folder: Path) -> "Record":
        record, file = cls(), folder / RECORD_FILE
        for line in file.read_text().splitlines() if file.exists() else ():
            values = json.loads(line)
            record.take(KINDS[values["kind"]].from_json(values["event"]))
        return record


class FileStore:
    """A `RunStore` over the file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._calls = count(1)
        self._be_well()
        self._record = Record.read(folder)

    def write(self, event: Event) -> None:
        self._be_well()
        if isinstance(event, TrialEnd) and event.outcome.number not in self._record.trials:
            raise EventRefusedError(f"Trial {event.outcome.number} ended and never began.")
        kind = next(name for name, type_ in KINDS.items() if isinstance(event, type_))
        try:
            append_line(self._folder / RECORD_FILE, {"kind": kind, "event": json.loads(json.dumps(event.to_json()))})
        except OSError as error:
            raise TrackingError(f"The store cannot be written ({error.strerror}).") from error
        self._record.take(event)
        if self._mode() == "failing" and next(self._calls) % 2:
            raise TrackingError("The store answered 500, and had taken it all the same.")

    def recall(self, record: SearchRecord) -> None:
        pass

    def prepare(self) -> None:
        pass

    @property
    def ids(self) -> tuple[str, str]:
        return "experiment", "run"

    def _be_well(self) -> None:
        mode = self._mode()
        if mode == "down":
            raise TrackingError("The store does not answer.")
        if mode == "slow":
            time.sleep(0.05)

    def _mode(self) -> str:
        try:
            return str(json.loads((self._folder / HEALTH_FILE).read_text())["mode"])
        except (OSError, ValueError):
            return "up"
