"""Where cohorts run: one protocol for every way of running them. Knows no Keras: the driver loads this."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar

from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import Cause, Cohort, Directive, EpochReport, TrialOutcome

Reporter = Callable[[EpochReport], Directive]
Result = TypeVar("Result")
Result_co = TypeVar("Result_co", covariant=True)


@dataclass(frozen=True)
class CohortJob:
    """A cohort and what its trials need: the task, the encoded data, and the folder that each trial gets a part of.

    `checkpoint_folder` is where the cohort keeps how far it has come, and from where it goes on if something is there;
    `None` for no checkpoints.
    """

    cohort: Cohort
    task: Task
    data_folder: Path
    trials_folder: Path
    checkpoint_folder: Path | None = None


@dataclass(frozen=True)
class CohortResult:
    """A cohort that has ended, with one outcome for each of its trials, in order."""

    cohort: Cohort
    outcomes: tuple[TrialOutcome, ...]


class Pending(Protocol[Result_co]):
    """A piece of work under way in the background."""

    @property
    def is_done(self) -> bool:
        """Whether the work has ended, well or not; it is found out while the executor waits."""

    def result(self) -> Result_co:
        """Return what the work returned or raise what it raised, waiting for it where it is not done."""


class Executor(Protocol):
    """Runs cohorts.

    Laws: every job that was submitted comes back once from `wait` unless it was dropped, with one outcome for each
    trial, whatever happened to it; a fault of a trial is an outcome and never an exception; after `close` nothing that
    was started still runs.
    """

    @property
    def slots(self) -> int:
        """How many cohorts run at the same time."""

    def is_ready(self, timeout_seconds: float) -> bool:
        """Wait until a cohort would start at once, at most so long; say whether it would.

        Before that the other calls work too, but block until then.
        """

    def submit(self, job: CohortJob) -> None:
        """Start a cohort; only while fewer than `slots` are running."""

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Wait until a cohort ends or the time is over; pass reports on and carry the answers back meanwhile."""

    def drop(self, cohort: int) -> None:
        """Give up the cohort of that number, at once and without a result; nothing happens if it does not run."""

    def start(self, work: Callable[[], Result]) -> Pending[Result]:
        """Begin a piece of work that needs Keras where models live, beside the cohorts; it takes no slot."""

    def run(self, work: Callable[[], Result]) -> Result:
        """Do such a piece of work and wait for it: return what it returns, or raise what it raises."""

    def close(self) -> None:
        """End everything that was started."""


def failed(job: CohortJob, cause: Cause, message: str) -> CohortResult:
    """Return the result of a cohort of which nothing came back."""
    outcomes = tuple(TrialOutcome(spec.number, cause, message=message) for spec in job.cohort.specs)
    return CohortResult(job.cohort, outcomes)
