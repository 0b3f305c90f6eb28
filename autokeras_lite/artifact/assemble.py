"""One model of raw columns: the encoding in front of trained networks, and behind them what makes predictions of them.

Beside its inputs it has three layers, `encoding`, `network` and `prediction`: the names of others could be those of
columns.
"""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from autokeras_lite.artifact.encoding_layers import encoding_model_inputs
from autokeras_lite.artifact.network import Network
from autokeras_lite.data.encode import Encoding
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tasks.temperature import SMALLEST_PROBABILITY

Tensor = Any  # keras.KerasTensor, which mypy does not know


def assemble_model(
    network: keras.Model,
    encoding: Encoding,
    task: Task,
    target_center: NDArray[np.float64],
    target_scale: NDArray[np.float64],
) -> keras.Model:
    """Return a model from raw inputs to predictions `(rows, units)`, float32; its output is named `prediction`.

    See `Network` for what is asked of `network`. Its layers are shared, not copied.
    """
    return assemble_ensemble([Network(network, target_center, target_scale)], encoding, task)


def assemble_ensemble(
    networks: Sequence[Network], encoding: Encoding, task: Task, temperature: float = 1.0
) -> keras.Model:
    """Return a model from raw inputs to the mean prediction of networks by their shares, which sum to 1.

    Each network predicts, the predictions are averaged, and probabilities get the temperature, as in
    `autokeras_lite.tasks.temperature`. In the layer `network` there are several as `network_1`, `network_2` and so on,
    in their order here. Output and layers are as in `assemble_model`.
    """
    if len(networks) > 1:
        named = _side_by_side([network.model for network in networks])
    else:
        named = keras.Model(networks[0].model.input, networks[0].model.output, name="network")
    inputs, arrays = encoding_model_inputs(encoding, named.input)
    raw = named({name: arrays[name] for name in named.input})
    return keras.Model(inputs, _prediction(networks, task, temperature)(raw), name="model")


def _side_by_side(models: Sequence[keras.Model]) -> keras.Model:
    """Return one model whose outputs are those of several, from all the arrays that any of them takes."""
    layers = {
        name: keras.Input(tensor.shape[1:], dtype=tensor.dtype, name=name)
        for model in models
        for name, tensor in model.input.items()
    }
    outputs = []
    for place, model in enumerate(models, start=1):
        named = keras.Model(model.input, model.output, name=f"network_{place}")
        outputs.append(named({name: layers[name] for name in model.input}))
    return keras.Model(layers, outputs, name="network")


def _prediction(networks: Sequence[Network], task: Task, temperature: float) -> keras.layers.Layer:
    """Return the layer `prediction`: from what the networks put out to what the model file does."""
    shapes = [network.model.output.shape[1:] for network in networks]
    if task.kind is TaskKind.REGRESSION:
        return _mean_value(networks, shapes)
    activation = "softmax" if task.kind is TaskKind.MULTICLASS else "sigmoid"
    is_shifted = any(np.any(network.target_center) for network in networks)
    if len(networks) == 1 and len(shapes[0]) == 1 and temperature == 1.0 and not is_shifted:
        return keras.layers.Activation(activation, name="prediction", dtype="float32")
    logits = [keras.Input(shape, name=f"logits_{place}") for place, shape in enumerate(shapes, start=1)]
    # In float32 the log odds of what is nearly certain would be rounding noise.
    activate = keras.layers.Activation(activation, name="probability", dtype="float64")
    means = [
        _shifted(_mean_of_members(activate(ops.cast(given, "float64")), "float64"), task, network)
        for given, network in zip(logits, networks, strict=True)
    ]
    mean = _weighted_sum(means, [network.share for network in networks])
    probability = mean if temperature == 1.0 else _tempered(mean, task, temperature)
    return keras.Model(_only(logits), ops.cast(probability, "float32"), name="prediction")


def _mean_value(networks: Sequence[Network], shapes: Sequence[tuple[int, ...]]) -> keras.Model:
    one = len(networks) == 1
    names = ["standardised"] if one else [f"standardised_{place}" for place in range(1, len(networks) + 1)]
    standardised = [keras.Input(shape, name=name) for name, shape in zip(names, shapes, strict=True)]
    values = []
    for given, network in zip(standardised, networks, strict=True):
        scale = np.asarray(network.target_scale, np.float64)
        center = np.asarray(network.target_center, np.float64)
        values.append(ops.cast(_mean_of_members(given, "float32"), "float64") * scale + center)
    mean = _weighted_sum(values, [network.share for network in networks])
    return keras.Model(_only(standardised), ops.cast(mean, "float32"), name="prediction")


def _tempered(probability: Tensor, task: Task, temperature: float) -> Tensor:
    return _probability(_log_odds(probability, task) / temperature, task)


def _shifted(probability: Tensor, task: Task, network: Network) -> Tensor:
    """Do what `autokeras_lite.tasks.values.as_values` does to probabilities."""
    center = np.asarray(network.target_center, np.float64)
    return _probability(_log_odds(probability, task) + center, task) if np.any(center) else probability


def _log_odds(probability: Tensor, task: Task) -> Tensor:
    clipped = ops.clip(probability, SMALLEST_PROBABILITY, 1.0 - SMALLEST_PROBABILITY)
    return ops.log(clipped) if task.kind is TaskKind.MULTICLASS else ops.log(clipped) - ops.log(1.0 - clipped)


def _probability(log_odds: Tensor, task: Task) -> Tensor:
    activation = "softmax" if task.kind is TaskKind.MULTICLASS else "sigmoid"
    return keras.layers.Activation(activation, dtype="float64")(log_odds)


def _mean_of_members(values: Tensor, dtype: str) -> Tensor:
    """Average `(rows, members, units)` over the members; `(rows, units)` stays as it is."""
    return keras.layers.GlobalAveragePooling1D(dtype=dtype)(values) if len(values.shape) == 3 else values


def _weighted_sum(values: Sequence[Tensor], shares: Sequence[float]) -> Tensor:
    """Return the sum by shares; one value stays as it is."""
    if len(values) == 1:
        return values[0]
    total = values[0] * float(shares[0])
    for value, share in zip(values[1:], shares[1:], strict=True):
        total = total + value * float(share)
    return total


def _only(tensors: list[Tensor]) -> Any:
    return tensors[0] if len(tensors) == 1 else tensors
