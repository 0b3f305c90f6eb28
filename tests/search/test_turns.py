"""Spaces take turns by what they promise."""

from collections import Counter

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from autokeras_lite.search.turns import Turns

NAMES = ("first", "second", "third")
TRIALS = st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 1000), st.floats(0.1, 100)), min_size=3, max_size=20)


def turns_of(trials, direction="minimize"):
    turns = Turns(NAMES, direction)
    for name, score, seconds in trials:
        turns.begin(name)
        turns.learn(name, score, seconds)
    return turns


def play(errors, seconds, num_turns):
    """Let spaces whose trials are drawn evenly around these errors take turns."""
    turns, taken = Turns(tuple(errors), "minimize"), Counter()
    for _ in range(num_turns):
        name = turns.ranked(counts_seconds=True)[0]
        turns.begin(name)
        taken[name] += 1
        turns.learn(name, errors[name] + 0.1 * (taken[name] * 0.618 % 1.0), seconds[name])
    return taken


def test_every_space_has_a_turn_before_any_has_two_and_while_nothing_is_known_they_alternate():
    turns, taken = Turns(NAMES, "maximize"), []
    for _ in range(6):
        taken.append(turns.ranked(counts_seconds=True)[0])
        turns.begin(taken[-1])
    assert taken == [*NAMES, *NAMES]


def test_the_best_space_has_most_turns_and_the_next_is_not_forgotten():
    taken = play({"best": 0.5, "near": 0.55, "far": 2.0}, {"best": 1.0, "near": 1.0, "far": 1.0}, 60)
    assert taken["best"] > taken["near"] > taken["far"]
    assert taken["near"] >= 5
    assert taken["far"] <= 2


def test_of_spaces_that_are_alike_the_cheaper_one_has_more_turns():
    taken = play({"dear": 0.5, "cheap": 0.5}, {"dear": 4.0, "cheap": 1.0}, 60)
    assert taken["cheap"] > 2 * taken["dear"]
    assert taken["dear"] > 1


def test_a_space_that_only_failed_comes_after_those_with_scores_but_comes():
    turns = Turns(NAMES, "maximize")
    for name, score in (("first", None), ("second", 0.5), ("third", 0.5)):
        turns.begin(name)
        turns.learn(name, score, 1.0)
    assert turns.ranked(counts_seconds=False)[-1] == "first"
    taken = []
    for _ in range(40):
        taken.append(turns.ranked(counts_seconds=False)[0])
        turns.begin(taken[-1])
        turns.learn(taken[-1], None if taken[-1] == "first" else 0.4, 1.0)
    assert "first" in taken


@given(TRIALS, st.floats(0.1, 10), st.floats(-5, 5))
def test_the_unit_of_the_score_does_not_matter(trials, factor, offset):
    scaled = [(name, factor * score + offset, seconds) for name, score, seconds in trials]
    mirrored = [(name, -score, seconds) for name, score, seconds in trials]
    plain = turns_of(trials)
    assert turns_of(mirrored, "maximize").ranked(counts_seconds=True) == plain.ranked(counts_seconds=True)
    promises = turns_of(scaled).promises(counts_seconds=True)
    assert promises == pytest.approx(plain.promises(counts_seconds=True), rel=1e-6)


@given(TRIALS, st.lists(st.floats(0.1, 100), min_size=20, max_size=20))
def test_without_seconds_only_scores_and_their_order_count(trials, others):
    changed = [(name, score, other) for (name, score, _), other in zip(trials, others, strict=False)]
    plain, timed = (turns_of(some).ranked(counts_seconds=False) for some in (trials, changed))
    assert plain == timed


@given(TRIALS)
def test_a_new_best_raises_the_promise_of_its_space_over_that_of_another_draw(trials):
    name = trials[0][0]
    best = min(score for _, score, _ in trials)
    worst = max(score for _, score, _ in trials)
    assume(worst > best)
    improved = turns_of([*trials, (name, best, 1.0)]).promises(counts_seconds=False)[name]
    wasted = turns_of([*trials, (name, worst, 1.0)]).promises(counts_seconds=False)[name]
    assert improved >= wasted
