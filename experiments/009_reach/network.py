"""The multilayer perceptron that both scripts of a Keras user search over: its data, its metric, its training."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from job import Job
from rows import Array, hold_out, read_rows
from sklearn.compose import make_column_transformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

HELD_OUT = 0.2


@dataclass(frozen=True)
class Data:
    """Encoded rows; the target of a regression is standardised by `center` and `scale`."""

    x: Array
    y: Array
    x_held: Array
    y_held: Array
    x_test: Array
    center: float
    scale: float

    @property
    def batch_size(self) -> int:
        """A usual one for so many rows."""
        return 32 if len(self.x) < 2_000 else 256 if len(self.x) < 100_000 else 1_024


def prepare(job: Job) -> Data:
    """Standardise numbers (missing ones: the median and a column that says so) and encode categories one-hot."""
    rows = read_rows(job)
    learn, held = hold_out(job, rows.y, HELD_OUT)
    numbers = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore", sparse_output=False, dtype=np.float32)
    encoder = make_column_transformer((texts, list(job.categorical)), (numbers, list(job.numeric)))
    x = encoder.fit_transform(rows.x.iloc[learn]).astype(np.float32)
    x_held, x_test = (encoder.transform(part).astype(np.float32) for part in (rows.x.iloc[held], rows.x_test))
    center, scale = (0.0, 1.0) if job.classes else (float(rows.y[learn].mean()), float(rows.y[learn].std()))
    y = rows.y if job.classes else ((rows.y - center) / scale).astype(np.float32)
    return Data(x, y[learn], x_held, y[held], x_test, center, scale)


def build(job: Job, inputs: int, units: Sequence[int], dropout: float, learning_rate: float) -> keras.Model:
    """Return a compiled perceptron with a hidden layer for each of `units`."""
    model = keras.Sequential([keras.Input((inputs,))])
    for width in units:
        model.add(keras.layers.Dense(width, activation="relu"))
        model.add(keras.layers.Dropout(dropout))
    loss, outputs, activation = "mse", 1, "linear"
    if len(job.classes) == 2:
        loss, activation = "binary_crossentropy", "sigmoid"
    elif job.classes:
        loss, outputs, activation = "sparse_categorical_crossentropy", len(job.classes), "softmax"
    model.add(keras.layers.Dense(outputs, activation=activation))
    model.compile(keras.optimizers.Adam(learning_rate), loss, metrics=_metrics(job))
    return model


def objective(job: Job) -> tuple[str, str]:
    """Return the logged value that decides, and `max` or `min`; for log loss and RMSE that is the loss itself."""
    return ("val_score", "max") if _metrics(job) else ("val_loss", "min")


def _metrics(job: Job) -> list[keras.metrics.Metric]:
    if job.metric == "roc_auc":
        return [keras.metrics.AUC(name="score")]
    return [BalancedAccuracy(len(job.classes))] if job.metric == "balanced_accuracy" else []


def predict(job: Job, data: Data, model: keras.Model) -> Array:
    """Return probabilities of all classes for the test rows, or values in the target's own unit."""
    given: Array = model.predict(data.x_test, batch_size=4_096, verbose=0)
    if not job.classes:
        return given[:, 0] * data.scale + data.center
    return np.hstack([1 - given, given]) if len(job.classes) == 2 else given


class BalancedAccuracy(keras.metrics.Metric):
    """The mean over the classes of the share of their rows that was recognised."""

    def __init__(self, classes: int) -> None:
        super().__init__(name="score")
        self.classes = classes
        self.hits = self.add_variable((classes,), "zeros", name="hits")
        self.rows = self.add_variable((classes,), "zeros", name="rows")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count rows and hits of each class."""
        labels = keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32")
        truth = keras.ops.one_hot(labels, self.classes, dtype="float32")
        is_hit = keras.ops.cast(
            keras.ops.equal(labels, keras.ops.cast(keras.ops.argmax(y_pred, -1), "int32")), "float32"
        )
        self.rows.assign_add(keras.ops.sum(truth, 0))
        self.hits.assign_add(keras.ops.sum(truth * is_hit[:, None], 0))

    def result(self) -> Any:
        """Return the mean over the classes that were there."""
        there = keras.ops.cast(self.rows > 0, "float32")
        return keras.ops.sum(self.hits / keras.ops.maximum(self.rows, 1.0)) / keras.ops.maximum(
            keras.ops.sum(there), 1.0
        )


class TimeLimit(keras.callbacks.Callback):
    """Stops training after the epoch behind which another one would not fit in the time."""

    def __init__(self, end: float) -> None:
        super().__init__()
        self.end = end
        self.begun = 0.0

    @property
    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() > self.end

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Look at the clock."""
        self.begun = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Stop if an epoch like this one would end too late."""
        now = time.monotonic()
        if now + (now - self.begun) > self.end:
            self.model.stop_training = True
