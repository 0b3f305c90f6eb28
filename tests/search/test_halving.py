import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.search.halving import FACTOR, Halving, rung_epochs
from autokeras_lite.spaces.training_choices import SCHEDULES
from autokeras_lite.training.schedules import rate_factors
from autokeras_lite.trial import TrainingConfig

SCORES = st.dictionaries(st.integers(1, 100), st.floats(-1e6, 1e6), min_size=1, max_size=30)
directions = st.sampled_from(["maximize", "minimize"])


def best_of(scores, direction):
    return max(scores.values()) if direction == "maximize" else min(scores.values())


@given(SCORES, directions)
def test_the_best_is_never_stopped(scores, direction):
    stopped = Halving(direction).judge(0, scores)
    best = best_of(scores, direction)
    assert not stopped & {number for number, value in scores.items() if value == best}


@given(SCORES.filter(lambda scores: len(scores) < FACTOR), directions)
def test_all_go_on_while_there_is_little_to_compare_with(scores, direction):
    assert not Halving(direction).judge(0, scores)


@given(SCORES.filter(lambda scores: len(scores) >= FACTOR), directions)
def test_at_most_a_third_goes_on_beside_ties(scores, direction):
    going_on = scores.keys() - Halving(direction).judge(0, scores)
    values = [scores[number] for number in going_on]
    worst = min(values) if direction == "maximize" else max(values)
    assert len([value for value in values if value != worst]) < math.ceil(len(scores) / FACTOR)


@given(SCORES, directions, st.randoms(use_true_random=False))
def test_the_order_of_the_trials_does_not_matter(scores, direction, random):
    shuffled = list(scores.items())
    random.shuffle(shuffled)
    assert Halving(direction).judge(0, scores) == Halving(direction).judge(0, dict(shuffled))


@given(SCORES, directions)
def test_nobody_is_stopped_who_is_as_good_as_one_that_goes_on(scores, direction):
    stopped = Halving(direction).judge(0, scores)
    sign = 1 if direction == "maximize" else -1
    going_on = [sign * value for number, value in scores.items() if number not in stopped]
    assert all(sign * scores[number] < min(going_on) for number in stopped)


@given(SCORES, SCORES, directions)
def test_later_trials_are_judged_against_everything_that_stood_on_the_rung(earlier, later, direction):
    halving = Halving(direction)
    halving.judge(0, earlier)
    stopped = halving.judge(0, later)
    both = [*earlier.values(), *later.values()]
    if best_of(later, direction) == best_of(dict(enumerate(both)), direction):
        assert len(stopped) < len(later)
    places = len(both) if len(both) < FACTOR else math.ceil(len(both) / FACTOR)
    beaten = sorted(both, reverse=direction == "maximize")[places - 1]
    sign = 1 if direction == "maximize" else -1
    assert stopped == {number for number, value in later.items() if sign * value < sign * beaten}


@given(SCORES, directions)
def test_rungs_do_not_know_each_other(scores, direction):
    halving = Halving(direction)
    halving.judge(0, {0: math.copysign(1e9, 1 if direction == "maximize" else -1)})
    assert halving.judge(1, scores) == Halving(direction).judge(1, scores)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_no_number_ends_its_trial_and_no_other(bad):
    halving = Halving("maximize")
    assert halving.judge(0, {1: bad, 2: 0.5}) == {1}
    assert halving.judge(0, {3: bad}) == {3}
    assert halving.judge(0, {4: 0.6}) == frozenset()


@pytest.mark.parametrize(
    ("epochs", "expected"), [(1, ()), (3, ()), (8, (3,)), (9, (3,)), (27, (3, 9)), (60, (7, 20)), (100, (11, 33))]
)
def test_rungs_stand_at_a_ninth_and_a_third_but_not_before_the_third_epoch(epochs, expected):
    assert rung_epochs(TrainingConfig(epochs=epochs)) == expected


@pytest.mark.parametrize("epochs", [45, 60, 90, 256])
def test_a_cyclic_schedule_is_judged_where_its_rate_is_least(epochs):
    training = TrainingConfig(epochs=epochs, schedule="coslog4")
    rates = np.array([rate_factors(training, epoch, 1)[0] for epoch in range(epochs)])
    for rung in rung_epochs(training):
        assert rates[rung] == rates[max(0, rung - 3) : rung + 4].min()
        assert rates[rung] < 0.1


@given(st.integers(1, 2000), st.sampled_from(SCHEDULES))
def test_rungs_grow_and_lie_inside_the_schedule(epochs, schedule):
    rungs = rung_epochs(TrainingConfig(epochs=epochs, schedule=schedule))
    assert list(rungs) == sorted(set(rungs))
    assert all(0 < rung < epochs for rung in rungs)
