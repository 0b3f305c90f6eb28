"""What `--validation auto` means, and that it finds a way wherever there is one."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.config import Validation
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.errors import DataError
from autokeras_lite.search.validation import Division, describe_validation, divide_rows
from autokeras_lite.tasks.task import Task, TaskKind

AUTO = Validation.parse("auto")
NUMBERS = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")
FIXED = (*(Validation(fraction=fraction) for fraction in (0.2, 0.3, 0.5)), *map(Validation.parse, (2, 3, 4, 5)))


def table(rows: int, columns: int = 2, targets: object = None, kind: InputKind = InputKind.TABLE) -> Dataset:
    inputs = pd.DataFrame(np.zeros((rows, columns))) if kind is InputKind.TABLE else np.zeros((rows, 2, 2, 1))
    values = np.arange(rows) if targets is None else targets
    return Dataset("made-up", kind, "", inputs, pd.DataFrame({"y": values}))


def classes(*counts: int) -> tuple[Dataset, Task]:
    labels = np.repeat(np.arange(len(counts)), counts)
    kind, metric = (TaskKind.BINARY, "roc_auc") if len(counts) == 2 else (TaskKind.MULTICLASS, "accuracy")
    task = Task(kind, ("y",), metric, "maximize", tuple(range(len(counts))))
    return table(len(labels), targets=labels), task


def divide(dataset: Dataset, task: Task = NUMBERS) -> Division:
    return divide_rows(dataset, task, AUTO, seed=0)


@pytest.mark.parametrize(
    ("dataset", "expected"),
    [
        (table(249), "5 folds, dealt 3 times"),
        (table(250), "5 folds, dealt 2 times"),
        (table(499), "5 folds, dealt 2 times"),
        (table(500), "5 folds"),
        (table(1_999), "5 folds"),
        (table(400, columns=300), "5 folds"),  # wide: folds are not nearly free
        (table(2_000), "20% of the rows held out"),
        (table(100_000), "20% of the rows held out"),
        (table(160_000), "12.5% of the rows held out"),
        (table(400, kind=InputKind.IMAGE), "5 folds"),
        (table(1_000, kind=InputKind.IMAGE), "20% of the rows held out"),
    ],
)
def test_the_fewer_the_rows_the_more_often_each_judges(dataset, expected):
    division = divide(dataset)
    assert describe_validation(division.validation) == expected
    assert len(division.folds) == max(1, division.validation.folds * division.validation.repeats)
    assert division.reason.startswith("Validation is by ")
    assert division.reason.count(".") == 1 + ("12.5%" in division.reason)


def test_no_more_rows_judge_than_say_something():
    division = divide(table(160_000))
    assert len(division.folds[0].validation_rows) == 20_000
    assert "20,000 rows held out" in division.reason


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((60, 5), "5 folds, dealt 3 times"),
        ((60, 4), "4 folds, dealt 3 times"),
        ((60, 30, 3), "3 folds, dealt 3 times"),
        ((60, 2), "20% of the rows held out"),
        ((2_000, 2), "20% of the rows held out"),
    ],
)
def test_a_rare_class_makes_fewer_folds_or_a_holdout(counts, expected):
    division = divide(*classes(*counts))
    assert describe_validation(division.validation) == expected
    assert ("rows of class" in division.reason) == (5 not in counts and sum(counts) < 2_000)


def test_groups_stay_whole_and_few_of_them_make_fewer_folds():
    groups = np.arange(60) % 3
    division = divide(replace(table(60), groups=groups))
    assert len(division.folds) == 3
    assert "3 groups" in division.reason
    for fold in division.folds:
        assert not set(groups[fold.train_rows]) & set(groups[fold.validation_rows])


@pytest.mark.parametrize(("rows", "num_folds"), [(400, 5), (2_500, 1)])
def test_time_is_neither_dealt_again_nor_shuffled(rows, num_folds):
    times = np.random.default_rng(0).permutation(rows)
    division = divide(replace(table(rows), times=times))
    assert len(division.folds) == num_folds
    for fold in division.folds:
        assert times[fold.train_rows].max() < times[fold.validation_rows].min()


def test_what_was_asked_is_done_without_a_word_or_refused():
    dataset, task = classes(60, 4)
    division = divide_rows(dataset, task, Validation(fraction=0.25), seed=0)
    assert (division.validation, division.reason) == (Validation(fraction=0.25), "")
    with pytest.raises(DataError, match="4 rows of class"):
        divide_rows(dataset, task, Validation.parse(5), seed=0)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), rows=st.integers(20, 60), seed=st.integers(0, 3))
def test_auto_finds_a_way_wherever_a_fixed_choice_would(data, rows, seed):
    labels = data.draw(st.lists(st.integers(0, 1), min_size=rows, max_size=rows))
    codes = np.array(data.draw(st.lists(st.integers(0, 6), min_size=rows, max_size=rows)))
    role = data.draw(st.sampled_from(["", "groups", "times"]))
    dataset = table(rows, targets=labels)
    dataset = replace(dataset, **{role: codes}) if role else dataset
    task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))

    def works(validation: Validation) -> bool:
        try:
            divide_rows(dataset, task, validation, seed=seed)
        except DataError:
            return False
        return True

    assert works(AUTO) or not any(works(validation) for validation in FIXED)
