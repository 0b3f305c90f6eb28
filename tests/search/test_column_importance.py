"""Laws of the importance of columns, on functions in place of models."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.errors import DataError
from autokeras_lite.search import column_importance as module
from autokeras_lite.search.column_importance import COLUMNS, affordable_rows, column_importance
from autokeras_lite.tasks.task import Task, TaskKind

VALUE = Task(TaskKind.REGRESSION, ("y",), "mae", "minimize")
CHANCE = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))


def make_rows(num_rows: int = 200, seed: int = 0) -> pd.DataFrame:
    generator = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "number": generator.normal(size=num_rows),
            "word": generator.choice(["a", "b", "c"], num_rows),
            "gaps": np.where(generator.random(num_rows) < 0.3, np.nan, generator.normal(size=num_rows)),
        }
    )


def chance(frame: pd.DataFrame) -> np.ndarray:
    """Go mostly by the number, a little by the word, and not by the gaps."""
    logits = 3 * frame["number"].to_numpy() + (frame["word"] == "a").to_numpy()
    return (1 / (1 + np.exp(-logits)))[:, None]


def draw_labels(rows: pd.DataFrame, seed: int = 1) -> np.ndarray:
    return (np.random.default_rng(seed).random(len(rows)) < chance(rows)[:, 0]).astype(int)


def measure(rows: pd.DataFrame, *, repeats: int = 4, seed: int = 0, seconds: float | None = None) -> pd.DataFrame:
    return column_importance(chance, rows, draw_labels(rows), CHANCE, repeats=repeats, seed=seed, seconds=seconds)


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), num_rows=st.integers(30, 300), repeats=st.integers(1, 6))
def test_what_holds_for_any_rows(seed: int, num_rows: int, repeats: int) -> None:
    found = measure(make_rows(num_rows, seed), repeats=repeats, seed=seed)
    assert tuple(found) == COLUMNS
    assert sorted(found["column"]) == ["gaps", "number", "word"]
    assert (found["low"] <= found["importance"]).all()
    assert (found["importance"] <= found["high"]).all()
    assert found["importance"].is_monotonic_decreasing
    assert (found["repeats"] == repeats).all()
    ignored = found.set_index("column").loc["gaps"]
    assert (ignored[["low", "importance", "high"]] == 0).all()
    assert found["column"][0] == "number"


def test_importance_is_the_mean_drop_of_the_metric_in_its_better_direction() -> None:
    rows = make_rows(50)
    truth = rows[["number"]].to_numpy()
    found = column_importance(lambda frame: frame[["number"]].to_numpy(), rows, truth, VALUE, repeats=3, seed=7)
    orders = [np.random.default_rng([7, repeat, 0]).permutation(50) for repeat in range(3)]
    expected = np.mean([np.abs(truth[order] - truth).mean() for order in orders])
    assert found["column"][0] == "number"
    assert found["importance"][0] == pytest.approx(expected)
    assert expected > 0


def test_the_interval_narrows_with_more_rows_and_holds_what_other_rows_give() -> None:
    few, many = (measure(make_rows(size), seed=3).set_index("column").loc["number"] for size in (100, 3000))
    assert many["high"] - many["low"] < (few["high"] - few["low"]) / 2
    assert few["low"] < many["importance"] < few["high"]


def test_most_intervals_of_few_rows_hold_the_importance_of_many() -> None:
    many = measure(make_rows(4000, 99)).set_index("column")["importance"]["word"]
    few = [measure(make_rows(200, seed), seed=seed).set_index("column").loc["word"] for seed in range(12)]
    assert sum(interval["low"] <= many <= interval["high"] for interval in few) >= 8


def test_it_is_deterministic_and_depends_on_the_seed() -> None:
    rows = make_rows()
    pd.testing.assert_frame_equal(measure(rows), measure(rows))
    assert not measure(rows, seed=1).equals(measure(rows))


def test_two_columns_of_one_name_are_shuffled_apart() -> None:
    rows = make_rows()
    twice = pd.concat([rows["gaps"].rename("x"), rows["number"].rename("x")], axis=1)
    found = column_importance(
        lambda frame: frame.iloc[:, [1]].to_numpy(), twice, rows[["number"]].to_numpy(), VALUE, repeats=2, seed=0
    )
    assert list(found["column"]) == ["x", "x"]
    assert found["importance"][0] > 0.5
    assert found["importance"][1] == 0


def test_what_the_model_gets_keeps_its_types_and_the_rows_that_came_stay_as_they_are() -> None:
    rows = make_rows().assign(day=pd.Timestamp("2020-01-01"), kind=pd.Categorical(["p", "q"] * 100))
    before, seen = rows.copy(), []

    def predict(frame: pd.DataFrame) -> np.ndarray:
        seen.append(frame.dtypes)
        return chance(frame)

    column_importance(predict, rows, draw_labels(rows), CHANCE, repeats=1, seed=0)
    assert all(dtypes.equals(rows.dtypes) for dtypes in seen)
    assert len(seen) == 1 + rows.shape[1]
    pd.testing.assert_frame_equal(rows, before)


def test_many_rows_are_sampled() -> None:
    rows, sizes = make_rows(9000), set()

    def predict(frame: pd.DataFrame) -> np.ndarray:
        sizes.add(len(frame))
        return chance(frame)

    column_importance(predict, rows, draw_labels(rows), CHANCE, repeats=1, seed=0)
    assert sizes == {affordable_rows(9000, 3)}
    assert affordable_rows(9000, 3) < 9000


@pytest.mark.parametrize(
    ("steps", "expected"), [(0, {}), (2, {"number": 1, "word": 1}), (5, {"number": 2, "word": 2, "gaps": 1})]
)
def test_when_the_time_is_over_it_returns_what_was_done(
    monkeypatch: pytest.MonkeyPatch, steps: int, expected: dict[str, int]
) -> None:
    """Every look at the clock moves it by a second; the first one is at the start."""
    clock = iter(range(1000))
    monkeypatch.setattr(module, "monotonic", lambda: float(next(clock)))
    found = measure(make_rows(), seconds=steps + 0.5)
    assert dict(zip(found["column"], found["repeats"], strict=True)) == expected
    if steps == 2:
        whole = column_importance(chance, make_rows(), draw_labels(make_rows()), CHANCE, repeats=1, seed=0)
        pd.testing.assert_frame_equal(found, whole[whole["column"] != "gaps"], check_index_type=False)


def test_rows_of_one_class_are_refused_where_the_metric_needs_two() -> None:
    rows = make_rows()
    with pytest.raises(DataError, match="roc_auc is undefined for these 200 rows"):
        column_importance(chance, rows, np.zeros(200, int), CHANCE, repeats=1, seed=0)


def test_draws_that_lack_a_class_do_not_count() -> None:
    rows = make_rows(60)
    labels = np.zeros(60, int)
    labels[np.argmax(rows["number"])] = 1
    found = column_importance(chance, rows, labels, CHANCE, repeats=2, seed=0)
    assert all(math.isfinite(value) for value in found[["importance", "low", "high"]].to_numpy().ravel())
