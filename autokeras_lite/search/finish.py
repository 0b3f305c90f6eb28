"""The end of a search: the winner becomes an artifact."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.artifact.manifest import Manifest, Parity
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.config import SearchConfig
from autokeras_lite.errors import TrialError
from autokeras_lite.execution.executor import CohortJob, CohortResult
from autokeras_lite.execution.work import make_artifact
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.loop import Surroundings
from autokeras_lite.search.prepare import Prepared, encode_all_rows
from autokeras_lite.tasks.targets import decode_probabilities
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import Cohort, Directive, EpochReport, TrialOutcome, TrialSpec

_PARITY_ROWS = 1000
_EVEN_SHARE = 0.5  # k folds of shuffled rows train on at least so much
_REFIT_COHORT = 0  # those of the search count from 1
_NO_PARITY = Parity(max_difference=0.0, rows=0)


@dataclass(frozen=True)
class _Weights:
    """Where the final weights lie, how their outputs become values, and how many rows taught them."""

    file: Path
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]
    training_rows: int
    refit: bool


def finish(
    prepared: Prepared, config: SearchConfig, around: Surroundings, best: tuple[TrialSpec, TrialOutcome]
) -> Manifest:
    """Turn the best trial into the artifact of the search and return its manifest.

    After a holdout the artifact holds the very weights that were measured. After k folds, which measured k sets of
    weights, it holds one more, trained on all rows for the mean of the best epochs.
    """
    spec, outcome = best
    if len(prepared.data.folds) == 1:
        weights = _measured_weights(prepared, around.folder, spec)
    else:
        around.observer.finishing("refit")
        weights = _refit(prepared, config, around, best)
    around.observer.finishing("artifact")
    manifest = Manifest(
        name=config.place.name,
        task=prepared.task,
        encoding=prepared.layout,
        trial=spec,
        score=outcome.score if outcome.score is not None else float("nan"),
        fold_scores=outcome.fold_scores,
        seeds={"search": config.strategy.seed, "weights": spec.seed},
        data_fingerprint=prepared.profile.fingerprint,
        training_rows=weights.training_rows,
        parity=_NO_PARITY,
        refit=weights.refit,
        notes=prepared.notes,
    )
    request = ArtifactRequest(
        folder=around.folder.artifact,
        weights=weights.file,
        manifest=manifest,
        target_center=np.asarray(weights.target_center),
        target_scale=np.asarray(weights.target_scale),
        sample=prepared.dataset.inputs[:_PARITY_ROWS],
        predictions=_validation_predictions(prepared, around.folder, spec),
    )
    return around.executor.run(partial(make_artifact, request))


def _measured_weights(prepared: Prepared, folder: SearchFolder, spec: TrialSpec) -> _Weights:
    (fold,) = prepared.data.folds
    file = folder.trial(spec.number) / "weights-0.npz"
    return _Weights(file, fold.target_center, fold.target_scale, len(fold.train_rows), refit=False)


def _refit(
    prepared: Prepared, config: SearchConfig, around: Surroundings, best: tuple[TrialSpec, TrialOutcome]
) -> _Weights:
    spec, outcome = best
    place = SearchFolder(around.folder.path / "refit")
    data = encode_all_rows(prepared, config)
    data.write(place.data)
    epochs, batch_seed = _refit_epochs(prepared, outcome), config.strategy.seed % 2**30
    cohort = Cohort(_REFIT_COHORT, (spec,), batch_seed, folds=(0,), stop_after=epochs)
    around.executor.submit(CohortJob(cohort, prepared.task, place.data, place.trials))
    (again,) = _result_of(cohort, around).outcomes
    place.discard_data()
    if again.score is None:
        raise TrialError(
            f"Training the best configuration again on all rows failed with {again.cause}: {again.message} "
            f"Expected it to train as before. See {place.trial(spec.number)}."
        )
    (fold,) = data.folds
    file = place.trial(spec.number) / "weights-0.npz"
    return _Weights(file, fold.target_center, fold.target_scale, len(prepared.dataset), refit=True)


def _refit_epochs(prepared: Prepared, outcome: TrialOutcome) -> int:
    """Return for how many epochs all rows are trained on: as many as were best, on the mean of the folds.

    An epoch of a fold is as long as the smallest fold. Where that is much shorter than all rows (folds in time), there
    are fewer epochs, so that the number of steps is the measured one.
    """
    share = min(len(fold.train_rows) for fold in prepared.data.folds) / len(prepared.dataset)
    return max(1, round(outcome.best_epoch * (share if share < _EVEN_SHARE else 1.0)))


def _result_of(cohort: Cohort, around: Surroundings) -> CohortResult:
    """Wait for a cohort; one that was given up at the deadline may still come back before it, and is let go."""
    while True:
        for result in around.executor.wait(_go_on, 1.0):
            if result.cohort.number == cohort.number:
                return result


def _go_on(report: EpochReport) -> Directive:
    return Directive()


def _validation_predictions(prepared: Prepared, folder: SearchFolder, spec: TrialSpec) -> pd.DataFrame:
    """Return the winner's predictions of the rows that judged it, with what they should have been."""
    with np.load(folder.trial(spec.number) / "predictions.npz", allow_pickle=False) as stored:
        parts = [
            _with_truth(prepared, fold.validation_rows, stored[f"fold-{index}"], index)
            for index, fold in enumerate(prepared.data.folds)
        ]
    return pd.concat(parts, ignore_index=True)


def _with_truth(
    prepared: Prepared, rows: NDArray[np.int64], predictions: NDArray[np.float64], fold: int
) -> pd.DataFrame:
    truth = prepared.dataset.targets.iloc[rows].reset_index(drop=True).add_prefix("actual.")
    predicted = _readable(prepared.task, predictions).add_prefix("predicted.")
    return pd.concat([pd.DataFrame({"row": rows, "fold": fold}), truth, predicted], axis=1)


def _readable(task: Task, predictions: NDArray[np.float64]) -> pd.DataFrame:
    if task.kind is TaskKind.REGRESSION:
        return pd.DataFrame(predictions, columns=list(task.targets))
    return decode_probabilities(task, predictions)
