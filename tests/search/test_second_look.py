"""The best few are scored once more before one of them wins, if there are enough trials and there is time."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from search_fakes import LeavingExecutor, make_loop
from test_finalists import made_up, trial

from autokeras_lite.config import Budget
from autokeras_lite.search.clock import Clock
from autokeras_lite.search.finalists import Rescoring
from autokeras_lite.search.second_look import look_again, reserve_second_look
from autokeras_lite.trial import Cause, TrialOutcome


def scored_trials(number, *, seconds=1.0, best=1):
    """Trials of two structures in turn, all near each other, of which `best` leads."""
    trials = []
    for n in range(1, number + 1):
        score = 0.9 if n == best else 0.9 - 0.001 * n
        spec, outcome = trial(n, score, folds=(score - 0.05, score + 0.05), depth=1 + n % 2)
        trials.append((spec, replace(outcome, seconds=seconds, lanes=2)))
    return trials


def searched(tmp_path, trials, prepared, *, fresh=None, clock=None):
    """A search that has finished these trials, whose executor gives fresh scores by number (by default the same)."""
    known = {spec.number: outcome.score for spec, outcome in trials}

    def script(spec):
        score = (fresh or known).get(spec.number)
        cause = Cause.DIVERGED if score is None else Cause.OK
        return TrialOutcome(spec.number, cause, score=score, fold_scores=() if score is None else (score,) * 5)

    executor = LeavingExecutor(script)
    loop = make_loop(tmp_path, executor, clock=clock)
    loop.course.finished += trials
    loop.course.crown(max(trials, key=lambda one: one[1].score))
    for spec, _ in trials:
        folder = loop.around.folder.trial(spec.number)
        folder.mkdir(parents=True)
        (folder / "weights-0.npz").touch()
    prepared.data.write(loop.around.folder.data)
    return loop, executor


@pytest.fixture(scope="module")
def few_rows():
    return made_up()


def test_a_finalist_that_is_better_on_fresh_folds_wins(tmp_path, few_rows):
    loop, executor = searched(tmp_path, scored_trials(9), few_rows[0], fresh={1: 0.6, 2: 0.7, 3: 0.6, 4: 0.6, 5: 0.6})
    look = look_again(*few_rows, loop.around, loop.course)
    assert look.winner[0].number == 2
    assert look.scores[2] == 0.7
    assert all(len(cohort.folds) > 1 and not cohort.rungs for cohort in executor.cohorts)
    assert "trial 2" in look.describe(few_rows[0].task)
    assert not loop.around.folder.second_look.exists()


def test_finalists_of_one_structure_train_together(tmp_path, few_rows):
    loop, executor = searched(tmp_path, scored_trials(9), few_rows[0])
    look = look_again(*few_rows, loop.around, loop.course)
    assert len(executor.cohorts) == 2
    assert sum(len(cohort.specs) for cohort in executor.cohorts) == len(look.scores)
    assert all(cohort.number < 0 for cohort in executor.cohorts)


def test_the_leader_stays_when_it_is_as_good_again(tmp_path, few_rows):
    loop, _ = searched(tmp_path, scored_trials(9, best=4), few_rows[0])
    assert look_again(*few_rows, loop.around, loop.course).winner[0].number == 4


def test_a_finalist_that_fails_does_not_win_and_is_not_told(tmp_path, few_rows):
    loop, _ = searched(tmp_path, scored_trials(9), few_rows[0], fresh={1: 0.7, 3: 0.6, 4: 0.6, 5: 0.6})
    look = look_again(*few_rows, loop.around, loop.course)
    assert look.winner[0].number == 1
    assert 2 not in look.scores


def test_few_trials_are_not_scored_again(tmp_path, few_rows):
    loop, executor = searched(tmp_path, scored_trials(7), few_rows[0])
    look = look_again(*few_rows, loop.around, loop.course)
    assert (look.winner[0].number, dict(look.scores), executor.cohorts) == (1, {}, [])


def test_other_seeds_score_where_no_other_rows_would_be_fair(tmp_path):
    prepared, config = made_up(validation="3", time_column="t")
    loop, executor = searched(tmp_path, scored_trials(9), prepared, fresh=dict.fromkeys(range(1, 50), 0.5))
    look = look_again(prepared, config, loop.around, loop.course)
    assert look.winner[0].number == 1
    seeds = [spec.seed for cohort in executor.cohorts for spec in cohort.specs]
    assert len(set(seeds)) == len(seeds) == 2 * len(look.scores)
    assert "seeds" in look.describe(prepared.task)


def test_whoever_asks_for_the_end_gets_the_leader(tmp_path, few_rows):
    loop, executor = searched(tmp_path, scored_trials(9), few_rows[0])
    loop.around.stop.ask()
    assert look_again(*few_rows, loop.around, loop.course).winner[0].number == 1
    assert not executor.cohorts


def limited(seconds, elapsed=0.0):
    return Clock(Budget(seconds=seconds), 0.0, now=lambda: elapsed)


@given(st.floats(0.01, 100.0), st.floats(20.0, 1000.0), st.integers(1, 20))
def test_a_tenth_of_the_limit_at_most_is_kept_free_and_nothing_for_less_than_two(tmp_path_factory, cost, limit, number):
    clock = limited(limit)
    loop = make_loop(tmp_path_factory.mktemp("search"), LeavingExecutor(), clock=clock)
    loop.course.finished += scored_trials(number, seconds=cost)
    reserve_second_look(loop.course, clock, Rescoring(folds=2))
    kept = clock.second_look_seconds
    assert kept <= 0.1 * limit
    assert kept == 0 or kept >= 2 * cost * (1 - 1e-9)
    assert kept > 0 or number < 8 or 2 * cost > 0.1 * limit


def test_nothing_is_scored_again_when_there_is_no_time_for_two(tmp_path, few_rows):
    loop, executor = searched(tmp_path, scored_trials(9, seconds=30.0), few_rows[0], clock=limited(60.0, 40.0))
    look = look_again(*few_rows, loop.around, loop.course)
    assert (look.winner[0].number, executor.cohorts) == (1, [])
    assert loop.around.clock.second_look_seconds == 0.0


def test_without_a_limit_nothing_needs_to_be_kept_free(tmp_path):
    clock = Clock(Budget(trials=20), 0.0, now=lambda: 0.0)
    loop = make_loop(tmp_path, LeavingExecutor(), clock=clock)
    loop.course.finished += scored_trials(9)
    reserve_second_look(loop.course, clock, Rescoring(folds=5))
    assert clock.tail_seconds < math.inf
    assert clock.second_look_seconds == 0.0
