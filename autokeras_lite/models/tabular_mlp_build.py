"""Builds the models of the family `tabular_mlp` from stock Keras layers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.models.front import OutputSpec, input_layers, joined_features, output_layer
from autokeras_lite.models.number_embedding import periodic_features
from autokeras_lite.models.tabular_mlp import TabularMlpConfig

_NARROWEST = 16


def build_tabular_mlp(config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec) -> keras.Model:
    """Build the model of `config`; its output is `(rows, units)` without an activation."""
    chosen = TabularMlpConfig(**config)
    layers = input_layers(inputs)
    numbers = partial(_number_features, config=chosen)
    hidden = joined_features(layers, inputs, chosen.embedding_width, numbers, name="features")
    for block in range(chosen.depth):
        hidden = _block(hidden, block, chosen)
    return keras.Model(layers, output_layer(hidden, outputs))


def _number_features(numbers: keras.KerasTensor, config: TabularMlpConfig) -> keras.KerasTensor:
    if config.number_embedding == "none":
        return numbers
    return periodic_features(
        numbers, frequencies=config.frequencies, width=config.number_width, scale=config.frequency_scale
    )


def _block(hidden: keras.KerasTensor, index: int, config: TabularMlpConfig) -> keras.KerasTensor:
    width = config.width if config.shape == "brick" else max(_NARROWEST, config.width >> index)
    dense = keras.layers.Dense(
        width,
        use_bias=config.norm != "batch",  # batch normalisation takes a bias away again; its gradient would be noise
        kernel_initializer="he_normal",
        kernel_regularizer=keras.regularizers.L1L2(config.l1, config.l2) if config.l1 or config.l2 else None,
        name=f"dense_{index}",
    )(hidden)
    if config.norm == "batch":
        dense = keras.layers.BatchNormalization(name=f"norm_{index}")(dense)
    elif config.norm == "layer":
        dense = keras.layers.LayerNormalization(name=f"norm_{index}")(dense)
    after = keras.layers.Activation(config.activation, name=f"activation_{index}")(dense)
    after = keras.layers.Dropout(config.dropout, name=f"dropout_{index}")(after)
    if config.residual and hidden.shape[-1] == width:
        return keras.layers.Add(name=f"add_{index}")([hidden, after])
    return after
