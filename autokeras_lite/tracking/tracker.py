"""What is written down about a search while it runs, whoever keeps the record."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from autokeras_lite.trial import TrialOutcome, TrialSpec


@dataclass(frozen=True)
class SearchRecord:
    """A search as it begins: everything that a tracker may want to write down about it.

    `params` are the options and what was inferred, `tags` are versions (`version.keras`) and the like. `data` describes
    the data set: `name`, `source`, `rows`, `columns`, `targets`, `fingerprint`. `started` is in seconds since the
    epoch.
    """

    name: str
    folder: Path
    metric: str
    direction: str
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.time)


@dataclass(frozen=True)
class TrialRecord:
    """A trial as it begins; `started` is in seconds since the epoch.

    `recipe_names` are the recipe fields of the family's config (those of the training config are known).
    """

    spec: TrialSpec
    cohort: int
    lane: int
    started: float
    recipe_names: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TrialEnd:
    """A trial as it ended; `ended` is in seconds since the epoch."""

    outcome: TrialOutcome
    ended: float


@dataclass(frozen=True)
class SearchEnd:
    """A search as it ended. `artifact` is the folder of the best model, `None` when there is none.

    `metrics` are what is known of the best model, among them
    `score`, `baseline.NAME` for each baseline, and counts as `trials.completed`, `trials.pruned`, `trials.failed`.
    `ended` is in seconds since the epoch.
    """

    status: Literal["completed", "cancelled", "failed"]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    artifact: Path | None
    best_trial: int | None = None
    ended: float = field(default_factory=time.time)


@dataclass(frozen=True)
class BestModel:
    """The best model of the search `name`, to be kept beside the record: an artifact folder."""

    name: str
    folder: Path


Event = SearchRecord | TrialRecord | TrialEnd | SearchEnd | BestModel


@dataclass(frozen=True)
class TrackingLink:
    """Where the record of this search lies; ids are empty when nothing keeps it, or nothing was written yet.

    `uri` shows no password.
    """

    uri: str
    experiment: str
    run_id: str
    experiment_id: str = ""


class Tracker(Protocol):
    """Keeps the record of one search.

    Laws: no call waits for the store, none raises because the store is slow or gone, and what is not yet written when
    `close` has waited its time is told by its return value. Only `open_tracker` may refuse, with a `TrackingError`.
    """

    def start_search(self, record: SearchRecord) -> None:
        """Write down that the search began."""

    def start_trial(self, record: TrialRecord) -> None:
        """Write down that a trial began."""

    def finish_trial(self, end: TrialEnd) -> None:
        """Write down how a trial ended, with its curves."""

    def finish_search(self, end: SearchEnd) -> None:
        """Write down how the search ended, with its best model."""

    def close(self, timeout_seconds: float) -> int:
        """Wait for what is still to be written, at most so long; return how many events could not be written."""

    @property
    def link(self) -> TrackingLink:
        """Where a person finds the record."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with events that could not be written, one line each."""
