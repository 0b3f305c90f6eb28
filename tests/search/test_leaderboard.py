import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.leaderboard import (
    COLUMNS,
    FAILURE_COLUMNS,
    TRACEBACK_FILE,
    flatten_config,
    make_failures,
    make_leaderboard,
)
from autokeras_lite.trial import Cause, FailedAttempt, TrainingConfig, TrialOutcome, TrialSpec

scores = st.lists(st.none() | st.floats(-100, 100), min_size=1, max_size=12)


def trials_of(values):
    return [
        (
            TrialSpec(number, "space", "tabular_mlp", {"depth": number}, TrainingConfig(), 0, "tpe"),
            TrialOutcome(number, Cause.EXCEPTION if score is None else Cause.OK, score=score),
        )
        for number, score in enumerate(values, start=1)
    ]


@settings(max_examples=30, deadline=None)
@given(scores, st.sampled_from(["maximize", "minimize"]))
def test_the_best_comes_first_and_failures_last(values, direction):
    board = make_leaderboard(trials_of(values), direction)
    shown = [value for value in board["score"] if value is not None and not math.isnan(value)]
    assert shown == sorted(shown, reverse=direction == "maximize")
    assert list(board["status"]) == ["completed"] * len(shown) + ["failed"] * (len(values) - len(shown))
    assert list(board["rank"]) == list(range(1, len(values) + 1))
    assert sorted(board["trial"]) == list(range(1, len(values) + 1))


@pytest.mark.parametrize("direction", ["maximize", "minimize"])
def test_of_equal_scores_the_earlier_trial_stands_first(direction):
    assert list(make_leaderboard(trials_of([0.5, 0.5, None, 0.5, None]), direction)["trial"]) == [1, 2, 4, 3, 5]


def test_after_the_fixed_columns_stand_the_values_of_the_configs():
    board = make_leaderboard(trials_of([0.1, 0.2]), "maximize")
    assert tuple(board.columns[: len(COLUMNS)]) == COLUMNS
    assert list(board["depth"]) == [2, 1]
    assert "learning_rate" in board


def test_an_empty_search_makes_an_empty_board():
    assert tuple(make_leaderboard([], "maximize").columns) == COLUMNS


def test_nested_values_are_named_by_their_path():
    flat = flatten_config({"stack": ({"residual": [{"kind": "Dense", "settings": {"units": 8}}]},), "width": 3})
    assert flat == {"stack.0.residual.0.kind": "Dense", "stack.0.residual.0.settings.units": 8, "width": 3}


def test_failures_are_told_in_order_with_their_attempts_and_the_way_to_the_traceback(tmp_path):
    folder = SearchFolder(tmp_path)
    trials = trials_of([0.5, None, None])
    attempts = (FailedAttempt(1, 4, Cause.LOST, "killed"), FailedAttempt(2, 1, Cause.LOST, "killed"))
    trials[1] = (trials[1][0], TrialOutcome(2, Cause.LOST, message="killed\nby somebody", earlier=attempts))
    folder.trial(3).mkdir(parents=True)
    (folder.trial(3) / TRACEBACK_FILE).write_text("Traceback")
    failures = make_failures(trials, folder)
    assert tuple(failures.columns) == FAILURE_COLUMNS
    assert failures.to_dict("records") == [
        {"trial": 2, "cause": "LOST", "message": "killed", "attempts": 3, "traceback": ""},
        {
            "trial": 3,
            "cause": "EXCEPTION",
            "message": "",
            "attempts": 1,
            "traceback": str(folder.trial(3) / TRACEBACK_FILE),
        },
    ]
    assert list(make_leaderboard(trials, "maximize")["attempts"]) == [1, 3, 1]


def test_without_failures_there_is_an_empty_frame_with_the_same_columns(tmp_path):
    failures = make_failures(trials_of([0.5]), SearchFolder(tmp_path))
    assert len(failures) == 0
    assert tuple(failures.columns) == FAILURE_COLUMNS
