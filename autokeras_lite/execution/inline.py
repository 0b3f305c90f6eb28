"""Runs cohorts in this process, one after the other: for tests, for debugging, and where no process can be started."""

from collections import deque
from collections.abc import Callable

from autokeras_lite.execution.executor import CohortJob, CohortResult, Reporter, Result
from autokeras_lite.execution.machine import Share
from autokeras_lite.models.loading import load_keras


class InlineExecutor:
    """Trains inside `wait`."""

    def __init__(self, share: Share) -> None:
        self._share = share
        self._jobs: deque[CohortJob] = deque()

    @property
    def slots(self) -> int:
        """One."""
        return 1

    def submit(self, job: CohortJob) -> None:
        """Put the job aside until `wait`."""
        self._jobs.append(job)

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Train the next cohort to its end; the time limit is the reporter's to keep."""
        load_keras()
        from autokeras_lite.execution.isolated import run_isolated

        if not self._jobs:
            return ()
        return (run_isolated(self._jobs.popleft(), self._share.bytes_each, report),)

    def drop(self, cohort: int) -> None:
        """Forget a job that was not begun."""
        self._jobs = deque(job for job in self._jobs if job.cohort.number != cohort)

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work here."""
        return work()

    def close(self) -> None:
        """Forget jobs that were not begun."""
        self._jobs.clear()
