"""The proof that a model file predicts what was measured: both ways from rows to predictions, on real rows."""

from collections.abc import Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from autokeras_lite.artifact.manifest import Parity
from autokeras_lite.artifact.network import Network
from autokeras_lite.data.encode import Encoding, Inputs, raw_inputs
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.temperature import apply_temperature
from autokeras_lite.tasks.values import as_values

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
    """Compare a model file's predictions of raw rows with its network's own; see `measure_ensemble_parity`."""
    return measure_ensemble_parity(model, [Network(network, target_center, target_scale)], encoding, task, inputs)


def measure_ensemble_parity(
    model: keras.Model,
    networks: Sequence[Network],
    encoding: Encoding,
    task: Task,
    inputs: Inputs,
    temperature: float = 1.0,
) -> Parity:
    """Compare a model file's predictions of raw rows with the networks' own of the same rows, encoded as in training.

    Their predictions are averaged and get their temperature in numpy. The first 1,000 rows of `inputs` are compared.
    The difference of values is taken relative to the larger of the value and the `target_scale` (the deviation of the
    targets; the mean over the networks); that of probabilities is absolute.
    """
    rows = inputs[:MAX_ROWS]
    if not len(rows):
        return Parity(0.0, 0)
    encoded = encoding.encode(rows)
    expected: NDArray[np.float64] = np.zeros((len(rows), task.units))
    for network in networks:
        raw = network.model.predict_on_batch({name: encoded[name] for name in network.model.input})
        expected += network.share * _predictions(task, np.asarray(raw, np.float64), network)
    expected = apply_temperature(task, expected, temperature)
    difference = np.abs(model.predict_on_batch(raw_inputs(encoding, rows)) - expected)
    if task.kind is TaskKind.REGRESSION:
        scale = np.sum([network.share * network.target_scale for network in networks], axis=0)
        difference = difference / np.maximum(np.abs(expected), scale)
    return Parity(float(difference.max()), len(rows))


def _predictions(task: Task, raw: NDArray[np.float64], network: Network) -> NDArray[np.float64]:
    if task.kind is TaskKind.MULTICLASS:
        powers = np.exp(raw - raw.max(axis=-1, keepdims=True))
        raw = powers / powers.sum(axis=-1, keepdims=True)
    elif task.kind is not TaskKind.REGRESSION:
        raw = 1.0 / (1.0 + np.exp(-np.clip(raw, -500.0, 500.0)))
    return as_values(task, _mean_of_members(raw), network.target_center, network.target_scale)


def _mean_of_members(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average `(rows, members, units)` over the members; `(rows, units)` stays as it is."""
    return values if values.ndim == 2 else np.asarray(values.mean(axis=1))
