"""Values of predictions: scaled numbers, and probabilities of classes that count alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score

from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.values import as_values, asks_for_even_classes, class_shift

BINARY = Task(TaskKind.BINARY, ("y",), "balanced_accuracy", "maximize", (0, 1))
MULTICLASS = Task(TaskKind.MULTICLASS, ("y",), "balanced_accuracy", "maximize", (0, 1, 2))
REGRESSION = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")


def rare(rows=6000):
    """Rows of three classes, one of them rare, and the true probabilities of each row's class."""
    rng = np.random.default_rng(0)
    frequencies = np.array([0.9, 0.08, 0.02])
    labels = rng.choice(3, rows, p=frequencies)
    x = rng.normal(size=rows) + 1.2 * labels
    likelihood = np.exp(-0.5 * (x[:, None] - 1.2 * np.arange(3)) ** 2) * frequencies
    return labels, likelihood / likelihood.sum(axis=1, keepdims=True)


def test_the_best_answer_where_classes_count_alike_is_the_most_probable_shifted_one():
    labels, probabilities = rare()
    shift = class_shift(MULTICLASS, np.eye(3)[labels])
    shifted = as_values(MULTICLASS, probabilities, shift, np.ones(3))
    plain = balanced_accuracy_score(labels, probabilities.argmax(axis=1))
    assert balanced_accuracy_score(labels, shifted.argmax(axis=1)) > plain + 0.15
    np.testing.assert_allclose(shifted.sum(axis=1), 1.0)


def test_two_classes_are_shifted_as_those_of_a_multiclass_task_are():
    labels = np.array([0] * 9 + [1])
    probabilities = np.linspace(0.01, 0.99, 50)[:, None]
    two = as_values(BINARY, probabilities, class_shift(BINARY, labels[:, None]), np.ones(1))
    both = np.hstack([1 - probabilities, probabilities])
    many = as_values(MULTICLASS, both, class_shift(MULTICLASS, np.eye(2)[labels]), np.ones(2))
    np.testing.assert_allclose(two[:, 0], many[:, 1], atol=1e-12)
    assert (two[:, 0] >= 0.5).sum() == (probabilities[:, 0] >= 0.1).sum()


def test_classes_that_are_equally_frequent_are_not_shifted():
    np.testing.assert_allclose(class_shift(BINARY, np.array([[0], [1]])), 0.0)
    equal = class_shift(MULTICLASS, np.eye(3))
    np.testing.assert_allclose(equal, equal[0])


def test_a_class_without_a_row_is_shifted_by_a_number():
    assert np.isfinite(class_shift(MULTICLASS, np.eye(3)[[0, 1, 1]])).all()
    assert np.isfinite(class_shift(BINARY, np.zeros((4, 1)))).all()


def test_weights_count_as_rows():
    targets = np.eye(3)[[0, 1, 2, 2]]
    np.testing.assert_allclose(
        class_shift(MULTICLASS, targets[:3], np.array([1, 1, 2])), class_shift(MULTICLASS, targets), atol=1e-12
    )


@given(st.floats(-10, 10), st.floats(0.1, 10))
def test_numbers_are_scaled_and_probabilities_without_a_shift_stay(center, scale):
    values = np.array([[1.0], [-2.0]])
    np.testing.assert_array_equal(as_values(REGRESSION, values, center, scale), values * scale + center)
    probabilities = np.array([[0.2], [0.7]])
    assert as_values(BINARY, probabilities, np.zeros(1), np.ones(1)) is probabilities


@pytest.mark.parametrize(("metric", "is_even"), [("balanced_accuracy", True), ("accuracy", False), ("roc_auc", False)])
def test_one_metric_counts_classes_alike(metric, is_even):
    assert asks_for_even_classes(Task(TaskKind.BINARY, ("y",), metric, "maximize", (0, 1))) is is_even
