"""Builds the models of the family `tabular_realmlp` from stock Keras layers.

A part whose learning rate is multiplied by f keeps its parameters divided by f, and multiplies them by f where they are
used: one step of an optimizer that takes steps of its own size then moves them f times as far.
"""

import math
from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.models.factors import learned_factors
from autokeras_lite.models.front import OutputSpec, input_layers, joined_features
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.models.tabular_realmlp import TabularRealmlpConfig

_STARTING_ROWS = 2048
_ROWS_IN_A_BIAS = 5
_SMALLEST_DEVIATION = 1e-6


def build_tabular_realmlp(config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec) -> keras.Model:
    """Build the model of `config`; its output is `(rows, units)` without an activation."""
    chosen = TabularRealmlpConfig(**config)
    layers = input_layers(inputs)
    numbers = partial(_number_features, config=chosen)
    hidden = joined_features(layers, inputs, chosen.embedding_width, numbers, name="features")
    hidden = _scaled(hidden, chosen.scale_factor, name="scales")
    for block in range(chosen.depth):
        factor = chosen.first_layer_factor if block == 0 else 1.0
        hidden = _linear(hidden, chosen.width, factor, chosen.bias_factor, name=f"dense_{block}")
        hidden = _activated(hidden, chosen, name=f"activation_{block}")
        hidden = keras.layers.Dropout(chosen.dropout, name=f"dropout_{block}")(hidden)
    return keras.Model(layers, _linear(hidden, outputs.units, 1.0, chosen.bias_factor, name="outputs"))


def start_tabular_realmlp(model: keras.Model, config: Mapping[str, Any], rows: TrainingRows, seed: int) -> None:
    """Choose first weights and biases by training rows, layer after layer.

    Weights are scaled until what they put out has a variance of 1; a bias is minus a random mean of what they put out
    for five random rows, so that each neuron bends among the data ("he+5", RealMLP, section 3).
    """
    chosen = TabularRealmlpConfig(**config)
    random = np.random.default_rng(seed)
    sample = random.permutation(len(rows))[:_STARTING_ROWS]
    taken = {name: rows.inputs[name][sample] for name in model.input}
    for name in (*(f"dense_{block}" for block in range(chosen.depth)), "outputs"):
        layer = model.get_layer(name)
        entering = keras.Model(model.input, layer.input)(taken, training=False)
        factor = chosen.bias_factor  # what leaves the layer is multiplied by it
        kernel = np.asarray(layer.kernel)
        put_out = factor * np.asarray(entering) @ kernel
        deviation = put_out.std(axis=0)
        deviation = np.where(deviation < _SMALLEST_DEVIATION, 1.0, deviation)  # what is constant stays as it is
        layer.kernel.assign(kernel / deviation)
        layer.bias.assign(-_random_means(put_out / deviation, random) / factor)


def _random_means(values: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Return for each column of `(rows, columns)` a convex combination of five random rows."""
    columns = values.shape[1]
    chosen = random.integers(len(values), size=(_ROWS_IN_A_BIAS, columns))
    shares = random.exponential(size=chosen.shape)
    shares /= shares.sum(axis=0)
    return np.asarray((shares * np.take_along_axis(values, chosen, axis=0)).sum(axis=0))


def _linear(hidden: keras.KerasTensor, units: int, factor: float, bias_factor: float, *, name: str) -> Any:
    """Return `factor * W x / sqrt(inputs) + bias_factor * b`, as one stock layer between two multiplications."""
    inputs = hidden.shape[-1]
    dense = keras.layers.Dense(
        units, kernel_initializer=keras.initializers.RandomNormal(stddev=1.0 / factor), name=name
    )(hidden * (factor / (bias_factor * math.sqrt(inputs))))
    return dense * bias_factor


def _scaled(hidden: Any, factor: float, *, name: str) -> Any:
    """Multiply each feature by a learned number, which begins at 1."""
    first = keras.initializers.Constant(1.0 / factor)
    return hidden * learned_factors(hidden, (hidden.shape[-1],), first=first, by=factor, name=name)


def _activated(hidden: Any, config: TabularRealmlpConfig, *, name: str) -> Any:
    """Return `x + a (f(x) - x)` with a learned `a` for each neuron, which begins at 1."""
    active = keras.layers.Activation(config.activation, name=name)(hidden)
    if not config.parametric:
        return active
    return hidden + _scaled(active - hidden, config.activation_factor, name=f"{name}_share")


def _number_features(numbers: keras.KerasTensor, config: TabularRealmlpConfig) -> keras.KerasTensor:
    """Return the numbers, or for each of them itself and `A cos(2 pi w x + b) + c` ("PBLD", RealMLP, section 3)."""
    if config.number_embedding == "none":
        return numbers
    columns, factor = numbers.shape[-1], config.number_embedding_factor
    angles = factor * keras.layers.EinsumDense(
        "bn,nf->bnf",
        output_shape=(columns, config.frequencies),
        bias_axes="nf",
        kernel_initializer=keras.initializers.RandomNormal(stddev=config.frequency_scale / factor),
        bias_initializer=keras.initializers.RandomUniform(-math.pi / factor, math.pi / factor),
        name="frequencies",
    )(numbers * (2.0 * math.pi))
    bound = config.frequencies**-0.5 / factor
    learned = factor * keras.layers.EinsumDense(
        "bnf,nfd->bnd",
        output_shape=(columns, config.number_width - 1),
        bias_axes="nd",
        kernel_initializer=keras.initializers.RandomUniform(-bound, bound),
        bias_initializer=keras.initializers.RandomUniform(-bound, bound),
        name="number_embedding",
    )(ops.cos(angles))
    joined = keras.layers.Concatenate(name="with_numbers")([ops.expand_dims(numbers, -1), learned])
    return keras.layers.Flatten(name="embedded_numbers")(joined)
