"""Trains a cohort: trials of one structure in, one outcome for each trial out."""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import keras
import numpy as np

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.models.build import build_model, looks_at_rows
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.models.rows import training_rows
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task
from autokeras_lite.tasks.values import as_values
from autokeras_lite.training.checkpoint import CHECKPOINT_SECONDS, Checkpoints
from autokeras_lite.training.compiled_epoch import DeviceData, LaneProgram, Objective, place_data
from autokeras_lite.training.lanes import make_template, read_lanes
from autokeras_lite.training.losses import choose_loss
from autokeras_lite.training.memory import LaneCost, lane_limit
from autokeras_lite.training.monitor import Monitor
from autokeras_lite.training.optimizers import make_optimizer
from autokeras_lite.training.outcome import leave_trial
from autokeras_lite.training.progress import (
    Group,
    Lane,
    Progress,
    Sight,
    TrialProgress,
    resume_progress,
    write_progress,
)
from autokeras_lite.training.schedules import fade_factors, rate_factors
from autokeras_lite.trial import Cause, Cohort, Directive, EpochReport, TrialOutcome, TrialSpec

Reporter = Callable[[EpochReport], Directive]
# Making a smaller program costs about a second of tracing: worth it only for that many more steps.
_STEPS_WORTH_COMPACTING = 500


@dataclass(frozen=True)
class TrainingJob:
    """Everything that a cohort needs to be trained anywhere; `free_bytes` is the memory that it may count on.

    In `checkpoint_folder` the cohort keeps how far it has come, and from there it goes on if something is there.
    """

    cohort: Cohort
    task: Task
    data_folder: Path
    trials_folder: Path
    free_bytes: int
    checkpoint_folder: Path | None = None


def train_cohort(
    job: TrainingJob, report: Reporter, *, checkpoint_seconds: float = CHECKPOINT_SECONDS
) -> tuple[TrialOutcome, ...]:
    """Train every trial of the cohort and leave its weights and validation predictions in its folder, synced.

    `report` is called after each epoch and says which trials to stop. The outcomes come in the order of the specs.
    After an epoch a checkpoint is written, if the last is `checkpoint_seconds` old; whether one was written, or was
    gone on from, changes no outcome. The checkpoints are left to the caller to delete.
    """
    cohort, data = job.cohort, EncodedData.open(job.data_folder)
    checkpoints = Checkpoints(job.checkpoint_folder, cohort, checkpoint_seconds)
    progress = _begin(job, data, checkpoints)
    started = time.monotonic() - progress.seconds
    lanes, groups, trials = progress.lanes, progress.groups, progress.trials
    for epoch in range(progress.epoch + 1, (cohort.stop_after or cohort.specs[0].training.epochs) + 1):
        groups = [_compacted(group, epoch) for group in groups if group.runs]
        for group in groups:
            _train_epoch(group, epoch, data, job)
        _keep_best(groups, keeps_last=cohort.stop_after is not None)
        _end_trials(trials, groups, cohort, epoch)
        if any(trial.runs for trial in trials):
            told = report(_epoch_report(cohort, trials, epoch, time.monotonic() - started))
            _obey(told, trials, groups)
            if told.length is not None:
                cohort = cohort.shortened(told.length)
                _follow(cohort, trials)
                checkpoints = Checkpoints(job.checkpoint_folder, cohort, checkpoint_seconds)
        if not any(trial.runs for trial in trials):
            break
        if checkpoints.is_due:
            running, seconds = [group for group in groups if group.runs], time.monotonic() - started
            write_progress(Progress(lanes, running, progress.group_size, epoch, seconds), checkpoints)
    seconds = (time.monotonic() - started) / len(cohort.specs)
    return tuple(
        leave_trial([lane for lane in lanes if lane.trial is trial], job.trials_folder, len(lanes), seconds)
        for trial in trials
    )


def _begin(job: TrainingJob, data: EncodedData, checkpoints: Checkpoints) -> Progress:
    models = [_make_models(job, data, spec) for spec in job.cohort.specs]
    first = models[0][0]
    make_group = partial(_make_group, job, place_data(data, job.cohort.folds, sorted(first.input)))
    limit = _group_limit(job, data, first)
    for checkpoint in checkpoints.read():
        # A checkpoint of this very cohort may still not fit: written on other rows, say, or with more memory.
        with suppress(LookupError, TypeError, ValueError):
            return resume_progress(checkpoint, _make_lanes(job, models), data, limit, make_group)
    lanes = _make_lanes(job, models)
    chunks = [lanes[start : start + limit] for start in range(0, len(lanes), limit)]
    return Progress(lanes, [make_group(chunk, range(len(chunk))) for chunk in chunks], limit)


def _make_models(job: TrainingJob, data: EncodedData, spec: TrialSpec) -> list[keras.Model]:
    """Make a model for each fold of a trial: one for all, unless the family looks at training rows beforehand."""
    make = partial(build_model, spec.family, spec.config, data.inputs, OutputSpec.of(job.task), seed=spec.seed)
    if not looks_at_rows(spec.family):
        return [make()] * len(job.cohort.folds)
    return [make(rows=training_rows(data.folds[fold])) for fold in job.cohort.folds]


def _make_lanes(job: TrainingJob, models: Sequence[Sequence[keras.Model]]) -> list[Lane]:
    trials = [TrialProgress(spec, Monitor(job.task, spec.training)) for spec in job.cohort.specs]
    return [
        Lane(trial, model, fold)
        for trial, of_folds in zip(trials, models, strict=True)
        for fold, model in zip(job.cohort.folds, of_folds, strict=True)
    ]


def _group_limit(job: TrainingJob, data: EncodedData, model: keras.Model) -> int:
    first = job.cohort.specs[0]
    if not FAMILIES[first.family].has_lanes(first.config):
        return 1
    activations = sum(int(np.prod(made.output.shape[1:])) for made in model.operations if len(made.output.shape) > 1)
    rows = max(first.training.batch_size, min(4096, len(data.folds[0].validation_rows)) // 3)
    return lane_limit(LaneCost(model.count_params(), activations, rows), job.free_bytes)


def _make_group(job: TrainingJob, data: DeviceData, lanes: Sequence[Lane], members: Sequence[int]) -> Group:
    cohort, first = job.cohort, lanes[0].trial.spec.training
    local = [cohort.folds.index(lane.fold) for lane in lanes]
    arrays = read_lanes([lane.model for lane in lanes], [lane.trial.spec.training for lane in lanes], local)
    used = [bool(column.any()) for column in arrays.dropout.T]
    template = make_template(lanes[0].model, seed=cohort.batch_seed, dropout_used=used)
    objective = Objective(
        kind=job.task.kind,
        row_loss=choose_loss(first.loss, job.task.kind),
        batch_size=first.batch_size,
        batch_seed=cohort.batch_seed,
        make_optimizer=partial(make_optimizer, first),
    )
    return Group(LaneProgram(template, arrays.take(members), data, objective), [lanes[place] for place in members])


def _train_epoch(group: Group, epoch: int, data: EncodedData, job: TrainingJob) -> None:
    program = group.program
    trials = [lane.trial for lane in group.members]
    rates = [
        trial.spec.training.learning_rate
        * trial.monitor.rate_factor
        * rate_factors(trial.spec.training, epoch - 1, program.num_steps)
        for trial in trials
    ]
    fades = [fade_factors(trial.spec.training, epoch - 1, program.num_steps) for trial in trials]
    losses = program.train_epoch(epoch - 1, np.stack(rates, axis=1), np.stack(fades, axis=1))
    # Training and predicting are two programs, and both give arrays of numpy: what is queued has been done.
    began = time.perf_counter()
    predictions, validation_losses = program.predict_validation()
    group.note_evaluation(time.perf_counter() - began, max(len(given) for given in predictions))
    for lane, given, loss, validation_loss in zip(group.members, predictions, losses, validation_losses, strict=True):
        if not lane.runs:
            continue
        fold = data.folds[lane.fold]
        values = as_values(job.task, given, fold.target_center, fold.target_scale)
        quality = score(job.task, data.labels[fold.validation_rows], values)
        lane.last = Sight(float(loss), float(validation_loss), float(quality), values)


def _keep_best(groups: Sequence[Group], *, keeps_last: bool) -> None:
    """Judge each trial by all of its folds, which may be in several groups, and keep what is the best so far."""
    seen: dict[TrialProgress, list[Sight]] = defaultdict(list)
    for lane in (lane for group in groups for lane in group.members if lane.runs):
        assert lane.last is not None
        seen[lane.trial].append(lane.last)
    improved = {
        trial
        for trial, of_folds in seen.items()
        if trial.monitor.see(
            [one.loss for one in of_folds], [one.validation_loss for one in of_folds], [one.score for one in of_folds]
        )
    }
    for group in groups:
        for lane in group.members:
            if lane.trial in improved and lane.last is not None:
                lane.best_predictions = lane.last.predictions
            lane.last = None
        kept = [lane.runs and (keeps_last or lane.trial in improved) for lane in group.members]
        if any(kept):
            group.program.keep_best(np.asarray(kept))


def _end_trials(trials: Sequence[TrialProgress], groups: Sequence[Group], cohort: Cohort, epoch: int) -> None:
    for trial in trials:
        if not trial.runs:
            continue
        if trial.monitor.has_diverged:
            is_lost = trial.monitor.best_epoch == 0 or cohort.stop_after is not None
            _end(trial, groups, Cause.DIVERGED if is_lost else Cause.PRUNED)
        elif cohort.stop_after == epoch or (cohort.stop_after is None and trial.monitor.is_exhausted):
            _end(trial, groups, Cause.OK)


def _end(trial: TrialProgress, groups: Sequence[Group], cause: Cause) -> None:
    trial.cause = cause
    if trial.monitor.best_epoch == 0:
        return
    for group in groups:
        for index, lane in enumerate(group.members):
            if lane.trial is trial:
                lane.weights = group.program.best_weights(index)


def _epoch_report(cohort: Cohort, trials: Sequence[TrialProgress], epoch: int, seconds: float) -> EpochReport:
    running = {trial.spec.number: trial.monitor for trial in trials if trial.runs}
    return EpochReport(
        cohort=cohort.number,
        epoch=epoch,
        epochs=cohort.specs[0].training.epochs,
        scores={number: monitor.best_score for number, monitor in running.items()},
        losses={number: monitor.losses[-1] for number, monitor in running.items()},
        seconds=seconds,
        rung=cohort.rungs.index(epoch) if epoch in cohort.rungs else None,
    )


def _obey(directive: Directive, trials: Sequence[TrialProgress], groups: Sequence[Group]) -> None:
    for trial in trials:
        if not trial.runs:
            continue
        if directive.cancel:
            _end(trial, groups, Cause.CANCELLED)
        elif trial.spec.number in directive.prune:
            _end(trial, groups, Cause.PRUNED)


def _follow(cohort: Cohort, trials: Sequence[TrialProgress]) -> None:
    """Let trials go on by the schedule that the cohort has now."""
    specs = {spec.number: spec for spec in cohort.specs}
    for trial in trials:
        trial.spec = specs[trial.spec.number]
        trial.monitor.config = trial.spec.training


def _compacted(group: Group, epoch: int) -> Group:
    """Leave out the lanes that have ended, once they are half of the program and enough work is left.

    The rule looks at counts alone, never at the clock, so that a search repeats itself exactly.
    """
    running = [index for index, lane in enumerate(group.members) if lane.runs]
    epochs_left = group.members[0].trial.spec.training.epochs - epoch + 1
    if 2 * len(running) > len(group.members) or epochs_left * group.program.num_steps < _STEPS_WORTH_COMPACTING:
        return group
    return Group(group.program.select(running), [group.members[index] for index in running])
