"""Trains a cohort: trials of one structure in, one outcome for each trial out."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.models.weights import write_weights
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task
from autokeras_lite.training.compiled_epoch import DeviceData, LaneProgram, Objective, device_names, place_data
from autokeras_lite.training.lanes import make_template, read_lanes, unflatten
from autokeras_lite.training.losses import choose_loss
from autokeras_lite.training.memory import LaneCost, lane_limit
from autokeras_lite.training.monitor import Monitor
from autokeras_lite.training.optimizers import make_optimizer
from autokeras_lite.training.schedules import rate_factors
from autokeras_lite.trial import Cause, Cohort, Curve, Directive, EpochReport, TrialOutcome, TrialSpec

Reporter = Callable[[EpochReport], Directive]
# Making a smaller program costs about a second of tracing: worth it only for that many more steps.
_STEPS_WORTH_COMPACTING = 500


@dataclass(frozen=True)
class TrainingJob:
    """Everything that a cohort needs to be trained anywhere; `free_bytes` is the memory that it may count on."""

    cohort: Cohort
    task: Task
    data_folder: Path
    trials_folder: Path
    free_bytes: int


@dataclass
class _Lane:
    """One trial on one fold, while it trains."""

    spec: TrialSpec
    fold: int
    monitor: Monitor
    cause: Cause | None = None
    weights: tuple[NDArray[np.float32], list[NDArray[np.float32]]] | None = None

    @property
    def runs(self) -> bool:
        return self.cause is None


@dataclass
class _Group:
    """Lanes that train as one program; `members` are in the order of the program's lanes."""

    program: LaneProgram
    members: list[_Lane] = field(default_factory=list)

    @property
    def runs(self) -> bool:
        return any(lane.runs for lane in self.members)


def train_cohort(job: TrainingJob, report: Reporter) -> tuple[TrialOutcome, ...]:
    """Train every trial of the cohort and leave its weights and validation predictions in its folder.

    `report` is called after each epoch and says which trials to stop. The outcomes come in the order of the specs.
    """
    started = time.monotonic()
    cohort, data = job.cohort, EncodedData.open(job.data_folder)
    models = [_build(spec, data, job.task) for spec in cohort.specs]
    groups = _make_groups(job, data, models)
    lanes = [lane for group in groups for lane in group.members]
    for epoch in range(1, (cohort.stop_after or cohort.specs[0].training.epochs) + 1):
        groups = [_compacted(group, epoch) for group in groups if group.runs]
        for group in groups:
            _train_epoch(group, epoch, data, job)
        _end_lanes(groups, cohort, epoch)
        if any(lane.runs for lane in lanes):
            _obey(report(_epoch_report(cohort, lanes, epoch, time.monotonic() - started)), groups)
        if not any(lane.runs for lane in lanes):
            break
    seconds = (time.monotonic() - started) / len(cohort.specs)
    return tuple(
        _outcome(spec, model, [lane for lane in lanes if lane.spec is spec], job, seconds)
        for spec, model in zip(cohort.specs, models, strict=True)
    )


def _build(spec: TrialSpec, data: EncodedData, task: Task) -> keras.Model:
    return build_model(spec.family, spec.config, data.inputs, OutputSpec.of(task), seed=spec.seed)


def _make_groups(job: TrainingJob, data: EncodedData, models: Sequence[keras.Model]) -> list[_Group]:
    cohort = job.cohort
    placed = place_data(data, cohort.folds)
    pairs = [(spec, model, fold) for spec, model in zip(cohort.specs, models, strict=True) for fold in cohort.folds]
    size = _group_size(job, data, models[0])
    return [_make_group(pairs[i : i + size], job, placed) for i in range(0, len(pairs), size)]


def _group_size(job: TrainingJob, data: EncodedData, model: keras.Model) -> int:
    first = job.cohort.specs[0]
    if not FAMILIES[first.family].has_lanes(first.config):
        return 1
    activations = sum(int(np.prod(layer.output.shape[1:])) for layer in model.layers if len(layer.output.shape) > 1)
    rows = max(first.training.batch_size, min(4096, len(data.folds[0].validation_rows)) // 3)
    return lane_limit(LaneCost(model.count_params(), activations, rows), job.free_bytes)


def _make_group(pairs: Sequence[tuple[TrialSpec, keras.Model, int]], job: TrainingJob, data: DeviceData) -> _Group:
    cohort, first = job.cohort, pairs[0][0].training
    local = [cohort.folds.index(fold) for _, _, fold in pairs]
    lanes = read_lanes([model for _, model, _ in pairs], [spec.training for spec, _, _ in pairs], local)
    used = [bool(column.any()) for column in lanes.dropout.T]
    template = make_template(pairs[0][1], seed=cohort.batch_seed, dropout_used=used)
    objective = Objective(
        kind=job.task.kind,
        row_loss=choose_loss(first.loss, job.task.kind),
        batch_size=first.batch_size,
        batch_seed=cohort.batch_seed,
        make_optimizer=partial(make_optimizer, first),
    )
    members = [_Lane(spec, fold, Monitor(job.task, spec.training)) for spec, _, fold in pairs]
    return _Group(LaneProgram(template, lanes, data, objective), members)


def _train_epoch(group: _Group, epoch: int, data: EncodedData, job: TrainingJob) -> None:
    program = group.program
    rates = [
        lane.spec.training.learning_rate
        * lane.monitor.rate_factor
        * rate_factors(lane.spec.training, epoch - 1, program.num_steps)
        for lane in group.members
    ]
    losses = program.train_epoch(epoch - 1, np.stack(rates, axis=1))
    predictions, validation_losses = program.predict_validation()
    improved = np.zeros(len(group.members), dtype=bool)
    for index, lane in enumerate(group.members):
        if not lane.runs:
            continue
        fold = data.folds[lane.fold]
        values = predictions[index] * fold.target_scale + fold.target_center
        quality = score(job.task, data.labels[fold.validation_rows], values)
        improved[index] = lane.monitor.see(
            float(losses[index]), float(validation_losses[index]), float(quality), values
        )
    if job.cohort.stop_after is not None:
        improved = np.isfinite(losses)
    if improved.any():
        program.keep_best(improved)


def _end_lanes(groups: Sequence[_Group], cohort: Cohort, epoch: int) -> None:
    for group in groups:
        for index, lane in enumerate(group.members):
            if not lane.runs:
                continue
            if lane.monitor.has_diverged:
                is_lost = lane.monitor.best_epoch == 0 or cohort.stop_after is not None
                _end(group, index, Cause.DIVERGED if is_lost else Cause.PRUNED)
            elif cohort.stop_after == epoch or (cohort.stop_after is None and lane.monitor.is_exhausted):
                _end(group, index, Cause.OK)


def _end(group: _Group, index: int, cause: Cause) -> None:
    lane = group.members[index]
    lane.cause = cause
    if lane.monitor.best_epoch > 0:
        lane.weights = group.program.best_weights(index)


def _epoch_report(cohort: Cohort, lanes: Sequence[_Lane], epoch: int, seconds: float) -> EpochReport:
    running = {lane.spec.number for lane in lanes if lane.runs}
    of_trial = {number: [lane for lane in lanes if lane.spec.number == number] for number in running}
    return EpochReport(
        cohort=cohort.number,
        epoch=epoch,
        epochs=cohort.specs[0].training.epochs,
        scores={n: float(np.mean([lane.monitor.best_score for lane in ls])) for n, ls in of_trial.items()},
        losses={n: float(np.mean([lane.monitor.losses[-1] for lane in ls])) for n, ls in of_trial.items()},
        seconds=seconds,
        rung=cohort.rungs.index(epoch) if epoch in cohort.rungs else None,
    )


def _obey(directive: Directive, groups: Sequence[_Group]) -> None:
    for group in groups:
        for index, lane in enumerate(group.members):
            if not lane.runs:
                continue
            if directive.cancel:
                _end(group, index, Cause.CANCELLED)
            elif lane.spec.number in directive.prune:
                _end(group, index, Cause.PRUNED)


def _compacted(group: _Group, epoch: int) -> _Group:
    """Leave out the lanes that have ended, once they are half of the program and enough work is left.

    The rule looks at counts alone, never at the clock, so that a search repeats itself exactly.
    """
    running = [index for index, lane in enumerate(group.members) if lane.runs]
    epochs_left = group.members[0].spec.training.epochs - epoch + 1
    if 2 * len(running) > len(group.members) or epochs_left * group.program.num_steps < _STEPS_WORTH_COMPACTING:
        return group
    return _Group(group.program.select(running), [group.members[index] for index in running])


def _outcome(
    spec: TrialSpec, model: keras.Model, lanes: Sequence[_Lane], job: TrainingJob, seconds: float
) -> TrialOutcome:
    cause = _trial_cause(lanes)
    if cause.status == "failed":
        lost = next(lane.monitor for lane in lanes if lane.cause is cause)
        message = f"No finite score: the loss was {lost.losses[-1]} in epoch {lost.epoch}."
        return TrialOutcome(spec.number, cause, seconds=seconds, parameters=model.count_params(), message=message)
    _write_trial(job.trials_folder / f"{spec.number:04d}", model, lanes)
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
        lanes=len(job.cohort.specs) * len(job.cohort.folds),
        device=device_names()[0],
        message=_message(lanes),
    )


def _trial_cause(lanes: Sequence[_Lane]) -> Cause:
    """Return the gravest cause among the folds of a trial."""
    causes = {lane.cause for lane in lanes}
    order = (Cause.DIVERGED, Cause.CANCELLED, Cause.PRUNED, Cause.OK)
    return next(cause for cause in order if cause in causes)


def _message(lanes: Sequence[_Lane]) -> str:
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


def _write_trial(folder: Path, model: keras.Model, lanes: Sequence[_Lane]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shapes = [tuple(variable.shape) for variable in model.trainable_variables]
    predictions = {}
    for lane in lanes:
        if lane.weights is None:
            continue
        flat, state = lane.weights
        write_weights(folder / f"weights-{lane.fold}.npz", unflatten(flat, shapes), state)
        predictions[f"fold-{lane.fold}"] = np.asarray(lane.monitor.best_predictions)
    np.savez(folder / "predictions.npz", **predictions)  # type: ignore[arg-type]
