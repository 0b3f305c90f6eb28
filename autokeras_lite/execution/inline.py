"""Runs cohorts in this process, one after the other: for tests, for debugging, and where no process can be started."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from autokeras_lite.execution.executor import CohortJob, CohortResult, Pending, Reporter, Result
from autokeras_lite.execution.isolated import run_isolated
from autokeras_lite.execution.machine import Share
from autokeras_lite.execution.pending import PendingWork, Raised, attempt
from autokeras_lite.execution.trade import KERAS_TRADE, Trade, learn
from autokeras_lite.trial import Directive, EpochReport


class InlineExecutor:
    """Trains inside `wait`. The time for a trial is kept at the end of an epoch; memory has no limit."""

    def __init__(self, share: Share, trade: Trade = KERAS_TRADE) -> None:
        self._share = share
        self._trade = trade
        self._jobs: deque[CohortJob] = deque()

    @property
    def slots(self) -> int:
        """One."""
        return 1

    def is_ready(self, timeout_seconds: float) -> bool:
        """Be ready."""
        return True

    def submit(self, job: CohortJob) -> None:
        """Put the job aside until `wait`."""
        self._jobs.append(job)

    def wait(self, report: Reporter, timeout_seconds: float) -> tuple[CohortResult, ...]:
        """Train the next cohort to its end; the time limit of the search is the reporter's to keep."""
        if not self._jobs:
            return ()
        craft = learn(self._trade)
        return (run_isolated(self._jobs.popleft(), self._share, self._in_time(report), craft),)

    def drop(self, cohort: int) -> None:
        """Forget a job that was not begun."""
        self._jobs = deque(job for job in self._jobs if job.cohort.number != cohort)

    def start(self, work: Callable[[], Result]) -> Pending[Result]:
        """Do the work here and now."""
        pending = PendingWork(work, listen=lambda _: None)
        answer = attempt(work)
        pending.settle(Raised(answer.error) if isinstance(answer, Raised) else answer)
        return pending

    def run(self, work: Callable[[], Result]) -> Result:
        """Do the work here."""
        return work()

    def close(self) -> None:
        """Forget jobs that were not begun."""
        self._jobs.clear()

    def _in_time(self, report: Reporter) -> Reporter:
        """Answer as the reporter does, and cancel once the time for a trial is over."""
        seconds, started = self._share.trial_seconds, time.monotonic()
        if seconds is None:
            return report

        def answer(epoch: EpochReport) -> Directive:
            directive = report(epoch)
            return replace(directive, cancel=directive.cancel or time.monotonic() - started >= seconds)

        return answer
