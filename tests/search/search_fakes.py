"""Small spaces, and an executor that trains nothing: what the tests of the search share."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from autokeras_lite.config import Budget, Strategy
from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter
from autokeras_lite.models.registry import FAMILIES
from autokeras_lite.search.background import Background
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.course import Course, Plan
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import Journal
from autokeras_lite.search.loop import SearchLoop
from autokeras_lite.search.observer import Observer, SilentObserver
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.search.record import BestTrial, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.search.replay import replay
from autokeras_lite.search.study import SpaceStudy
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.spaces.load import read_space
from autokeras_lite.spaces.space import SearchSpace
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tracking.null import NullTracker
from autokeras_lite.tracking.tracker import Tracker
from autokeras_lite.trial import (
    Cause,
    Cohort,
    Directive,
    EpochReport,
    TrainingConfig,
    TrialOutcome,
    TrialSpec,
    recipe_fields,
)

TASK = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
LOSS_TASK = Task(TaskKind.BINARY, ("y",), "log_loss", "minimize", (0, 1))

SPEC = TrialSpec(3, "space", "tabular_mlp", {"depth": 2}, TrainingConfig(), 5, "default")
SUMMARY = SearchSummary(
    name="first",
    task="binary",
    metric="roc_auc",
    direction="maximize",
    best=BestTrial(3, "tabular_mlp", "space", {"depth": 2}, 0.5),
    trials=TrialCounts(1, 2, 3),
    seconds=1.5,
    baselines={"constant": 0.5, "linear": None},
    verdict="The network wins.",
    artifact="somewhere",
    tracking=TrackingPlace("sqlite://", "1", "2"),
    notes=("a", "b"),
)

WIDE = b"""
family = "tabular_mlp"
summary = "More configurations than anyone tries"
accepts = ["table"]
[parameters]
depth = { type = "int", low = 1, high = 4, default = 2 }
width = { type = "int", low = 16, high = 256, default = 64, step = 16 }
norm = { type = "choice", options = ["none", "batch"], default = "none" }
optimizer = { type = "choice", options = ["adam", "sgd"], default = "adam" }
learning_rate.adam = { type = "float", low = 1e-4, high = 0.01, default = 1e-3, when = { optimizer = "adam" } }
learning_rate.sgd = { type = "float", low = 1e-2, high = 1.0, default = 0.1, log = true, when = { optimizer = "sgd" } }
dropout = { type = "float", low = 0.0, high = 0.5, default = 0.1 }
epochs = 30
[[portfolio]]
name = "deep"
depth = 4
[[portfolio]]
name = "dropped"
dropout = 0.4
[[portfolio]]
name = "stochastic"
optimizer = "sgd"
"""
# Six configurations: two with sgd and its momentum, for each of two dropouts; two with adam.
SMALL = b"""
family = "tabular_mlp"
summary = "Six configurations, some of them conditional"
accepts = ["table"]
[parameters]
optimizer = { type = "choice", options = ["adam", "sgd"], default = "adam" }
momentum = { type = "choice", options = [0.5, 0.9], default = 0.9, when = { optimizer = "sgd" } }
dropout = { type = "choice", options = [0.0, 0.2], default = 0.2 }
epochs = 6
"""
SMALL_SIZE = 6
CONVOLUTIONS = b"""
family = "layer_stack"
summary = "Convolutions, which have no lanes"
accepts = ["image"]
[parameters]
learning_rate = { type = "float", low = 1e-4, high = 1e-2, default = 1e-3, log = true }
[[stack]]
name = "conv"
layers = [{ kind = "Conv2D", filters = { type = "int", low = 4, high = 64, default = 8 } }]
"""


def small_space(content: bytes = WIDE, name: str = "wide") -> SearchSpace:
    return read_space(content, file=f"{name}.toml", name=name)


def open_study(
    space: SearchSpace, folder: Path, *, sampler: str = "random", seed: int = 0, task: Task = TASK
) -> SpaceStudy:
    names = space.recipe_names(recipe_fields(FAMILIES[space.family].config_type))
    strategy = Strategy(sampler=sampler, seed=seed)
    return SpaceStudy(space, names, direction=task.direction, strategy=strategy, database=folder / "study.db")


def scored(spec: TrialSpec) -> TrialOutcome:
    """Every trial ends well, with a score that its number gives."""
    return TrialOutcome(spec.number, Cause.OK, score=0.5 + 0.4 / spec.number, best_epoch=1, epochs=1, seconds=0.01)


def failing(spec: TrialSpec) -> TrialOutcome:
    return TrialOutcome(spec.number, Cause.EXCEPTION, message=f"ValueError: trial {spec.number} is wrong")


def diverging(spec: TrialSpec) -> TrialOutcome:
    """Every trial fails with a cause for which nothing is tried again."""
    return TrialOutcome(spec.number, Cause.DIVERGED, message="No finite score.")


class Time:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


BROKEN = (
    Cause.OUT_OF_MEMORY_HOST,
    Cause.OUT_OF_MEMORY_DEVICE,
    Cause.SIGNAL,
    Cause.LOST,
    Cause.EXCEPTION,
    Cause.TIMEOUT,
)


@dataclass
class Done:
    """Work that is done when it is asked for."""

    result: Callable[[], object]
    is_done: bool = True


@dataclass
class ScriptedExecutor:
    """Ends cohorts at once, the oldest first, with what `script` says of each spec.

    At each rung it reports `rung_score` of every trial that still runs; what is pruned or cancelled ends so.
    """

    script: Callable[[TrialSpec], TrialOutcome] = scored
    slots: int = 1
    rung_score: Callable[[TrialSpec], float] = lambda spec: 0.5
    jobs: list[CohortJob] = field(default_factory=list)
    cohorts: list[Cohort] = field(default_factory=list)

    def is_ready(self, timeout_seconds: float) -> bool:
        return True

    def submit(self, job: CohortJob) -> None:
        assert len(self.jobs) < self.slots, "more cohorts than slots"
        assert len(self.cohorts) < 500, "the search never ends"
        self.jobs.append(job)
        self.cohorts.append(job.cohort)

    def drop(self, cohort: int) -> None:
        self.jobs = [job for job in self.jobs if job.cohort.number != cohort]

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        assert self.jobs, "waited for nothing"
        cohort = self.jobs.pop(0).cohort
        outcomes: dict[int, TrialOutcome] = {}
        for rung, epoch in enumerate(cohort.rungs):
            running = [spec for spec in cohort.specs if spec.number not in outcomes]
            if running:
                outcomes |= self._obey(running, report(self._report(cohort, running, rung, epoch)))
        return (CohortResult(cohort, tuple(outcomes.get(s.number) or self.script(s) for s in cohort.specs)),)

    def _report(self, cohort: Cohort, running: list[TrialSpec], rung: int, epoch: int) -> EpochReport:
        scores = {spec.number: self.rung_score(spec) for spec in running}
        return EpochReport(cohort.number, epoch, cohort.specs[0].training.epochs, scores, scores, 0.0, rung)

    def _obey(self, running: list[TrialSpec], directive: Directive) -> dict[int, TrialOutcome]:
        causes = dict.fromkeys(directive.prune, Cause.PRUNED)
        if directive.cancel:
            causes = {spec.number: Cause.CANCELLED for spec in running}
        return {
            n: TrialOutcome(n, cause, score=0.5, best_epoch=1, epochs=1, seconds=0.01) for n, cause in causes.items()
        }

    def start(self, work):
        return Done(work)

    def run(self, work):
        return work()

    def close(self) -> None:
        self.jobs.clear()


@dataclass
class RandomExecutor(ScriptedExecutor):
    """Ends each cohort in a way that its number and `luck` decide: so in every process that runs it."""

    luck: int = 0

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        cohort = self.jobs[0].cohort
        dice = random.Random(f"{self.luck} {cohort.number}")
        broken = dice.choice([*BROKEN, *[None] * 8])
        causes = {spec.number: broken or dice.choice([Cause.OK, Cause.OK, Cause.DIVERGED]) for spec in cohort.specs}
        scores = {spec.number: dice.choice([0.2, 0.4, 0.6, dice.random()]) for spec in cohort.specs}
        seconds = dice.choice([0.01, 1.0])

        def end(spec: TrialSpec) -> TrialOutcome:
            if causes[spec.number] is not Cause.OK:
                return TrialOutcome(spec.number, causes[spec.number], message=f"{spec.number} in {cohort.number}")
            return TrialOutcome(
                spec.number, Cause.OK, score=scores[spec.number], best_epoch=1, epochs=1, seconds=seconds
            )

        self.script, self.rung_score = end, lambda spec: scores[spec.number]
        (result,) = super().wait(report, timeout_seconds)
        return (CohortResult(cohort, tuple(end(s) for s in cohort.specs)) if broken else result,)


@dataclass
class LeavingExecutor(ScriptedExecutor):
    """Leaves in the folder of each trial what a real one leaves, as far as the driver reads it."""

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        job = self.jobs[0]
        folds = EncodedData.open(job.data_folder).folds
        for spec in job.cohort.specs:
            folder = job.trials_folder / f"{spec.number:04d}"
            folder.mkdir(parents=True, exist_ok=True)
            predictions = {f"fold-{n}": np.full((len(fold.validation_rows), 1), 0.5) for n, fold in enumerate(folds)}
            np.savez(folder / "predictions.npz", **predictions)
            np.savez(folder / "weights-0.npz")
        return super().wait(report, timeout_seconds)


class QuickProposer(Proposer):
    """Writes no `study.db`, which takes most of the time of a search that trains nothing."""

    def record(self) -> None:
        """Write nothing."""


def make_loop(
    folder: Path,
    executor: ScriptedExecutor,
    *,
    trials: int | None = None,
    clock: Clock | None = None,
    num_rows: int = 1000,
    num_folds: int = 1,
    seed: int = 0,
    spaces: tuple[SearchSpace, ...] = (),
    tracker: Tracker | None = None,
    observer: Observer | None = None,
    task: Task = TASK,
    sampler: str = "random",
    background: Sequence[Background] = (),
    proposer: type[Proposer] = QuickProposer,
) -> SearchLoop:
    """Make a loop over `spaces` (by default a wide one) that goes on from the journal in `folder`."""
    studies = [open_study(s, folder, seed=seed, task=task, sampler=sampler) for s in spaces or (small_space(),)]
    clock = clock or Clock(Budget(trials=trials or 1), 0.0, now=lambda: 0.0)
    journal = Journal.open(folder / "journal.jsonl")
    around = Surroundings(
        task, executor, tracker or NullTracker(), observer or SilentObserver(), SearchFolder(folder), clock, journal
    )
    course = Course(task, Plan(seed, num_folds, num_rows, trials), proposer(studies, task))
    replay(course, journal.events)
    return SearchLoop(around, course, background)
