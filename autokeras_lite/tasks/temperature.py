"""What a temperature does to probabilities, as the model file does it too."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.tasks.task import Task, TaskKind

SMALLEST_PROBABILITY = 1e-12  # nearer to 0 or 1 the log odds are rounding noise


def apply_temperature(task: Task, probabilities: NDArray[Any], temperature: float) -> NDArray[Any]:
    """Return probabilities `(rows, units)`, of the same type, made blunter (above 1) or sharper (below 1).

    Those of a multiclass task become `p ** (1 / temperature)`, normalised; those of other tasks do so with their
    counterpart, that is, their log odds are divided by the temperature (Guo et al. 2017, "On Calibration of Modern
    Neural Networks", section 4.2). A temperature of 1 changes nothing, and the values of a regression stay as they are.

    Example:
        >>> task = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", (0, 1))
        >>> apply_temperature(task, np.array([[0.9], [0.5]]), 2.0).round(3).tolist()
        [[0.75], [0.5]]
    """
    if temperature == 1.0 or task.kind is TaskKind.REGRESSION:
        return probabilities
    clipped = np.clip(probabilities.astype(np.float64), SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    if task.kind is TaskKind.MULTICLASS:
        logits = np.log(clipped) / temperature
        powers = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True), probabilities.dtype)
    log_odds = (np.log(clipped) - np.log(1.0 - clipped)) / temperature
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), probabilities.dtype)
