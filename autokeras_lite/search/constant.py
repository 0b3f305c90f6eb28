"""The baseline that needs no library and no time: the same answer for every row."""

import math
import time

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.data.arrays import EncodedData, EncodedFold
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.values import as_values


def constant_baseline(data: EncodedData, task: Task) -> Baseline:
    """Score what is to be expected: the frequencies of the classes, the mean of a value, or its median for `mae`."""
    started = time.monotonic()
    scores = [
        score(
            task,
            data.labels[fold.validation_rows],
            np.tile(_constant(data, task, fold), (len(fold.validation_rows), 1)),
        )
        for fold in data.folds
    ]
    mean, seconds = math.fsum(scores) / len(scores), time.monotonic() - started
    if not math.isfinite(mean):
        return Baseline("constant", None, seconds, "no score: undefined on these validation rows")
    return Baseline("constant", mean, seconds)


def _constant(data: EncodedData, task: Task, fold: EncodedFold) -> NDArray[np.float64]:
    """Return one prediction `(units,)` for all rows, learned from the training rows."""
    rows = np.asarray(fold.train_rows)
    weights = np.ones(len(rows)) if data.weights is None else np.asarray(data.weights[rows], np.float64)
    targets = np.asarray(fold.targets[rows], np.float64)
    if task.kind is TaskKind.REGRESSION and task.metric == "mae":
        middle = np.array([_median(column, weights) for column in targets.T])
    else:
        middle = np.average(targets, axis=0, weights=weights)
    values: NDArray[np.float64] = as_values(task, middle[None, :], fold.target_center, fold.target_scale)[0]
    return values


def _median(values: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    order = np.argsort(values)
    heavy = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(heavy, heavy[-1] / 2)])
