"""The proof that a model file predicts what was measured: both ways from rows to predictions, on real rows."""

import keras
import numpy as np
from numpy.typing import NDArray

from autokeras_lite.artifact.manifest import Parity
from autokeras_lite.data.encode import Encoding, Inputs, raw_inputs
from autokeras_lite.tasks.task import Task, TaskKind

MAX_ROWS = 1000


def measure_parity(
    model: keras.Model,
    network: keras.Model,
    encoding: Encoding,
    task: Task,
    target_center: NDArray[np.float64],
    target_scale: NDArray[np.float64],
    inputs: Inputs,
) -> Parity:
    """Compare a model file's predictions of raw rows with the network's own of the same rows, encoded as in training.

    The first 1,000 rows of `inputs` are compared. The difference of values is taken relative to the larger of the
    value and the `target_scale` (the deviation of the targets); that of probabilities is absolute.
    """
    rows = inputs[:MAX_ROWS]
    if not len(rows):
        return Parity(0.0, 0)
    raw = np.asarray(network.predict_on_batch(encoding.encode(rows)), np.float64)
    expected = _predictions(task, raw, target_center, target_scale)
    difference = np.abs(model.predict_on_batch(raw_inputs(encoding, rows)) - expected)
    if task.kind is TaskKind.REGRESSION:
        difference = difference / np.maximum(np.abs(expected), target_scale)
    return Parity(float(difference.max()), len(rows))


def _predictions(
    task: Task, raw: NDArray[np.float64], center: NDArray[np.float64], scale: NDArray[np.float64]
) -> NDArray[np.float64]:
    if task.kind is TaskKind.REGRESSION:
        return raw * scale + center
    if task.kind is TaskKind.MULTICLASS:
        powers = np.exp(raw - raw.max(axis=1, keepdims=True))
        return np.asarray(powers / powers.sum(axis=1, keepdims=True))
    return 1.0 / (1.0 + np.exp(-np.clip(raw, -500.0, 500.0)))
