import json
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.config import Goal
from autokeras_lite.errors import AutokerasLiteError, DataError, TaskError
from autokeras_lite.tasks.infer import MOST_WHOLE_NUMBER_CLASSES, infer_task
from autokeras_lite.tasks.task import Task, TaskKind


def frame(*columns: Any) -> pd.DataFrame:
    return pd.DataFrame({f"y{i}": column for i, column in enumerate(columns)})


ONE_COLUMN = {
    "true_false": ([True, False, True], TaskKind.BINARY, (False, True)),
    "nullable_true_false": (pd.array([True, None, False], dtype="boolean"), TaskKind.BINARY, (False, True)),
    "true_false_with_missing": (pd.Series([True, None, False], dtype=object), TaskKind.BINARY, (False, True)),
    "two_texts": (["yes", "no", None], TaskKind.BINARY, ("no", "yes")),
    "texts_sort_letter_by_letter": (["10", "9", "9"], TaskKind.BINARY, ("10", "9")),
    "three_texts": (["b", "c", "a"], TaskKind.MULTICLASS, ("a", "b", "c")),
    "categories_that_do_not_occur": (pd.Categorical(["b", "a"], ["c", "b", "a"]), TaskKind.BINARY, ("a", "b")),
    "categories_of_numbers": (pd.Categorical([10, 9, 2]), TaskKind.MULTICLASS, (2, 9, 10)),
    "zero_and_one": ([0, 1, 1, 0], TaskKind.BINARY, (0, 1)),
    "whole_floats": ([2.0, 1.0, None, 1.0], TaskKind.BINARY, (1, 2)),
    "nullable_integers": (pd.array([3, 1, None, 1], dtype="Int64"), TaskKind.BINARY, (1, 3)),
    "few_whole_numbers": ([0, 10, 2] * 4, TaskKind.MULTICLASS, (0, 2, 10)),
    "pyarrow_texts": (pd.array(["b", "a"], dtype="string[pyarrow]"), TaskKind.BINARY, ("a", "b")),
    "many_whole_numbers": (list(range(MOST_WHOLE_NUMBER_CLASSES + 1)) * 9, TaskKind.REGRESSION, ()),
    "whole_numbers_that_hardly_repeat": ([5, 9, 1, 7, 7], TaskKind.REGRESSION, ()),
    "fractions": ([0.5, 1.0, 0.5, 1.0], TaskKind.REGRESSION, ()),
    "decimals": ([Decimal("0.5"), Decimal("1.25")], TaskKind.REGRESSION, ()),
    "many_numbers_as_text": ([f"{i}.5" for i in range(30)], TaskKind.REGRESSION, ()),
}


@pytest.mark.parametrize(("values", "kind", "classes"), ONE_COLUMN.values(), ids=ONE_COLUMN.keys())
def test_one_column_asks_for_its_kind(values: Any, kind: TaskKind, classes: tuple[Any, ...]) -> None:
    task = infer_task(frame(values), Goal())
    assert task.kind is kind
    assert task.classes == classes
    assert [type(label) for label in task.classes] == [type(label) for label in classes]
    assert "'y0'" in task.reason
    assert Task.from_json(json.loads(json.dumps(task.to_json()))) == task


def test_several_columns_of_zero_and_one_ask_for_multilabel() -> None:
    task = infer_task(frame([0, 1, 0], [True, False, False], [1.0, None, 0.0]), Goal())
    assert task.kind is TaskKind.MULTILABEL
    assert (task.units, task.metric, task.direction) == (3, "average_precision", "maximize")


def test_rows_with_exactly_one_label_are_multilabel_still() -> None:
    assert infer_task(frame([1, 0, 0], [0, 1, 0], [0, 0, 1]), Goal()).kind is TaskKind.MULTILABEL


def test_several_columns_of_numbers_ask_for_a_regression() -> None:
    task = infer_task(frame([1, 2, 3], [0.5, 0.25, 9]), Goal())
    assert (task.kind, task.units, task.metric, task.direction) == (TaskKind.REGRESSION, 2, "rmse", "minimize")


USUAL = [([0, 1], "roc_auc"), (["a", "b", "c"], "accuracy"), ([0.5, 1.5], "rmse")]


@pytest.mark.parametrize(("values", "metric"), USUAL)
def test_the_usual_metric_follows_the_kind(values: list[Any], metric: str) -> None:
    assert infer_task(frame(values), Goal()).metric == metric


GIVEN = {
    "classes_of_fractions": ([0.5, 1.0, 1.5], "multiclass", (0.5, 1.0, 1.5)),
    "multiclass_of_two": (["a", "b", "a"], "multiclass", ("a", "b")),
    "binary": ([0, 1, 1], "binary", (0, 1)),
    "regression_of_few_numbers": ([0, 1, 1], "regression", ()),
    "regression_of_numbers_as_text": (["1.5", "2", "1e3"], "regression", ()),
    "multilabel_of_one": ([0, 1, 1], "multilabel", ()),
}


@pytest.mark.parametrize(("values", "name", "classes"), GIVEN.values(), ids=GIVEN.keys())
def test_a_given_task_is_obeyed(values: list[Any], name: str, classes: tuple[Any, ...]) -> None:
    task = infer_task(frame(values), Goal(task=name))
    assert (task.kind, task.classes) == (name, classes)
    assert "given" in task.reason


REFUSED = {
    "no_target": (frame(), Goal(), "No target"),
    "only_missing": (frame([None, None]), Goal(), "no values"),
    "one_value": (frame(["a", "a"]), Goal(), "only 'a'"),
    "one_number": (frame([1.5, 1.5]), Goal(task="regression"), "only 1.5"),
    "a_date": (frame(pd.to_datetime(["2020-01-01", "2020-01-02"])), Goal(), "Timestamp"),
    "texts_and_numbers": (frame(pd.Series(["a", 1], dtype=object)), Goal(), "int and str"),
    "lists": (frame([[1], [2]]), Goal(), "lists"),
    "free_text": (frame([f"text {i}" for i in range(30)]), Goal(), "30 different values"),
    "mixed_columns": (frame([1, 2], ["a", "b"]), Goal(), "'y1' hold no numbers"),
    "regression_of_texts": (frame(["1", "b"]), Goal(task="regression"), "holds 'b'"),
    "binary_of_three": (frame(["a", "b", "c"]), Goal(task="binary"), "'a', 'b', 'c'"),
    "binary_of_two_columns": (frame([0, 1], [1, 0]), Goal(task="binary"), "2 targets"),
    "classes_that_hardly_repeat": (frame(np.arange(30) / 7), Goal(task="multiclass"), "30 different"),
    "multilabel_of_twos": (frame([0, 1], [1, 2]), Goal(task="multilabel"), "holds 2"),
    "unknown_task": (frame([0, 1]), Goal(task="binry"), "Did you mean binary"),
    "metric_of_another_kind": (frame([0, 1]), Goal(metric="rmse"), "does not fit a binary task"),
    "unknown_metric": (frame([0, 1]), Goal(metric="presicion"), "Did you mean precision"),
    "rmsle_of_negatives": (frame([-1.5, 2.5]), Goal(metric="rmsle"), "goes down to -1.5"),
}


@pytest.mark.parametrize(("targets", "goal", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_asked_is_refused_in_one_short_line(targets: pd.DataFrame, goal: Goal, says: str) -> None:
    with pytest.raises(TaskError, match=says) as caught:
        infer_task(targets, goal)
    text = str(caught.value)
    assert "Expected" in text
    assert "\n" not in text
    assert len(text) < 250


def test_an_infinite_value_is_refused() -> None:
    with pytest.raises(DataError, match="infinite"):
        infer_task(frame([1.5, np.inf]), Goal())


VALUE = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3))


@settings(max_examples=200, deadline=None)
@given(values=st.lists(VALUE, min_size=1, max_size=8), name=st.sampled_from([None, *TaskKind]))
def test_any_column_is_either_a_task_or_a_message(values: list[Any], name: str | None) -> None:
    try:
        task = infer_task(frame(pd.Series(values, dtype=object)), Goal(task=name))
    except AutokerasLiteError:
        return
    assert list(task.classes) == sorted(set(task.classes))
    assert task.units >= 1
