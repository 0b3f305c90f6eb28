"""The end of a search: the winner becomes an artifact."""

from functools import partial

import numpy as np

from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.config import SearchConfig
from autokeras_lite.durable import disk_faults
from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.search.background import EarlyArtifact, MakeArtifact
from autokeras_lite.search.blueprint import Blueprint, Weights
from autokeras_lite.search.course import Finished
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.loop import Surroundings
from autokeras_lite.search.prepare import Prepared, encode_all_rows
from autokeras_lite.trial import Cause, Cohort, Directive, EpochReport, TrialOutcome

_EVEN_SHARE = 0.5  # k folds of shuffled rows train on at least so much
_EPOCHS_TO_STOP = 2  # a cohort hears an answer one epoch later
_PATIENCE_SECONDS = 0.2
_REFIT_COHORT = 0  # those of the search count from 1


def finish(
    prepared: Prepared, config: SearchConfig, around: Surroundings, best: Finished, early: EarlyArtifact
) -> Manifest | None:
    """Turn the best trial into the artifact of the search; `None` when its model is the early one.

    After a holdout the artifact holds the very weights that were measured. After k folds, which measured k sets of
    weights, it holds one more, trained on all rows for the mean of the best epochs; when somebody asks for the end or
    there is no time for that, those of the first fold.
    """
    weights = None
    if len(prepared.data.folds) > 1 and not around.stop.is_asked:
        around.observer.finishing("refit")
        weights = _refit(prepared, config, around, best)
    around.observer.finishing("artifact")
    early.finish()
    if weights is None and early.trial == best[0].number:
        return None
    request = Blueprint.of(prepared, config).request(around.folder, best, weights)
    make: MakeArtifact = early.make
    return around.executor.run(partial(make, request))


def _refit(prepared: Prepared, config: SearchConfig, around: Surroundings, best: Finished) -> Weights | None:
    spec, outcome = best
    place = SearchFolder(around.folder.refit)
    data = encode_all_rows(prepared, config)
    with disk_faults(place.data):
        data.write(place.data)
    epochs, batch_seed = _refit_epochs(prepared, outcome), config.strategy.seed % 2**30
    cohort = Cohort(_REFIT_COHORT, (spec,), batch_seed, folds=(0,), stop_after=epochs)
    around.executor.submit(CohortJob(cohort, prepared.task, place.data, place.trials))
    again = _outcome_of(cohort, around)
    place.discard_data()
    if again is None or again.cause is not Cause.OK:
        why = "there was no time for it" if again is None else f"{again.cause}: {again.message}"
        around.observer.note(
            f"The best configuration was not trained again on all rows ({why}); "
            "the model has the weights of the first fold."
        )
        return None
    (fold,) = data.folds
    return Weights(
        file=place.trial(spec.number) / "weights-0.npz",
        encoding=prepared.layout,
        target_center=np.asarray(fold.target_center),
        target_scale=np.asarray(fold.target_scale),
        training_rows=len(prepared.dataset),
        refit=True,
    )


def _refit_epochs(prepared: Prepared, outcome: TrialOutcome) -> int:
    """Return for how many epochs all rows are trained on: as many as were best, on the mean of the folds.

    An epoch of a fold is as long as the smallest fold. Where that is much shorter than all rows (folds in time), there
    are fewer epochs, so that the number of steps is the measured one.
    """
    share = min(len(fold.train_rows) for fold in prepared.data.folds) / len(prepared.dataset)
    return max(1, round(outcome.best_epoch * (share if share < _EVEN_SHARE else 1.0)))


def _outcome_of(cohort: Cohort, around: Surroundings) -> TrialOutcome | None:
    """Wait for a cohort of one trial; `None` if it is not over in time or somebody asks for the end."""

    def answer(report: EpochReport) -> Directive:
        return Directive(cancel=_is_late(around, _EPOCHS_TO_STOP * report.seconds / report.epoch))

    while not _is_late(around, 0.0):
        for result in around.executor.wait(answer, _PATIENCE_SECONDS):
            if result.cohort.number == cohort.number:
                return result.outcomes[0]
    around.executor.drop(cohort.number)
    return None


def _is_late(around: Surroundings, seconds: float) -> bool:
    """Say whether what comes after would be late if this took so much longer."""
    left = around.clock.seconds_left
    return around.stop.is_asked or (left is not None and left - seconds < around.clock.fewest_tail_seconds)
