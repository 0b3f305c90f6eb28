import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.config import Budget
from autokeras_lite.search.clock import FEWEST_USEFUL_SECONDS, Clock
from autokeras_lite.trial import Cause, TrialOutcome

seconds = st.floats(0, 1e6)


def clock_at(elapsed: float, *, earlier: float = 0.0, **budget) -> Clock:
    return Clock(Budget(**budget), started=100.0, earlier_seconds=earlier, now=lambda: 100.0 + elapsed)


def test_without_a_time_limit_the_clock_never_ends():
    clock = clock_at(1e9, trials=5)
    assert clock.seconds_left is None
    assert clock.training_seconds_left is None
    assert clock.can_start


def test_time_counts_from_the_start():
    assert clock_at(12.5, trials=1).elapsed_seconds == 12.5


@given(seconds, seconds, st.floats(1, 1e6))
def test_all_processes_of_a_search_spend_one_budget(earlier, elapsed, limit):
    resumed, whole = clock_at(elapsed, earlier=earlier, seconds=limit), clock_at(earlier + elapsed, seconds=limit)
    assert resumed.elapsed_seconds == pytest.approx(earlier + elapsed)
    assert resumed.seconds_left == pytest.approx(whole.seconds_left, abs=1e-6)


@given(seconds, st.floats(1, 1e6))
def test_the_end_of_the_search_is_kept_free(elapsed, limit):
    clock = clock_at(elapsed, seconds=limit)
    assert clock.seconds_left - clock.training_seconds_left == pytest.approx(clock.tail_seconds, abs=1e-6)
    assert clock.tail_seconds > 0


def test_nothing_starts_shortly_before_the_end():
    tail = clock_at(0.0, seconds=100.0).tail_seconds
    last = 100.0 - tail - FEWEST_USEFUL_SECONDS
    assert clock_at(last - 0.1, seconds=100.0).can_start
    assert not clock_at(last + 0.1, seconds=100.0).can_start
    assert not clock_at(200.0, seconds=100.0).can_start


@given(st.floats(0.1, 1e3), st.floats(1.1, 10))
def test_a_costlier_model_file_leaves_less_time_for_training(cost, factor):
    clock = clock_at(0.0, seconds=1e5)
    clock.expect_artifact(cost)
    cheap = clock.tail_seconds
    assert cheap >= cost
    clock.expect_artifact(factor * cost)
    assert clock.tail_seconds > cheap
    assert clock.training_seconds_left == clock.seconds_left - clock.tail_seconds


@given(st.floats(0, 1e3), st.floats(0.1, 1e3), st.integers(1, 100))
def test_training_once_more_is_kept_free_beside_the_model_file(seconds, artifact, best_epoch):
    clock = clock_at(0.0, seconds=1e5)
    clock.expect_artifact(artifact)
    before = clock.tail_seconds
    clock.expect_refit(TrialOutcome(1, Cause.OK, 0.5, (0.5,), best_epoch, 100, seconds=seconds))
    assert clock.tail_seconds >= before + best_epoch / 100 * seconds


@given(st.floats(0.1, 1e3), st.integers(1, 8), st.integers(2, 10))
def test_a_fold_is_trained_once_more_in_less_time_than_all_and_alone_in_more_than_as_a_lane(seconds, trials, folds):
    def kept(lanes, fold_scores):
        clock = clock_at(0.0, seconds=1e5)
        clock.expect_refit(TrialOutcome(1, Cause.OK, 0.5, fold_scores, 100, 100, seconds=seconds, lanes=lanes))
        return clock.tail_seconds

    assert kept(trials * folds, (0.5,) * folds) < kept(trials, (0.5,))
    assert kept((trials + 1) * folds, (0.5,) * folds) > kept(trials * folds, (0.5,) * folds)


@given(st.integers(1, 10**7))
def test_scoring_test_rows_is_kept_free_at_the_end(rows):
    clock = clock_at(0.0, seconds=1e6)
    before = clock.training_seconds_left
    clock.expect_test_rows(rows)
    assert clock.training_seconds_left < before


def test_more_time_is_kept_for_members_that_are_trained_again():
    kept = []
    for refit in (False, True):
        clock = clock_at(0.0, seconds=300.0)
        clock.expect_artifact(2.0)
        clock.expect_ensemble(refit=refit)
        kept.append(clock.tail_seconds - clock.fewest_tail_seconds)
    assert 0 < kept[0] < kept[1] <= 0.1 * 300.0


def test_time_for_an_ensemble_is_kept_once_a_model_stands():
    clock, plain = clock_at(0.0, seconds=300.0), clock_at(0.0, seconds=300.0)
    clock.expect_ensemble(refit=False)
    assert clock.tail_seconds == plain.tail_seconds
    for one in (clock, plain):
        one.expect_artifact(2.0)
    assert clock.tail_seconds > plain.tail_seconds + 1.0
    assert clock.fewest_tail_seconds == pytest.approx(plain.fewest_tail_seconds)
