"""How a cohort and Keras's own `fit` are compared."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from small_data import TASKS

from autokeras_lite.data.arrays import EncodedData
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import read_weights
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import TrainingJob
from autokeras_lite.training.lanes import dropout_layers
from autokeras_lite.training.schedules import rate_factors
from autokeras_lite.trial import Directive, EpochReport, TrialSpec

KERAS_OPTIMIZERS = {
    "sgd": lambda spec, **more: keras.optimizers.SGD(momentum=spec.momentum, nesterov=spec.nesterov, **more),
    "adam": lambda spec, **more: keras.optimizers.Adam(**more),
    "adamw": lambda spec, **more: keras.optimizers.AdamW(**more),
    "rmsprop": lambda spec, **more: keras.optimizers.RMSprop(**more),
    "adagrad": lambda spec, **more: keras.optimizers.Adagrad(**more),
    "adadelta": lambda spec, **more: keras.optimizers.Adadelta(**more),
    "adamax": lambda spec, **more: keras.optimizers.Adamax(**more),
    "nadam": lambda spec, **more: keras.optimizers.Nadam(**more),
    "lion": lambda spec, **more: keras.optimizers.Lion(**more),
}


def go_on(report: EpochReport) -> Directive:
    return Directive()


def built(spec: TrialSpec, data: EncodedData, kind: TaskKind) -> keras.Model:
    return build_model(spec.family, spec.config, data.inputs, OutputSpec.of(TASKS[kind]), seed=spec.seed)


def trained(job: TrainingJob, number: int, kind: TaskKind, fold: int = 0) -> list[np.ndarray]:
    """Return the kept weights of a trial in a plain model made from its config."""
    spec = next(spec for spec in job.cohort.specs if spec.number == number)
    model = built(spec, EncodedData.open(job.data_folder), kind)
    read_weights(job.trials_folder / f"{number:04d}" / f"weights-{fold}.npz", model)
    return model.get_weights()


def floats(weights: list[np.ndarray]) -> list[np.ndarray]:
    return [array for array in weights if array.dtype.kind == "f"]


def assert_same(one: list[np.ndarray], other: list[np.ndarray], tolerance: float = 2e-5) -> None:
    for left, right in zip(floats(one), floats(other), strict=True):
        np.testing.assert_allclose(left, right, rtol=1e-3, atol=tolerance)


class Factors(keras.optimizers.schedules.LearningRateSchedule):
    """The rates of a trial, step by step."""

    def __init__(self, spec: TrialSpec, steps: int) -> None:
        epochs = range(spec.training.epochs)
        factors = np.concatenate([rate_factors(spec.training, epoch, steps) for epoch in epochs])
        self.rates = tf.constant(spec.training.learning_rate * factors, tf.float32)

    def __call__(self, step: Any) -> Any:
        last = len(self.rates) - 1
        return tf.gather(self.rates, tf.minimum(tf.cast(tf.convert_to_tensor(step), tf.int32), last))


def batches(data: EncodedData, spec: TrialSpec, seed: int) -> Iterator[tuple[Any, ...]]:
    fold, size = data.folds[0], spec.training.batch_size
    for epoch in range(spec.training.epochs):
        order = tf.random.experimental.stateless_shuffle(tf.constant(fold.train_rows), [seed, epoch]).numpy()
        for start in range(0, len(order) // size * size, size):
            rows = order[start : start + size]
            batch = ({name: array[rows] for name, array in fold.inputs.items()}, fold.targets[rows])
            yield batch if data.weights is None else (*batch, data.weights[rows])


def fitted(spec: TrialSpec, data: EncodedData, kind: TaskKind, seed: int) -> list[np.ndarray]:
    """Train the plain model with `compile` and `fit` on the same batches, and return its weights."""
    model, chosen = built(spec, data, kind), spec.training
    for index, layer in enumerate(dropout_layers(model)):
        if layer.rate > 0:
            layer.seed_generator.state.assign([seed + index, 0])
    losses = {
        TaskKind.BINARY: keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=chosen.label_smoothing),
        TaskKind.MULTILABEL: keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=chosen.label_smoothing),
        TaskKind.MULTICLASS: keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=chosen.label_smoothing
        ),
        TaskKind.REGRESSION: keras.losses.Huber() if chosen.loss == "huber" else keras.losses.MeanSquaredError(),
    }
    steps = len(data.folds[0].train_rows) // chosen.batch_size
    optimizer = KERAS_OPTIMIZERS[chosen.optimizer](
        chosen,
        learning_rate=Factors(spec, steps),
        weight_decay=chosen.weight_decay or None,
        global_clipnorm=chosen.clip_norm or None,
    )
    if chosen.weight_decay:
        optimizer.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) < 2])
    model.compile(optimizer, losses[kind])
    stacked = tf.nest.map_structure(lambda *parts: np.stack(parts), *batches(data, spec, seed))
    flow = tf.data.Dataset.from_tensor_slices(stacked)
    model.fit(flow, epochs=1, shuffle=False, verbose=0)
    return model.get_weights()
