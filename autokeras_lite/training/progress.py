"""How far a cohort has come, and how that is written to a checkpoint and taken up again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.models.weights import state_variables
from autokeras_lite.training.checkpoint import Checkpoint, Checkpoints
from autokeras_lite.training.compiled_epoch import LaneProgram
from autokeras_lite.training.monitor import Monitor
from autokeras_lite.trial import Cause, TrialSpec


@dataclass(eq=False)
class TrialProgress:
    """How far a trial has come, on all of its folds; `cause` is why it ended."""

    spec: TrialSpec
    monitor: Monitor
    cause: Cause | None = None

    @property
    def runs(self) -> bool:
        """Whether it still trains."""
        return self.cause is None


@dataclass(frozen=True)
class Sight:
    """What an epoch of a lane was like; `predictions` are those of the validation rows."""

    loss: float
    validation_loss: float
    score: float
    predictions: NDArray[np.float64]


@dataclass(eq=False)
class Lane:
    """One trial on one fold, while it trains.

    `last` is what its last epoch was like, until its trial was judged by it; `row_seconds` what a validation row took,
    at best. `best_predictions` and, once the trial has ended, `weights` are those of the trial's best epoch; only a
    cohort that stops after so many epochs keeps the last weights.
    """

    trial: TrialProgress
    model: keras.Model
    fold: int
    last: Sight | None = None
    best_predictions: NDArray[np.float64] | None = None
    row_seconds: float | None = None
    weights: tuple[NDArray[np.float32], list[NDArray[np.float32]]] | None = None

    @property
    def runs(self) -> bool:
        """Whether its trial still trains."""
        return self.trial.runs


@dataclass
class Group:
    """Lanes that train as one program; `members` are in the order of the program's lanes.

    `has_predicted` says that the program has predicted before, so that it is not compiled any more.
    """

    program: LaneProgram
    members: list[Lane]
    has_predicted: bool = False

    def note_evaluation(self, seconds: float, num_rows: int) -> None:
        """Give each lane that runs its share of the time in which the program predicted so many rows for every lane.

        Lanes that have ended are still computed and so take their share. The shortest time counts, since what makes the
        others longer is the rest of the machine; the first of a program tells nothing: it was compiled meanwhile.
        """
        if self.has_predicted:
            for lane in self.members:
                if lane.runs:
                    took = seconds / (num_rows * len(self.members))
                    lane.row_seconds = took if lane.row_seconds is None else min(lane.row_seconds, took)
        self.has_predicted = True

    @property
    def runs(self) -> bool:
        """Whether a member still trains."""
        return any(lane.runs for lane in self.members)


# Makes the program of a group: of these lanes, but only for the members that it was made smaller to, by their places.
GroupMaker = Callable[[Sequence[Lane], Sequence[int]], Group]


@dataclass
class Progress:
    """How far a cohort has come: `epoch` epochs in `seconds`; of `groups` those that still run, as they are now.

    At first the lanes were cut into groups of `group_size`, whose models the programs still go by.
    """

    lanes: list[Lane]
    groups: list[Group]
    group_size: int
    epoch: int = 0
    seconds: float = 0.0

    @property
    def trials(self) -> list[TrialProgress]:
        """The trials of the lanes, each once."""
        return list(dict.fromkeys(lane.trial for lane in self.lanes))


def write_progress(progress: Progress, checkpoints: Checkpoints) -> None:
    """Write a checkpoint from which the cohort goes on as if it had never stopped."""
    values = {
        "seconds": progress.seconds,
        "group_size": progress.group_size,
        "groups": [[progress.lanes.index(lane) for lane in group.members] for group in progress.groups],
        "trials": [{"cause": trial.cause, "monitor": trial.monitor.noted} for trial in progress.trials],
        "row_seconds": [lane.row_seconds for lane in progress.lanes],
    }
    checkpoints.write(progress.epoch, values, _arrays(progress))


def _arrays(progress: Progress) -> Iterator[tuple[str, NDArray[Any]]]:
    for index, group in enumerate(progress.groups):
        for name, array in group.program.snapshot():
            yield f"group-{index}/{name}", array
    for index, lane in enumerate(progress.lanes):
        if lane.best_predictions is not None:
            yield f"lane-{index}/predictions", lane.best_predictions
        if lane.weights is not None:
            yield f"lane-{index}/parameters", lane.weights[0]
            for number, array in enumerate(lane.weights[1]):
                yield f"lane-{index}/state-{number}", array


def resume_progress(
    checkpoint: Checkpoint, lanes: list[Lane], data: EncodedData, group_limit: int, make_group: GroupMaker
) -> Progress:
    """Take up what `write_progress` left; `lanes` are those of the cohort at its beginning, as they were then.

    Raises:
        LookupError, TypeError, ValueError: it does not fit these lanes, or a group has more than `group_limit` lanes.
    """
    values, groups = checkpoint.values, list[Group]()
    size = int(values["group_size"])
    progress = Progress(lanes, groups, size, checkpoint.epoch, float(values["seconds"]))
    for trial, noted in zip(progress.trials, values["trials"], strict=True):
        _resume_trial(trial, noted)
    for index, (lane, row_seconds) in enumerate(zip(lanes, values["row_seconds"], strict=True)):
        lane.row_seconds = row_seconds
        _resume_lane(lane, checkpoint.part(f"lane-{index}"), data)
    for index, members in enumerate(values["groups"]):
        if len(members) > group_limit:
            raise ValueError(f"A group of the checkpoint has {len(members)} lanes. Memory is left for {group_limit}.")
        start = members[0] // size * size
        group = make_group(lanes[start : start + size], [member - start for member in members])
        group.program.restore(checkpoint.part(f"group-{index}"))
        groups.append(group)
    return progress


def _resume_trial(trial: TrialProgress, noted: Mapping[str, Any]) -> None:
    monitor = {**noted["monitor"], "best_fold_scores": tuple(noted["monitor"]["best_fold_scores"])}
    trial.monitor = Monitor(trial.monitor.task, trial.spec.training, **monitor)
    trial.cause = None if noted["cause"] is None else Cause(noted["cause"])


def _resume_lane(lane: Lane, arrays: Mapping[str, NDArray[Any]], data: EncodedData) -> None:
    fold, lane.best_predictions = data.folds[lane.fold], arrays.get("predictions")
    expected: dict[str, tuple[int, ...]] = {}
    if lane.trial.monitor.best_epoch > 0:
        expected["predictions"] = (len(fold.validation_rows), fold.targets.shape[1])
        if not lane.runs:
            expected["parameters"] = (sum(int(np.prod(v.shape)) for v in lane.model.trainable_variables),)
            states = [tuple(variable.shape) for variable in state_variables(lane.model)]
            expected |= {f"state-{number}": shape for number, shape in enumerate(states)}
            lane.weights = arrays["parameters"], [arrays[f"state-{number}"] for number in range(len(states))]
    if expected != {name: array.shape for name, array in arrays.items()}:
        raise ValueError("A lane of the checkpoint has arrays of other shapes than this lane.")
