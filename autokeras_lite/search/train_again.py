"""Cohorts at the end of a search: finalists that are scored once more, and the winner trained on all rows."""

from collections.abc import Sequence

from autokeras_lite.execution.executor import CohortJob
from autokeras_lite.search.surroundings import Surroundings
from autokeras_lite.trial import Directive, EpochReport, TrialOutcome

_EPOCHS_TO_STOP = 2  # a cohort hears an answer one epoch later
_PATIENCE_SECONDS = 0.2


def train_again(jobs: Sequence[CohortJob], around: Surroundings, *, kept_seconds: float) -> dict[int, TrialOutcome]:
    """Train cohorts, so many at a time as there are slots, and return the outcomes by the numbers of their trials.

    `kept_seconds` of the time limit stay free for what comes after. What is not over by then, or when somebody asks
    for the end, is missing. The numbers of the cohorts and trials must differ.
    """
    slots, found = around.executor.slots, dict[int, TrialOutcome]()
    for some in (jobs[start : start + slots] for start in range(0, len(jobs), slots)):
        if _is_late(around, kept_seconds):
            break
        for job in some:
            around.executor.submit(job)
        found |= _wait({job.cohort.number for job in some}, around, kept_seconds)
    return found


def _wait(waiting: set[int], around: Surroundings, kept_seconds: float) -> dict[int, TrialOutcome]:
    def answer(report: EpochReport) -> Directive:
        return Directive(cancel=_is_late(around, kept_seconds + _EPOCHS_TO_STOP * report.seconds / report.epoch))

    found: dict[int, TrialOutcome] = {}
    while waiting and not _is_late(around, kept_seconds):
        for result in around.executor.wait(answer, _PATIENCE_SECONDS):
            if result.cohort.number in waiting:
                waiting.discard(result.cohort.number)
                found |= {spec.number: out for spec, out in zip(result.cohort.specs, result.outcomes, strict=True)}
    for number in waiting:
        around.executor.drop(number)
    return found


def _is_late(around: Surroundings, seconds: float) -> bool:
    """Say whether less than so much time is left, or nobody wants to wait."""
    left = around.clock.seconds_left
    return around.stop.is_asked or (left is not None and left < seconds)
