import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_info

from autokeras_lite.config import Goal
from autokeras_lite.data.arrays import ArraySpec, EncodedData, EncodedFold, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.search import baselines
from autokeras_lite.search.baseline import Baseline, compare_with_baselines
from autokeras_lite.search.baselines import fit_baselines
from autokeras_lite.tasks.infer import infer_task
from autokeras_lite.tasks.metrics import METRICS
from autokeras_lite.tasks.targets import encode_targets
from autokeras_lite.tasks.task import Task, TaskKind

ROWS = 90
FITTING = [(name, kind) for name, metric in METRICS.items() for kind in sorted(metric.kinds)]


def encode(
    inputs: InputSpec, arrays: dict[str, NDArray[Any]], task: Task, targets: pd.DataFrame, folds: int = 1
) -> Any:
    made = []
    labels: NDArray[Any] = np.zeros(0)
    for index in range(folds):
        is_validation = np.arange(len(targets)) % 5 == index
        train, validation = np.flatnonzero(~is_validation), np.flatnonzero(is_validation)
        encoded = encode_targets(task, targets, train)
        labels = encoded.labels
        made.append(EncodedFold(arrays, encoded.values, train, validation, encoded.center, encoded.scale))
    return EncodedData(inputs, tuple(made), labels)


def table(numbers: NDArray[Any]) -> tuple[InputSpec, dict[str, NDArray[Any]]]:
    spec = InputSpec(InputKind.TABLE, (ArraySpec("numbers", (numbers.shape[1],)),))
    return spec, {"numbers": numbers.astype(np.float32)}


def mixed_inputs(kind: InputKind, rows: int = ROWS) -> tuple[InputSpec, dict[str, NDArray[Any]]]:
    """Inputs whose first column, pixel, value or token tells the class."""
    generator = np.random.default_rng(0)
    signal = np.arange(rows) % 3
    if kind is InputKind.TABLE:
        arrays = {
            "numbers": generator.normal(size=(rows, 2)).astype(np.float32),
            "flags": generator.integers(0, 2, (rows, 3)).astype(np.float32),
            "codes": np.column_stack([signal, generator.integers(0, 300, rows)]).astype(np.int32),
        }
        cardinalities: tuple[int, ...] = (3, 300)
    elif kind is InputKind.TOKENS:
        arrays = {"tokens": np.column_stack([signal + 1, np.full((rows, 4), 7)]).astype(np.int32)}
        cardinalities = (8,)
    else:
        shape = (rows, 4, 4, 1) if kind is InputKind.IMAGE else (rows, 6, 2)
        name = "pixels" if kind is InputKind.IMAGE else "values"
        values = generator.normal(size=shape)
        values.reshape(rows, -1)[:, 0] = signal
        arrays, cardinalities = {name: values.astype(np.float32)}, ()
    specs = tuple(ArraySpec(name, array.shape[1:], str(array.dtype)) for name, array in arrays.items())
    return InputSpec(kind, specs, cardinalities), arrays


def targets_of(kind: TaskKind, rows: int = ROWS) -> pd.DataFrame:
    signal = np.arange(rows) % 3
    if kind is TaskKind.BINARY:
        return pd.DataFrame({"y": np.where(signal == 0, "no", "yes")})
    if kind is TaskKind.MULTICLASS:
        return pd.DataFrame({"y": signal})
    if kind is TaskKind.MULTILABEL:
        return pd.DataFrame({"a": signal == 0, "b": signal == 1})
    return pd.DataFrame({"a": signal + 0.5, "b": 10.0 * signal + 1})


@pytest.mark.parametrize(("metric", "kind"), FITTING)
def test_every_baseline_is_scored_in_every_metric_of_every_kind(metric: str, kind: TaskKind) -> None:
    targets = targets_of(kind)
    task = infer_task(targets, Goal(task=kind, metric=metric))
    baselines = fit_baselines(encode(*mixed_inputs(InputKind.TABLE), task, targets), task)
    assert [baseline.name for baseline in baselines] == ["constant", "linear", "gradient_boosting"]
    assert all(baseline.score is not None and math.isfinite(baseline.score) for baseline in baselines)
    scores = [baseline.score for baseline in baselines if baseline.score is not None]
    assert task.is_better(max(scores) if task.direction == "maximize" else min(scores), than=scores[0]) or (
        (metric, kind) == ("recall", TaskKind.BINARY)  # always answering yes recalls everything
    )


@pytest.mark.parametrize("kind", list(InputKind))
def test_the_linear_baseline_reads_every_kind_of_input(kind: InputKind) -> None:
    targets = targets_of(TaskKind.BINARY)
    task = infer_task(targets, Goal())
    constant, linear, boosting = fit_baselines(encode(*mixed_inputs(kind), task, targets), task)
    assert constant.score == 0.5
    assert linear.score is not None
    assert linear.score > 0.95
    assert boosting.score is not None
    assert boosting.score > 0.95


def test_the_linear_baseline_learns_breast_cancer() -> None:
    x, y = load_breast_cancer(return_X_y=True)
    targets = pd.DataFrame({"y": y})
    task = infer_task(targets, Goal())
    data = encode(*table(StandardScaler().fit_transform(x)), task, targets, folds=5)
    constant, linear, boosting = fit_baselines(data, task)
    assert constant.score == 0.5
    assert linear.score is not None
    assert linear.score > 0.98
    assert boosting.score is not None
    assert boosting.score > 0.97
    assert (linear.note, boosting.note) == ("", "")


def test_the_baselines_learn_a_regression_in_its_own_unit() -> None:
    x, y = load_diabetes(return_X_y=True)
    targets = pd.DataFrame({"y": y})
    task = infer_task(targets, Goal(metric="rmse"))
    constant, linear, _ = fit_baselines(encode(*table(x / x.std()), task, targets, folds=5), task)
    assert constant.score == pytest.approx(77, abs=3)
    assert linear.score == pytest.approx(55, abs=3)


def test_the_linear_baseline_learns_digits_as_images() -> None:
    x, y = load_digits(return_X_y=True)
    inputs = InputSpec(InputKind.IMAGE, (ArraySpec("pixels", (8, 8, 1)),))
    targets = pd.DataFrame({"y": y})
    task = infer_task(targets, Goal())
    arrays = {"pixels": x.reshape(-1, 8, 8, 1).astype(np.float32) / 16}
    _, linear, _ = fit_baselines(encode(inputs, arrays, task, targets), task, seconds_left=40)
    assert linear.score is not None
    assert linear.score > 0.93


def test_a_constant_for_the_mean_absolute_error_is_the_median() -> None:
    targets = pd.DataFrame({"y": [0.5] * 60 + [100.25] * 30})
    task = infer_task(targets, Goal(task="regression", metric="mae"))
    constant, *_ = fit_baselines(encode(*mixed_inputs(InputKind.TABLE), task, targets), task)
    assert constant.score == pytest.approx(99.75 / 3, abs=0.1)


def test_weights_move_what_is_learned() -> None:
    targets = pd.DataFrame({"y": [0.5] * 60 + [100.25] * 30})
    task = infer_task(targets, Goal(task="regression", metric="mae"))
    data = encode(*mixed_inputs(InputKind.TABLE), task, targets)
    weights = np.where(np.arange(ROWS) < 60, 1, 100).astype(np.float32)
    constant, *_ = fit_baselines(EncodedData(data.inputs, data.folds, data.labels, weights), task)
    assert constant.score == pytest.approx(99.75 * 2 / 3, abs=0.1)


def test_a_class_that_the_training_rows_lack_is_given_no_probability() -> None:
    labels = np.where(np.arange(ROWS) % 3 == 0, 1, 2)
    labels[0] = 0  # row 0 is a validation row
    targets = pd.DataFrame({"y": labels})
    task = infer_task(targets, Goal(metric="accuracy"))
    _, linear, boosting = fit_baselines(encode(*mixed_inputs(InputKind.TABLE), task, targets), task)
    assert linear.score == boosting.score == pytest.approx(17 / 18)


def test_equal_codes_of_different_columns_are_different_levels() -> None:
    first, second = np.arange(ROWS) % 3, np.random.default_rng(0).integers(0, 3, ROWS)
    inputs = InputSpec(InputKind.TABLE, (ArraySpec("codes", (2,), "int32"),), (3, 3))
    targets = pd.DataFrame({"y": first})
    task = infer_task(targets, Goal())
    arrays = {"codes": np.column_stack([first, second]).astype(np.int32)}
    _, linear, boosting = fit_baselines(encode(inputs, arrays, task, targets), task)
    assert linear.score == boosting.score == 1.0


def test_one_class_in_the_training_rows_makes_every_baseline_constant() -> None:
    targets = pd.DataFrame({"y": np.where(np.arange(ROWS) == 0, "yes", "no")})
    task = infer_task(targets, Goal(metric="accuracy"))
    baselines = fit_baselines(encode(*mixed_inputs(InputKind.TABLE), task, targets), task)
    assert len({baseline.score for baseline in baselines}) == 1


def test_without_time_only_the_constant_is_fitted() -> None:
    targets = targets_of(TaskKind.BINARY)
    task = infer_task(targets, Goal())
    constant, *others = fit_baselines(encode(*mixed_inputs(InputKind.TABLE), task, targets), task, seconds_left=0.001)
    assert constant.score is not None
    assert all(baseline.score is None and "skipped" in baseline.note for baseline in others)


def test_little_time_means_fewer_rows_and_a_note() -> None:
    rows = 4_000
    targets = targets_of(TaskKind.BINARY, rows)
    task = infer_task(targets, Goal())
    data = encode(*table(np.random.default_rng(0).normal(size=(rows, 50))), task, targets)
    _, linear, _ = fit_baselines(data, task, seconds_left=0.4)
    assert "fitted on 1,600 of 3,200 rows" in linear.note


def test_what_scikit_learn_refuses_leaves_a_note_and_no_score() -> None:
    numbers = np.random.default_rng(0).normal(size=(ROWS, 2))
    numbers[3, 0] = np.nan  # gradient boosting takes missing values, the linear model does not
    targets = targets_of(TaskKind.BINARY)
    task = infer_task(targets, Goal())
    _, linear, boosting = fit_baselines(encode(*table(numbers), task, targets), task)
    assert linear.score is None
    assert "NaN" in linear.note
    assert boosting.score is not None


def test_a_score_that_is_undefined_is_none() -> None:
    targets = pd.DataFrame({"y": np.where(np.arange(ROWS) == 1, "yes", "no")})
    task = infer_task(targets, Goal())
    baselines = fit_baselines(encode(*mixed_inputs(InputKind.TABLE), task, targets), task)
    assert [baseline.score for baseline in baselines] == [None, None, None]
    assert "undefined" in baselines[0].note


def test_wide_inputs_are_left_to_the_linear_baseline() -> None:
    generator = np.random.default_rng(0)
    inputs = InputSpec(InputKind.TOKENS, (ArraySpec("tokens", (5,), "int32"),), (5_000,))
    targets = targets_of(TaskKind.MULTICLASS)
    task = infer_task(targets, Goal())
    arrays = {"tokens": generator.integers(0, 5_000, (ROWS, 5)).astype(np.int32)}
    _, linear, boosting = fit_baselines(encode(inputs, arrays, task, targets), task)
    assert linear.score is not None
    assert boosting.score is None
    assert "5,000 columns are too many" in boosting.note


def test_the_same_seed_gives_the_same_scores() -> None:
    targets = targets_of(TaskKind.MULTICLASS)
    task = infer_task(targets, Goal())
    data = encode(*mixed_inputs(InputKind.TABLE), task, targets)
    first, second = (fit_baselines(data, task, seed=3) for _ in range(2))
    assert [baseline.score for baseline in first] == [baseline.score for baseline in second]


AUC = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
RMSE = Task(TaskKind.REGRESSION, ("y",), "rmse", "minimize")
SAYINGS = {
    "behind": (AUC, 0.9112, (0.5, 0.9, 0.9273), "is behind gradient boosting (0.9273): use that, or give the search"),
    "ahead": (AUC, 0.93, (0.5, 0.9, 0.9273), "beats gradient boosting (0.9273) by 0.0027 and the linear baseline"),
    "ahead_of_some": (AUC, 0.93, (0.5, 0.9, None), "beats the linear baseline (0.9000) by 0.0300 and the constant"),
    "behind_linear": (AUC, 0.8, (0.5, 0.9, 0.85), "is behind the linear baseline (0.9000): use that"),
    "behind_constant": (AUC, 0.4, (0.5, 0.45, 0.45), "behind the constant baseline (0.5000): it has learned nothing"),
    "equal": (AUC, 0.9, (0.5, 0.9, None), "only equals the linear baseline"),
    "smaller_is_better": (RMSE, 12345.6, (20000.0, 13000.0, 12000.0), "(rmse 1.235e+04) is behind gradient boosting"),
    "no_network": (AUC, None, (0.5, 0.9, None), "No network was scored; the linear baseline reaches roc_auc 0.9000."),
    "diverged": (AUC, math.nan, (0.5, 0.9, None), "No network was scored"),
    "no_baseline": (AUC, 0.9, (None, None, None), "No baseline was scored"),
}


@pytest.mark.parametrize(("task", "best", "scores", "says"), SAYINGS.values(), ids=SAYINGS.keys())
def test_the_comparison_is_honest(task: Task, best: float | None, scores: tuple[float | None, ...], says: str) -> None:
    names = ("constant", "linear", "gradient_boosting")
    baselines = [Baseline(name, score, 0.1) for name, score in zip(names, scores, strict=True)]
    assert says in compare_with_baselines(task, best, baselines)


def test_baselines_have_one_thread_since_trials_hold_the_other_cores(monkeypatch):
    predict, threads = baselines._predict, set()

    def watched(*given):
        threads.update(library["num_threads"] for library in threadpool_info())
        return predict(*given)

    monkeypatch.setattr(baselines, "_predict", watched)
    x, y = load_breast_cancer(return_X_y=True)
    spec, arrays = table(x)
    targets = pd.DataFrame({"y": y})
    task = infer_task(targets, Goal())
    fit_baselines(encode(spec, arrays, task, targets), task)
    assert threads == {1}
