"""Builds the Keras model of any family from its config alone."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.layer_stack_build import build_layer_stack
from autokeras_lite.models.tabular_mlp_build import build_tabular_mlp

Builder = Callable[[Mapping[str, Any], InputSpec, OutputSpec], keras.Model]

BUILDERS: Mapping[str, Builder] = MappingProxyType({"layer_stack": build_layer_stack, "tabular_mlp": build_tabular_mlp})


def build_model(
    family: str, config: Mapping[str, Any], inputs: InputSpec, outputs: OutputSpec, *, seed: int
) -> keras.Model:
    """Build a model whose first weights depend on `seed` alone.

    Its inputs are a dict under the names of `inputs.arrays`; its output is `(rows, units)` without an activation.

    Raises:
        SpaceError: there is no such family.
    """
    if family not in BUILDERS:
        raise SpaceError(f"Family {family!r} was named. Expected one of {', '.join(BUILDERS)}. Correct the space.")
    keras.utils.set_random_seed(seed)
    return BUILDERS[family](config, inputs, outputs)
