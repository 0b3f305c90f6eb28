"""What a run is made of."""

import math
import posixpath
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_search import (
    FINGERPRINT,
    STACK,
    STARTED,
    search_end,
    search_record,
    trial_end,
    trial_record,
    usage_readings,
)

from autokeras_lite.tracking import names
from autokeras_lite.tracking.entries import (
    MAX_NAME_LENGTH,
    MAX_PARAMETER_LENGTH,
    MAX_TAG_LENGTH,
    search_end_entries,
    search_start_entries,
    summary,
    trial_end_entries,
    trial_start_entries,
    usage_entries,
)
from autokeras_lite.trial import Cause, Curve, FailedAttempt

ATTEMPT = FailedAttempt(4, 8, Cause.OUT_OF_MEMORY_HOST, "no memory\nleft")


def points_of(end, key):
    return [point for point in trial_end_entries(STARTED, end).points if point.key == key]


def test_structure_and_recipe_of_a_trial_are_told_apart():
    params = trial_start_entries(search_record(), trial_record(0)).params

    assert params["structure.depth"] == "2"
    assert params["structure.widths"] == "[64, 32]"
    assert params["recipe.dropout"] == "0.25"
    assert params["structure.batch_size"] == "256"
    assert params["recipe.learning_rate"] == "0.001"


def test_a_stack_of_layers_is_flattened_by_its_positions():
    record = trial_record(0, STACK, recipe_names=frozenset({"stack.0.rate"}))
    params = trial_start_entries(search_record(), record).params

    assert params["structure.stack.0.units"] == "64"
    assert params["structure.stack.1.kind"] == "Dropout"
    assert params["recipe.stack.0.rate"] == "0.5"
    assert params["structure.stack.1.rate"] == "0.1"


def test_everything_below_a_recipe_field_is_recipe():
    record = trial_record(0, STACK, recipe_names=frozenset({"stack"}))
    params = trial_start_entries(search_record(), record).params

    assert params["recipe.stack.0.units"] == "64"


def test_a_trial_can_be_grouped_by_its_tags():
    tags = trial_start_entries(search_record(), trial_record(5)).tags

    assert tags == {
        "akl.kind": "trial",
        "akl.search": "adult",
        "akl.trial": "5",
        "akl.cohort": "4",
        "akl.lane": "1",
        "akl.family": "tabular_mlp",
        "akl.space": "quick",
        "akl.origin": "tpe",
        "akl.seed": "7",
        "akl.data_fingerprint": FINGERPRINT,
    }


def test_a_trial_tells_the_attempts_that_failed_before_it():
    alone = FailedAttempt(5, 1, Cause.SIGNAL, "signal 9")
    tags = trial_end_entries(STARTED, trial_end(0, earlier=(ATTEMPT, alone))).tags

    assert tags["akl.attempts"] == "3"
    assert tags["akl.earlier_attempts"].splitlines() == [
        "cohort 4, with 8 lanes: OUT_OF_MEMORY_HOST: no memory left",
        "cohort 5, alone: SIGNAL: signal 9",
    ]


@pytest.mark.parametrize(("epochs", "rung"), [(1, "0"), (2, "1"), (6, "1"), (7, "2"), (20, "2")])
def test_a_trial_tells_on_how_many_rungs_it_stood(epochs, rung):
    end = replace(trial_end(0, Cause.PRUNED, epochs=epochs), rungs=(2, 7))

    assert trial_end_entries(STARTED, end).tags["akl.rung"] == rung


def test_a_trial_without_rungs_tells_none():
    assert "akl.rung" not in trial_end_entries(STARTED, trial_end(0)).tags


def test_throughput_counts_the_training_rows_of_every_epoch_and_fold():
    points = trial_end_entries(STARTED, trial_end(0), training_rows=80.0).points

    assert [p.value for p in points if p.key == "rows_per_second"] == [80 * 2 * 3 / 1.5]


@pytest.mark.parametrize(("rows", "cause"), [(0.0, Cause.OK), (80.0, Cause.DIVERGED)])
def test_without_rows_or_without_a_score_there_is_no_throughput(rows, cause):
    points = trial_end_entries(STARTED, trial_end(0, cause), training_rows=rows).points

    assert [p for p in points if p.key == "rows_per_second"] == []


def test_runs_are_found_by_the_uid_of_their_search():
    search = search_record(uid="a1")

    assert search_start_entries(search).tags["akl.search_uid"] == "a1"
    assert trial_start_entries(search, trial_record(5)).tags["akl.trial_uid"] == "a1/5"


def test_a_curve_has_one_point_for_each_epoch_counted_from_1():
    points = points_of(trial_end(0), names.EPOCH_VALIDATION_LOSS)

    assert [(point.step, point.value) for point in points] == [(1, 0.8), (2, 0.6), (3, 0.65)]
    assert points[-1].seconds == STARTED + 10
    assert points[0].seconds < points[1].seconds


@pytest.mark.parametrize("cause", list(Cause))
def test_only_a_trial_that_did_not_fail_has_a_score(cause):
    scores = [point.value for point in points_of(trial_end(0, cause), names.SCORE)]

    assert scores == ([] if cause.status == "failed" else [0.9])
    assert trial_end_entries(STARTED, trial_end(0, cause)).tags["akl.cause"] == cause.value


def test_a_single_fold_is_not_repeated_as_a_fold_score():
    assert points_of(trial_end(0, fold_scores=(0.9,)), names.FOLD_SCORE) == []
    assert [point.step for point in points_of(trial_end(0), names.FOLD_SCORE)] == [0, 1]


def test_values_that_no_axis_can_show_are_left_out():
    curve = Curve((math.nan, math.inf, 0.4), (-math.inf,), ())
    points = trial_end_entries(STARTED, trial_end(0, curve=curve, seconds=math.inf)).points

    assert all(math.isfinite(point.value) for point in points)
    assert [(p.step, p.value) for p in points if p.key == names.EPOCH_LOSS] == [(3, 0.4)]


def test_metrics_of_a_search_that_are_not_finite_are_left_out():
    points = search_end_entries(search_record(), search_end(metrics={"score": math.nan, "seconds": 3.0})).points

    assert [(point.key, point.value) for point in points] == [("seconds", 3.0)]


def test_long_values_are_cut_visibly():
    long = "x" * 10_000
    params = trial_start_entries(search_record(), trial_record(0, {"note": long})).params
    tags = trial_end_entries(STARTED, trial_end(0, Cause.EXCEPTION, message=long)).tags

    assert len(params["structure.note"]) == MAX_PARAMETER_LENGTH
    assert len(tags["akl.message"]) == MAX_TAG_LENGTH
    assert tags["akl.message"].endswith("…")


@given(st.text(min_size=1, max_size=400))
@settings(max_examples=200, deadline=None)
def test_any_name_becomes_one_that_mlflow_takes(key):
    params = search_start_entries(search_record(params={key: 1})).params
    written = next(iter(params))

    assert set(written) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./ :")
    assert len(written) <= MAX_NAME_LENGTH
    assert posixpath.normpath(written) == written
    assert not written.startswith(("/", ".."))


def test_tags_of_the_search_get_our_prefix_once():
    tags = search_start_entries(search_record(tags={"version.keras": "3", "akl.version.tensorflow": "2"})).tags

    assert tags["akl.version.keras"] == "3"
    assert tags["akl.version.tensorflow"] == "2"


def test_the_summary_names_the_winner_and_every_baseline():
    text = summary(search_record(), search_end())

    assert "best network: 0.9, trial 0" in text
    assert "baseline linear: 0.87" in text
    assert "trials: 1 completed, 1 failed" in text


def test_the_summary_takes_no_markup_from_names():
    end = search_end(metrics={"baseline.<img src=x>[a](b)": 1.0})

    assert not set("<>[]()") & set(summary(search_record(), end).partition("\n")[2])


def test_every_name_that_is_written_stands_in_the_table():
    record, search = trial_record(0), search_record(uid="a1")
    everything = {
        "search": (search_start_entries(search), search_end_entries(search, search_end())),
        "trial": (
            trial_start_entries(search, record),
            trial_end_entries(STARTED, trial_end(0, Cause.TIMEOUT, earlier=(ATTEMPT,))),
        ),
    }
    for runs, parts in everything.items():
        for part in parts:
            keys = {names.PARAMETER: part.params, names.TAG: part.tags, names.METRIC: {p.key for p in part.points}}
            for what, written in keys.items():
                rows = [row for row in names.NAMES if row.what == what and row.runs in (runs, "both")]
                assert [key for key in written if not any(row.covers(key) for row in rows)] == []


def test_the_use_of_the_machine_has_moments_and_the_seconds_of_the_search_as_steps():
    points = [point for point in usage_entries(usage_readings(10, 20)).points if point.key.endswith("percentage")]

    assert [(point.key, point.step, point.seconds) for point in points] == [
        ("system/cpu_utilization_percentage", 10, STARTED + 10),
        ("system/cpu_utilization_percentage", 20, STARTED + 20),
    ]
