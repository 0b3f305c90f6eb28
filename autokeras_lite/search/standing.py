"""What came of the trials of a search so far, from files that only grow: each is read once, then only what is new."""

import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autokeras_lite.durable import parse_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.halving import rung_epochs
from autokeras_lite.tracking.outbox import EVENTS_FILE, OUTBOX_FOLDER
from autokeras_lite.tracking.tracker import TrialRecord
from autokeras_lite.trial import Cause, TrialSpec, TrialStatus

_TRIAL_START = b'"trial_start"'
_WRONG_FIELDS = (KeyError, TypeError, ValueError, AttributeError, IndexError)


@dataclass(frozen=True)
class EndedTrial:
    """A trial that came to a score; `family` is empty where its folder does not tell it."""

    number: int
    score: float
    status: TrialStatus = TrialStatus.COMPLETED
    epochs: int = 0
    seconds: float = 0.0
    family: str = ""


@dataclass(frozen=True)
class FailedTrial:
    """A trial that failed, and why."""

    number: int
    cause: Cause
    message: str


@dataclass(frozen=True)
class TrainingCohort:
    """Trials that train together since the search was `began_seconds` old, `None` where that is not known.

    They stood at `rung` last (counted from 0, `None` before the first one), with `scores` by trial. `spec` is that of
    one trial, `None` where it was not written down.
    """

    number: int
    trials: tuple[int, ...]
    began_seconds: float | None = None
    rung: int | None = None
    scores: Mapping[int, float] = field(default_factory=dict)
    spec: TrialSpec | None = None

    @property
    def epoch(self) -> int:
        """After how many epochs the trials were compared last; 0 where that is not known."""
        epochs = () if self.spec is None else rung_epochs(self.spec.training)
        return epochs[self.rung] if self.rung is not None and self.rung < len(epochs) else 0


@dataclass
class GrowingFile:
    """A file of lines to which another process appends."""

    path: Path
    _read_bytes: int = 0
    _identity: int | None = None

    def is_another(self) -> bool:
        """Say whether the file was replaced, or cut off, since it was read."""
        try:
            found = self.path.stat()
        except OSError:
            return self._identity is not None
        return self._identity is not None and (found.st_ino != self._identity or found.st_size < self._read_bytes)

    def new_lines(self) -> list[bytes]:
        """Return the lines that are whole and were not returned before."""
        try:
            with self.path.open("rb") as file:
                self._identity = self.path.stat().st_ino
                file.seek(self._read_bytes)
                content = file.read()
        except OSError:
            return []
        whole = content[: content.rfind(b"\n") + 1]
        self._read_bytes += len(whole)
        return whole.splitlines()


class Standing:
    """Folds the journal of a search, and what its outbox tells of trials that train, into what stands now."""

    def __init__(self, journal: Path) -> None:
        self._journal = GrowingFile(journal)
        self._outbox = GrowingFile(journal.parent / OUTBOX_FOLDER / EVENTS_FILE)
        self._specs: dict[int, TrialSpec] = {}
        self._training: dict[int, TrainingCohort] = {}
        self._over: set[int] = set()
        self._num_lines = 0
        self.counts = dict.fromkeys(TrialStatus, 0)
        self.ended: list[EndedTrial] = []
        self.failed: list[FailedTrial] = []

    @property
    def is_outdated(self) -> bool:
        """Whether the journal is another one now: the search was begun anew."""
        return self._journal.is_another()

    @property
    def has_begun(self) -> bool:
        """Whether a trial was begun."""
        return self._num_lines > 0

    def refresh(self) -> None:
        """Read what is new.

        Raises:
            ArtifactError: a line of the journal is damaged.
        """
        for line in self._journal.new_lines():
            self._num_lines += 1
            source = f"Line {self._num_lines} of {self._journal.path}"
            event = parse_json(line, source)
            try:
                self._take(event)
            except _WRONG_FIELDS:
                raise ArtifactError(
                    f"{source} is damaged (fields are missing). Expected the file that the search wrote. "
                    "Restore it from a copy, or begin a new search with another --name."
                ) from None
        self._read_outbox()

    def training(self) -> tuple[TrainingCohort, ...]:
        """Return the cohorts that train, the first one first."""
        cohorts = [self._training[number] for number in sorted(self._training)]
        return tuple(replace(cohort, spec=self._specs.get(cohort.trials[0])) for cohort in cohorts)

    def _take(self, event: Mapping[str, Any]) -> None:
        """Take an event; one that this version does not know says nothing."""
        match event["event"]:
            case "begun":
                trials = tuple(sorted(int(trial) for trial in event["trials"]))
                began = event.get("at")
                if trials:
                    cohort = TrainingCohort(event["cohort"], trials, None if began is None else float(began))
                    self._training[event["cohort"]] = cohort
            case "rung":
                scores = {int(number): float(score) for number, score in event["scores"].items()}
                cohort = self._training[event["cohort"]]
                self._training[event["cohort"]] = replace(cohort, rung=int(event["rung"]), scores=scores)
            case "broke":
                self._training.pop(event["cohort"], None)
            case "ended":
                self._training.pop(event["cohort"], None)
                for outcome in event["outcomes"]:
                    self._end(outcome)

    def _end(self, outcome: Mapping[str, Any]) -> None:
        number, cause, score = int(outcome["number"]), Cause(outcome["cause"]), outcome["score"]
        self.counts[cause.status] += 1
        self._over.add(number)
        if cause.status is TrialStatus.FAILED:
            self.failed.append(FailedTrial(number, cause, str(outcome["message"])))
        if score is not None and math.isfinite(score):
            epochs, seconds = int(outcome["epochs"]), float(outcome["seconds"])
            self.ended.append(EndedTrial(number, float(score), cause.status, epochs, seconds))

    def _read_outbox(self) -> None:
        """Read what the trials are that train: good to know, so that a damaged line is passed over."""
        if self._outbox.is_another():
            self._outbox = GrowingFile(self._outbox.path)
        for line in self._outbox.new_lines():
            if _TRIAL_START not in line:
                continue
            with suppress(ArtifactError, *_WRONG_FIELDS):
                record = TrialRecord.from_json(parse_json(line, "outbox")["event"])
                self._specs[record.spec.number] = record.spec
        self._specs = {number: spec for number, spec in self._specs.items() if number not in self._over}
