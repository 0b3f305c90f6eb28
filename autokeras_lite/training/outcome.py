"""What is left of a trial when it has ended: its outcome, and its weights and predictions on the disk."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from autokeras_lite.models.weights import write_arrays, write_weights
from autokeras_lite.training.compiled_epoch import device_names
from autokeras_lite.training.lanes import unflatten
from autokeras_lite.training.monitor import Monitor
from autokeras_lite.training.progress import Lane
from autokeras_lite.trial import Cause, Curve, TrialOutcome


def leave_trial(lanes: Sequence[Lane], trials_folder: Path, num_lanes: int, seconds: float) -> TrialOutcome:
    """Write the weights and validation predictions of a trial, synced, and return its outcome.

    `lanes` are its folds, all ended; `num_lanes` counts those of the whole cohort.

    Raises:
        StorageError: the disk is full.
    """
    spec, model, cause = lanes[0].spec, lanes[0].model, _trial_cause(lanes)
    if cause.status == "failed":
        lost = next(lane.monitor for lane in lanes if lane.cause is cause)
        message = f"No finite score: the loss was {lost.losses[-1]} in epoch {lost.epoch}."
        return TrialOutcome(spec.number, cause, seconds=seconds, parameters=model.count_params(), message=message)
    _write_trial(trials_folder / f"{spec.number:04d}", lanes)
    monitors = [lane.monitor for lane in lanes]
    scores = tuple(monitor.best_score for monitor in monitors)
    return TrialOutcome(
        number=spec.number,
        cause=cause,
        score=float(np.mean(scores)),
        fold_scores=scores,
        best_epoch=round(float(np.mean([monitor.best_epoch for monitor in monitors]))),
        epochs=max(monitor.epoch for monitor in monitors),
        curve=_curve(monitors),
        seconds=seconds,
        parameters=model.count_params(),
        lanes=num_lanes,
        device=device_names()[0],
        row_seconds=_row_seconds(lanes),
        message=_message(lanes),
    )


def _trial_cause(lanes: Sequence[Lane]) -> Cause:
    """Return the gravest cause among the folds of a trial."""
    causes = {lane.cause for lane in lanes}
    order = (Cause.DIVERGED, Cause.CANCELLED, Cause.PRUNED, Cause.OK)
    return next(cause for cause in order if cause in causes)


def _row_seconds(lanes: Sequence[Lane]) -> float | None:
    """Average over the folds that were timed."""
    timed = [lane.row_seconds for lane in lanes if lane.row_seconds is not None]
    return float(np.mean(timed)) if timed else None


def _message(lanes: Sequence[Lane]) -> str:
    diverged = [lane.monitor for lane in lanes if lane.monitor.has_diverged]
    if not diverged:
        return ""
    return f"Diverged in epoch {diverged[0].epoch}; the weights of epoch {diverged[0].best_epoch} were kept."


def _curve(monitors: Sequence[Monitor]) -> Curve:
    """Average over the folds; a fold that stopped early counts with its last value."""
    length = max(monitor.epoch for monitor in monitors)

    def mean(series: Sequence[list[float]]) -> tuple[float, ...]:
        padded = [values + [values[-1]] * (length - len(values)) for values in series]
        return tuple(float(value) for value in np.mean(padded, axis=0))

    return Curve(
        loss=mean([monitor.losses for monitor in monitors]),
        validation_loss=mean([monitor.validation_losses for monitor in monitors]),
        score=mean([monitor.scores for monitor in monitors]),
    )


def _write_trial(folder: Path, lanes: Sequence[Lane]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    predictions = {}
    for lane in lanes:
        if lane.weights is None:
            continue
        flat, state = lane.weights
        shapes = [tuple(variable.shape) for variable in lane.model.trainable_variables]
        write_weights(folder / f"weights-{lane.fold}.npz", unflatten(flat, shapes), state)
        predictions[f"fold-{lane.fold}"] = np.asarray(lane.monitor.best_predictions)
    write_arrays(folder / "predictions.npz", predictions)
