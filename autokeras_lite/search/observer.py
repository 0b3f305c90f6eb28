"""What a search tells whoever watches it."""

from dataclasses import dataclass
from typing import Protocol

from autokeras_lite.config import Budget
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.tasks.task import Task
from autokeras_lite.trial import Cohort, EpochReport, TrialOutcome, TrialSpec


@dataclass(frozen=True)
class Overview:
    """A search as it begins. `started` is a reading of `time.monotonic`; `workers` cohorts run at a time.

    A search that goes on has `resumed` finished trials, and ran for `earlier_seconds` before `started`.
    """

    name: str
    task: Task
    rows: int
    columns: int
    validation: str
    budget: Budget
    spaces: tuple[str, ...]
    workers: int
    started: float
    resumed: int = 0
    earlier_seconds: float = 0.0


class Observer(Protocol):
    """Watches a search. Called from the driver's thread, in order; must return at once and never raise."""

    def note(self, message: str) -> None:
        """Hear a sentence that a person should read: a dropped column, what was inferred and why."""

    def search_started(self, overview: Overview) -> None:
        """Hear what will be searched."""

    def baseline_finished(self, baseline: Baseline) -> None:
        """Hear the score of a baseline."""

    def cohort_started(self, cohort: Cohort) -> None:
        """Hear that these trials began to train together."""

    def epoch_finished(self, report: EpochReport) -> None:
        """Hear how a cohort stands after an epoch."""

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Hear how a trial ended, and whether it is the best so far."""

    def attempt_failed(self, cohort: Cohort, outcome: TrialOutcome, again: str) -> None:
        """Hear that an attempt at the trials of a cohort failed, and in which way they are tried again."""

    def stopping(self, reason: str) -> None:
        """Hear that no new trial begins, and why: a whole sentence."""

    def finishing(self, stage: str) -> None:
        """Hear which part of the end of the search has begun: `finalists`, `refit`, `artifact`, `tracking`."""


class SilentObserver:
    """Hears everything and says nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""

    def search_started(self, overview: Overview) -> None:
        """Say nothing."""

    def baseline_finished(self, baseline: Baseline) -> None:
        """Say nothing."""

    def cohort_started(self, cohort: Cohort) -> None:
        """Say nothing."""

    def epoch_finished(self, report: EpochReport) -> None:
        """Say nothing."""

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Say nothing."""

    def attempt_failed(self, cohort: Cohort, outcome: TrialOutcome, again: str) -> None:
        """Say nothing."""

    def stopping(self, reason: str) -> None:
        """Say nothing."""

    def finishing(self, stage: str) -> None:
        """Say nothing."""
