"""A schedule that would not come to its end in time becomes shorter, once, when the pace is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.search.pace import Pace
from autokeras_lite.spaces.training_choices import SCHEDULES, SHRINKING_SCHEDULES
from autokeras_lite.trial import EpochReport, TrainingConfig

COSINE = TrainingConfig(schedule="cosine", epochs=60)


def report(epoch, seconds, cohort=1):
    return EpochReport(cohort, epoch, 60, {1: 0.5}, {1: 0.5}, seconds)


@given(st.floats(0.01, 100.0), st.floats(0.0, 1000.0), st.floats(0.0, 30.0), st.booleans())
def test_a_schedule_ends_within_the_time_that_is_left(pace, left, tracing, is_first):
    judge, share = Pace(), 0.6 if is_first else 0.9
    assert judge.fit(report(1, tracing + pace), COSINE, left, is_first=is_first) is None
    epochs = judge.fit(report(2, tracing + 2 * pace), COSINE, left, is_first=is_first)
    if epochs is None:
        assert share * left >= 57 * pace
    else:
        assert epochs < 60
        assert (epochs - 2) * pace <= max(share * left, 3 * pace) * (1 + 1e-6)


def test_a_cohort_is_judged_once():
    judge = Pace()
    assert [judge.fit(report(n, 10.0 * n), COSINE, 100.0, is_first=True) for n in (1, 2, 3, 4)] == [None, 8, None, None]
    assert judge.fit(report(1, 1.0, cohort=2), COSINE, 100.0, is_first=True) is None
    assert judge.fit(report(2, 11.0, cohort=2), COSINE, 100.0, is_first=True) == 8


@pytest.mark.parametrize("schedule", sorted(set(SCHEDULES) - set(SHRINKING_SCHEDULES)))
def test_a_rate_that_stays_needs_no_end(schedule):
    judge, training = Pace(), TrainingConfig(schedule=schedule, epochs=60)
    assert [judge.fit(report(n, 10.0 * n), training, 100.0, is_first=False) for n in (1, 2, 3)] == [None] * 3


def test_without_a_time_limit_schedules_stay_as_they_are():
    judge = Pace()
    assert [judge.fit(report(n, 1e3 * n), COSINE, None, is_first=False) for n in (1, 2, 3)] == [None] * 3
