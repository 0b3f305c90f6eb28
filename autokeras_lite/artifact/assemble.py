"""One model of raw columns: the encoding in front of a trained network, and the task's own unit behind it."""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from autokeras_lite.artifact.encoding_layers import encoding_model_inputs
from autokeras_lite.data.encode import Encoding
from autokeras_lite.tasks.task import Task, TaskKind


def assemble_model(
    network: keras.Model,
    encoding: Encoding,
    task: Task,
    target_center: NDArray[np.float64],
    target_scale: NDArray[np.float64],
) -> keras.Model:
    """Return a model from raw inputs to predictions `(rows, units)`, float32; its output is named `prediction`.

    `network` is a functional model from a dict of the encoded arrays to logits, or to standardised values for
    regression, which become `value * target_scale + target_center`. Its layers are shared, not copied.
    """
    inputs, arrays = encoding_model_inputs(encoding)
    named = keras.Model(network.input, network.output, name="network")
    raw = named(arrays)
    if task.kind is TaskKind.REGRESSION:
        return keras.Model(inputs, _rescaling(target_center, target_scale)(raw), name="model")
    activation = "softmax" if task.kind is TaskKind.MULTICLASS else "sigmoid"
    return keras.Model(
        inputs, keras.layers.Activation(activation, name="prediction", dtype="float32")(raw), name="model"
    )


def _rescaling(center: NDArray[np.float64], scale: NDArray[np.float64]) -> keras.Model:
    standardised = keras.Input((len(center),), name="standardised")
    values = ops.cast(standardised, "float64") * np.asarray(scale, np.float64) + np.asarray(center, np.float64)
    return keras.Model(standardised, ops.cast(values, "float32"), name="prediction")
