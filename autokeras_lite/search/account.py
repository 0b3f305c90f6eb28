"""What is told of a search: to the person, to the tracker, and to the file that stays."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any, Literal

from autokeras_lite.artifact.manifest import Manifest, package_versions
from autokeras_lite.config import SearchConfig
from autokeras_lite.search.baseline import Baseline, compare_with_baselines
from autokeras_lite.search.course import Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.mixture import Mixture
from autokeras_lite.search.observer import Overview
from autokeras_lite.search.prepare import Prepared
from autokeras_lite.search.record import BestTrial, EnsembleSummary, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.search.validation import describe_validation
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tracking.tracker import SearchEnd, SearchRecord
from autokeras_lite.trial import TrialOutcome, TrialSpec, TrialStatus

_TRACKING_SECONDS = 30.0
_BROKEN_TRACKING_SECONDS = 3.0
_URGENT_TRACKING_SECONDS = 0.5
_STATUS: Mapping[str, Literal["completed", "cancelled", "failed"]] = {
    "": "completed",
    "interrupted": "cancelled",
    "failures": "failed",
}


@dataclass(frozen=True)
class Asked:
    """A search as it was asked for: the config, what stands of it in the folder, and what else a person should read.

    `test` are labelled rows that are scored once, at the very end; `None` for none.
    """

    config: SearchConfig
    request: SearchRequest
    notes: tuple[str, ...] = ()
    test: Any = None


def announce(
    prepared: Prepared, asked: Asked, spaces: tuple[SearchSpace, ...], around: Surroundings, resumed: int
) -> None:
    """Tell what will be searched, and why it is searched in this way; `resumed` trials were finished before."""
    config = asked.config
    for note in (*asked.notes, *prepared.notes):
        around.observer.note(note)
    names, profile = tuple(space.name for space in spaces), prepared.profile
    overview = Overview(
        name=config.place.name,
        task=prepared.task,
        rows=len(prepared.dataset),
        columns=len(profile.kept) if profile.columns else 1,
        validation=describe_validation(prepared.validation),
        budget=config.budget,
        spaces=names,
        workers=around.executor.slots,
        started=around.clock.started,
        resumed=resumed,
        earlier_seconds=around.clock.earlier_seconds,
    )
    around.observer.search_started(overview)
    around.tracker.start_search(_search_record(prepared, asked, overview))


def _search_record(prepared: Prepared, asked: Asked, overview: Overview) -> SearchRecord:
    config = asked.config
    return SearchRecord(
        uid=asked.request.uid,
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
            "training_rows": fmean(len(fold.train_rows) for fold in prepared.data.folds),
            "columns": overview.columns,
            "targets": list(prepared.task.targets),
            "fingerprint": prepared.profile.fingerprint,
        },
    )


def summarise(
    folder: SearchFolder,
    manifest: Manifest,
    trials: Sequence[Finished],
    best: Finished | None,
    baselines: Sequence[Baseline],
) -> SearchSummary:
    """Put together what is known of a search; `manifest` is that of its blueprint.

    The time, the tracker's part and why it ended are for the caller to fill in.
    """
    task = manifest.task
    score = None if best is None else best[1].score
    return SearchSummary(
        name=folder.path.name,
        task=str(task.kind),
        metric=task.metric,
        direction=task.direction,
        best=None if best is None else _best_trial(*best),
        trials=count_trials([outcome for _, outcome in trials]),
        seconds=0.0,
        baselines={baseline.name: baseline.score for baseline in baselines},
        verdict=compare_with_baselines(task, score, tuple(baselines)),
        artifact="" if best is None else str(folder.artifact),
        tracking=TrackingPlace("", "", ""),
        notes=manifest.notes,
    )


def with_mixture(summary: SearchSummary, mixture: Mixture) -> SearchSummary:
    """Add what the final model is made of, where that is not the best trial as it was."""
    if mixture.is_single:
        return summary
    shares = {str(spec.number): round(share, 4) for (spec, _), share in mixture.members}
    made = EnsembleSummary(shares, mixture.score, mixture.gain, mixture.gain_error, mixture.temperature)
    return replace(summary, ensemble=made)


def _best_trial(spec: TrialSpec, outcome: TrialOutcome) -> BestTrial:
    assert outcome.score is not None
    settings = {**spec.config, **asdict(spec.training)}
    return BestTrial(spec.number, spec.family, spec.space, settings, outcome.score)


def count_trials(outcomes: Sequence[TrialOutcome]) -> TrialCounts:
    """Count how trials ended."""
    statuses = [outcome.status for outcome in outcomes]
    return TrialCounts(*(statuses.count(status) for status in TrialStatus))


def close_account(summary: SearchSummary, around: Surroundings) -> SearchSummary:
    """Finish the tracker's record, which is waited for a while but never needed, and say where it lies."""
    around.observer.finishing("tracking")
    around.tracker.finish_search(_search_end(summary, around))
    unwritten, link = around.tracker.close(_seconds_for_tracking(around)), around.tracker.link
    told = (
        (
            f"{unwritten} records wait to be sent to {link.uri}; `autokeras-lite resume` of this search sends them.",
            *around.tracker.problems,
        )
        if unwritten
        else ()
    )
    for note in told:
        around.observer.note(note)
    return replace(
        summary,
        tracking=TrackingPlace(link.uri, link.experiment_id, link.run_id),
        seconds=round(around.clock.elapsed_seconds, 2),
        unsent=unwritten,
    )


def _search_end(summary: SearchSummary, around: Surroundings) -> SearchEnd:
    counts = {f"trials.{name}": float(count) for name, count in asdict(summary.trials).items()}
    scores = {f"baseline.{name}": score for name, score in summary.baselines.items() if score is not None}
    metrics = {"seconds": summary.seconds, **counts, **scores}
    best = summary.best
    if best is not None:
        metrics |= {"score": best.validation_score}
        metrics |= {} if best.test_score is None else {"test_score": best.test_score}
    if summary.trust is not None:
        trust = summary.trust
        metrics |= {"corrected_score": trust.corrected, "score.low": trust.low, "score.high": trust.high}
    metrics |= {f"finalist.{number}": fresh for number, fresh in summary.finalists.items()}
    if summary.ensemble is not None:
        metrics |= {"ensemble.score": summary.ensemble.validation_score, "ensemble.gain": summary.ensemble.gain}
    tags = {}
    if summary.latency is not None:
        latency = summary.latency
        metrics |= {"latency.row_seconds": latency.row_seconds, "latency.batch_seconds": latency.batch_seconds}
        metrics |= {"latency.batch_rows": float(latency.batch_rows)}
        tags = {"latency_device": latency.device}
    return SearchEnd(
        status=_STATUS[summary.stopped],
        metrics=metrics,
        tags=tags,
        artifact=None if best is None else around.folder.artifact,
        best_trial=None if best is None else best.trial,
        ended=time.time(),
    )


def _seconds_for_tracking(around: Surroundings) -> float:
    if around.stop.is_urgent:
        return _URGENT_TRACKING_SECONDS
    left = around.clock.seconds_left
    return _TRACKING_SECONDS if left is None else min(_TRACKING_SECONDS, max(_URGENT_TRACKING_SECONDS, left - 1.0))


def close_broken_account(around: Surroundings, *, is_failure: bool) -> None:
    """Finish the tracker's record of a search that was stopped or broke off, so that nothing in it still runs."""
    status: Literal["failed", "cancelled"] = "failed" if is_failure else "cancelled"
    around.tracker.finish_search(SearchEnd(status, metrics={}, tags={}, artifact=None, ended=time.time()))
    around.tracker.close(_BROKEN_TRACKING_SECONDS if is_failure else _URGENT_TRACKING_SECONDS)
