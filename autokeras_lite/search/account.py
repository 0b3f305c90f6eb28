"""What is told of a search: to the person, to the tracker, and to the file that stays."""

import hashlib
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from autokeras_lite.artifact.manifest import package_versions
from autokeras_lite.config import SearchConfig, Validation
from autokeras_lite.search.baselines import Baseline, compare_with_baselines
from autokeras_lite.search.loop import SearchLoop, Surroundings
from autokeras_lite.search.observer import Overview
from autokeras_lite.search.prepare import Prepared
from autokeras_lite.search.record import BestTrial, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.spaces.listing import shipped_file, shipped_names
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tracking.tracker import SearchEnd, SearchRecord
from autokeras_lite.tracking.uri import mask
from autokeras_lite.trial import TrialOutcome, TrialStatus

_TRACKING_SECONDS = 15.0
_BROKEN_TRACKING_SECONDS = 5.0


def config_to_keep(config: SearchConfig) -> dict[str, Any]:
    """Return the config as it may be written to a file: without the password of a tracking server.

    Beside the names of the spaces that were asked for stands what is in their files, so that a changed one is noticed.
    """
    uri = config.place.tracking_uri
    kept = config if uri is None else replace(config, place=replace(config.place, tracking_uri=mask(uri)))
    return kept.to_json() | {"space_content": {name: _content(name) for name in config.strategy.spaces}}


def _content(space: str) -> str:
    file = shipped_file(space) if space in shipped_names() else Path(space).expanduser()
    return hashlib.blake2b(file.read_bytes(), digest_size=16).hexdigest()


def request_of(config: SearchConfig, fingerprint: str) -> dict[str, Any]:
    """Return what was asked, in the form in which it is written down."""
    return {"config": config_to_keep(config), "fingerprint": fingerprint, "versions": package_versions()}


def announce(prepared: Prepared, config: SearchConfig, spaces: tuple[SearchSpace, ...], around: Surroundings) -> None:
    """Tell what will be searched, and why it is searched in this way."""
    for note in prepared.notes:
        around.observer.note(note)
    names, profile = tuple(space.name for space in spaces), prepared.profile
    overview = Overview(
        name=config.place.name,
        task=prepared.task,
        rows=len(prepared.dataset),
        columns=len(profile.kept) if profile.columns else 1,
        validation=describe_validation(config.validation),
        budget=config.budget,
        spaces=names,
        workers=around.executor.slots,
        started=around.clock.started,
    )
    around.observer.search_started(overview)
    around.tracker.start_search(_search_record(prepared, config, overview))


def _search_record(prepared: Prepared, config: SearchConfig, overview: Overview) -> SearchRecord:
    return SearchRecord(
        name=overview.name,
        folder=config.place.folder,
        metric=prepared.task.metric,
        direction=prepared.task.direction,
        params={
            "task": str(prepared.task.kind),
            "metric": prepared.task.metric,
            "spaces": ", ".join(overview.spaces),
            "sampler": config.strategy.sampler,
            "seed": config.strategy.seed,
            "trials": config.budget.trials,
            "time_limit_seconds": config.budget.seconds,
            "validation": overview.validation,
            "class_weight": config.goal.class_weight,
            "executor": config.execution.executor,
            "workers": overview.workers,
        },
        tags={f"version.{name}": version for name, version in package_versions().items()},
        data={
            "name": prepared.dataset.name,
            "source": prepared.dataset.source,
            "rows": overview.rows,
            "columns": overview.columns,
            "targets": list(prepared.task.targets),
            "fingerprint": prepared.profile.fingerprint,
        },
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


def summarise(
    prepared: Prepared, config: SearchConfig, loop: SearchLoop, baselines: Sequence[Baseline]
) -> SearchSummary:
    """Put together what came out; the tracker's part follows when it is closed."""
    assert loop.best is not None
    spec, outcome = loop.best
    assert outcome.score is not None
    settings = {**spec.config, **asdict(spec.training)}
    return SearchSummary(
        name=config.place.name,
        task=str(prepared.task.kind),
        metric=prepared.task.metric,
        direction=prepared.task.direction,
        best=BestTrial(spec.number, spec.family, spec.space, settings, outcome.score),
        trials=count_trials([outcome for _, outcome in loop.finished]),
        seconds=round(loop.around.clock.elapsed_seconds, 2),
        baselines={baseline.name: baseline.score for baseline in baselines},
        verdict=compare_with_baselines(prepared.task, outcome.score, tuple(baselines)),
        artifact=str(loop.around.folder.artifact),
        tracking=TrackingPlace("", "", ""),
        notes=prepared.notes,
    )


def count_trials(outcomes: Sequence[TrialOutcome]) -> TrialCounts:
    """Count how trials ended."""
    statuses = [outcome.status for outcome in outcomes]
    return TrialCounts(*(statuses.count(status) for status in TrialStatus))


def close_account(summary: SearchSummary, around: Surroundings) -> SearchSummary:
    """Finish the tracker's record, which is waited for a while but never needed, and say where it lies."""
    around.observer.finishing("tracking")
    counts = {f"trials.{name}": float(count) for name, count in asdict(summary.trials).items()}
    scores = {f"baseline.{name}": score for name, score in summary.baselines.items() if score is not None}
    test = {} if summary.best.test_score is None else {"test_score": summary.best.test_score}
    around.tracker.finish_search(
        SearchEnd(
            status="completed",
            metrics={"score": summary.best.validation_score, "seconds": summary.seconds, **test, **counts, **scores},
            tags={},
            artifact=around.folder.artifact,
            best_trial=summary.best.trial,
            ended=time.time(),
        )
    )
    unwritten, link = around.tracker.close(_TRACKING_SECONDS), around.tracker.link
    told = (f"{unwritten} records could not be sent to {link.uri}.", *around.tracker.problems) if unwritten else ()
    for note in told:
        around.observer.note(note)
    return replace(
        summary,
        tracking=TrackingPlace(link.uri, link.experiment_id, link.run_id),
        seconds=round(around.clock.elapsed_seconds, 2),
        notes=summary.notes + told,
    )


def close_broken_account(around: Surroundings, *, is_failure: bool) -> None:
    """Finish the tracker's record of a search that was stopped or broke off, so that nothing in it still runs."""
    status: Literal["failed", "cancelled"] = "failed" if is_failure else "cancelled"
    around.tracker.finish_search(SearchEnd(status, metrics={}, tags={}, artifact=None, ended=time.time()))
    around.tracker.close(_BROKEN_TRACKING_SECONDS)
