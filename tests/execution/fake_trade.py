"""A trade whose trials do as they are told, in hundredths of a second: it loads neither Keras nor TensorFlow.

What a trial does is the `deed` in the config of the first spec, a name in `DEEDS`, with the other entries as its
arguments.
"""

import ctypes
import errno
import os
import resource
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from autokeras_lite.errors import StorageError
from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter
from autokeras_lite.execution.trade import Trade
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import Cause, Cohort, EpochReport, TrainingConfig, TrialOutcome, TrialSpec

FAKE_TRADE = Trade(preload="fake_trade", train="fake_trade:train")
MEGABYTE = 1 << 20


def make_job(folder: Path, number: int, deed: str = "train", *, lanes: int = 1, **arguments: object) -> CohortJob:
    config = {"deed": deed, **arguments}
    specs = tuple(
        TrialSpec(10 * number + lane, "space", "fake", config, TrainingConfig(), lane, "default")
        for lane in range(lanes)
    )
    task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
    return CohortJob(Cohort(number, specs, batch_seed=1), task, folder / "data", folder / "trials")


def train(job: CohortJob, free_bytes: int, report: Reporter) -> CohortResult:
    arguments = dict(job.cohort.specs[0].config)
    cause = DEEDS[arguments.pop("deed")](job, report, **arguments)
    return CohortResult(job.cohort, tuple(TrialOutcome(spec.number, cause, score=0.5) for spec in job.cohort.specs))


def train_epochs(job: CohortJob, report: Reporter, epochs: int = 3, seconds: float = 0.0, rung: int = 0) -> Cause:
    numbers = [spec.number for spec in job.cohort.specs]
    for epoch in range(1, epochs + 1):
        time.sleep(seconds)
        scores = dict.fromkeys(numbers, 0.5)
        said = EpochReport(
            job.cohort.number, epoch, epochs, scores, scores, epoch * seconds, 0 if epoch == rung else None
        )
        if report(said).cancel:
            return Cause.CANCELLED
    return Cause.OK


def crash(job: CohortJob, report: Reporter) -> Cause:
    ctypes.string_at(0)
    return Cause.OK


def abort(job: CohortJob, report: Reporter) -> Cause:
    os.abort()


def leave(job: CohortJob, report: Reporter) -> Cause:
    os._exit(3)


def signal_itself(job: CohortJob, report: Reporter, signal_number: int) -> Cause:
    os.kill(os.getpid(), signal_number)
    time.sleep(60)
    return Cause.OK


def fail(job: CohortJob, report: Reporter, error: str, message: str) -> Cause:
    raise {"ValueError": ValueError, "MemoryError": MemoryError}[error](message)


def hang(job: CohortJob, report: Reporter) -> Cause:
    _tell_that_it_hangs(job)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        pass


def hang_in_native_code(job: CohortJob, report: Reporter) -> Cause:
    """Keep the interpreter's lock: no thread of this process runs any more."""
    _tell_that_it_hangs(job)
    ctypes.PyDLL(None).sleep(1000)
    return Cause.OK


def hanging_file(job: CohortJob) -> Path:
    """Return the file that is there once a cohort hangs."""
    return job.trials_folder / f"{job.cohort.number}.hangs"


def _tell_that_it_hangs(job: CohortJob) -> None:
    job.trials_folder.mkdir(parents=True, exist_ok=True)
    hanging_file(job).touch()


def fill_disk(job: CohortJob, report: Reporter, own: bool) -> Cause:
    if own:
        raise StorageError("The disk of /runs is full.")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def take(
    job: CohortJob, report: Reporter, megabytes: int, step: int, seconds: float = 0.0, lift: bool = False
) -> Cause:
    """Take memory in steps and note how far it came; `lift` takes the soft limit away before."""
    if lift:
        resource.setrlimit(resource.RLIMIT_DATA, (resource.getrlimit(resource.RLIMIT_DATA)[1],) * 2)
    job.trials_folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for _ in range(megabytes // step):
        taken.append(np.ones(step * MEGABYTE, dtype=np.uint8))
        with (job.trials_folder / "taken").open("a") as file:
            print(step * len(taken), file=file, flush=True)
        time.sleep(seconds)
    return Cause.OK


def take_and_abort(job: CohortJob, report: Reporter, megabytes: int) -> Cause:
    taken = np.ones(megabytes * MEGABYTE, dtype=np.uint8)
    time.sleep(0.5)
    assert taken.all()
    os.abort()


DEEDS: Mapping[str, Callable[..., Cause]] = {
    "train": train_epochs,
    "crash": crash,
    "abort": abort,
    "leave": leave,
    "signal itself": signal_itself,
    "fail": fail,
    "hang": hang,
    "hang in native code": hang_in_native_code,
    "fill disk": fill_disk,
    "take": take,
    "take and abort": take_and_abort,
}
