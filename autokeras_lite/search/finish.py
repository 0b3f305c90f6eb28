"""The end of a search: its best trials become the final model."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from autokeras_lite.artifact.latency import LATENCY_SECONDS, Latency
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.config import SearchConfig
from autokeras_lite.durable import disk_faults
from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.search.background import EarlyArtifact
from autokeras_lite.search.blueprint import Blueprint, Weights
from autokeras_lite.search.course import Course, Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.mixture import Judged, Mixture, choose_mixture, keep_members, read_judged
from autokeras_lite.search.prepare import Prepared, encode_all_rows
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.search.train_again import train_again
from autokeras_lite.trial import Cause, Cohort, TrialOutcome

_EVEN_SHARE = 0.5  # k folds of shuffled rows train on at least so much
# Choosing an ensemble, and what each further network makes the model file take longer, on two cores.
_CHOOSING_SECONDS = 1.5
_CELLS_A_SECOND = 200_000
_MEMBER_SECONDS = 0.8
_NO_TIME = "there was no time for it"


def finish(
    prepared: Prepared, config: SearchConfig, around: Surroundings, course: Course, early: EarlyArtifact
) -> tuple[Mixture, Latency | None]:
    """Turn the best trials into the artifact of the search, and say what it is made of and how long it predicts.

    After a holdout the artifact holds the very weights that were measured. After k folds, which measured k sets of
    weights, it holds one more of each member, trained on all rows for as many epochs as were best; when somebody asks
    for the end or there is no time for that, those of the first fold. Beside an ensemble the best single model is kept.
    """
    assert course.best is not None
    judged = read_judged(prepared, [one for one in course.finished if _has_weights(one, around)], around.folder)
    mixture = choose_mixture(
        prepared,
        course.finished,
        course.best,
        judged,
        most_members=_most_members(prepared, config, around, judged),
        seed=config.strategy.seed,
    )
    blueprint = Blueprint.of(prepared, config)
    weights = None
    if len(prepared.data.folds) > 1 and config.strategy.refit and not around.stop.is_asked:
        around.observer.finishing("refit")
        mixture, weights = _refit(prepared, config, around, mixture, judged)
    around.observer.finishing("artifact")
    early.finish()
    return mixture, _make(blueprint, around, mixture, weights, early, course.best[0].number)


def _has_weights(one: Finished, around: Surroundings) -> bool:
    return (around.folder.trial(one[0].number) / "weights-0.npz").exists()


def _most_members(prepared: Prepared, config: SearchConfig, around: Surroundings, judged: Judged) -> int:
    """Say how many trials the time that is left can make a model of."""
    most, left = config.strategy.ensemble, around.clock.seconds_left
    if around.stop.is_asked:
        return 1
    if left is None:
        return most
    cells = len(judged.labels) * prepared.task.units * min(1.0, len(judged.predictions) / 20)
    spare = left - around.clock.fewest_tail_seconds - _CHOOSING_SECONDS - cells / _CELLS_A_SECOND
    each = _MEMBER_SECONDS * around.clock.slowness()
    if len(prepared.data.folds) > 1 and config.strategy.refit:
        each += around.clock.refit_seconds / around.executor.slots  # so many at a time
    return max(1, min(most, 1 + int(spare / each))) if spare > 0 else 1


def _make(
    blueprint: Blueprint,
    around: Surroundings,
    mixture: Mixture,
    weights: Sequence[Weights] | None,
    early: EarlyArtifact,
    best: int,
) -> Latency | None:
    """Make the model file, and beside that of an ensemble the file of its best member; say how long it predicts."""
    folder, numbers = around.folder, [spec.number for (spec, _), _ in mixture.members]
    place = numbers.index(best) if best in numbers else 0
    first = mixture.members[place][0]
    if mixture.is_single:
        if weights is None and early.trial == first[0].number:
            return early.latency
        single = None if weights is None else weights[place]
        return _run(blueprint.request(folder, first, single), around, early)
    if len(mixture.members) > 1:
        request = blueprint.request(folder, first, None if weights is None else weights[place])
        _make_single(request, around, early, weights)
    chosen = weights or [blueprint.measured_weights(folder, spec) for (spec, _), _ in mixture.members]
    return _run(blueprint.mixed_request(folder.artifact, mixture, chosen), around, early)


def _run(request: ArtifactRequest, around: Surroundings, early: EarlyArtifact) -> Latency | None:
    """Make the final model file, and measure how long it predicts, if there is time; nothing trains any more."""
    if not around.stop.is_asked and around.clock.has_time_for_latency(len(request.weights)):
        request = replace(request, latency_seconds=LATENCY_SECONDS)
    return around.executor.run(partial(early.make, request)).latency


def _make_single(
    request: ArtifactRequest, around: Surroundings, early: EarlyArtifact, weights: Sequence[Weights] | None
) -> None:
    """Keep the best member as a model of its own, if it is there already or there is time for another file."""
    place, left = around.folder.artifact_single, around.clock.seconds_left
    shutil.rmtree(place, ignore_errors=True)
    if weights is None and early.trial == request.manifest.trial.number:
        half_made = around.folder.path / f".{around.folder.artifact.name}.single"
        with disk_faults(place):
            shutil.copytree(around.folder.artifact, half_made, dirs_exist_ok=True)
            half_made.rename(place)
    elif left is None or left > 2 * around.clock.fewest_tail_seconds:
        around.executor.run(partial(early.make, replace(request, folder=place)))


def _refit(
    prepared: Prepared, config: SearchConfig, around: Surroundings, mixture: Mixture, judged: Judged
) -> tuple[Mixture, list[Weights] | None]:
    """Train the members again on all rows; those for which there is no time, or that fail, are left out."""
    place = SearchFolder(around.folder.refit)
    data = encode_all_rows(prepared, config)
    with disk_faults(place.data):
        data.write(place.data)
    batch_seed = config.strategy.seed % 2**30
    cohorts = [  # those of the search count from 1
        Cohort(-index, (spec,), batch_seed, folds=(0,), stop_after=_refit_epochs(prepared, outcome))
        for index, ((spec, outcome), _) in enumerate(mixture.members)
    ]
    jobs = [CohortJob(cohort, prepared.task, place.data, place.trials) for cohort in cohorts]
    found = train_again(jobs, around, kept_seconds=around.clock.fewest_tail_seconds)
    place.discard_data()
    trained = [number for number, outcome in found.items() if outcome.cause is Cause.OK]
    if not trained:
        causes = [f"{outcome.cause}: {outcome.message}" for outcome in found.values()]
        around.observer.note(
            f"The best configuration was not trained again on all rows ({causes[0] if causes else _NO_TIME}); "
            "the model has the weights of the first fold."
        )
        return keep_members(prepared, mixture, judged, [mixture.members[0][0][0].number]), None
    if len(trained) < len(cohorts):
        mixture = keep_members(prepared, mixture, judged, trained)
    (fold,) = data.folds
    return replace(mixture, more_rows=_more_rows(prepared)), [
        Weights(
            file=place.trial(spec.number) / "weights-0.npz",
            encoding=prepared.layout,
            target_center=np.asarray(fold.target_center),
            target_scale=np.asarray(fold.target_scale),
            training_rows=len(prepared.dataset),
            refit=True,
        )
        for (spec, _), _ in mixture.members
    ]


def _refit_epochs(prepared: Prepared, outcome: TrialOutcome) -> int:
    """Return for how many epochs all rows are trained on: as many as were best for the folds.

    An epoch of a fold is as long as the smallest fold. Where that is much shorter than all rows (folds in time), there
    are fewer epochs, so that the number of steps is the measured one.
    """
    share = _smallest_share(prepared)
    return max(1, round(outcome.best_epoch * (share if share < _EVEN_SHARE else 1.0)))


def _more_rows(prepared: Prepared) -> float:
    """Return how many times as many rows all are as those of a fold; 1 for folds in time, whose later rows differ."""
    share = _smallest_share(prepared)
    return 1.0 / share if share >= _EVEN_SHARE else 1.0


def _smallest_share(prepared: Prepared) -> float:
    return min(len(fold.train_rows) for fold in prepared.data.folds) / len(prepared.dataset)
