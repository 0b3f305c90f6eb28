"""One temperature that makes averaged probabilities say how often they are right."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.tasks.metrics import score
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.temperature import apply_temperature
from autokeras_lite.tasks.values import asks_for_even_classes

__all__ = ["apply_temperature", "fit_temperature"]

Array = NDArray[Any]

COOLEST, HOTTEST = 0.3, 5.0
MOST_ROWS = 50_000

_NEAREST = float(np.finfo(np.float32).eps)  # to 0 and 1, as the metric log_loss reads float32
_GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0
_HALVINGS = 30


def fit_temperature(task: Task, labels: Array, probabilities: Array) -> float:
    """Return the temperature, 0.3 to 5, that lowers the log loss of `probabilities` `(rows, units)` for `labels`.

    `labels` are those of `autokeras_lite.tasks.metrics.score`. A multilabel task has one temperature for all targets.
    The labels are smoothed by one made-up row that has every label alike (as Platt 1999, "Probabilistic outputs for
    support vector machines", section 2.2), so that predictions which are never wrong stay less than certain. Of more
    rows than `MOST_ROWS` every nth is used.

    The answer is 1 for a regression, for probabilities of classes that count alike, and where it does not help: where
    a temperature fitted on one half of the rows does not lower the log loss on the other half (the mean of both ways
    round), or does not lower that of all rows.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
        >>> labels = np.arange(1000) % 4 > 0
        >>> probabilities = np.full((1000, 1), 0.95)  # of which 0.75 come true
        >>> temperature = fit_temperature(task, labels, probabilities)
        >>> apply_temperature(task, probabilities[:1], temperature).round(2).tolist()
        [[0.75]]
    """
    if task.kind is TaskKind.REGRESSION or asks_for_even_classes(task) or len(labels) < 2:
        return 1.0
    judged = replace(task, metric="log_loss", direction="minimize")
    random = np.random.default_rng(0)
    halves = np.array_split(random.permutation(len(labels)), 2)
    gains = []
    for fitting, judging in (halves, halves[::-1]):
        temperature = _best_temperature(judged, labels[fitting], probabilities[fitting])
        gains.append(_gain(judged, labels[judging], probabilities[judging], temperature))
    if not sum(gains) > 0.0:
        return 1.0
    temperature = _best_temperature(judged, labels, probabilities)
    return temperature if _gain(judged, labels, probabilities, temperature) > 0.0 else 1.0


def _gain(task: Task, labels: Array, probabilities: Array, temperature: float) -> float:
    """Return by how much a temperature lowers the log loss."""
    return score(task, labels, probabilities) - score(task, labels, apply_temperature(task, probabilities, temperature))


def _best_temperature(task: Task, labels: Array, probabilities: Array) -> float:
    every = math.ceil(len(labels) / MOST_ROWS)
    loss = _smoothed_loss(task, labels[::every], probabilities[::every])
    return 1.0 / _smallest(loss, 1.0 / HOTTEST, 1.0 / COOLEST)


def _smoothed_loss(task: Task, labels: Array, probabilities: Array) -> Callable[[float], float]:
    """Return the log loss for smoothed labels, given one over the temperature, of which it is a convex function."""
    clipped = np.clip(probabilities.astype(np.float64), _NEAREST, 1.0 - _NEAREST)
    rows = len(labels)
    if task.kind is TaskKind.MULTICLASS:
        logits = np.log(clipped)
        logits -= logits.max(axis=1, keepdims=True)
        of_label = logits[np.arange(rows), labels]
        given = (rows * of_label + logits.mean(axis=1)) / (rows + 1.0)
        return lambda inverse: float((np.log(np.exp(inverse * logits).sum(axis=1)) - inverse * given).mean())
    log_odds = np.log(clipped) - np.log(1.0 - clipped)
    truth = (rows * labels.reshape(rows, -1).astype(np.float64) + 0.5) / (rows + 1.0)
    return lambda inverse: float((np.logaddexp(0.0, inverse * log_odds) - truth * inverse * log_odds).mean())


def _smallest(function: Callable[[float], float], low: float, high: float) -> float:
    """Return where a convex function is smallest, by golden section."""
    left, right = high - _GOLDEN * (high - low), low + _GOLDEN * (high - low)
    at_left, at_right = function(left), function(right)
    for _ in range(_HALVINGS):
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - _GOLDEN * (high - low)
            at_left = function(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + _GOLDEN * (high - low)
            at_right = function(right)
    return (low + high) / 2.0
