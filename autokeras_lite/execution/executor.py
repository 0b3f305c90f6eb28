"""Where cohorts run: one protocol for every way of running them. Knows no Keras: the driver loads this."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import Cause, Cohort, Directive, EpochReport, TrialOutcome

Reporter = Callable[[EpochReport], Directive]
Result = TypeVar("Result")


@dataclass(frozen=True)
class CohortJob:
    """A cohort and what its trials need: the task, the encoded data, and the folder that each trial gets a part of."""

    cohort: Cohort
    task: Task
    data_folder: Path
    trials_folder: Path


@dataclass(frozen=True)
class CohortResult:
    """A cohort that has ended, with one outcome for each of its trials, in order."""

    cohort: Cohort
    outcomes: tuple[TrialOutcome, ...]


class Executor(Protocol):
    """Runs cohorts.

    Laws: every job that was submitted comes back once from `wait` unless it was dropped, with one outcome for each
    trial, whatever happened to it; a fault of a trial is an outcome and never an exception; after `close` nothing that
    was started still runs.
    """

    @property
    def slots(self) -> int:
        """How many cohorts run at the same time."""

    def submit(self, job: CohortJob) -> None:
        """Start a cohort; only while fewer than `slots` are running."""

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Wait until a cohort ends or the time is over; pass reports on and carry the answers back meanwhile."""

    def drop(self, cohort: int) -> None:
        """Give up the cohort of that number, at once and without a result; nothing happens if it does not run."""

    def run(self, work: Callable[[], Result]) -> Result:
        """Do a piece of work that needs Keras where models live, and return what it returns or raise what it raises."""

    def close(self) -> None:
        """End everything that was started."""


def failed(job: CohortJob, cause: Cause, message: str) -> CohortResult:
    """Return the result of a cohort of which nothing came back."""
    outcomes = tuple(TrialOutcome(spec.number, cause, message=message) for spec in job.cohort.specs)
    return CohortResult(job.cohort, outcomes)
