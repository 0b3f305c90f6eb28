"""What is known of a running search, gathered from what the observer hears."""

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from autokeras_lite.trial import Cohort, EpochReport, TrialOutcome, TrialSpec, TrialStatus

if TYPE_CHECKING:
    from autokeras_lite.search.baseline import Baseline
    from autokeras_lite.search.observer import Overview


@dataclass
class CohortProgress:
    """How a cohort stands: trials that still train, epochs, and its best score after each epoch."""

    cohort: Cohort
    waiting: set[int]
    num_running: int
    epoch: int = 0
    epochs: int = 0
    best_scores: list[float] = field(default_factory=list)


@dataclass
class Progress:
    """Folds the events of a search into its present state. `best` is the winner so far."""

    overview: "Overview | None" = None
    baselines: "list[Baseline]" = field(default_factory=list)
    cohorts: dict[int, CohortProgress] = field(default_factory=dict)
    counts: dict[TrialStatus, int] = field(default_factory=lambda: dict.fromkeys(TrialStatus, 0))
    best: tuple[TrialSpec, float] | None = None
    stage: str = ""
    stopping_reason: str = ""

    @property
    def num_finished(self) -> int:
        """How many trials have ended in any way."""
        return sum(self.counts.values())

    @property
    def num_counted(self) -> int:
        """How many trials count for the budget: those that did not fail, with those of an earlier process."""
        resumed = 0 if self.overview is None else self.overview.resumed
        return resumed + self.num_finished - self.counts[TrialStatus.FAILED]

    @property
    def num_training(self) -> int:
        """How many trials train now."""
        return sum(standing.num_running for standing in self.cohorts.values())

    @property
    def best_in_training(self) -> float | None:
        """The best score that a cohort has reached which still trains."""
        reached = [standing.best_scores[-1] for standing in self.cohorts.values() if standing.best_scores]
        return self._best_of(reached) if reached else None

    def elapsed_seconds(self, now: float) -> float:
        """Return how long the search has run at `now`, a reading of its clock, in this process and in earlier ones."""
        if self.overview is None:
            return 0.0
        return self.overview.earlier_seconds + max(0.0, now - self.overview.started)

    def spent(self, now: float) -> float:
        """Return the share of the budget that is gone at `now`, from 0 to 1: of time or of trials, the larger one."""
        if self.overview is None:
            return 0.0
        budget = self.overview.budget
        shares = [self.elapsed_seconds(now) / budget.seconds] if budget.seconds is not None else []
        if budget.trials is not None:
            shares.append(self.num_counted / budget.trials)
        return min(1.0, max(shares))

    def note(self, message: str) -> None:
        """Keep nothing: a note is said once."""

    def search_started(self, overview: "Overview") -> None:
        """Keep what will be searched."""
        self.overview = overview

    def baseline_finished(self, baseline: "Baseline") -> None:
        """Keep the score of a baseline."""
        self.baselines.append(baseline)

    def cohort_started(self, cohort: Cohort) -> None:
        """Begin to follow a cohort."""
        numbers = {spec.number for spec in cohort.specs}
        epochs = cohort.stop_after or cohort.specs[0].training.epochs
        self.cohorts[cohort.number] = CohortProgress(cohort, numbers, len(numbers), epochs=epochs)

    def epoch_finished(self, report: EpochReport) -> None:
        """Keep how a cohort stands after an epoch."""
        standing = self.cohorts.get(report.cohort)
        if standing is None:
            return
        standing.epoch, standing.epochs = report.epoch, report.epochs
        standing.num_running = len(report.scores)
        finite = [score for score in report.scores.values() if math.isfinite(score)]
        if finite:
            standing.best_scores.append(self._best_of(finite))

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Count a trial, and stop following its cohort when it was the last one."""
        self.counts[outcome.status] += 1
        if is_best and outcome.score is not None:
            self.best = (spec, outcome.score)
        for number, standing in list(self.cohorts.items()):
            standing.waiting.discard(spec.number)
            if not standing.waiting:
                del self.cohorts[number]

    def attempt_failed(self, cohort: Cohort, outcome: TrialOutcome, again: str) -> None:
        """Stop following a cohort whose trials begin anew."""
        self.cohorts.pop(cohort.number, None)

    def stopping(self, reason: str) -> None:
        """Keep why no new trial begins."""
        self.stopping_reason = reason

    def finishing(self, stage: str) -> None:
        """Keep which part of the end has begun."""
        self.stage = stage

    def _best_of(self, scores: list[float]) -> float:
        is_minimized = self.overview is not None and self.overview.task.direction == "minimize"
        return min(scores) if is_minimized else max(scores)
