"""Builds the models of the family `layer_stack` from stock Keras layers."""

from collections.abc import Mapping, Sequence
from typing import Any

import keras

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.front import OutputSpec, input_layers, joined_features, output_layer
from autokeras_lite.models.layer_stack import LayerStackConfig
from autokeras_lite.models.layer_stack_layers import LayerRequest, apply_layer
from autokeras_lite.spaces.shapes import is_flattened, repair_stack, shortcut_between

_POOLINGS = {2: keras.layers.AveragePooling1D, 3: keras.layers.AveragePooling2D}
_GLOBAL_POOLINGS = {2: keras.layers.GlobalAveragePooling1D, 3: keras.layers.GlobalAveragePooling2D}


def build_layer_stack(config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec) -> keras.Model:
    """Build the model of `config`; its output is `(rows, units)` without an activation.

    Windows larger than what is left of the input shrink (see `repair_stack`). A stack that ends with positions is
    flattened up to 1,024 values, else averaged over its positions.

    Raises:
        SpaceError: a slot cannot take what reaches it.
    """
    chosen = LayerStackConfig(**config)
    layers = input_layers(inputs)
    features = joined_features(layers, inputs, chosen.embedding_width)
    stack = repair_stack(chosen.stack, tuple(features.shape[1:]), inputs.kind)
    vocabulary = inputs.cardinalities[0] if inputs.kind is InputKind.TOKENS else 0
    return keras.Model(layers, output_layer(_finish(_apply(stack, features, vocabulary)), outputs))


def _apply(stack: Sequence[Mapping[str, Any]], tensor: keras.KerasTensor, vocabulary: int) -> keras.KerasTensor:
    for node in stack:
        name = f"stack.{node['slot']}"
        if "residual" in node:
            inner = _apply(node["residual"], tensor, vocabulary)
            tensor = keras.layers.Add(name=f"{name}-sum")([_shortcut(tensor, inner, name), inner])
        elif "branches" in node:
            tensor = _join(node["join"], [_apply(branch, tensor, vocabulary) for branch in node["branches"]], name)
        else:
            tensor = apply_layer(node["kind"], LayerRequest(name, node["settings"], vocabulary), tensor)
    return tensor


def _shortcut(before: keras.KerasTensor, after: keras.KerasTensor, name: str) -> keras.KerasTensor:
    shortcut = shortcut_between(tuple(before.shape[1:]), tuple(after.shape[1:]))
    if shortcut.pool is not None:
        pooling = _POOLINGS[len(before.shape) - 1]
        before = pooling(shortcut.pool, padding="same", name=f"{name}-pool")(before)
    return before if shortcut.units is None else _projected(before, shortcut.units, f"{name}-projection")


def _join(join: str, branches: list[keras.KerasTensor], name: str) -> keras.KerasTensor:
    if join == "concatenate":
        return keras.layers.Concatenate(name=f"{name}-join")(branches)
    width = branches[0].shape[-1]
    same = [
        branch if branch.shape[-1] == width else _projected(branch, width, f"{name}-projection{index}")
        for index, branch in enumerate(branches)
    ]
    return keras.layers.Add(name=f"{name}-join")(same)


def _projected(tensor: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
    """Change the last size; a dense layer does at every position what a convolution of width 1 does."""
    return keras.layers.Dense(units, use_bias=False, name=name)(tensor)


def _finish(tensor: keras.KerasTensor) -> keras.KerasTensor:
    shape = tuple(tensor.shape[1:])
    if len(shape) == 1:
        return tensor
    if is_flattened(shape):
        return keras.layers.Flatten(name="flattened")(tensor)
    return _GLOBAL_POOLINGS[len(shape)](name="averaged")(tensor)
