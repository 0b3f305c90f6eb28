"""The log of a search in plain lines: what is seen where there is no terminal, and above the display where there is."""

import time
from collections.abc import Callable
from enum import IntEnum
from typing import TYPE_CHECKING

from autokeras_lite.cli.progress import Progress
from autokeras_lite.cli.words import describe_model, describe_training, show_seconds
from autokeras_lite.report.wording import count, one_line, show_number
from autokeras_lite.trial import Cohort, EpochReport, TrialOutcome, TrialSpec, TrialStatus

if TYPE_CHECKING:
    from autokeras_lite.search.baseline import Baseline
    from autokeras_lite.search.observer import Overview

QUIET_SECONDS = 30.0
MOST_FAILURES = 3

# The parts of the end of a search.
_STAGES = {
    "finalists": "scoring the best trials again",
    "refit": "training the best model once more",
    "artifact": "saving the best model and checking the saved file",
    "tracking": "writing the record",
}


class Detail(IntEnum):
    """How much is said: notes and failures; progress too; every trial too."""

    NOTES = 0
    PROGRESS = 1
    EVERYTHING = 2


class PlainLog:
    """Says a line for each thing worth knowing, and how the search stands when nothing was for half a minute."""

    def __init__(
        self, say: Callable[[str], None], *, detail: Detail = Detail.PROGRESS, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._say = say
        self._detail = detail
        self._now = now
        self._progress = Progress()
        self._spoke_at = -QUIET_SECONDS
        self._num_retried = 0

    def note(self, message: str) -> None:
        """Say the note."""
        self._tell(Detail.NOTES, f"note: {message}")

    def search_started(self, overview: "Overview") -> None:
        """Say what will be searched."""
        self._progress.search_started(overview)
        for line in describe_overview(overview):
            self._tell(Detail.PROGRESS, line)

    def baseline_finished(self, baseline: "Baseline") -> None:
        """Say what the baseline reached."""
        self._progress.baseline_finished(baseline)
        note = f" ({baseline.note})" if baseline.note else ""
        self._tell(Detail.PROGRESS, f"baseline {baseline.name}: {self._score(baseline.score)}{note}")

    def cohort_started(self, cohort: Cohort) -> None:
        """Say which trials began to train."""
        self._progress.cohort_started(cohort)
        numbers = [spec.number for spec in cohort.specs]
        which = f"trial {numbers[0]}" if len(numbers) == 1 else f"trials {numbers[0]} to {numbers[-1]}"
        spec = cohort.specs[0]
        self._tell(Detail.EVERYTHING, f"cohort {cohort.number} begins: {which}, {spec.family}: {describe_spec(spec)}")

    def epoch_finished(self, report: EpochReport) -> None:
        """Say how the search stands if nothing was said for a while."""
        self._progress.epoch_finished(report)
        if self._now() - self._spoke_at >= QUIET_SECONDS:
            self._tell(Detail.PROGRESS, self._standing())

    def trial_finished(self, spec: TrialSpec, outcome: TrialOutcome, *, is_best: bool) -> None:
        """Say how the trial ended if it is the best so far, if it failed, or if everything is said."""
        self._progress.trial_finished(spec, outcome, is_best=is_best)
        if outcome.status is TrialStatus.FAILED:
            self._tell_failure(spec, outcome)
        elif is_best:
            line = f"trial {spec.number} is the best so far: {self._score(outcome.score)}, {spec.family}"
            self._tell(Detail.PROGRESS, f"{line} ({_epochs(outcome)})")
        else:
            line = f"trial {spec.number} {outcome.status}: {self._score(outcome.score)}, {spec.family}"
            self._tell(Detail.EVERYTHING, f"{line} ({_epochs(outcome)})")

    def attempt_failed(self, cohort: Cohort, outcome: TrialOutcome, again: str) -> None:
        """Say that trials are tried again, a few times."""
        self._progress.attempt_failed(cohort, outcome, again)
        self._num_retried += 1
        if self._num_retried <= MOST_FAILURES or self._detail is Detail.EVERYTHING:
            self._tell(Detail.PROGRESS, f"cohort {cohort.number} failed, {_cause(outcome)}; {again}")

    def stopping(self, reason: str) -> None:
        """Say once why no new trial begins."""
        if reason != self._progress.stopping_reason:
            self._progress.stopping(reason)
            self._tell(Detail.NOTES, reason)

    def finishing(self, stage: str) -> None:
        """Say which part of the end has begun."""
        if not self._progress.stage:
            self._tell(Detail.PROGRESS, self._standing())
        self._progress.finishing(stage)
        self._tell(Detail.PROGRESS, f"{describe_stage(stage)} ...")

    def _tell_failure(self, spec: TrialSpec, outcome: TrialOutcome) -> None:
        num_failed = self._progress.counts[TrialStatus.FAILED]
        if num_failed <= MOST_FAILURES or self._detail is Detail.EVERYTHING:
            line = f"trial {spec.number} failed, {_cause(outcome)}"
            goes_on = ". The search goes on without it." if num_failed == 1 else ""
            self._tell(Detail.NOTES, f"{line.rstrip('.')}{goes_on}" if goes_on else line)
        elif num_failed == MOST_FAILURES + 1:
            self._tell(
                Detail.NOTES,
                "more trials failed; from here on they are only counted, the command failures lists them",
            )

    def _tell(self, detail: Detail, line: str) -> None:
        if detail > self._detail:
            return
        self._spoke_at = self._now()
        has_begun = self._progress.overview is not None
        stamp = show_seconds(self._progress.elapsed_seconds(self._spoke_at)) if has_begun else "0:00"
        self._say(f"{stamp:>7}  {one_line(line)}")

    def _standing(self) -> str:
        counts = self._progress.counts
        told = ", ".join(f"{counts[status]} {status}" for status in TrialStatus if counts[status])
        line = f"{count(self._progress.num_finished, 'trial')} done{f' ({told})' if told else ''}"
        line += f", {self._progress.num_training} training" if self._progress.num_training else ""
        if self._progress.best is not None:
            line += f", best {self._score(self._progress.best[1])}"
        elif self._progress.best_in_training is not None:
            line += f", best in training {self._score(self._progress.best_in_training)}"
        return line

    def _score(self, score: float | None) -> str:
        metric = "" if self._progress.overview is None else f"{self._progress.overview.task.metric} "
        return "no score" if score is None else f"{metric}{show_number(score)}"


def describe_overview(overview: "Overview") -> list[str]:
    """Say in two lines what is searched, by what measure and with what budget; in a third one what is taken over."""
    task, budget = overview.task, overview.budget
    better = "higher" if task.direction == "maximize" else "lower"
    limits = [count(budget.trials, "trial")] if budget.trials is not None else []
    limits += [show_seconds(budget.seconds)] if budget.seconds is not None else []
    return [
        f"{overview.name}: {task.kind} {', '.join(task.targets)}, {task.metric} ({better} is better), "
        f"{count(overview.rows, 'row')}, {count(overview.columns, 'column')}",
        f"budget {' or '.join(limits)}, {count(overview.workers, 'worker')}, validation {overview.validation}, "
        f"{'space' if len(overview.spaces) == 1 else 'spaces'} {', '.join(overview.spaces)}",
        *([_describe_resumed(overview)] if overview.resumed or overview.earlier_seconds else []),
    ]


def _describe_resumed(overview: "Overview") -> str:
    verb, budget = "was" if overview.resumed == 1 else "were", overview.budget.seconds
    whole = "" if budget is None else f" of {show_seconds(budget)}"
    used = f"{show_seconds(overview.earlier_seconds)}{whole} used"
    return f"resumed: {count(overview.resumed, 'trial')} {verb} finished, {used}"


def describe_spec(spec: TrialSpec) -> str:
    """Say in short what a trial builds and with which optimizer."""
    structure = {"optimizer": spec.training.optimizer, "batch_size": spec.training.batch_size}
    return f"{describe_model(spec.config)}, {describe_training(structure)}"


def describe_stage(stage: str) -> str:
    """Say what is done in a part of the end of a search."""
    return _STAGES.get(stage, stage)


def _cause(outcome: TrialOutcome) -> str:
    return f"{outcome.cause}: {outcome.message}" if outcome.message else str(outcome.cause)


def _epochs(outcome: TrialOutcome) -> str:
    return f"{outcome.epochs} epochs, {outcome.seconds:.1f} s"
