"""The record of a finished search: what is printed, what `--json` prints, and what a later process reads again."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from autokeras_lite.artifact.latency import Latency
from autokeras_lite.search.trust import Trust


@dataclass(frozen=True)
class BestTrial:
    """The winner. `config` holds its family's fields and its training fields; `test_score` needs `--test`."""

    trial: int
    family: str
    space: str
    config: Mapping[str, Any]
    validation_score: float
    test_score: float | None = None


@dataclass(frozen=True)
class EnsembleSummary:
    """What the final model is made of where that is not the best trial as it was: shares by trial number.

    `gain` is how much better it is than the best trial on rows that chose neither, `gain_error` its standard error.
    """

    shares: Mapping[str, float]
    validation_score: float
    gain: float
    gain_error: float
    temperature: float


@dataclass(frozen=True)
class TrialCounts:
    """How many trials ended in which way; pruned ones include those that the deadline cut short."""

    completed: int = 0
    pruned: int = 0
    failed: int = 0


@dataclass(frozen=True)
class TrackingPlace:
    """Where the tracking server or store keeps this search."""

    uri: str
    experiment_id: str
    run_id: str


@dataclass(frozen=True)
class SearchSummary:
    """Everything that a search ends with, in plain values.

    `baselines` are scores by name; `verdict` is the honest sentence that compares them with the winner; `notes` are
    the sentences that a person was told on the way. `artifact` is the folder of the model.

    `best` is `None` when the time was too short for a single trial: the best baseline is the result then, and there is
    no model. `stopped` says why a search ended before its budget was spent: `interrupted` (Ctrl-C or SIGTERM),
    `failures` (too many in a row), `unfinished` (it was killed, or still runs); empty when the budget was spent.
    `trust` says what the score is worth, `finalists` has the fresh scores of trials that were scored again, by number.
    `ensemble` is `None` where the model is the best trial. `unsent` records wait to be sent to the tracking server.
    `latency` says how long the model takes to predict, `None` where there was no time to measure it.
    """

    name: str
    task: str
    metric: str
    direction: str
    best: BestTrial | None
    trials: TrialCounts
    seconds: float
    baselines: Mapping[str, float | None]
    verdict: str
    artifact: str
    tracking: TrackingPlace
    notes: tuple[str, ...] = ()
    stopped: str = ""
    unsent: int = 0
    ensemble: EnsembleSummary | None = None
    trust: Trust | None = None
    finalists: Mapping[str, float] = field(default_factory=dict)
    latency: Latency | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `json.dumps` takes."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """Return the summary that `to_json` wrote."""
        parts = {
            "best": None if values["best"] is None else BestTrial(**values["best"]),
            "trials": TrialCounts(**values["trials"]),
            "tracking": TrackingPlace(**values["tracking"]),
            "notes": tuple(values["notes"]),
            "trust": None if values.get("trust") is None else Trust.from_json(values["trust"]),
            "ensemble": None if values.get("ensemble") is None else EnsembleSummary(**values["ensemble"]),
            "latency": None if values.get("latency") is None else Latency(**values["latency"]),
        }
        return cls(**{**values, **parts})
