"""The law of checkpoints: a cohort that was interrupted and goes on ends exactly as one that never was."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_data import TASKS, make_data, make_spec
from test_layer_stack_laws import KIND, STACKS, data_for, spec_for

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import TrainingJob, train_cohort
from autokeras_lite.trial import Cause, Directive, EpochReport, TrialOutcome, TrialSpec

MakeJob = Callable[..., TrainingJob]
NOISY = {"depth": 2, "width": 16, "norm": "batch", "dropout": 0.3, "l1": 1e-4}
QUIET = {"depth": 2, "width": 16, "norm": "batch", "dropout": 0.0}


class Killed(BaseException):
    """What the process dies of."""


@dataclass
class Reporter:
    """Prunes trials after some epochs, cancels after one, and dies in one; remembers what it was told."""

    prune: Mapping[int, frozenset[int]] = field(default_factory=dict)
    cancel: int | None = None
    die: int | None = None
    told: list[EpochReport] = field(default_factory=list)

    def __call__(self, report: EpochReport) -> Directive:
        if report.epoch == self.die:
            raise Killed
        self.told.append(replace(report, seconds=0.0))
        return Directive(self.prune.get(report.epoch, frozenset()), report.epoch == self.cancel)


@dataclass(frozen=True)
class Case:
    """A cohort, what happens to its trials, the epoch in which it dies, and how each trial ends.

    `lanes` are those of each program in the last checkpoint.
    """

    kind: TaskKind
    specs: tuple[TrialSpec, ...]
    data: EncodedData
    causes: tuple[Cause, ...]
    die: int
    lanes: tuple[int, ...]
    cohort: Mapping[str, Any] = field(default_factory=dict)
    prune: Mapping[int, frozenset[int]] = field(default_factory=dict)
    cancel: int | None = None
    free_bytes: int = 8 << 30

    def job(self, make_job: MakeJob) -> TrainingJob:
        return replace(make_job(self.data, TASKS[self.kind], self.specs, **self.cohort), free_bytes=self.free_bytes)

    def reporter(self, die: int | None = None) -> Reporter:
        return Reporter(self.prune, self.cancel, die)


def dense() -> Case:
    """Embeddings, dropout, batch normalisation; a plateau, lanes that stop early, one that diverges at once."""
    specs = (
        make_spec(0, config=NOISY, epochs=9, patience=5, schedule="plateau", learning_rate=0.2),
        make_spec(1, config=QUIET, epochs=9, patience=1, learning_rate=0.1),
        make_spec(2, config=NOISY, epochs=9, patience=9, schedule="plateau", weight_decay=0.1, clip_norm=0.5),
        make_spec(3, config=QUIET, epochs=9, patience=9, learning_rate=1e30),
        make_spec(4, config=QUIET, epochs=9, patience=5, learning_rate=1.0, schedule="one_cycle"),
    )
    causes = (Cause.OK, Cause.OK, Cause.OK, Cause.DIVERGED, Cause.OK)
    return Case(TaskKind.REGRESSION, specs, make_data(TaskKind.REGRESSION), causes, die=5, lanes=(5,))


def folds() -> Case:
    """Three folds of two trials under momentum, one of which is pruned at a rung."""
    specs = tuple(make_spec(n, optimizer="sgd", learning_rate=0.03 / (n + 1), epochs=5, patience=5) for n in range(2))
    data = make_data(TaskKind.MULTILABEL, folds=3, weighted=True)
    causes = (Cause.OK, Cause.PRUNED)
    return Case(
        TaskKind.MULTILABEL, specs, data, causes, die=4, lanes=(6,), cohort={"rungs": (2,)}, prune={2: frozenset({1})}
    )


def compacted() -> Case:
    """A program that was made smaller: to a trial without dropout, while the others had some."""
    configs = (NOISY, NOISY, QUIET, NOISY)
    specs = tuple(
        make_spec(n, config=config, optimizer="nadam", epochs=110, patience=110) for n, config in enumerate(configs)
    )
    causes = (Cause.PRUNED, Cause.PRUNED, Cause.CANCELLED, Cause.PRUNED)
    return Case(
        TaskKind.BINARY,
        specs,
        make_data(TaskKind.BINARY),
        causes,
        die=6,
        lanes=(1,),
        prune={2: frozenset({0, 1, 3})},
        cancel=8,
    )


def groups() -> Case:
    """Groups of two lanes, for want of memory; the first has ended as a whole."""
    specs = tuple(make_spec(n, optimizer="adamax", epochs=4, patience=4) for n in range(5))
    causes = (Cause.PRUNED, Cause.PRUNED, Cause.OK, Cause.OK, Cause.OK)
    data = make_data(TaskKind.MULTICLASS)
    return Case(
        TaskKind.MULTICLASS, specs, data, causes, die=3, lanes=(2, 1), prune={1: frozenset({0, 1})}, free_bytes=400_000
    )


def folds_in_groups() -> Case:
    """The folds of a trial in several programs, for want of memory."""
    specs = tuple(make_spec(n, optimizer="adamax", epochs=4, patience=4) for n in range(2))
    data = make_data(TaskKind.MULTICLASS, folds=3)
    return Case(TaskKind.MULTICLASS, specs, data, (Cause.OK, Cause.OK), die=3, lanes=(2, 2, 2), free_bytes=400_000)


def refit() -> Case:
    """A configuration that is trained again, for so many epochs of its schedule."""
    spec = make_spec(0, config=NOISY, optimizer="adadelta", epochs=8, schedule="one_cycle", warmup=0.1)
    return Case(
        TaskKind.BINARY, (spec,), make_data(TaskKind.BINARY), (Cause.OK,), die=3, lanes=(1,), cohort={"stop_after": 4}
    )


def members() -> Case:
    """Ensembles whose bins and first weights follow the training rows of three folds; dropout and decay fade."""
    config = {"members": 2, "depth": 1, "width": 8, "bins": 4, "number_width": 3, "dropout": 0.3}
    specs = tuple(
        make_spec(
            n, family="tabular_tabm", config=config, optimizer="adamw", epochs=4, weight_decay=0.1,
            beta_2=0.999 - 0.1 * n, fading=("flat_cosine", "none")[n],
        )
        for n in range(2)
    )  # fmt: skip
    data = make_data(TaskKind.BINARY, folds=3)
    return Case(TaskKind.BINARY, specs, data, (Cause.OK, Cause.OK), die=3, lanes=(6,))


def tuned() -> Case:
    """RealMLP in lanes with different schedules, which keep the last of the best epochs."""
    config = {"depth": 1, "width": 8, "frequencies": 4, "dropout": 0.3}
    specs = tuple(
        make_spec(
            n, family="tabular_realmlp", config=config, optimizer="adamw", epochs=4, patience=4, learning_rate=0.04,
            schedule=("coslog4", "cosine")[n], fading="flat_cosine", beta_2=0.95, weight_decay=0.02, ties="last",
        )
        for n in range(2)
    )  # fmt: skip
    data = make_data(TaskKind.REGRESSION)
    return Case(TaskKind.REGRESSION, specs, data, (Cause.OK, Cause.OK), die=3, lanes=(2,))


def stack(name: str, optimizer: str, lanes: tuple[int, ...]) -> Case:
    """Two trials of a stack of layers."""
    specs = tuple(
        replace(spec, training=replace(spec.training, optimizer=optimizer, epochs=4, patience=4))
        for spec in (spec_for(name, n, learning_rate=rate) for n, rate in enumerate((3e-3, 1e-3)))
    )
    return Case(KIND, specs, data_for(STACKS[name][0]), (Cause.OK, Cause.OK), die=3, lanes=lanes)


CASES = {
    "dense": dense,
    "folds": folds,
    "folds in groups": folds_in_groups,
    "compacted": compacted,
    "groups": groups,
    "refit": refit,
    "members": members,
    "tuned": tuned,
    "GRU": lambda: stack("embedding and attention", "lion", (2,)),
    "convolution": lambda: stack("convolutions, pooling and a residual branch", "adam", (1, 1)),
}


def ended(job: TrainingJob, report: Reporter, folder: Path) -> tuple[list[TrialOutcome], dict[str, bytes]]:
    """Train with a checkpoint after every epoch; return the outcomes without their times, and every file."""
    placed = replace(job, trials_folder=folder / "trials", checkpoint_folder=folder / "checkpoints")
    outcomes = train_cohort(placed, report, checkpoint_seconds=0.0)
    files = {str(file.relative_to(folder)): file.read_bytes() for file in sorted(folder.glob("trials/*/*"))}
    return [replace(outcome, seconds=0.0, row_seconds=None) for outcome in outcomes], files


def interrupted(job: TrainingJob, report: Reporter, folder: Path) -> list[Path]:
    """Train until the reporter dies; return the checkpoints that are left, the oldest first."""
    with pytest.raises(Killed):
        ended(job, report, folder)
    return sorted((folder / "checkpoints").iterdir())


def lanes_in(checkpoint: Path) -> tuple[int, ...]:
    with np.load(checkpoint) as arrays:
        return tuple(
            len(arrays[name]) for name in sorted(arrays.files) if name.endswith("/parameters") and "group" in name
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_interrupted_cohort_ends_exactly_as_an_undisturbed_one(name, make_job, tmp_path: Path):
    case = CASES[name]()
    job, calm, resumed = case.job(make_job), case.reporter(), case.reporter()
    expected, files = ended(job, calm, tmp_path / "calm")
    assert tuple(outcome.cause for outcome in expected) == case.causes
    newest = interrupted(job, case.reporter(case.die), tmp_path / "disturbed")[-1]
    assert lanes_in(newest) == case.lanes
    outcomes, found = ended(job, resumed, tmp_path / "disturbed")
    # As text, in which NaN equals NaN, and floats are written out exactly.
    assert repr(outcomes) == repr(expected)
    assert found == files
    assert resumed.told == [report for report in calm.told if report.epoch >= case.die]


@pytest.mark.slow
def test_damaged_checkpoints_cost_epochs_and_change_nothing(make_job, tmp_path: Path):
    spec = make_spec(0, epochs=5, patience=5)
    job = make_job(make_data(TaskKind.BINARY), TASKS[TaskKind.BINARY], (spec,))
    expected = ended(job, Reporter(), tmp_path / "calm")
    older, newer = interrupted(job, Reporter(die=4), tmp_path / "disturbed")
    kept = {file: file.read_bytes() for file in (older, newer)}
    for damaged, first_epoch in (({}, 4), ({newer: 0.5}, 3), ({newer: 0.999, older: 0.0}, 1)):
        for file in older.parent.iterdir():
            file.unlink()
        for file, content in kept.items():
            file.write_bytes(content[: int(len(content) * damaged.get(file, 1.0))])
        report = Reporter()
        assert ended(job, report, tmp_path / "disturbed") == expected
        assert report.told[0].epoch == first_epoch


@pytest.mark.slow
def test_a_cohort_goes_on_after_a_second_interruption_and_adds_up_its_seconds(make_job, tmp_path: Path):
    spec = make_spec(0, epochs=6, patience=6)
    job = make_job(make_data(TaskKind.BINARY), TASKS[TaskKind.BINARY], (spec,))
    expected = ended(job, Reporter(), tmp_path / "calm")
    seconds: list[float] = []

    class Timed(Reporter):
        def __call__(self, report: EpochReport) -> Directive:
            seconds.append(report.seconds)
            return super().__call__(report)

    for die in (3, 5):
        interrupted(job, Timed(die=die), tmp_path / "disturbed")
    assert ended(job, Timed(), tmp_path / "disturbed") == expected
    # Died in epochs 3 and 5: told of 1 2 3, then 3 4 5, then 5 6. The clock went on from the checkpoint.
    assert [seconds[3] > seconds[1], seconds[6] > seconds[4]] == [True, True]
    assert len(seconds) == len([1, 2, 3, 3, 4, 5, 5])


@pytest.mark.slow
def test_a_checkpoint_of_other_rows_or_of_more_memory_is_passed_over(make_job, tmp_path: Path):
    specs = (make_spec(0), make_spec(1))
    job = make_job(make_data(TaskKind.BINARY), TASKS[TaskKind.BINARY], specs)
    interrupted(job, Reporter(die=2), tmp_path / "disturbed")
    report = Reporter()
    ended(replace(job, free_bytes=1), report, tmp_path / "disturbed")
    assert report.told[0].epoch == 1
    fewer = make_data(TaskKind.BINARY)
    fold = replace(fewer.folds[0], validation_rows=fewer.folds[0].validation_rows[:-1])
    replace(fewer, folds=(fold,)).write(tmp_path / "fewer")
    report = Reporter()
    ended(replace(job, data_folder=tmp_path / "fewer"), report, tmp_path / "disturbed")
    assert report.told[0].epoch == 1


@pytest.mark.slow
def test_where_no_checkpoint_can_be_written_the_cohort_trains_all_the_same(make_job, tmp_path: Path):
    job = make_job(make_data(TaskKind.BINARY), TASKS[TaskKind.BINARY], (make_spec(0),))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "checkpoints").write_text("a file in the way")
    (outcome,), _ = ended(job, Reporter(), tmp_path / "taken")
    assert outcome.cause is Cause.OK
