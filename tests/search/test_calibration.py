"""A temperature keeps ranks, never makes the fitted rows worse, and blunts what is too certain."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.search import calibration
from autokeras_lite.search.calibration import COOLEST, HOTTEST, apply_temperature, fit_temperature
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind

BINARY = Task(TaskKind.BINARY, ("y",), "log_loss", "minimize", (0, 1))
MULTICLASS = Task(TaskKind.MULTICLASS, ("y",), "log_loss", "minimize", (0, 1, 2, 3))
MULTILABEL = Task(TaskKind.MULTILABEL, ("u", "v", "w"), "log_loss", "minimize")
REGRESSION = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")
TASKS = [BINARY, MULTICLASS, MULTILABEL]
TEMPERATURES = st.floats(COOLEST, HOTTEST)
SEEDS = st.integers(0, 2**32 - 1)


def probabilities_of(task: Task, logits: np.ndarray) -> np.ndarray:
    if task.kind is TaskKind.MULTICLASS:
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return powers / powers.sum(axis=1, keepdims=True)
    return 1.0 / (1.0 + np.exp(-logits))


def drawn(task: Task, seed: int, rows: int, factor: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Return labels that come true with known probabilities, and these with their logits multiplied by a factor."""
    random = np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (rows, task.units))
    true = probabilities_of(task, logits)
    if task.kind is TaskKind.MULTICLASS:
        labels = (random.random((rows, 1)) > true.cumsum(axis=1)).sum(axis=1).clip(0, task.units - 1)
    else:
        labels = (random.random(true.shape) < true).astype(int)
    return labels[:, 0] if task.kind is TaskKind.BINARY else labels, probabilities_of(task, factor * logits)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@given(seed=SEEDS, temperature=TEMPERATURES)
def test_a_temperature_divides_the_logits(task, seed, temperature):
    logits = np.random.default_rng(seed).normal(0, 3, (20, task.units))
    given_back = apply_temperature(task, probabilities_of(task, logits), temperature)
    np.testing.assert_allclose(given_back, probabilities_of(task, logits / temperature), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("task", [*TASKS, REGRESSION], ids=lambda task: task.kind)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_temperature_of_one_is_the_identity(task, dtype):
    probabilities = np.random.default_rng(0).random((9, task.units)).astype(dtype)
    probabilities[:2] = [[0.0], [1.0]]
    assert apply_temperature(task, probabilities, 1.0) is probabilities


def test_the_values_of_a_regression_have_no_temperature():
    values = np.array([[-3.0], [1e9]])
    assert fit_temperature(REGRESSION, values, values) == 1.0
    np.testing.assert_array_equal(apply_temperature(REGRESSION, values, 2.0), values)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@given(seed=SEEDS, temperature=TEMPERATURES, dtype=st.sampled_from([np.float32, np.float64]))
def test_ranks_are_kept_and_certainties_stay_probabilities(task, seed, temperature, dtype):
    random = np.random.default_rng(seed)
    probabilities = probabilities_of(task, random.normal(0, 20, (40, task.units))).astype(dtype)
    changed = apply_temperature(task, probabilities, temperature)
    assert changed.dtype == dtype
    assert (changed >= 0).all()
    assert (changed <= 1).all()
    if task.kind is TaskKind.MULTICLASS:
        for before, after in zip(probabilities, changed, strict=True):
            assert (np.diff(after[np.argsort(before)]) >= 0).all()
        np.testing.assert_allclose(changed.sum(axis=1), 1.0, rtol=1e-6)
    else:
        before, after = probabilities.ravel(), changed.ravel()
        assert (np.diff(after[np.argsort(before)]) >= 0).all()


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@given(seed=SEEDS, rows=st.integers(1, 60), factor=st.floats(0.0, 30.0), dtype=st.sampled_from(["f4", "f8"]))
def test_the_log_loss_of_the_fitting_rows_is_never_higher(task, seed, rows, factor, dtype):
    labels, probabilities = drawn(task, seed, rows, factor)
    probabilities = probabilities.astype(dtype)
    temperature = fit_temperature(task, labels, probabilities)
    assert COOLEST <= temperature <= HOTTEST
    changed = apply_temperature(task, probabilities, temperature)
    assert score(task, labels, changed) <= score(task, labels, probabilities)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
@pytest.mark.parametrize("factor", [0.5, 2.0, 4.0])
def test_the_temperature_undoes_what_made_the_predictions_too_certain(task, factor):
    labels, probabilities = drawn(task, 3, 6000, factor)
    assert fit_temperature(task, labels, probabilities) == pytest.approx(factor, rel=0.15)
    as_measured = replace(task, metric="accuracy", direction="maximize")  # the user's metric does not matter
    assert fit_temperature(as_measured, labels, probabilities) == pytest.approx(factor, rel=0.15)


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.kind)
def test_predictions_that_are_never_wrong_get_no_extreme_temperature(task):
    labels, _ = drawn(task, 0, 100)
    truth = np.eye(4)[labels] if task.kind is TaskKind.MULTICLASS else labels.reshape(100, -1)
    certain = np.clip(truth, 0.001, 0.999)
    if task.kind is TaskKind.MULTICLASS:
        certain = certain / certain.sum(axis=1, keepdims=True)
    assert fit_temperature(task, labels, certain) > 0.9
    assert fit_temperature(task, labels, truth.astype(float)) >= 1.0


def test_what_helps_only_by_chance_is_left_out():
    """Of predictions that are right as they are, a temperature lowers the loss of other rows only by chance."""
    fitted = [fit_temperature(BINARY, *drawn(BINARY, seed, 60)) for seed in range(60)]
    assert 10 < fitted.count(1.0) < 60


def test_no_rows_and_one_row_have_no_temperature():
    assert fit_temperature(BINARY, np.zeros(0, int), np.zeros((0, 1))) == 1.0
    assert fit_temperature(BINARY, np.ones(1, int), np.full((1, 1), 0.2)) == 1.0


def test_of_many_rows_some_are_enough(monkeypatch):
    labels, probabilities = drawn(MULTICLASS, 5, 20_000, 2.0)
    every = fit_temperature(MULTICLASS, labels, probabilities)
    monkeypatch.setattr(calibration, "MOST_ROWS", 4000)
    fewer = fit_temperature(MULTICLASS, labels, probabilities)
    assert fewer != every
    assert fewer == pytest.approx(every, rel=0.1)
