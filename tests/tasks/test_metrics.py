import math
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from autokeras_lite.errors import TaskError
from autokeras_lite.tasks.metrics import DEFAULT_METRICS, METRICS, choose_metric, score
from autokeras_lite.tasks.task import Task, TaskKind

FITTING = [(name, kind) for name, metric in METRICS.items() for kind in sorted(metric.kinds)]
LAWS = settings(max_examples=25, deadline=None)
ROWS = st.integers(2, 40)


def make_task(kind: TaskKind, metric: str, units: int = 3) -> Task:
    targets = ("y",) if kind in (TaskKind.BINARY, TaskKind.MULTICLASS) else tuple(f"y{i}" for i in range(units))
    classes = {TaskKind.BINARY: (0, 1), TaskKind.MULTICLASS: tuple(range(units))}.get(kind, ())
    return Task(kind, targets, metric, METRICS[metric].direction, classes)


def make_case(task: Task, rows: int, draw: st.DataObject) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw labels and predictions on a coarse grid, so that ties and constant predictions are common."""
    grid = np.array([0.0, 0.1, 0.25, 0.5, 0.5, 0.75, 1.0])
    at = draw.draw(arrays.arrays(np.int64, (rows, task.units), elements=st.integers(0, len(grid) - 1)))
    if task.kind is TaskKind.REGRESSION:
        truth = draw.draw(arrays.arrays(np.int64, (rows, task.units), elements=st.integers(0, 5)))
        return truth.astype(np.float64), grid[at] * 5
    if task.kind is TaskKind.MULTILABEL:
        return draw.draw(arrays.arrays(np.int64, (rows, task.units), elements=st.integers(0, 1))), grid[at]
    labels = draw.draw(arrays.arrays(np.int64, rows, elements=st.integers(0, len(task.classes) - 1)))
    if task.kind is TaskKind.BINARY:
        return labels, grid[at]
    weights = grid[at] + 1e-3
    return labels, weights / weights.sum(axis=1, keepdims=True)


def by_scikit_learn(task: Task, labels: NDArray[Any], predictions: NDArray[Any]) -> float:
    metric, kind = task.metric, task.kind
    if METRICS[metric].reads == "value":
        return float(VALUE_REFERENCES[metric](labels, predictions))
    if METRICS[metric].reads == "probability":
        return PROBABILITY_REFERENCES[metric](kind, labels, predictions)
    answers = {
        TaskKind.BINARY: predictions[:, 0] >= 0.5,
        TaskKind.MULTICLASS: predictions.argmax(axis=1),
        TaskKind.MULTILABEL: predictions >= 0.5,
    }[kind].astype(int)
    if metric == "accuracy":
        return float(reference.accuracy_score(labels, answers))
    if metric == "balanced_accuracy":
        # scikit-learn warns of classes that are predicted and not there; the value is the mean over those there.
        return float(np.mean([np.mean(answers[labels == label] == label) for label in np.unique(labels)]))
    average = "binary" if kind is TaskKind.BINARY else "macro"
    return float(LABEL_REFERENCES[metric](labels, answers, average=average, zero_division=0))


def over_columns(function: Any, needs_both: bool) -> Any:
    def mean(kind: TaskKind, labels: NDArray[Any], predictions: NDArray[Any]) -> float:
        truth = labels[:, None] == np.arange(predictions.shape[1]) if kind is TaskKind.MULTICLASS else labels
        truth = truth.reshape(len(truth), -1).astype(int)
        columns = [i for i in range(truth.shape[1]) if truth[:, i].any() and not (needs_both and truth[:, i].all())]
        values = [function(truth[:, i], predictions[:, i]) for i in columns]
        return float(np.mean(values)) if values else math.nan

    return mean


def log_loss_reference(kind: TaskKind, labels: NDArray[Any], predictions: NDArray[Any]) -> float:
    if kind is TaskKind.MULTICLASS:
        return float(reference.log_loss(labels, y_proba=predictions, labels=range(predictions.shape[1])))
    columns = labels.reshape(len(labels), -1).T
    return float(
        np.mean([reference.log_loss(t, y_proba=p, labels=[0, 1]) for t, p in zip(columns, predictions.T, strict=True)])
    )


VALUE_REFERENCES = {
    "rmse": reference.root_mean_squared_error,
    "mae": reference.mean_absolute_error,
    "r2": reference.r2_score,
    "rmsle": reference.root_mean_squared_log_error,
}
PROBABILITY_REFERENCES = {
    "roc_auc": over_columns(reference.roc_auc_score, needs_both=True),
    "average_precision": over_columns(reference.average_precision_score, needs_both=False),
    "log_loss": log_loss_reference,
}
LABEL_REFERENCES = {
    "f1": reference.f1_score,
    "precision": reference.precision_score,
    "recall": reference.recall_score,
}


@pytest.mark.parametrize(("metric", "kind"), FITTING)
@LAWS
@given(draw=st.data(), rows=ROWS)
def test_every_metric_equals_scikit_learn(metric: str, kind: TaskKind, draw: st.DataObject, rows: int) -> None:
    task = make_task(kind, metric)
    labels, predictions = make_case(task, rows, draw)
    expected = by_scikit_learn(task, labels, predictions)
    assert score(task, labels, predictions) == pytest.approx(expected, rel=1e-9, abs=1e-9, nan_ok=True)


@pytest.mark.parametrize("metric", ["roc_auc", "average_precision"])
def test_the_mean_over_classes_is_that_of_scikit_learn(metric: str) -> None:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 300)
    predictions = generator.dirichlet(np.ones(4), 300).round(2) + 0.01
    predictions /= predictions.sum(axis=1, keepdims=True)
    expected = {
        "roc_auc": reference.roc_auc_score(labels, predictions, multi_class="ovr", average="macro"),
        "average_precision": reference.average_precision_score(labels, predictions, average="macro"),
    }
    task = make_task(TaskKind.MULTICLASS, metric, units=4)
    assert score(task, labels, predictions) == pytest.approx(expected[metric], abs=1e-9)


@pytest.mark.parametrize(("metric", "kind"), FITTING)
def test_a_perfect_prediction_is_at_least_as_good_as_any_other(metric: str, kind: TaskKind) -> None:
    task = make_task(kind, metric)
    generator = np.random.default_rng(1)
    shape = 60 if kind in (TaskKind.BINARY, TaskKind.MULTICLASS) else (60, 3)
    labels = generator.integers(0, 3 if kind in (TaskKind.MULTICLASS, TaskKind.REGRESSION) else 2, shape)
    perfect = np.eye(3)[labels] if kind is TaskKind.MULTICLASS else labels.reshape(60, -1).astype(float)
    other = generator.dirichlet(np.ones(3), 60) if kind is TaskKind.MULTICLASS else generator.random(perfect.shape)
    assert task.is_better(score(task, labels, perfect), than=score(task, labels, other))


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(("metric", "kind"), FITTING)
def test_a_prediction_that_is_not_finite_has_no_score(metric: str, kind: TaskKind, broken: float) -> None:
    task = make_task(kind, metric)
    labels = np.array([0, 1, 1, 0]) if kind in (TaskKind.BINARY, TaskKind.MULTICLASS) else np.ones((4, 3))
    predictions = np.full((4, task.units), 0.5)
    predictions[2, 0] = broken
    assert math.isnan(score(task, labels, predictions))


@pytest.mark.parametrize(("metric", "kind"), FITTING)
@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows_neither_warn_nor_fail(metric: str, kind: TaskKind, rows: int) -> None:
    task = make_task(kind, metric)
    labels = np.zeros(rows, int) if kind in (TaskKind.BINARY, TaskKind.MULTICLASS) else np.zeros((rows, 3))
    result = score(task, labels, np.full((rows, task.units), 0.5, np.float32))
    assert isinstance(result, float)
    assert rows or math.isnan(result)


@pytest.mark.parametrize(("metric", "kind"), FITTING)
def test_classes_that_the_labels_lack_do_not_crash(metric: str, kind: TaskKind) -> None:
    task = make_task(kind, metric)
    generator = np.random.default_rng(2)
    labels = np.ones(20, int) if kind is TaskKind.BINARY else generator.integers(0, 2, 20)
    if kind in (TaskKind.MULTILABEL, TaskKind.REGRESSION):
        labels = np.column_stack([labels, np.zeros(20), np.ones(20)])
    predictions = generator.dirichlet(np.ones(max(task.units, 2)), 20)[:, : task.units]
    is_undefined = kind is TaskKind.BINARY and metric == "roc_auc"
    assert math.isnan(score(task, labels, predictions)) is is_undefined


def test_a_saturated_single_precision_probability_costs_what_scikit_learn_says() -> None:
    labels = np.array([0, 1, 1, 0])
    predictions = np.array([[1.0], [0.0], [1.0], [0.25]], np.float32)
    expected = reference.log_loss(labels, y_proba=predictions[:, 0])
    assert score(make_task(TaskKind.BINARY, "log_loss"), labels, predictions) == pytest.approx(expected, rel=1e-6)


def test_values_too_large_to_square_have_no_score() -> None:
    task = make_task(TaskKind.REGRESSION, "rmse", units=1)
    assert math.isnan(score(task, np.zeros((3, 1)), np.full((3, 1), 1e200)))


def test_rmsle_reads_negative_predictions_as_zero() -> None:
    task = make_task(TaskKind.REGRESSION, "rmsle", units=1)
    assert score(task, np.zeros((2, 1)), np.array([[-3.0], [0.0]])) == 0.0


def test_predictions_of_another_shape_are_a_fault() -> None:
    with pytest.raises(ValueError, match="units"):
        score(make_task(TaskKind.BINARY, "accuracy"), np.zeros(3, int), np.zeros((3, 2)))


@pytest.mark.parametrize("kind", list(TaskKind))
def test_every_kind_has_a_usual_metric_that_fits_it(kind: TaskKind) -> None:
    assert choose_metric(kind).name == DEFAULT_METRICS[kind]


@pytest.mark.parametrize("kind", list(TaskKind))
@pytest.mark.parametrize("metric", list(METRICS))
def test_a_metric_is_chosen_only_where_it_fits(kind: TaskKind, metric: str) -> None:
    if kind in METRICS[metric].kinds:
        assert choose_metric(kind, metric) is METRICS[metric]
    else:
        with pytest.raises(TaskError, match=f"does not fit a {kind} task") as caught:
            choose_metric(kind, metric)
        assert DEFAULT_METRICS[kind] in str(caught.value)


def test_a_misspelt_metric_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(TaskError, match="Did you mean roc_auc"):
        choose_metric(TaskKind.BINARY, "roc-auc")
