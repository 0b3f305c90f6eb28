"""How much of the budget is left, with the end of the search kept free."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from autokeras_lite.config import Budget
from autokeras_lite.trial import TrialOutcome

# Until they are measured: the model file and its check, and the last entries of the record, on two cores.
ARTIFACT_SECONDS = 2.0
TRACKING_SECONDS = 1.0
# What a process takes to end.
EXIT_SECONDS = 0.5
# A cohort needs about two seconds until its first epoch is over.
FEWEST_USEFUL_SECONDS = 2.5
# A shorter search is an experiment, whose time is better spent on trials than on its report.
SHORTEST_WITH_REPORT_SECONDS = 60.0
# Report and model card, with the libraries for them, on two cores that do nothing else.
REPORT_SECONDS = 2.0
# Measuring how long the model file predicts, and what it compiles for that; so much again for each network in it.
_LATENCY_SECONDS = 1.0
# Tracing the program of one lane.
_TRACING_SECONDS = 1.5
_TEST_ROWS_A_SECOND = 10_000
# Of the limit, kept free for an ensemble: more where its members are trained again on all rows.
_ENSEMBLE_SHARE, _ENSEMBLE_SHARE_WITH_REFIT = 0.05, 0.1
_MOST_ENSEMBLE_SECONDS, _MOST_ENSEMBLE_SECONDS_WITH_REFIT = 15.0, 30.0
# What was measured beside trials in training is a good guess of what it takes alone, but not a promise.
_MARGIN = 1.25


@dataclass
class Clock:
    """Watches a budget from `started` on, a reading of `now`; an earlier process ran for `earlier_seconds`.

    `slowness` says how many times longer things take at present than on a machine that does nothing else; what was
    measured here has it in it, what is guessed is multiplied by it.
    """

    budget: Budget
    started: float
    earlier_seconds: float = 0.0
    now: Callable[[], float] = field(default=time.monotonic)
    slowness: Callable[[], float] = lambda: 1.0
    _artifact_seconds: float | None = None
    _refit_seconds: float = 0.0
    _test_seconds: float = 0.0
    _ensemble_seconds: float = 0.0
    _second_look_seconds: float = 0.0
    _report_seconds: float = 0.0

    @property
    def elapsed_seconds(self) -> float:
        """How long the search has run, all its processes together."""
        return self.earlier_seconds + self.now() - self.started

    @property
    def seconds_left(self) -> float | None:
        """How long until the end of everything; `None` without a time limit."""
        return None if self.budget.seconds is None else self.budget.seconds - self.elapsed_seconds

    @property
    def tail_seconds(self) -> float:
        """How long everything after the last trial takes: training once more, the model file, test rows, the record."""
        guessed = TRACKING_SECONDS + self._report_seconds
        measured = self._refit_seconds + self._test_seconds
        if self._artifact_seconds is None:  # there is nothing yet that could be averaged
            guessed += ARTIFACT_SECONDS
        else:
            measured += self._artifact_seconds + self._ensemble_seconds
        return measured + self._second_look_seconds + self.slowness() * guessed + EXIT_SECONDS

    @property
    def fewest_tail_seconds(self) -> float:
        """How long everything takes that must come at the end, without training once more and without an ensemble."""
        optional = self._refit_seconds + self._second_look_seconds
        optional += 0.0 if self._artifact_seconds is None else self._ensemble_seconds
        return self.tail_seconds - optional - self.slowness() * self._report_seconds

    @property
    def refit_seconds(self) -> float:
        """How long training one configuration once more is thought to take."""
        return self._refit_seconds

    @property
    def second_look_seconds(self) -> float:
        """How long is kept free for scoring finalists again."""
        return self._second_look_seconds

    @property
    def training_seconds_left(self) -> float | None:
        """How long trials may still train, with the end of the search kept free; `None` without a time limit."""
        left = self.seconds_left
        return None if left is None else left - self.tail_seconds

    @property
    def can_start(self) -> bool:
        """Whether a new cohort could still get somewhere."""
        left = self.training_seconds_left
        return left is None or left > FEWEST_USEFUL_SECONDS

    def has_time_for_latency(self, num_networks: int) -> bool:
        """Say whether it can be measured how long a model file of so many networks predicts, with the end kept free.

        The time that an early model file of one network took has that in it.
        """
        left = self.seconds_left
        guessed = num_networks if self._artifact_seconds is None else num_networks - 1
        return left is None or left > self.fewest_tail_seconds + self.slowness() * _LATENCY_SECONDS * guessed

    def expect_refit(self, trial: TrialOutcome) -> None:
        """Keep time free for training the best configuration again on all rows, up to its best epoch.

        As one of several trials it took less than it takes alone; with one set of rows to learn, not one for each fold,
        it takes less again. Lanes of small models cost next to nothing and those of large ones their full share, so
        this lies between. Where it is too little, the model has the weights of the first fold, and is over in time.
        """
        share = min(1.0, trial.best_epoch / max(1, trial.epochs))
        alone = trial.seconds * math.sqrt(trial.lanes) / max(1, len(trial.fold_scores))
        self._refit_seconds = _TRACING_SECONDS * self.slowness() + _MARGIN**2 * share * alone

    def expect_second_look(self, seconds: float) -> None:
        """Keep so much time free for scoring finalists again."""
        self._second_look_seconds = seconds

    def expect_report(self) -> None:
        """Keep time free for the report, unless the limit is shorter than that of searches which have one."""
        if self.budget.seconds is not None and self.budget.seconds >= SHORTEST_WITH_REPORT_SECONDS:
            self._report_seconds = REPORT_SECONDS

    def expect_ensemble(self, *, refit: bool) -> None:
        """Keep time free for an ensemble: a small part of the limit, so that a search of seconds makes none."""
        share = _ENSEMBLE_SHARE_WITH_REFIT if refit else _ENSEMBLE_SHARE
        most = _MOST_ENSEMBLE_SECONDS_WITH_REFIT if refit else _MOST_ENSEMBLE_SECONDS
        if self.budget.seconds is not None:
            self._ensemble_seconds = min(most, share * self.budget.seconds)

    def expect_test_rows(self, num_rows: int) -> None:
        """Keep time free for scoring so many rows with the model file."""
        self._test_seconds = 1.0 + num_rows / _TEST_ROWS_A_SECOND

    def expect_artifact(self, seconds: float) -> None:
        """Keep time free for a model file, one of which took so long to make."""
        self._artifact_seconds = _MARGIN * seconds
