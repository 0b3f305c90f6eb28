"""Builds the models of the family `tabular_resnet` from stock Keras layers.

What the blocks add up is read through batch normalisation alone, which takes away whatever is added to all rows. So
what is added to it has no bias: its gradient would be rounding noise.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.models.first_weights import around_zero
from autokeras_lite.models.front import OutputSpec, input_layers, joined_features
from autokeras_lite.models.number_embedding import periodic_features, piecewise_features
from autokeras_lite.models.piecewise import set_bins
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.models.tabular_resnet import TabularResnetConfig

# Those of the publication. Keras's own momentum, 0.99, needs more steps than a short training has.
_MOMENTUM, _EPSILON = 0.9, 1e-5


def build_tabular_resnet(config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec) -> keras.Model:
    """Build the model of `config`; its output is `(rows, units)` without an activation."""
    chosen = TabularResnetConfig(**config)
    layers = input_layers(inputs, chosen.number_scaling)
    numbers = partial(_number_features, config=chosen)
    features = joined_features(layers, inputs, chosen.embedding_width, numbers, name="features")
    hidden = _linear(features, chosen.width, name="stem", use_bias=False)
    for block in range(chosen.depth):
        hidden = _block(hidden, block, chosen)
    hidden = keras.layers.Activation("relu", name="activation_out")(_normalised(hidden, name="norm_out"))
    return keras.Model(layers, _linear(hidden, outputs.units, name="outputs"))


def start_tabular_resnet(model: keras.Model, config: Mapping[str, Any], rows: TrainingRows, seed: int) -> None:
    """Choose the bins of a piecewise embedding by training rows."""
    chosen = TabularResnetConfig(**config)
    if chosen.number_embedding == "piecewise" and "numbers" in rows.inputs:
        set_bins(model, rows, edges=chosen.bin_edges)


def _number_features(numbers: keras.KerasTensor, config: TabularResnetConfig) -> keras.KerasTensor:
    if config.number_embedding == "periodic":
        return periodic_features(
            numbers, frequencies=config.frequencies, width=config.number_width, scale=config.frequency_scale
        )
    if config.number_embedding == "piecewise":
        return piecewise_features(numbers, bins=config.bins, width=config.number_width, use_bias=False)
    return numbers


def _block(hidden: keras.KerasTensor, index: int, config: TabularResnetConfig) -> keras.KerasTensor:
    """Return `x + dropout(linear(dropout(relu(linear(norm(x))))))`."""
    inside = _normalised(hidden, name=f"norm_{index}")
    inside = _linear(inside, max(1, round(config.hidden_factor * config.width)), name=f"widen_{index}")
    inside = keras.layers.Activation("relu", name=f"activation_{index}")(inside)
    inside = keras.layers.Dropout(config.dropout, name=f"dropout_{index}")(inside)
    inside = _linear(inside, config.width, name=f"narrow_{index}", use_bias=False)
    inside = keras.layers.Dropout(config.residual_dropout, name=f"residual_dropout_{index}")(inside)
    return keras.layers.Add(name=f"add_{index}")([hidden, inside])


def _normalised(hidden: keras.KerasTensor, *, name: str) -> keras.KerasTensor:
    return keras.layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=name)(hidden)


def _linear(hidden: keras.KerasTensor, units: int, *, name: str, use_bias: bool = True) -> keras.KerasTensor:
    first = hidden.shape[-1]
    return keras.layers.Dense(
        units,
        use_bias=use_bias,
        kernel_initializer=around_zero(first),
        bias_initializer=around_zero(first),
        name=name,
    )(hidden)
