"""What makes values of what a network predicts: a scale for numbers, the frequency of classes for probabilities."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.temperature import SMALLEST_PROBABILITY

Array = NDArray[Any]
_EVEN_METRICS = frozenset({"balanced_accuracy"})


def asks_for_even_classes(task: Task) -> bool:
    """Say whether the metric counts every class alike, however many rows it has."""
    return task.metric in _EVEN_METRICS and task.kind in (TaskKind.BINARY, TaskKind.MULTICLASS)


def class_shift(task: Task, targets: Array, weights: Array | None = None) -> NDArray[np.float64]:
    """Return what is added to log odds `(units,)` so that every class counts alike: minus the log of its frequency.

    `targets` `(rows, units)` are those of the training rows. The most probable class of what is shifted is the best
    answer where every class counts alike (Menon et al. 2021, "Long-tail learning via logit adjustment", section 4.1).
    A class without a row counts as if it had one.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "balanced_accuracy", "maximize", (0, 1))
        >>> class_shift(task, np.array([[0], [0], [0], [1]])).round(3).tolist()  # log 3
        [1.099]
    """
    counts = np.ones(len(targets)) if weights is None else np.asarray(weights, np.float64)
    share = np.average(targets, axis=0, weights=counts).astype(np.float64)
    least = counts[counts > 0].min() / counts.sum()
    if task.kind is TaskKind.BINARY:
        share = np.clip(share, least, 1.0 - least)
        return np.asarray(np.log(1.0 - share) - np.log(share), np.float64)
    return np.asarray(-np.log(np.maximum(share, least)), np.float64)


def as_values(task: Task, predictions: Array, center: Array, scale: Array) -> Array:
    """Return the values `(rows, units)` that predictions stand for.

    Those of a regression are `predictions * scale + center`. To the log odds of probabilities the center is added,
    which is 0 but where every class counts alike (`class_shift`).

    Example:
        >>> task = Task(TaskKind.MULTICLASS, ("y",), "balanced_accuracy", "maximize", (0, 1, 2))
        >>> shift = -np.log([0.8, 0.1, 0.1])
        >>> as_values(task, np.array([[0.8, 0.1, 0.1]]), shift, np.ones(3)).round(3).tolist()
        [[0.333, 0.333, 0.333]]
    """
    if task.kind is TaskKind.REGRESSION:
        return np.asarray(predictions * scale + center)
    if not np.any(center):
        return predictions
    clipped = np.clip(predictions.astype(np.float64), SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    if task.kind is TaskKind.MULTICLASS:
        logits = np.log(clipped) + center
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return np.asarray(1.0 / (1.0 + np.exp(-(np.log(clipped) - np.log(1.0 - clipped) + center))))
