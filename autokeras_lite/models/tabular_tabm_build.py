"""Builds the models of the family `tabular_tabm` from stock Keras layers."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import keras
import numpy as np

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.models.factors import learned_factors
from autokeras_lite.models.first_weights import around_zero
from autokeras_lite.models.front import OutputSpec, input_layers, joined_features, numbers_of
from autokeras_lite.models.number_embedding import piecewise_features
from autokeras_lite.models.piecewise import set_bins
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.models.tabular_tabm import TabularTabmConfig

_FIRST_SCALES = "scale_in_0"


def build_tabular_tabm(config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec) -> keras.Model:
    """Build the model of `config`; its output is `(rows, members, units)` without an activation."""
    chosen = TabularTabmConfig(**config)
    layers = input_layers(inputs, chosen.number_scaling)
    numbers = partial(_number_features, config=chosen)
    features = joined_features(layers, inputs, chosen.embedding_width, numbers, name="features")
    hidden = keras.ops.expand_dims(features, 1)
    for block in range(chosen.depth):
        hidden = _block(hidden, block, chosen)
    return keras.Model(layers, _outputs_of_members(hidden, outputs.units))


def start_tabular_tabm(model: keras.Model, config: Mapping[str, Any], rows: TrainingRows, seed: int) -> None:
    """Choose the bins by training rows, and the first scales at random: -1 or 1, or with embeddings normal numbers.

    With embeddings all features that come from one number or one code are scaled alike at first (TabM, appendix A).
    """
    chosen = TabularTabmConfig(**config)
    random = np.random.default_rng(seed)
    scales = model.get_layer(_FIRST_SCALES).kernel
    members, features = scales.shape
    numbers = numbers_of(model.input)
    if chosen.number_embedding != "none" and numbers is not None:
        set_bins(model, rows, edges=chosen.bin_edges)
        widths = [chosen.number_width] * numbers.shape[1]
        codes = [layer.output_dim for layer in model.layers if isinstance(layer, keras.layers.Embedding)]
        widths += [1] * (features - sum(widths) - sum(codes)) + codes
        scales.assign(np.repeat(random.normal(size=(members, len(widths))), widths, axis=1))
    else:
        scales.assign(random.choice([-1.0, 1.0], size=(members, features)))
    if chosen.sharing == "full":
        for block in range(chosen.depth):  # members begin with the same biases
            bias = model.get_layer(f"bias_{block}").kernel
            bias.assign(np.repeat(np.asarray(bias[:1]), members, axis=0))


def _number_features(numbers: keras.KerasTensor, config: TabularTabmConfig) -> keras.KerasTensor:
    if config.number_embedding == "none":
        return numbers
    return piecewise_features(numbers, bins=config.bins, width=config.number_width)


def _block(hidden: keras.KerasTensor, index: int, config: TabularTabmConfig) -> keras.KerasTensor:
    """Return `dropout(relu(linear(hidden)))`, where the linear layer is shared and members scale what they take."""
    features, is_full = hidden.shape[-1], config.sharing == "full"
    if is_full or index == 0:
        hidden = hidden * learned_factors(hidden, (config.members, features), name=f"scale_in_{index}")
    hidden = keras.layers.Dense(
        config.width,
        use_bias=not is_full,
        kernel_initializer=around_zero(features),
        bias_initializer=around_zero(features),
        name=f"dense_{index}",
    )(hidden)
    if is_full:
        shape = (config.members, config.width)
        hidden = hidden * learned_factors(hidden, shape, name=f"scale_out_{index}")
        hidden = hidden + learned_factors(hidden, shape, first=around_zero(features), name=f"bias_{index}")
    hidden = keras.layers.Activation("relu", name=f"activation_{index}")(hidden)
    return keras.layers.Dropout(config.dropout, name=f"dropout_{index}")(hidden)


def _outputs_of_members(hidden: keras.KerasTensor, units: int) -> keras.KerasTensor:
    """Return `(rows, members, units)`, each member by a linear layer of its own."""
    _, members, features = hidden.shape
    # Keras adds a bias `(members, 1)` as one of channels that come first, which has no form for lanes.
    is_single = units == 1
    out = keras.layers.EinsumDense(
        "bkd,kdu->buk" if is_single else "bkd,kdu->bku",
        output_shape=(units, members) if is_single else (members, units),
        bias_axes="uk" if is_single else "ku",
        kernel_initializer=around_zero(features),
        bias_initializer=around_zero(features),
        name="outputs",
    )(hidden)
    return keras.layers.Reshape((members, 1), name="members_first")(out) if is_single else out
