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
from autokeras_lite.models.rows import training_rows
from autokeras_lite.models.weights import read_weights
from autokeras_lite.tasks.task import TaskKind
from autokeras_lite.training.cohort import TrainingJob
from autokeras_lite.training.lanes import dropout_layers
from autokeras_lite.training.schedules import rate_factors
from autokeras_lite.trial import Directive, EpochReport, TrainingConfig, TrialSpec

KERAS_OPTIMIZERS = {
    "sgd": lambda spec, **more: keras.optimizers.SGD(momentum=spec.momentum, nesterov=spec.nesterov, **more),
    "adam": lambda spec, **more: keras.optimizers.Adam(beta_2=spec.beta_2, **more),
    "adamw": lambda spec, **more: keras.optimizers.AdamW(beta_2=spec.beta_2, **more),
    "rmsprop": lambda spec, **more: keras.optimizers.RMSprop(**more),
    "adagrad": lambda spec, **more: keras.optimizers.Adagrad(**more),
    "adadelta": lambda spec, **more: keras.optimizers.Adadelta(**more),
    "adamax": lambda spec, **more: keras.optimizers.Adamax(beta_2=spec.beta_2, **more),
    "nadam": lambda spec, **more: keras.optimizers.Nadam(beta_2=spec.beta_2, **more),
    "lion": lambda spec, **more: keras.optimizers.Lion(**more),
}


def go_on(report: EpochReport) -> Directive:
    return Directive()


def built(spec: TrialSpec, data: EncodedData, kind: TaskKind) -> keras.Model:
    rows = training_rows(data.folds[0])
    return build_model(spec.family, spec.config, data.inputs, OutputSpec.of(TASKS[kind]), seed=spec.seed, rows=rows)


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
        kept = [v for v in model.trainable_variables if len(v.shape) < 2 or "bias" in v.path]
        optimizer.exclude_from_weight_decay(kept)
    model.compile(optimizer, losses[kind], run_eagerly=chosen.fading != "none")
    found = [for_members(batch, model) for batch in batches(data, spec, seed)]
    if chosen.fading == "none":
        stacked = tf.nest.map_structure(lambda *parts: np.stack(parts), *found)
        model.fit(tf.data.Dataset.from_tensor_slices(stacked), epochs=1, shuffle=False, verbose=0)
    else:
        fit_with_fading(model, found, chosen)
    return model.get_weights()


def for_members(batch: tuple[Any, ...], model: keras.Model) -> tuple[Any, ...]:
    """Repeat the targets and weights of a batch for each member of the model, if it has some."""
    if len(model.output.shape) == 2:
        return batch
    inputs, *others = batch
    return inputs, *(np.repeat(array[:, None], model.output.shape[1], axis=1) for array in others)


def fit_with_fading(model: keras.Model, found: list[tuple[Any, ...]], training: TrainingConfig) -> None:
    """Train on each batch with the dropout and the decay that this step has, as Keras's own settings."""
    dropouts = dropout_layers(model)
    rates = [layer.rate for layer in dropouts]
    for step, batch in enumerate(found):
        time = step / len(found)
        factor = 1.0 if time < 0.5 else 0.5 * (1 + np.cos(np.pi * (2 * time - 1)))
        for layer, rate in zip(dropouts, rates, strict=True):
            layer.rate = rate * factor
        if training.weight_decay:
            model.optimizer.weight_decay = training.weight_decay * factor
        model.train_on_batch(*batch)
