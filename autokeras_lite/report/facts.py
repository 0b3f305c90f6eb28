"""What pictures and pages are made from: everything that a search left, read once, as plain values."""

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from autokeras_lite.artifact.files import (
    MANIFEST_FILE,
    MOST_DESCRIPTION_BYTES,
    MOST_DESCRIPTION_VALUES,
    PREDICTIONS_FILE,
)
from autokeras_lite.config import SearchConfig
from autokeras_lite.durable import read_json
from autokeras_lite.errors import ArtifactError
from autokeras_lite.report.given_rows import GivenRows, read_given_rows
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.blueprint import Blueprint
from autokeras_lite.search.course import Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import Event, read_events
from autokeras_lite.search.leaderboard import rank_trials
from autokeras_lite.search.record import SearchSummary
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.search.unfinished import summarise_unfinished
from autokeras_lite.spaces.domain import Value
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import TrialOutcome, TrialSpec

_UNREADABLE = (ArtifactError, OSError, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class TrialFacts:
    """One trial with what the journal tells of it.

    `values` are the flat values that the sampler chose, without those it left to the default. `cohort` is the one that
    it last trained in. `begun` and `ended` are seconds of the search. `rung` is the last one (counted from 0) that it
    was judged at. What the journal does not tell is `None`, or empty.
    """

    spec: TrialSpec
    outcome: TrialOutcome
    values: Mapping[str, Value]
    cohort: int | None = None
    begun: float | None = None
    ended: float | None = None
    rung: int | None = None

    @property
    def number(self) -> int:
        """The number of the trial, from 1."""
        return self.spec.number

    @property
    def score(self) -> float | None:
        """The validation score, `None` where there is no finite one."""
        score = self.outcome.score
        return score if score is not None and math.isfinite(score) else None


@dataclass(frozen=True)
class Facts:
    """Everything that is known of a search, finished or not; what is missing is `None`, or empty.

    `trials` are in the order of their numbers. `events` are the lines of the journal; newer ones have `at`, the seconds
    of the search. `explanation` is `explanation.json`. `predictions` are those of the final model (of the best trial as
    long as there is none) for the rows that judged: columns `row`, `fold`, `actual.TARGET`, and `predicted.NAME` for
    each target of a regression or multilabel task and for each class otherwise. `profile` is that of the data
    (`DataProfile.to_json`, with `validation` in words and `folds` as numbers of rows). `manifest` is that of the model.
    """

    folder: Path
    summary: SearchSummary
    request: SearchRequest | None
    task: Task
    trials: tuple[TrialFacts, ...]
    events: tuple[Event, ...]
    baselines: tuple[Baseline, ...]
    explanation: Mapping[str, Any] | None
    predictions: pd.DataFrame | None
    profile: Mapping[str, Any] | None
    manifest: Mapping[str, Any] | None
    versions: Mapping[str, str]

    @property
    def name(self) -> str:
        """The name of the search."""
        return self.summary.name

    @property
    def is_finished(self) -> bool:
        """Whether the search has come to an end, of whatever kind."""
        return self.summary.stopped != "unfinished"

    @cached_property
    def ranked(self) -> tuple[TrialFacts, ...]:
        """The trials with a finite score, best first."""
        scored = {trial.number: trial for trial in self.trials if trial.score is not None}
        pairs = [(trial.spec, trial.outcome) for trial in scored.values()]
        return tuple(scored[spec.number] for spec, _ in rank_trials(pairs, self.task.direction))

    @cached_property
    def best(self) -> TrialFacts | None:
        """The winner, which need not have the highest first score; of a search that has none, the best trial so far."""
        number = None if self.summary.best is None else self.summary.best.trial
        return next((trial for trial in self.ranked if trial.number == number), self.ranked[0] if self.ranked else None)

    @cached_property
    def importance(self) -> tuple[tuple[Mapping[str, Any], ...], tuple[str, ...]]:
        """Which hyperparameters mattered: records as `parameter_importance` has rows, and notes on what is missing."""
        from autokeras_lite.search.explain import explain_parameters  # loads Optuna, which takes most of a second

        told = self.explanation or {}
        first = "" if not self.trials else self.trials[0].spec.space
        with suppress(*_UNREADABLE):
            trials = [(trial.values, trial.spec, trial.outcome) for trial in self.trials]
            found, notes = explain_parameters(self.request, trials, self.task.direction, first)
            if len(found):
                records = [{str(name): value for name, value in row.items()} for row in found.to_dict("records")]
                return tuple(records), tuple(notes)
            return tuple(told.get("parameters", ())), tuple(notes)
        return tuple(told.get("parameters", ())), ()

    @cached_property
    def config(self) -> SearchConfig | None:
        """The options of the search."""
        with suppress(*_UNREADABLE):
            return None if self.request is None else SearchConfig.from_json(self.request.config)
        return None

    @cached_property
    def given(self) -> GivenRows | None:
        """The rows of the data as they came, as far as they are at hand."""
        blueprint = _blueprint(SearchFolder(self.folder))
        with suppress(*_UNREADABLE):
            return None if blueprint is None else read_given_rows(blueprint, self.request)
        return None


def read_facts(folder: Path) -> Facts:
    """Read what a search left in its folder; of one that was killed, or still runs, what there is so far.

    Raises:
        ArtifactError: there is no search, nothing of it can be told yet, or a record is damaged.
    """
    place = SearchFolder(Path(folder).expanduser().absolute())
    summary = place.read_summary() or summarise_unfinished(place)
    finished, events = place.read_trials(), tuple(read_events(place.journal))
    request, blueprint = place.read_request(), _blueprint(place)
    return Facts(
        folder=place.path,
        summary=summary,
        request=request,
        task=_as_told(summary, request) if blueprint is None else blueprint.manifest.task,
        trials=_with_events(finished, events),
        events=events,
        baselines=place.read_baselines(),
        explanation=_described(place.explanation),
        predictions=_predictions(place, blueprint, summary, finished),
        profile=place.read_profile(),
        manifest=_described(place.artifact / MANIFEST_FILE),
        versions={} if request is None else request.versions,
    )


def _blueprint(folder: SearchFolder) -> Blueprint | None:
    with suppress(*_UNREADABLE):
        return Blueprint.open(folder.blueprint)
    return None


def _as_told(summary: SearchSummary, request: SearchRequest | None) -> Task:
    """Put the task together as far as the record tells it: without its classes."""
    targets = () if request is None else tuple(request.config["columns"]["targets"])
    kind = TaskKind(summary.task)
    if summary.direction == "maximize":
        return Task(kind, targets, summary.metric, "maximize")
    return Task(kind, targets, summary.metric, "minimize")


def _described(file: Path) -> Mapping[str, Any] | None:
    with suppress(*_UNREADABLE):
        values = read_json(file, most_bytes=MOST_DESCRIPTION_BYTES, most_values=MOST_DESCRIPTION_VALUES)
        return values if isinstance(values, dict) else None
    return None


def _predictions(
    folder: SearchFolder, blueprint: Blueprint | None, summary: SearchSummary, finished: Iterable[Finished]
) -> pd.DataFrame | None:
    if summary.stopped != "unfinished":
        with suppress(*_UNREADABLE):
            return pd.read_parquet(folder.artifact / PREDICTIONS_FILE)
    best = summary.best
    chosen = next((pair for pair in finished if best is not None and pair[0].number == best.trial), None)
    if blueprint is not None and chosen is not None:
        with suppress(*_UNREADABLE):
            return blueprint.request(folder, chosen).predictions
    return None


# --- the journal -----------------------------------------------------------------------------------------------------


def _with_events(finished: Iterable[Finished], events: Iterable[Event]) -> tuple[TrialFacts, ...]:
    told: dict[int, dict[str, Any]] = {}
    members: dict[int, list[int]] = {}
    for event in events:
        cohort, at = event.get("cohort", 0), _seconds(event.get("at"))
        match event["event"]:
            case "begun":
                members[cohort] = [int(number) for number in event["trials"]]
                for number, values in event["trials"].items():
                    earlier = told.get(int(number), {}).get("begun")
                    begun = at if earlier is None else earlier
                    told[int(number)] = {"values": values, "cohort": cohort, "begun": begun}
            case "rung":
                for number in event["scores"]:
                    told.setdefault(int(number), {})["rung"] = event["rung"]
            case "ended":
                for number in members.get(cohort, ()):
                    told[number]["ended"] = at
    return tuple(
        TrialFacts(spec, outcome, **{"values": {}, **told.get(spec.number, {})})
        for spec, outcome in sorted(finished, key=lambda pair: pair[0].number)
    )


def _seconds(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None
