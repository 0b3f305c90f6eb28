"""Small encoded data of each kind, and trials over them."""

from dataclasses import replace
from typing import Any

import numpy as np

from autokeras_lite.data.arrays import ArraySpec, EncodedData, EncodedFold, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import TrainingConfig, TrialSpec

ROWS, TRAIN = 240, 192
INPUTS = InputSpec(
    InputKind.TABLE,
    (ArraySpec("numbers", (6,)), ArraySpec("flags", (3,)), ArraySpec("codes", (2,), "int32")),
    (5, 12),
)
TASKS = {
    TaskKind.BINARY: Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1)),
    TaskKind.MULTICLASS: Task(TaskKind.MULTICLASS, ("y",), "log_loss", "minimize", ("a", "b", "c")),
    TaskKind.MULTILABEL: Task(TaskKind.MULTILABEL, ("u", "v"), "average_precision", "maximize"),
    TaskKind.REGRESSION: Task(TaskKind.REGRESSION, ("y", "z"), "rmse", "minimize"),
}


def make_data(kind: TaskKind, *, folds: int = 1, weighted: bool = False, codes_given: bool = True) -> EncodedData:
    """Make rows whose target depends on numbers and codes; values are centred at 10 with scale 4 for regression."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(ROWS, 6)).astype("float32")
    flags = rng.integers(0, 2, size=(ROWS, 3)).astype("float32")
    codes = np.stack([rng.integers(0, 5, ROWS), rng.integers(0, 12, ROWS)], axis=1).astype("int32")
    signal = numbers @ rng.normal(size=(6, 3)) + (codes[:, 1:] - 6) * 0.3 + 0.2 * rng.normal(size=(ROWS, 3))
    labels, targets = _targets(kind, signal)
    is_regression = kind is TaskKind.REGRESSION
    scale = np.full(targets.shape[1], 4.0 if is_regression else 1.0)
    center = np.full(targets.shape[1], 10.0 if is_regression else 0.0)
    order = rng.permutation(ROWS)
    made = []
    for fold in range(folds):
        validation = np.sort(np.roll(order, -fold * (ROWS - TRAIN))[: ROWS - TRAIN])
        train = np.setdiff1d(np.arange(ROWS), validation)
        # Each fold sees its own encoding: a shift stands for what its training rows taught.
        inputs = {"numbers": numbers + np.float32(0.01 * fold), "flags": flags}
        inputs |= {"codes": codes} if codes_given else {}
        made.append(EncodedFold(inputs, targets, train, validation, center, scale))
    weights = rng.uniform(0.5, 2.0, ROWS).astype("float32") if weighted else None
    described = INPUTS if codes_given else InputSpec(INPUTS.kind, INPUTS.arrays[:2])
    return EncodedData(
        described, tuple(made), labels * (4.0 if is_regression else 1) + (10.0 if is_regression else 0), weights
    )


def _targets(kind: TaskKind, signal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if kind is TaskKind.BINARY:
        labels = (signal[:, 0] > 0).astype(int)
        return labels, labels[:, None].astype("float32")
    if kind is TaskKind.MULTICLASS:
        labels = signal.argmax(axis=1)
        return labels, np.eye(3, dtype="float32")[labels]
    if kind is TaskKind.MULTILABEL:
        labels = (signal[:, :2] > 0).astype(int)
        return labels, labels.astype("float32")
    return signal[:, :2], signal[:, :2].astype("float32")


def make_spec(
    number: int = 0, *, family: str = "tabular_mlp", config: dict[str, Any] | None = None, **training: Any
) -> TrialSpec:
    """Make a trial with a small model; `training` overrides a short training."""
    chosen = config if config is not None else {"depth": 2, "width": 16, "norm": "batch", "dropout": 0.2}
    base = TrainingConfig(epochs=3, patience=3, batch_size=32, learning_rate=1e-2)
    return TrialSpec(number, "space", family, chosen, replace(base, **training), 100 + number, "default")
