"""What predicting one row took a trial: each lane has its share, and what was compiled meanwhile does not count."""

from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import pytest
from cohort_laws import go_on
from hypothesis import given
from hypothesis import strategies as st
from small_data import ROWS, TASKS, TRAIN, make_data, make_spec

from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training import cohort as cohort_module
from autokeras_lite.training.cohort import train_cohort
from autokeras_lite.training.progress import Group, Lane, TrialProgress
from autokeras_lite.trial import Cause, Directive

KIND = TaskKind.BINARY
times = st.lists(st.floats(1e-6, 1e3), min_size=2, max_size=6)


def lanes_of(number: int) -> list[Lane]:
    return [Lane(TrialProgress(spec=None, monitor=None), model=None, fold=0) for _ in range(number)]


@given(times, st.integers(1, 9), st.integers(1, 10_000))
def test_lanes_share_the_shortest_time_of_all_but_the_first(taken, num_lanes, num_rows):
    group = Group(None, lanes_of(num_lanes))
    group.note_evaluation(taken[0], num_rows)
    assert [lane.row_seconds for lane in group.members] == [None] * num_lanes
    for seconds in taken[1:]:
        group.note_evaluation(seconds, num_rows)
    expected = min(taken[1:]) / num_rows / num_lanes
    assert [lane.row_seconds for lane in group.members] == [pytest.approx(expected)] * num_lanes


def test_lanes_that_have_ended_take_their_share_and_keep_their_time():
    group = Group(None, lanes_of(4))
    for seconds in (9.0, 4.0):
        group.note_evaluation(seconds, 10)
    group.members[0].trial.cause = Cause.OK
    group.note_evaluation(2.0, 10)
    assert [lane.row_seconds for lane in group.members] == [0.1, 0.05, 0.05, 0.05]


def test_a_new_program_compiles_anew_and_the_times_before_it_count():
    lanes = lanes_of(2)
    before = Group(None, lanes)
    for seconds in (9.0, 4.0):
        before.note_evaluation(seconds, 10)
    smaller = Group(None, lanes[:1])
    smaller.note_evaluation(0.1, 10)
    assert lanes[0].row_seconds == 0.2
    smaller.note_evaluation(1.0, 10)
    assert [lane.row_seconds for lane in lanes] == [0.1, 0.2]


@pytest.fixture
def ticking(monkeypatch):
    """A clock that ticks when it is read: each evaluation takes one second."""
    monkeypatch.setattr(cohort_module, "time", SimpleNamespace(monotonic=lambda: 0.0, perf_counter=count(1).__next__))


@pytest.mark.slow
@pytest.mark.parametrize("folds", [1, 2])
def test_an_outcome_tells_what_a_row_took_by_the_clock(make_job, ticking, folds):
    specs = tuple(make_spec(n, epochs=3, patience=3) for n in range(2))
    outcomes = train_cohort(make_job(make_data(KIND, folds=folds), TASKS[KIND], specs), go_on)
    share = pytest.approx(1.0 / (ROWS - TRAIN) / (2 * folds))
    assert [outcome.row_seconds for outcome in outcomes] == [share, share]


@pytest.mark.slow
def test_what_was_measured_before_an_interruption_counts(make_job, ticking, tmp_path):
    """The only epoch that is left compiles anew, and would tell nothing."""

    def die_in_the_third(report):
        if report.epoch == 3:
            raise KeyboardInterrupt
        return Directive()

    job = make_job(make_data(KIND), TASKS[KIND], (make_spec(0, epochs=4, patience=4),))
    job = replace(job, checkpoint_folder=tmp_path / "checkpoints")
    with pytest.raises(KeyboardInterrupt):
        train_cohort(job, die_in_the_third, checkpoint_seconds=0.0)
    (outcome,) = train_cohort(job, cancel_at_once, checkpoint_seconds=0.0)
    assert outcome.epochs == 3
    assert outcome.row_seconds == pytest.approx(1.0 / (ROWS - TRAIN))


def cancel_at_once(report):
    return Directive(cancel=True)


@pytest.mark.slow
def test_a_trial_of_one_epoch_tells_nothing(make_job):
    job = make_job(make_data(KIND), TASKS[KIND], (make_spec(0, epochs=1),))
    (outcome,) = train_cohort(job, go_on)
    assert (outcome.cause, outcome.row_seconds) == (Cause.OK, None)
