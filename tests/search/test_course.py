from dataclasses import replace

import optuna
import pytest
from search_fakes import LOSS_TASK, TASK, diverging, failing, open_study, scored, small_space

from autokeras_lite.execution.executor import CohortResult
from autokeras_lite.search.course import Course, Plan, Streak
from autokeras_lite.search.proposer import Proposer
from autokeras_lite.trial import Cause, EpochReport, TrialOutcome


@pytest.fixture
def course(tmp_path) -> Course:
    return make_course(tmp_path)


def make_course(folder, task=TASK) -> Course:
    plan = Plan(seed=3, num_folds=2, num_rows=100, trials=20)
    return Course(task, plan, Proposer([open_study(small_space(), folder, task=task)], task))


def report(cohort: int, rung: int, scores) -> EpochReport:
    return EpochReport(cohort, 3, 30, scores, scores, 0.0, rung)


def ended(course, running, outcome=scored):
    return course.end(running.cohort.number, [outcome(spec) for spec in running.cohort.specs])


def lost(running) -> CohortResult:
    outcomes = tuple(TrialOutcome(s.number, Cause.SIGNAL, message="killed") for s in running.cohort.specs)
    return CohortResult(running.cohort, outcomes)


# Beginning -----------------------------------------------------------------------------------------------------------


def test_trials_and_cohorts_are_numbered_from_one_in_the_order_in_which_they_begin(course):
    numbers = [[s.number for s in course.begin(n).cohort.specs] for n in (2, 1, 3)]
    assert numbers == [[1, 2], [3], [4, 5, 6]]
    assert list(course.running) == [1, 2, 3]
    assert course.num_under_way == 6


def test_every_trial_has_a_seed_of_its_own_and_a_cohort_has_every_fold(course):
    specs = [spec for n in (2, 3) for spec in course.begin(n).cohort.specs]
    assert len({spec.seed for spec in specs}) == len(specs)
    assert course.running[1].cohort.folds == (0, 1)


def test_nothing_begins_when_no_lanes_are_given_out(course):
    assert course.begin(0) is None
    assert course.begin(-3) is None
    assert course.begin(1).cohort.number == 1


# Ending --------------------------------------------------------------------------------------------------------------


def test_only_trials_that_came_to_a_score_count_and_each_counts_once(course):
    ended(course, course.begin(3))
    ended(course, course.begin(2), diverging)
    running = course.begin(2)
    retry = course.retry_of(lost(running))
    course.try_again(lost(running), retry)
    assert course.num_counted == 3
    assert course.num_under_way == 2
    for _ in range(2):
        ended(course, course.begin(5))
    assert course.num_counted == 5
    assert course.num_under_way == 0
    assert sorted(spec.number for spec, _ in course.finished) == list(range(1, 8))


@pytest.mark.parametrize(("task", "best"), [(TASK, 1), (LOSS_TASK, 3)])
def test_it_is_told_who_leads(task, best, tmp_path):
    course = make_course(tmp_path, task)
    told = ended(course, course.begin(3))
    assert [is_best for _, is_best in told] == ([True, False, False] if best == 1 else [True, True, True])
    assert course.best[0].number == best


def test_of_equal_scores_the_first_by_number_leads_whichever_ended_first(course):
    first, second = course.begin(1), course.begin(1)
    same = TrialOutcome(0, Cause.OK, score=0.5)
    ended(course, second, lambda spec: replace(same, number=spec.number))
    ended(course, first, lambda spec: replace(same, number=spec.number))
    assert course.best[0].number == 1


def test_what_counts_for_now_may_lead(course):
    course.begin(1)
    course.end_for_now(1, [TrialOutcome(1, Cause.CANCELLED, score=0.9)])
    assert course.best[1].score == 0.9
    assert course.running == {}


# Attempts ------------------------------------------------------------------------------------------------------------


def test_trials_that_are_tried_again_come_before_new_ones_with_the_same_numbers_and_seeds(course):
    running = course.begin(3)
    course.try_again(lost(running), course.retry_of(lost(running)))
    assert course.has_waiting
    again = [course.begin(8).cohort for _ in range(3)]
    assert [cohort.specs for cohort in again] == [(spec,) for spec in running.cohort.specs]
    assert [cohort.number for cohort in again] == [2, 3, 4]
    assert {cohort.batch_seed for cohort in again} == {running.cohort.batch_seed}
    assert not course.has_waiting


def test_an_outcome_tells_of_the_attempts_that_went_before(course):
    running = course.begin(2)
    course.try_again(lost(running), course.retry_of(lost(running)))
    first = course.begin(0)
    course.try_again(lost(first), course.retry_of(lost(first)))
    second, again = course.begin(0), course.begin(0)
    (one,) = course.outcomes_of(CohortResult(second.cohort, tuple(scored(s) for s in second.cohort.specs)))
    (other,) = course.outcomes_of(CohortResult(again.cohort, tuple(scored(s) for s in again.cohort.specs)))
    by_number = {outcome.number: [(a.cohort, a.lanes, a.message) for a in outcome.earlier] for outcome in (one, other)}
    assert by_number == {1: [(1, 2, "killed"), (2, 1, "killed")], 2: [(1, 2, "killed")]}


def test_a_trial_that_is_not_tried_again_ends_as_its_last_attempt_did(course):
    running = course.begin(2)
    course.try_again(lost(running), course.retry_of(lost(running)))
    outcomes = course.last_failures(course.begin(0).cohort)
    assert [(o.number, o.cause, o.message) for o in outcomes] == [(1, Cause.SIGNAL, "killed")]


# Rungs ---------------------------------------------------------------------------------------------------------------


def test_a_rung_is_judged_once_and_the_answer_stays(course):
    running = course.begin(4)
    first = report(1, 0, {spec.number: float(spec.number) for spec in running.cohort.specs})
    assert not course.was_judged(first)
    verdict = course.judge(first)
    assert verdict == {1, 2}
    assert course.was_judged(first)
    turned = report(1, 0, {number: -score for number, score in first.scores.items()})
    assert course.judge(turned) == verdict
    assert not course.was_judged(report(1, 1, {}))


def test_a_trial_that_is_tried_again_stands_on_a_rung_once_for_the_sampler(course, tmp_path):
    running = course.begin(2)
    course.judge(report(1, 0, {1: 0.5, 2: 0.25}))
    course.try_again(lost(running), course.retry_of(lost(running)))
    course.begin(0)
    course.judge(report(2, 0, {1: 0.75}))
    ended(course, course.running[2])
    course.proposer.close()
    (trial,) = optuna.load_study(study_name="wide", storage=f"sqlite:///{tmp_path / 'study.db'}").get_trials()
    assert trial.intermediate_values == {0: 0.5}


# Streaks -------------------------------------------------------------------------------------------------------------


def seen(*outcomes) -> Streak:
    streak = Streak()
    for number, one in enumerate(outcomes):
        streak.see(one, number)
    return streak


BAD = (TrialOutcome(1, Cause.DIVERGED), TrialOutcome(2, Cause.DIVERGED))


def test_six_cohorts_in_a_row_that_fail_for_one_cause_are_hopeless():
    assert not seen(*[BAD] * 5).is_hopeless
    assert seen(*[BAD] * 6).is_hopeless


@pytest.mark.parametrize(
    "other",
    [
        (TrialOutcome(1, Cause.EXCEPTION),),
        (TrialOutcome(1, Cause.DIVERGED), TrialOutcome(2, Cause.EXCEPTION)),
        (TrialOutcome(1, Cause.DIVERGED), TrialOutcome(2, Cause.PRUNED, score=0.5)),
        (TrialOutcome(1, Cause.OK, score=0.5),),
        (TrialOutcome(1, Cause.CANCELLED, score=0.5),),
    ],
)
def test_anything_else_ends_a_streak(other):
    assert not seen(*[BAD] * 5, other, *[BAD] * 5).is_hopeless


def test_trials_of_one_cohort_that_fail_again_one_by_one_are_one_failure(course):
    running = course.begin(9)
    result = CohortResult(running.cohort, tuple(failing(spec) for spec in running.cohort.specs))
    course.try_again(result, course.retry_of(result))
    while course.has_waiting:
        ended(course, course.begin(0), failing)
    assert not course.streak.is_hopeless
