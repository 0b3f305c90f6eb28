"""Laws of the gate: what is broken is refused by name, what can be mended is mended and told."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.gate import MIN_ROWS, check_dataset, drop_unlabelled
from autokeras_lite.data.profile import profile_dataset
from autokeras_lite.data.read import read_dataset
from autokeras_lite.errors import DataError

ROWS = 40
random = np.random.default_rng(0)
NUMBERS = random.normal(size=ROWS)
LABELS = np.array(["no", "yes", "no", "no", "yes"] * 8)


def table(columns: dict[str, object] | None = None, rows: int = ROWS, **targets: object) -> Dataset:
    frame = pd.DataFrame({"a": NUMBERS, **(columns or {})})[:rows]
    return Dataset("toy", InputKind.TABLE, "", frame, pd.DataFrame(targets or {"y": LABELS})[:rows])


def check(dataset: Dataset, task: str = "binary") -> tuple[Dataset, tuple[str, ...]]:
    return check_dataset(dataset, profile_dataset(dataset), task)


def refusal(dataset: Dataset, task: str = "binary") -> str:
    with pytest.raises(DataError) as caught:
        check(dataset, task)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) <= 260
    return text


def test_sound_data_pass_unchanged_and_in_silence() -> None:
    dataset = table()
    checked, told = check(dataset)
    pd.testing.assert_frame_equal(checked.frame, dataset.frame)
    pd.testing.assert_frame_equal(checked.targets, dataset.targets)
    assert told == ()


def test_rows_without_a_target_leave_and_are_told() -> None:
    labels = pd.Series(LABELS).where(np.arange(ROWS) >= 3)
    checked, told = check(replace(table(y=labels), weights=np.arange(ROWS, dtype=np.float32)))
    assert len(checked) == len(checked.frame) == ROWS - 3
    assert checked.weights is not None
    assert checked.weights[0] == 3.0
    assert told == ("3 rows have no target and were left out.",)


def test_a_row_leaves_when_one_of_several_targets_is_missing() -> None:
    first, second = np.arange(ROWS, dtype=float), NUMBERS.copy()
    first[0] = second[1] = np.nan
    assert drop_unlabelled(table(y=first, z=second))[1] == 2


def test_whole_labels_are_whole_again_without_the_missing_rows() -> None:
    labels = np.where(np.arange(ROWS) < 3, np.nan, np.arange(ROWS) % 2)
    assert drop_unlabelled(table(y=labels))[0].targets["y"].dtype == np.int64
    values = np.where(np.arange(ROWS) < 3, np.nan, NUMBERS)
    assert drop_unlabelled(table(y=values))[0].targets["y"].dtype == np.float64


def test_dropped_columns_leave_and_are_told_by_kind() -> None:
    empty = {f"e{index}": [None] * ROWS for index in range(7)}
    checked, told = check(table({"number": np.arange(ROWS), **empty}))
    assert list(checked.frame) == ["a"]
    reason = "whole numbers that count the rows without a gap; convert it to float to keep it"
    assert told == (
        f"Left out as identifier: number ({reason}).",
        "Left out as empty: e0, e1, e2, e3, e4 and 2 more (every value is missing).",
    )


def test_no_column_left_is_refused_with_the_reason() -> None:
    dataset = table({"number": np.arange(ROWS)})
    assert "number: identifier" in refusal(replace(dataset, inputs=dataset.frame[["number"]]))


@pytest.mark.parametrize(("rows", "is_enough"), [(MIN_ROWS - 1, False), (MIN_ROWS, True)])
def test_too_few_rows_are_refused(rows: int, is_enough: bool) -> None:
    if is_enough:
        check(table(rows=rows))
    else:
        assert f"{rows} rows" in refusal(table(rows=rows))


def test_no_labelled_row_is_refused() -> None:
    assert f"0 rows, after {ROWS} rows without a target" in refusal(table(y=[None] * ROWS))


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_one_class_is_refused(task: str) -> None:
    assert "the one class spam" in refusal(table(y=["spam"] * ROWS), task)


@pytest.mark.parametrize("task", ["binary", "multiclass"])
def test_a_class_of_one_row_is_refused_by_name(task: str) -> None:
    labels = LABELS.astype("<U9")
    labels[7] = "rare"
    assert "single row of class rare" in refusal(table(y=labels), task)
    labels[8:20] = [f"r{index}" for index in range(12)]
    assert "single row of classes" in refusal(table(y=labels), task)


def test_a_label_that_never_changes_is_refused_by_name() -> None:
    labels = np.arange(ROWS) % 2
    assert "'z' is 1 in every row" in refusal(table(y=labels, z=np.ones(ROWS, int)), "multilabel")
    check(table(y=labels, z=1 - labels), "multilabel")


@pytest.mark.parametrize(
    ("values", "part"),
    [
        (np.ones(ROWS), "is 1 in every row"),
        (np.r_[NUMBERS[1:], np.inf], "infinite in 1 rows"),
        (pd.Series([*NUMBERS[2:], "many", "few"], dtype=object), "2 values that are no numbers"),
    ],
)
def test_targets_that_are_no_varied_finite_numbers_are_refused(values: np.ndarray, part: str) -> None:
    assert part in refusal(table({"b": random.normal(size=ROWS)}, y=values), "regression")


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e39])
def test_infinite_inputs_are_refused_with_column_and_count(value: float) -> None:
    broken = NUMBERS.copy()
    broken[:3] = value
    assert "'b' is infinite or beyond 3.4e38 in 3 rows" in refusal(table({"b": broken}))
    assert "1 more columns" in refusal(table({"b": broken, "c": broken}))
    assert "'b'" in refusal(table({"b": pd.Series(broken).astype("str")}))


def test_missing_inputs_are_no_fault() -> None:
    check(table({"b": np.where(NUMBERS > 0, np.nan, NUMBERS), "c": pd.Series(LABELS).where(NUMBERS > 0)}))


@pytest.mark.parametrize(
    "leak",
    [
        LABELS,
        LABELS == "yes",
        (LABELS == "yes") * 1,
        np.where(LABELS == "yes", 7.5, -1),
        pd.Categorical(LABELS),
        np.where(LABELS == "yes", "ja", "nein"),
        pd.Series(LABELS).where(LABELS == "yes"),
    ],
)
def test_a_column_that_is_the_class_is_refused_by_name(leak: object) -> None:
    text = refusal(table({"b": leak}))
    assert "'b' is a copy or a relabelling of the target 'y'" in text
    assert "Drop column 'b'" in text


def test_a_column_that_differs_in_one_row_from_the_class_is_no_leak() -> None:
    labels = LABELS.copy()
    labels[-1] = "no"
    check(table({"b": labels}))


def test_a_leak_of_one_of_several_labels_is_refused() -> None:
    first, second = np.arange(ROWS) % 2, np.arange(ROWS) // 2 % 2
    assert "'z'" in refusal(table({"b": 1 - second}, y=first, z=second), "multilabel")


@pytest.mark.parametrize("leak", [NUMBERS, NUMBERS.astype(np.float32), NUMBERS.astype(str)])
def test_a_column_that_is_the_number_is_refused_by_name(leak: object) -> None:
    other = {"a": random.normal(size=ROWS), "b": leak}
    assert "'b' is a copy of the target 'y'" in refusal(table(other, y=NUMBERS), "regression")


def test_a_number_that_tells_all_rows_apart_is_no_leak_of_a_number() -> None:
    check(table({"b": random.normal(size=ROWS)}, y=random.normal(size=ROWS)), "regression")


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e39])
def test_an_array_that_is_not_finite_is_refused_with_the_count(value: float) -> None:
    x = np.zeros((ROWS, 3, 1))
    check(read_dataset((x, LABELS), ColumnRoles(), name="toy"))
    x[2, 1] = x[5, 0] = value
    assert "x holds 2 values" in refusal(read_dataset((x, LABELS), ColumnRoles(), name="toy"))


def test_an_array_without_values_is_refused() -> None:
    assert "holds nothing" in refusal(read_dataset((np.zeros((ROWS, 0, 2)), LABELS), ColumnRoles(), name="toy"))


def test_weights_that_are_zero_wherever_a_target_is_known_are_refused() -> None:
    labels = pd.Series(LABELS).where(np.arange(ROWS) > 0)
    assert "weight 0" in refusal(replace(table(y=labels), weights=np.eye(ROWS, dtype=np.float32)[0]))
