"""What is left of a trial when it has ended: its outcome, and its weights and predictions on the disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autokeras_lite.models.weights import write_arrays, write_weights
from autokeras_lite.training.compiled_epoch import device_names
from autokeras_lite.training.lanes import unflatten
from autokeras_lite.training.monitor import Monitor
from autokeras_lite.training.progress import Lane
from autokeras_lite.trial import Curve, TrialOutcome


def leave_trial(lanes: Sequence[Lane], trials_folder: Path, num_lanes: int, seconds: float) -> TrialOutcome:
    """Write the weights and validation predictions of a trial, synced, and return its outcome.

    `lanes` are its folds, all ended; `num_lanes` counts those of the whole cohort.

    Raises:
        StorageError: the disk is full.
    """
    trial, model = lanes[0].trial, lanes[0].model
    spec, monitor, cause = trial.spec, trial.monitor, trial.cause
    assert cause is not None
    if cause.status == "failed":
        message = f"No finite score: the loss was {monitor.losses[-1]} in epoch {monitor.epoch}."
        return TrialOutcome(spec.number, cause, seconds=seconds, parameters=model.count_params(), message=message)
    _write_trial(trials_folder / f"{spec.number:04d}", lanes)
    return TrialOutcome(
        number=spec.number,
        cause=cause,
        score=monitor.best_score,
        fold_scores=monitor.best_fold_scores,
        best_epoch=monitor.best_epoch,
        epochs=monitor.epoch,
        curve=Curve(tuple(monitor.losses), tuple(monitor.validation_losses), tuple(monitor.scores)),
        seconds=seconds,
        parameters=model.count_params(),
        lanes=num_lanes,
        device=device_names()[0],
        row_seconds=_row_seconds(lanes),
        message=_message(monitor),
    )


def _row_seconds(lanes: Sequence[Lane]) -> float | None:
    """Average over the folds that were timed."""
    timed = [lane.row_seconds for lane in lanes if lane.row_seconds is not None]
    return float(np.mean(timed)) if timed else None


def _message(monitor: Monitor) -> str:
    if not monitor.has_diverged:
        return ""
    return f"Diverged in epoch {monitor.epoch}; the weights of epoch {monitor.best_epoch} were kept."


def _write_trial(folder: Path, lanes: Sequence[Lane]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    predictions = {}
    for lane in lanes:
        assert lane.weights is not None
        flat, state = lane.weights
        shapes = [tuple(variable.shape) for variable in lane.model.trainable_variables]
        write_weights(folder / f"weights-{lane.fold}.npz", unflatten(flat, shapes), state)
        predictions[f"fold-{lane.fold}"] = np.asarray(lane.best_predictions)
    write_arrays(folder / "predictions.npz", predictions)
