"""Small tables with columns of every sort, and what a model of them holds."""

import keras
import numpy as np

from autokeras_lite.data.arrays import ArraySpec, InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.tasks.task import TaskKind

NUMBERS, QUANTILES = ArraySpec("numbers", (4,)), ArraySpec("quantiles", (4,))
FLAGS, CODES = ArraySpec("flags", (3,)), ArraySpec("codes", (2,), "int32")
ALL = InputSpec(InputKind.TABLE, (NUMBERS, QUANTILES, FLAGS, CODES), (5, 30))
SORTS = {
    "numbers": InputSpec(InputKind.TABLE, (NUMBERS, QUANTILES)),
    "flags": InputSpec(InputKind.TABLE, (FLAGS,)),
    "codes": InputSpec(InputKind.TABLE, (CODES,), (5, 2)),
}
OUTPUTS = {1: OutputSpec(TaskKind.BINARY, 1), 3: OutputSpec(TaskKind.MULTICLASS, 3)}


def rows_of(inputs: InputSpec = ALL, units: int = 3, rows: int = 60) -> TrainingRows:
    """Make rows with normal numbers, of which one column has three values and one is constant."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(rows, 4)).astype("float32")
    numbers[:, 2], numbers[:, 3] = np.round(np.clip(numbers[:, 2], -1, 1)), 0.5
    made = {
        "numbers": numbers,
        "quantiles": np.tanh(numbers),
        "flags": rng.integers(0, 2, (rows, 3)).astype("float32"),
        "codes": rng.integers(0, inputs.cardinalities or 1, (rows, max(1, len(inputs.cardinalities)))).astype("int32"),
    }
    targets = np.arange(rows)[:, None] % 2 if units == 1 else keras.utils.to_categorical(np.arange(rows) % units)
    return TrainingRows({a.name: made[a.name] for a in inputs.arrays}, np.asarray(targets, np.float32))


def weight(model: keras.Model, layer: str, name: str = "kernel") -> np.ndarray:
    """Return a weight of a layer in double precision."""
    return np.asarray(getattr(model.get_layer(layer), name), np.float64)


def scramble(model: keras.Model) -> None:
    """Give every weight another value, so that none of them goes unseen."""
    rng = np.random.default_rng(2)
    for variable in model.trainable_variables:
        variable.assign(np.asarray(variable) + 0.3 * rng.normal(size=variable.shape))


def embedded(model: keras.Model, codes: np.ndarray) -> list[np.ndarray]:
    """Return the rows of the tables that codes stand for."""
    return [weight(model, f"embed_{i}", "embeddings")[codes[:, i]] for i in range(codes.shape[1])]


def are_stock_layers(model: keras.Model) -> bool:
    """Say whether plain Keras can load the model."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.Layer)]
    return all(type(layer).__module__.startswith("keras.") for layer in layers)
