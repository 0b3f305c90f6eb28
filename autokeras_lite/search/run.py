"""One search from its config to its record: every stage once, in the order in which the budget is spent."""

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from autokeras_lite.artifact.manifest import package_versions
from autokeras_lite.config import SearchConfig, Validation
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.errors import SpaceError
from autokeras_lite.execution.executor import Executor
from autokeras_lite.execution.work import predict_units
from autokeras_lite.models.check import check_space
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.baselines import Baseline, compare_with_baselines, fit_baselines
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.finish import finish
from autokeras_lite.search.folder import SearchFolder, claim_folder, write_json
from autokeras_lite.search.loop import Plan, SearchLoop, Surroundings
from autokeras_lite.search.observer import Observer, Overview
from autokeras_lite.search.prepare import Prepared, prepare, read_more_rows
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.record import BestTrial, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.search.study import SpaceStudy
from autokeras_lite.spaces.load import load_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tracking.tracker import SearchEnd, SearchRecord, Tracker
from autokeras_lite.trial import TrialOutcome, TrialStatus, recipe_fields

DEFAULT_SPACES: Mapping[InputKind, tuple[str, ...]] = {
    InputKind.TABLE: ("tabular_mlp", "dense_stack"),
    InputKind.IMAGE: ("image_stack",),
    InputKind.SEQUENCE: ("sequence_stack",),
    InputKind.TOKENS: ("token_stack",),
}
# Baselines may take this much of a time limit: they are the first answer, not the search.
_BASELINE_SHARE = 0.5
_TRACKING_SECONDS = 15.0


@dataclass(frozen=True)
class Tools:
    """What a search is run with: handed in, so that a test may hand in others; `started` is `time.monotonic()`."""

    executor: Executor
    tracker: Tracker
    observer: Observer
    started: float


def load_spaces(names: tuple[str, ...]) -> tuple[SearchSpace, ...]:
    """Load and check the spaces that were asked for, before anything is read.

    Raises:
        SpaceError: a space does not exist, or is wrong.
    """
    spaces = tuple(load_space(name) for name in names)
    for space in spaces:
        check_space(space, FAMILIES)
    return spaces


def choose_spaces(asked: tuple[SearchSpace, ...], kind: InputKind) -> tuple[SearchSpace, ...]:
    """Return the spaces to search for inputs of this kind: those asked for, or the usual ones.

    Raises:
        SpaceError: a space that was asked for takes other inputs.
    """
    for space in asked:
        if kind not in space.accepts:
            takes = ", ".join(sorted(space.accepts))
            raise SpaceError(
                f"The space {space.name!r} takes {takes}; the inputs are of kind {kind}. "
                f"Expected a space such as {DEFAULT_SPACES[kind][0]}. Choose another --space."
            )
    return asked or tuple(load_space(name) for name in DEFAULT_SPACES[kind])


def run_search(
    data: Any, config: SearchConfig, spaces: tuple[SearchSpace, ...], tools: Tools, test: Any
) -> SearchFolder:
    """Search, and leave the artifact and the record in the folder that is returned.

    `test` are labelled rows that are scored once, at the very end; `None` for none.

    Raises:
        AutokerasLiteError: the data, the task or the spaces do not fit, or no trial came to a score.
    """
    prepared = prepare(data, config)
    test_rows = None if test is None else read_more_rows(prepared.dataset, test, config)
    chosen = choose_spaces(spaces, prepared.dataset.kind)
    folder = claim_folder(config.place.folder, request_of(config, prepared.profile.fingerprint))
    _announce(prepared, config, chosen, tools)
    prepared.data.write(folder.data)
    clock = Clock(config.budget, tools.started)
    baselines = _baselines(prepared, config, clock, tools.observer)
    around = Surroundings(prepared.task, tools.executor, tools.tracker, tools.observer, folder, clock)
    loop = _search(prepared, config, chosen, around)
    assert loop.best is not None
    finish(prepared, config, around, loop.best)
    test_score = None if test_rows is None else _test_score(test_rows, around)
    summary = _close_record(_summary(loop, baselines, prepared, config, test_score), loop)
    write_json(folder.summary, summary.to_json())
    folder.discard_data()
    return folder


def request_of(config: SearchConfig, fingerprint: str) -> dict[str, Any]:
    """Return what was asked, in the form in which it is written down."""
    return {"config": config.to_json(), "fingerprint": fingerprint, "versions": package_versions()}


def _test_score(test_rows: Dataset, around: Surroundings) -> float:
    """Score the artifact itself on the test rows: what a person would get from it."""
    labels = encode_targets(around.task, test_rows.targets, np.arange(len(test_rows))).labels
    predictions = around.executor.run(partial(predict_units, around.folder.artifact, test_rows.inputs))
    return score(around.task, labels, predictions)


def _announce(prepared: Prepared, config: SearchConfig, spaces: tuple[SearchSpace, ...], tools: Tools) -> None:
    for note in prepared.notes:
        tools.observer.note(note)
    task, names = prepared.task, tuple(space.name for space in spaces)
    rows, profile = len(prepared.dataset), prepared.profile
    columns = len(profile.kept) if profile.columns else 1
    tools.observer.search_started(
        Overview(
            config.place.name, task, rows, columns, describe_validation(config.validation), config.budget, names,
            tools.executor.slots, tools.started,
        )
    )  # fmt: skip
    tools.tracker.start_search(
        SearchRecord(
            name=config.place.name,
            folder=config.place.folder,
            metric=task.metric,
            direction=task.direction,
            params=_params(prepared, config, names),
            tags={f"version.{name}": version for name, version in package_versions().items()},
            data={
                "name": prepared.dataset.name,
                "source": prepared.dataset.source,
                "rows": rows,
                "columns": columns,
                "targets": list(task.targets),
                "fingerprint": profile.fingerprint,
            },
        )
    )


def describe_validation(validation: Validation) -> str:
    """Say in a few words which rows judge.

    Example:
        >>> describe_validation(Validation.parse("5"))
        '5 folds'
    """
    if validation.kind == "folds":
        return f"{validation.folds} folds"
    return validation.path if validation.path is not None else f"{validation.fraction:.0%} of the rows held out"


def _params(prepared: Prepared, config: SearchConfig, spaces: tuple[str, ...]) -> dict[str, Any]:
    return {
        "task": str(prepared.task.kind),
        "metric": prepared.task.metric,
        "spaces": ", ".join(spaces),
        "sampler": config.strategy.sampler,
        "seed": config.strategy.seed,
        "trials": config.budget.trials,
        "time_limit_seconds": config.budget.seconds,
        "validation": describe_validation(config.validation),
        "class_weight": config.goal.class_weight,
        "executor": config.execution.executor,
    }


def _baselines(prepared: Prepared, config: SearchConfig, clock: Clock, observer: Observer) -> tuple[Baseline, ...]:
    left = clock.training_seconds_left
    limit = {} if left is None else {"seconds_left": _BASELINE_SHARE * left}
    baselines = fit_baselines(prepared.data, prepared.task, seed=config.strategy.seed, **limit)
    for baseline in baselines:
        observer.baseline_finished(baseline)
    return baselines


def _search(
    prepared: Prepared, config: SearchConfig, spaces: tuple[SearchSpace, ...], around: Surroundings
) -> SearchLoop:
    studies = [
        SpaceStudy(
            space,
            space.recipe_names(recipe_fields(FAMILIES[space.family].config_type)),
            direction=prepared.task.direction,
            strategy=config.strategy,
            database=around.folder.database,
        )
        for space in spaces
    ]
    folds = prepared.data.folds
    plan = Plan(config.strategy.seed, len(folds), min(len(fold.train_rows) for fold in folds), config.budget.trials)
    loop = SearchLoop(around, plan, Proposer(studies, prepared.task))
    try:
        loop.run()
    finally:
        for study in studies:
            study.close()
    return loop


def _summary(
    loop: SearchLoop,
    baselines: tuple[Baseline, ...],
    prepared: Prepared,
    config: SearchConfig,
    test_score: float | None,
) -> SearchSummary:
    assert loop.best is not None
    spec, outcome = loop.best
    assert outcome.score is not None
    training = spec.to_json()["training"]
    return SearchSummary(
        name=config.place.name,
        task=str(prepared.task.kind),
        metric=prepared.task.metric,
        direction=prepared.task.direction,
        best=BestTrial(spec.number, spec.family, spec.space, {**spec.config, **training}, outcome.score, test_score),
        trials=count_trials([outcome for _, outcome in loop.finished]),
        seconds=round(loop.around.clock.elapsed_seconds, 2),
        baselines={baseline.name: baseline.score for baseline in baselines},
        verdict=compare_with_baselines(prepared.task, outcome.score, baselines),
        artifact=str(loop.around.folder.artifact),
        tracking=TrackingPlace("", "", ""),
        notes=prepared.notes,
    )


def count_trials(outcomes: list[TrialOutcome]) -> TrialCounts:
    """Count how trials ended."""
    statuses = [outcome.status for outcome in outcomes]
    return TrialCounts(*(statuses.count(status) for status in TrialStatus))


def _close_record(summary: SearchSummary, loop: SearchLoop) -> SearchSummary:
    """Finish the tracker's record, which is waited for a while but never needed."""
    tracker, observer = loop.around.tracker, loop.around.observer
    observer.finishing("tracking")
    counts = {f"trials.{name}": float(count) for name, count in asdict(summary.trials).items()}
    scores = {f"baseline.{name}": score for name, score in summary.baselines.items() if score is not None}
    end = SearchEnd(
        status="completed",
        metrics={"score": summary.best.validation_score, "seconds": summary.seconds, **counts, **scores},
        tags={},
        artifact=loop.around.folder.artifact,
        best_trial=summary.best.trial,
        ended=time.time(),
    )
    tracker.finish_search(end)
    unwritten = tracker.close(_TRACKING_SECONDS)
    link = tracker.link
    told = (f"{unwritten} records could not be sent to {link.uri}.", *tracker.problems) if unwritten else ()
    for note in told:
        observer.note(note)
    return replace(
        summary,
        tracking=TrackingPlace(link.uri, link.experiment_id, link.run_id),
        seconds=round(loop.around.clock.elapsed_seconds, 2),
        notes=summary.notes + told,
    )
