from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_sample_weight

from autokeras_lite.config import Goal
from autokeras_lite.errors import DataError, TaskError
from autokeras_lite.tasks.infer import infer_task
from autokeras_lite.tasks.targets import class_weights, decode_labels, decode_probabilities, encode_targets
from autokeras_lite.tasks.task import Task, TaskKind

LAWS = settings(max_examples=40, deadline=None)

FRAMES = {
    "texts": (pd.DataFrame({"y": ["no", "yes", "no", "yes"]}), None),
    "true_false": (pd.DataFrame({"y": [True, False, True, True]}), None),
    "whole_numbers": (pd.DataFrame({"y": [3, 1, 2, 1]}), "multiclass"),
    "fraction_classes": (pd.DataFrame({"y": [0.5, 1.0, 1.5, 0.5]}), "multiclass"),
    "categories": (pd.DataFrame({"y": pd.Categorical(["b", "a", "c", "b"])}), None),
    "flags": (pd.DataFrame({"a": [0, 1, 1, 0], "b": [1, 0, 1, 0]}), None),
    "numbers": (pd.DataFrame({"y": [0.5, -3.0, 8.25, 1.0]}), None),
    "several_numbers": (pd.DataFrame({"a": [0.5, -3.0, 8.25, 1.0], "b": [4, 4, 4, 4]}), None),
}


@pytest.mark.parametrize(("targets", "name"), FRAMES.values(), ids=FRAMES.keys())
def test_perfect_predictions_decode_to_the_targets(targets: pd.DataFrame, name: str | None) -> None:
    task = infer_task(targets, Goal(task=name))
    encoded = encode_targets(task, targets, np.arange(len(targets)))
    decoded = decode_labels(task, encoded.values * encoded.scale + encoded.center)
    assert list(decoded.columns) == list(targets.columns)
    if task.kind is TaskKind.REGRESSION:
        np.testing.assert_allclose(decoded, targets, rtol=1e-6)
    else:
        assert [list(row) for row in decoded.to_numpy()] == [list(row) for row in targets.to_numpy()]


@pytest.mark.parametrize(("targets", "name"), FRAMES.values(), ids=FRAMES.keys())
def test_the_encoded_shapes_are_those_of_the_contract(targets: pd.DataFrame, name: str | None) -> None:
    task = infer_task(targets, Goal(task=name))
    encoded = encode_targets(task, targets, np.arange(2))
    has_codes = task.kind in (TaskKind.BINARY, TaskKind.MULTICLASS)
    assert encoded.values.shape == (4, task.units)
    assert encoded.values.dtype == np.float32
    assert encoded.labels.shape == ((4,) if has_codes else (4, task.units))
    assert encoded.center.shape == encoded.scale.shape == (task.units,)
    if task.kind is not TaskKind.REGRESSION:
        assert not encoded.center.any()
        assert (encoded.scale == 1).all()


@pytest.mark.parametrize("kept", ["int64", "bool", "str"])
def test_decoded_labels_keep_their_type(kept: str) -> None:
    classes: tuple[Any, ...] = {"int64": (1, 7), "bool": (False, True), "str": ("a", "b")}[kept]
    task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", classes)
    decoded = decode_labels(task, np.array([[0.5], [0.49]]))
    assert decoded["y"].dtype == kept
    assert decoded["y"].tolist() == [classes[1], classes[0]]
    assert decoded.index.tolist() == [0, 1]


def test_probabilities_have_a_column_for_each_class() -> None:
    binary = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
    assert decode_probabilities(binary, np.array([[0.25]])).to_dict("list") == {"0": [0.75], "1": [0.25]}
    multiclass = Task(TaskKind.MULTICLASS, ("y",), "accuracy", "maximize", ("a", "b", "c"))
    assert list(decode_probabilities(multiclass, np.full((2, 3), 1 / 3)).columns) == ["a", "b", "c"]
    multilabel = Task(TaskKind.MULTILABEL, ("u", "v"), "average_precision", "maximize")
    assert list(decode_probabilities(multilabel, np.zeros((2, 2))).columns) == ["u", "v"]


def test_a_regression_has_no_probabilities() -> None:
    with pytest.raises(TaskError, match="regression"):
        decode_probabilities(Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize"), np.zeros((1, 1)))


@LAWS
@given(values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30), num_rows=st.integers(1, 3))
def test_a_regression_is_standardised_by_its_training_rows_alone(values: list[float], num_rows: int) -> None:
    task = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")
    rows = np.arange(num_rows)
    encoded = encode_targets(task, pd.DataFrame({"y": values}), rows)
    other = encode_targets(task, pd.DataFrame({"y": values[:num_rows] + [7.0] * (len(values) - num_rows)}), rows)
    assert encoded.center == other.center
    assert encoded.scale == other.scale > 0
    assert encoded.center[0] == pytest.approx(np.mean(values[:num_rows]), abs=1e-9)
    assert np.isfinite(encoded.scale).all()


def test_a_row_far_outside_the_training_rows_stays_finite() -> None:
    targets = pd.DataFrame({"y": [0.0, 1e-71, 1e30]})
    encoded = encode_targets(Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize"), targets, np.arange(2))
    assert np.isfinite(encoded.values).all()


@pytest.mark.parametrize("constant", [0.1, 1e9 + 0.1, 0.0])
def test_a_constant_target_is_divided_by_one(constant: float) -> None:
    targets = pd.DataFrame({"y": [constant] * 7 + [3.0]})
    encoded = encode_targets(Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize"), targets, np.arange(7))
    assert encoded.scale.tolist() == [1.0]


WRITINGS = {
    "floats_for_integers": ((0, 1), [1.0, 0.0]),
    "texts_for_integers": ((0, 1), ["1", "0"]),
    "integers_for_texts": (("0", "1"), [1, 0]),
    "texts_for_true_false": ((False, True), ["True", "False"]),
    "categories_for_texts": (("a", "b"), pd.Categorical(["b", "a"])),
}


@pytest.mark.parametrize(("classes", "written"), WRITINGS.values(), ids=WRITINGS.keys())
def test_a_class_is_known_however_a_file_writes_it(classes: tuple[Any, ...], written: Any) -> None:
    task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", classes)
    assert encode_targets(task, pd.DataFrame({"y": written}), np.arange(2)).labels.tolist() == [1, 0]


def test_a_class_that_training_never_had_is_named() -> None:
    task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", ("no", "yes"))
    with pytest.raises(DataError, match=r"holds the class 'yes\.'"):
        encode_targets(task, pd.DataFrame({"y": ["no", "yes."]}), np.arange(2))


BROKEN = {
    "missing_column": (TaskKind.REGRESSION, {"x": [1.0]}, DataError, "not among the columns"),
    "missing_value": (TaskKind.REGRESSION, {"y": [1.0, None]}, DataError, "missing in 1 of 2"),
    "text": (TaskKind.REGRESSION, {"y": ["1", "x"]}, TaskError, "holds 'x'"),
    "infinite": (TaskKind.REGRESSION, {"y": [1.0, np.inf]}, DataError, "infinite"),
    "too_large_to_square": (TaskKind.REGRESSION, {"y": [1.0, 1e200]}, DataError, "beyond 1e\\+150"),
    "infinite_text": (TaskKind.REGRESSION, {"y": ["1.0", "inf"]}, DataError, "infinite"),
    "no_flag": (TaskKind.MULTILABEL, {"y": [0, 2]}, DataError, "holds 2"),
}


@pytest.mark.parametrize(("kind", "columns", "error", "says"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_target_is_refused(kind: TaskKind, columns: Any, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        encode_targets(Task(kind, ("y",), "rmse", "minimize"), pd.DataFrame(columns), np.arange(1))


@LAWS
@given(labels=st.lists(st.integers(0, 3), min_size=4, max_size=30))
def test_balanced_weights_equal_scikit_learn(labels: list[int]) -> None:
    task = Task(TaskKind.MULTICLASS, ("y",), "accuracy", "maximize", ("a", "b", "c", "d"))
    given_labels = np.array(labels)
    rows = np.arange(len(labels) // 2)
    weights = class_weights(task, given_labels, rows)
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights[rows], compute_sample_weight("balanced", given_labels[rows]), rtol=1e-6)
    assert np.isfinite(weights).all()


@pytest.mark.parametrize("kind", [TaskKind.MULTILABEL, TaskKind.REGRESSION])
def test_class_weights_need_a_class_target(kind: TaskKind) -> None:
    with pytest.raises(TaskError, match="Class weights"):
        class_weights(Task(kind, ("y",), "rmse", "minimize"), np.zeros((2, 1)), np.arange(2))
