"""A schedule that is shortened on the way: the trial goes on by the new one, and ends where that ends."""

import numpy as np
import pytest
from cohort_laws import assert_same, trained
from small_data import TASKS, make_data, make_spec

from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training import cohort as cohort_module
from autokeras_lite.training.cohort import train_cohort
from autokeras_lite.training.schedules import rate_factors
from autokeras_lite.trial import Cause, Cohort, Directive, Length

KIND = TaskKind.BINARY


def shortening(at, length):
    told = []

    def report(said):
        told.append(said)
        return Directive(length=length if said.epoch == at else None)

    return report, told


@pytest.fixture(scope="module")
def data():
    return make_data(KIND)


def test_a_shortened_trial_equals_one_that_was_short_from_the_start_where_the_rate_is_constant(data, make_job):
    specs = tuple(
        make_spec(n, epochs=9, patience=9, schedule="constant", learning_rate=0.01 * (n + 1)) for n in range(2)
    )
    job = make_job(data, TASKS[KIND], specs)
    report, told = shortening(2, Length(5))
    outcomes = train_cohort(job, report)
    long = [trained(job, n, KIND) for n in range(2)]
    short = make_job(
        data,
        TASKS[KIND],
        tuple(make_spec(n, epochs=5, patience=9, schedule="constant", learning_rate=0.01 * (n + 1)) for n in range(2)),
    )
    train_cohort(short, lambda said: Directive())
    assert [(outcome.epochs, outcome.cause) for outcome in outcomes] == [(5, Cause.OK)] * 2
    for n in range(2):
        assert_same(long[n], trained(short, n, KIND), tolerance=0.0)
    assert [said.epochs for said in told] == [9, 9, 5, 5]


def test_the_rates_after_it_are_those_of_the_new_schedule(data, make_job, monkeypatch):
    seen = []

    def spy(config, epoch, steps):
        seen.append(rate_factors(config, epoch, steps))
        return seen[-1]

    monkeypatch.setattr(cohort_module, "rate_factors", spy)
    spec = make_spec(0, epochs=40, patience=40, schedule="cosine")
    report, _ = shortening(3, Length(6))
    train_cohort(make_job(data, TASKS[KIND], (spec,)), report)
    (cohort,) = {len(factors) for factors in seen}
    short, long = (make_spec(0, epochs=n, schedule="cosine").training for n in (6, 40))
    expected = [rate_factors(long if epoch < 3 else short, epoch, cohort) for epoch in range(6)]
    np.testing.assert_array_equal(seen, expected)
    assert seen[-1][-1] < 0.1


def test_it_is_asked_at_the_new_rungs(data, make_job):
    spec = make_spec(0, epochs=40, patience=40)
    report, told = shortening(1, Length(6, rungs=(3,)))
    train_cohort(make_job(data, TASKS[KIND], (spec,), rungs=(8, 20)), report)
    assert {said.epoch: said.rung for said in told} == {1: None, 2: None, 3: 0, 4: None, 5: None}


def test_directives_add_up():
    first, second = Directive(frozenset({1}), length=Length(5)), Directive(frozenset({2}), cancel=True)
    assert first | second == Directive(frozenset({1, 2}), cancel=True, length=Length(5))
    assert (first | Directive(length=Length(4))).length == Length(4)


def test_a_shortened_cohort_has_the_same_trials():
    specs = tuple(make_spec(n, epochs=9) for n in range(3))
    short = Cohort(1, specs, batch_seed=0, rungs=(3,)).shortened(Length(4, (2,)))
    assert [spec.training.epochs for spec in short.specs] == [4, 4, 4]
    assert ([spec.config for spec in short.specs], short.rungs) == ([spec.config for spec in specs], (2,))
