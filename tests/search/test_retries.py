from collections import defaultdict
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fakes import BROKEN, SPEC

from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.search.retries import plan_retry
from autokeras_lite.trial import Cause, Cohort, FailedAttempt, TrainingConfig, TrialOutcome

OUT_OF_MEMORY = (Cause.OUT_OF_MEMORY_HOST, Cause.OUT_OF_MEMORY_DEVICE)
FINAL = tuple(cause for cause in Cause if cause not in BROKEN)


def result(num_lanes: int, cause: Cause, *, batch_size: int = 64, number: int = 1) -> CohortResult:
    training = TrainingConfig(batch_size=batch_size)
    specs = tuple(replace(SPEC, number=n, training=training) for n in range(1, num_lanes + 1))
    return failed(Cohort(number, specs, batch_seed=0), cause)


def failed(cohort: Cohort, cause: Cause) -> CohortResult:
    return CohortResult(cohort, tuple(TrialOutcome(s.number, cause, message="it broke") for s in cohort.specs))


def history(first: CohortResult, causes) -> list[list[Cohort]]:
    """Play what `causes` says of each cohort in turn; return for each trial the cohorts that it was in."""
    attempts, cohorts, waiting, number = defaultdict(tuple), defaultdict(list), [first.cohort], first.cohort.number
    while waiting:
        cohort = replace(waiting.pop(0), number=number)
        number += 1
        for spec in cohort.specs:
            cohorts[spec.number].append(cohort)
        ended = failed(cohort, causes(cohort))
        retry = plan_retry(ended, attempts)
        for outcome in ended.outcomes if retry else ():
            attempts[outcome.number] += (FailedAttempt(cohort.number, len(cohort.specs), outcome.cause, "it broke"),)
        waiting += [replace(cohort, specs=specs) for specs in retry.groups] if retry else []
        assert number < 300, "it never ends"
    return list(cohorts.values())


def lanes(cohorts) -> list[int]:
    return [len(cohort.specs) for cohort in cohorts]


def batches(cohorts) -> list[int]:
    return [cohort.specs[0].training.batch_size for cohort in cohorts]


@pytest.mark.parametrize("cause", FINAL)
@pytest.mark.parametrize("num_lanes", [1, 4])
def test_what_ended_for_a_reason_of_its_own_is_final(num_lanes, cause):
    assert plan_retry(result(num_lanes, cause), dict.fromkeys(range(1, 5), ())) is None


@pytest.mark.parametrize("cause", BROKEN)
def test_a_cohort_of_which_one_trial_came_through_is_final(cause):
    whole = result(3, cause)
    mixed = replace(whole, outcomes=(TrialOutcome(1, Cause.OK, score=0.5), *whole.outcomes[1:]))
    assert plan_retry(mixed, dict.fromkeys(range(1, 4), ())) is None


@pytest.mark.parametrize("cause", [cause for cause in BROKEN if cause not in (*OUT_OF_MEMORY, Cause.LOST)])
def test_trials_that_broke_together_are_trained_one_by_one(cause):
    assert {tuple(lanes(cohorts))[:2] for cohorts in history(result(5, cause), lambda cohort: cause)} == {(5, 1)}


@pytest.mark.parametrize("cause", OUT_OF_MEMORY)
@pytest.mark.parametrize(("num_lanes", "expected"), [(8, [8, 4, 1, 1]), (3, [3, 1, 1]), (2, [2, 1, 1]), (1, [1, 1])])
def test_out_of_memory_halves_the_lanes_once_and_then_the_batch_of_a_trial_once(num_lanes, expected, cause):
    first = history(result(num_lanes, cause), lambda cohort: cause)[0]
    assert lanes(first) == expected
    assert batches(first) == [*[64] * (len(expected) - 1), 32]


@pytest.mark.parametrize(("batch_size", "expected"), [(16, [16, 8]), (15, [15]), (8, [8])])
def test_a_batch_is_not_made_smaller_than_eight(batch_size, expected):
    first = result(1, Cause.OUT_OF_MEMORY_HOST, batch_size=batch_size)
    ((cohorts),) = history(first, lambda cohort: Cause.OUT_OF_MEMORY_HOST)
    assert batches(cohorts) == expected


@pytest.mark.parametrize(
    ("cause", "attempts"), [(Cause.LOST, 4), (Cause.SIGNAL, 2), (Cause.EXCEPTION, 1), (Cause.TIMEOUT, 1)]
)
def test_a_trial_alone_is_tried_as_often_as_its_cause_may_pass(cause, attempts):
    ((cohorts),) = history(result(1, cause), lambda cohort: cause)
    assert len(cohorts) == attempts


def test_what_broke_beside_others_does_not_count_against_a_trial_alone():
    first = history(result(2, Cause.LOST), lambda cohort: Cause.LOST)[0]
    assert lanes(first) == [2, 2, 1, 1, 1, 1], "together once more, then alone"


def test_only_the_guilty_trial_fails():
    def guilty(cohort: Cohort) -> Cause:
        return Cause.SIGNAL if any(spec.number == 3 for spec in cohort.specs) else Cause.OK

    cohorts = history(result(4, Cause.SIGNAL), guilty)
    assert [lanes(one) for one in cohorts] == [[4, 1], [4, 1], [4, 1, 1], [4, 1]]


@pytest.mark.parametrize("cause", BROKEN)
def test_a_retry_says_in_a_few_words_what_is_done(cause):
    for num_lanes in (1, 2, 6):
        retry = plan_retry(result(num_lanes, cause), dict.fromkeys(range(1, 7), ()))
        if retry is not None:
            assert retry.how.startswith(("it is trained", f"its {num_lanes} trials are trained"))


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 12), st.integers(8, 256), st.randoms(use_true_random=False))
def test_whatever_breaks_every_trial_stays_in_one_cohort_at_a_time_and_comes_to_an_end(num_lanes, batch_size, dice):
    first = result(num_lanes, Cause.LOST, batch_size=batch_size)
    cohorts = history(first, lambda cohort: dice.choice(BROKEN))
    assert len(cohorts) == num_lanes
    for one in cohorts:
        assert lanes(one) == sorted(lanes(one), reverse=True), "trials are never put together again"
        assert min(batches(one)) >= min(batch_size, batch_size // 2, 8)
