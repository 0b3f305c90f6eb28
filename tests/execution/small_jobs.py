"""Small cohorts over a made-up table, and pieces of work: what the tests of the executors share."""

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from autokeras_lite.data.arrays import ArraySpec, EncodedData, EncodedFold, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.execution.executor import CohortJob, CohortResult, Executor
from autokeras_lite.execution.machine import Machine, Share
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import Cohort, Directive, EpochReport, TrainingConfig, TrialSpec

TASK = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
SHARE = Share(workers=2, threads=1, bytes_each=1 << 30)
MACHINE = Machine(cores=2, free_bytes=2 << 30, has_gpu=False)
SMALL = {"depth": 1, "width": 8}
# The family's config has no such field: building the model raises a TypeError.
WRONG = {"dephts": 1}


def make_job(folder: Path, number: int, *, configs=(SMALL,), epochs: int = 3, rungs: tuple[int, ...] = ()) -> CohortJob:
    """Write the table to `folder` and make a cohort of one trial for each of `configs`."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(80, 3)).astype("float32")
    labels = (numbers[:, 0] > 0).astype(int)
    rows = np.arange(80)
    fold = EncodedFold(
        {"numbers": numbers}, labels[:, None].astype("float32"), rows[:60], rows[60:], np.zeros(1), np.ones(1)
    )
    EncodedData(InputSpec(InputKind.TABLE, (ArraySpec("numbers", (3,)),)), (fold,), labels).write(folder / "data")
    training = TrainingConfig(batch_size=20, epochs=epochs, patience=epochs)
    specs = tuple(
        TrialSpec(10 * number + lane, "space", "tabular_mlp", config, training, lane, "default")
        for lane, config in enumerate(configs)
    )
    cohort = Cohort(number, specs, batch_seed=1, rungs=rungs)
    return CohortJob(cohort, TASK, folder / "data", folder / "trials")


def go_on(report: EpochReport) -> Directive:
    return Directive()


def results_of(executor: Executor, jobs: list[CohortJob], report=go_on) -> list[CohortResult]:
    """Run jobs, never more than the executor has slots, until every one has come back."""
    left, running, results = list(jobs), 0, []
    while left or running:
        while left and running < executor.slots:
            executor.submit(left.pop(0))
            running += 1
        came = executor.wait(report, 5.0)
        running -= len(came)
        results += came
    return results


def answer() -> int:
    return 42


def raise_an_error() -> None:
    raise ValueError("this cannot be done")


class StubbornError(Exception):
    """Cannot be made again from its message, as pickle would."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(f"{first} and {second}")


def raise_a_stubborn_error() -> None:
    raise StubbornError("one", "two")


def say_and_pause(connection: Connection) -> None:
    connection.send("here")
    signal.pause()


def be_killed_once(mark: Path) -> int:
    if not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 42


def leave() -> None:
    os._exit(3)


def is_untouched() -> bool:
    from autokeras_lite.training import compiled_epoch

    return compiled_epoch.is_untouched()
