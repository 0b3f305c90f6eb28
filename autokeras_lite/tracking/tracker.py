"""What is written down about a search while it runs, whoever keeps the record."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, Self

from autokeras_lite.trial import TrialOutcome, TrialSpec


@dataclass(frozen=True)
class SearchRecord:
    """A search as it begins: everything that a tracker may want to write down about it.

    `params` are the options and what was inferred, `tags` are versions (`version.keras`) and the like. `data` describes
    the data set: `name`, `source`, `rows`, `training_rows` (those of one fold), `columns`, `targets`, `fingerprint`.
    `started` is in seconds since the epoch. `uid` names the search for ever: a record with the uid of an earlier one
    continues its runs, one without a uid begins new ones.
    """

    name: str
    folder: Path
    metric: str
    direction: str
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.time)
    uid: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain values; what `params` and `data` hold is left as it is."""
        return asdict(self) | {"folder": str(self.folder)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the record that `to_json` wrote."""
        return cls(**{**values, "folder": Path(values["folder"])})


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

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self) | {"spec": self.spec.to_json(), "recipe_names": sorted(self.recipe_names)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the record that `to_json` wrote."""
        changed = {"spec": TrialSpec.from_json(values["spec"]), "recipe_names": frozenset(values["recipe_names"])}
        return cls(**{**values, **changed})


@dataclass(frozen=True)
class TrialEnd:
    """A trial as it ended; `ended` is in seconds since the epoch, `rungs` are the epochs at which it was judged."""

    outcome: TrialOutcome
    ended: float
    rungs: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return {"outcome": self.outcome.to_json(), "ended": self.ended, "rungs": list(self.rungs)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the end that `to_json` wrote."""
        outcome, rungs = TrialOutcome.from_json(values["outcome"]), tuple(values.get("rungs", ()))
        return cls(**{**values, "outcome": outcome, "rungs": rungs})


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

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self) | {"artifact": None if self.artifact is None else str(self.artifact)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the end that `to_json` wrote."""
        artifact = values["artifact"]
        return cls(**{**values, "artifact": None if artifact is None else Path(artifact)})


@dataclass(frozen=True)
class BestModel:
    """The best model of the search `name`, to be kept beside the record: an artifact folder."""

    name: str
    folder: Path

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return {"name": self.name, "folder": str(self.folder)}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the model that `to_json` wrote."""
        return cls(**{**values, "folder": Path(values["folder"])})


@dataclass(frozen=True)
class RunFiles:
    """Files about the search `name`, to be kept beside its record; `uid` is that of its `SearchRecord`.

    They may come when the search has ended long ago: the uid says whose they are.
    """

    name: str
    uid: str
    files: tuple[Path, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return {"name": self.name, "uid": self.uid, "files": [str(file) for file in self.files]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the files that `to_json` wrote."""
        return cls(**{**values, "files": tuple(Path(file) for file in values["files"])})


@dataclass(frozen=True)
class UsageReading:
    """How much of the machine was in use at one moment, `seconds` since the epoch; `step` is the second of the search.

    `values` have the names that MLflow gives to system metrics, without its prefix: `cpu_utilization_percentage`.
    """

    seconds: float
    step: int
    values: Mapping[str, float]


@dataclass(frozen=True)
class UsageReadings:
    """Readings of the search that is being told, in the order of time."""

    readings: tuple[UsageReading, ...]

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the readings that `to_json` wrote."""
        return cls(tuple(UsageReading(**reading) for reading in values["readings"]))


Event = SearchRecord | TrialRecord | TrialEnd | SearchEnd | BestModel | RunFiles | UsageReadings


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
    `close` has waited its time is told by its return value and waits on disk for the next tracker of this search. To
    tell something twice changes nothing. Only `open_tracker` may refuse.
    """

    def start_search(self, record: SearchRecord) -> None:
        """Write down that the search began, or that it goes on."""

    def start_trial(self, record: TrialRecord) -> None:
        """Write down that a trial began, or began again."""

    def finish_trial(self, end: TrialEnd) -> None:
        """Write down how a trial ended, with its curves."""

    def finish_search(self, end: SearchEnd) -> None:
        """Write down how the search ended, with its best model; trials that did not end are closed."""

    def log_files(self, files: RunFiles) -> None:
        """Keep files beside the record of the search, under their names; one that is there is written over."""

    def log_usage(self, readings: UsageReadings) -> None:
        """Write down how much of the machine was in use; another thread than that of the other calls may say it."""

    def close(self, timeout_seconds: float) -> int:
        """Wait for what is still to be written, at most so long; return how many events could not be written."""

    @property
    def pending(self) -> int:
        """How many events are still to be written, those of earlier starts of the search among them."""

    @property
    def link(self) -> TrackingLink:
        """Where a person finds the record."""

    @property
    def problems(self) -> tuple[str, ...]:
        """What went wrong with events that could not be written, one line each."""
