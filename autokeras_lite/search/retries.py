"""What is done when a cohort fails as a whole: its trials are tried again, so that the guilty one alone fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.trial import Cause, FailedAttempt, TrialOutcome, TrialSpec

_OUT_OF_MEMORY = (Cause.OUT_OF_MEMORY_HOST, Cause.OUT_OF_MEMORY_DEVICE)
# Only what may end a whole cohort because of one trial, or because of the machine.
_BROKEN = (*_OUT_OF_MEMORY, Cause.SIGNAL, Cause.LOST, Cause.EXCEPTION, Cause.TIMEOUT)
# How often a trial that trains alone is tried again after the same cause.
_MORE_ATTEMPTS: Mapping[Cause, int] = {Cause.LOST: 3, Cause.SIGNAL: 1}
_SMALLEST_BATCH = 8

Attempts = Mapping[int, Sequence[FailedAttempt]]


@dataclass(frozen=True)
class Retry:
    """The same trials once more: one cohort for each group of specs; `how` says it in a few words."""

    groups: tuple[tuple[TrialSpec, ...], ...]
    how: str


def plan_retry(result: CohortResult, earlier: Attempts) -> Retry | None:
    """Say how the trials of a failed cohort are tried again; `None` when what came is final.

    Trials that were trained together are trained one by one; when memory ran out, first in two halves, and when they
    were lost (their process was killed from outside), first together again, from their checkpoint. A trial that ran out
    of memory alone gets half the batch size once. One that was lost is tried three times more, one that crashed once
    more. Others would only fail again.
    """
    cause = _cause_of_all(result.outcomes)
    if cause is None:
        return None
    specs = result.cohort.specs
    if len(specs) > 1:
        return _apart(specs, cause, earlier[specs[0].number])
    (spec,) = specs
    alone = [attempt for attempt in earlier[spec.number] if attempt.lanes == 1]
    if cause in _OUT_OF_MEMORY:
        size = spec.training.batch_size // 2
        if any(attempt.cause in _OUT_OF_MEMORY for attempt in alone) or size < _SMALLEST_BATCH:
            return None
        smaller = replace(spec, training=replace(spec.training, batch_size=size))
        return Retry(((smaller,),), f"it is trained with batches of {size}")
    if sum(attempt.cause is cause for attempt in alone) < _MORE_ATTEMPTS.get(cause, 0):
        return Retry(((spec,),), "it is trained once more")
    return None


def _apart(specs: tuple[TrialSpec, ...], cause: Cause, earlier: Sequence[FailedAttempt]) -> Retry:
    if cause is Cause.LOST and not any(attempt.cause is Cause.LOST for attempt in earlier):
        return Retry((specs,), f"its {len(specs)} trials are trained once more")
    was_halved = any(attempt.cause in _OUT_OF_MEMORY for attempt in earlier)
    if cause in _OUT_OF_MEMORY and not was_halved and len(specs) > 2:
        half = len(specs) // 2
        return Retry((specs[:half], specs[half:]), f"its {len(specs)} trials are trained in two halves")
    return Retry(tuple((spec,) for spec in specs), f"its {len(specs)} trials are trained one by one")


def _cause_of_all(outcomes: Sequence[TrialOutcome]) -> Cause | None:
    """Return the cause for which a cohort failed as a whole, `None` if it did not."""
    causes = {outcome.cause for outcome in outcomes}
    return next(iter(causes)) if len(causes) == 1 and causes <= set(_BROKEN) else None
