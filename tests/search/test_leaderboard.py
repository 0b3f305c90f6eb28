import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.search.leaderboard import COLUMNS, flatten_config, make_leaderboard
from autokeras_lite.trial import Cause, TrainingConfig, TrialOutcome, TrialSpec

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
