import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.training.monitor import Monitor
from autokeras_lite.trial import TrainingConfig

TASKS = {
    "maximize": Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1)),
    "minimize": Task(TaskKind.BINARY, ("y",), "log_loss", "minimize", (0, 1)),
}
directions = st.sampled_from(sorted(TASKS))
series = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


def follow(scores, direction="maximize", losses=None, **config) -> Monitor:
    """Show a monitor epochs of one fold, or of several where a score is a tuple."""
    monitor = Monitor(TASKS[direction], TrainingConfig(**({"epochs": 100, "patience": 100} | config)))
    for epoch, score in enumerate(scores):
        of_folds = score if isinstance(score, tuple) else (score,)
        loss = 1.0 if losses is None else losses[epoch]
        monitor.see([0.5] * len(of_folds), [loss] * len(of_folds), of_folds)
    return monitor


@settings(max_examples=50, deadline=None)
@given(series, directions)
def test_the_best_epoch_is_the_first_of_the_best_score(scores, direction):
    monitor = follow(scores, direction)
    best = max(scores) if direction == "maximize" else min(scores)
    assert monitor.best_score == best
    assert monitor.best_epoch == 1 + scores.index(best)
    assert monitor.best_fold_scores == (best,)
    assert monitor.epoch == len(scores)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(*[st.floats(-1e3, 1e3)] * 3), min_size=1, max_size=20), directions)
def test_an_epoch_is_as_good_as_the_mean_of_its_folds(scores, direction):
    monitor, means = follow(scores, direction), [float(np.mean(of_folds)) for of_folds in scores]
    best = max(means) if direction == "maximize" else min(means)
    assert (monitor.best_score, monitor.best_epoch) == (best, 1 + means.index(best))
    assert monitor.best_fold_scores == scores[monitor.best_epoch - 1]
    assert monitor.scores == means


def test_of_equal_scores_the_lower_validation_loss_is_better():
    monitor = follow([0.5, 0.9, 0.9, 0.9], losses=[1.0, 0.8, 0.6, 0.7])
    assert (monitor.best_epoch, monitor.best_loss) == (3, 0.6)


def test_of_equal_scores_the_last_is_better_where_the_config_says_so():
    monitor = follow([0.5, 0.9, 0.9, 0.8, 0.9, 0.7], losses=[1.0, 0.8, 0.6, 0.1, 0.9, 0.1], ties="last")
    assert (monitor.best_epoch, monitor.best_score, monitor.best_loss) == (5, 0.9, 0.9)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_score_that_is_no_number_is_divergence_and_never_the_best(bad):
    monitor = follow([0.5, bad])
    assert monitor.has_diverged
    assert (monitor.best_score, monitor.best_epoch) == (0.5, 1)


def test_one_fold_that_diverges_ends_the_trial_and_the_epoch_before_is_kept():
    monitor = follow([(0.5, 0.6, 0.7), (0.9, math.nan, 0.9)])
    assert monitor.has_diverged
    assert (monitor.best_epoch, monitor.best_fold_scores) == (1, (0.5, 0.6, 0.7))


def test_a_loss_that_is_no_number_is_divergence_too():
    monitor = Monitor(TASKS["maximize"], TrainingConfig())
    assert not monitor.has_diverged
    assert not monitor.see([0.5, math.nan], [0.5, 0.5], [0.9, 0.9])
    assert monitor.has_diverged
    assert monitor.best_epoch == 0


def test_patience_counts_epochs_without_a_better_score():
    assert not follow([0.5, 0.6, 0.5, 0.5], patience=3).is_exhausted
    assert follow([0.5, 0.6, 0.5, 0.5, 0.5], patience=3).is_exhausted
    assert not follow([0.5, 0.6, 0.5, 0.5, 0.7], patience=3).is_exhausted


def test_the_schedule_ends_at_its_last_epoch():
    assert not follow([0.1, 0.2], epochs=3).is_exhausted
    assert follow([0.1, 0.2, 0.3], epochs=3).is_exhausted


def test_on_a_plateau_the_rate_is_halved_each_time_a_third_of_the_patience_has_passed():
    factors = [follow([0.9] + [0.5] * n, schedule="plateau", patience=9).rate_factor for n in range(10)]
    assert factors == [1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_a_better_score_starts_the_plateau_anew():
    scores = [0.1, 0.0, 0.0, 0.0, 0.2, 0.0, 0.0, 0.0]
    assert follow(scores, schedule="plateau", patience=9).rate_factor == 1.0


def test_a_plateau_is_one_of_the_mean_and_not_of_a_fold():
    one_rises = [(0.5 + 0.01 * n, 0.5 - 0.02 * n) for n in range(5)]
    mean_rises = [(0.5 - 0.01 * n, 0.5 + 0.02 * n) for n in range(5)]
    assert follow(one_rises, schedule="plateau", patience=9).rate_factor == 0.5
    assert follow(mean_rises, schedule="plateau", patience=9).rate_factor == 1.0


@pytest.mark.parametrize("schedule", ["cosine", "one_cycle", "constant"])
def test_other_schedules_know_no_plateau(schedule):
    assert follow([0.9] + [0.1] * 50, schedule=schedule, patience=3).rate_factor == 1.0
