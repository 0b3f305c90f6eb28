"""Builds the Keras model of any family from its config alone."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import keras

from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.errors import SpaceError
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.layer_stack_build import build_layer_stack
from autokeras_lite.models.rows import TrainingRows
from autokeras_lite.models.tabular_ft_transformer_build import build_tabular_ft_transformer
from autokeras_lite.models.tabular_mlp_build import build_tabular_mlp
from autokeras_lite.models.tabular_realmlp_build import build_tabular_realmlp, start_tabular_realmlp
from autokeras_lite.models.tabular_resnet_build import build_tabular_resnet, start_tabular_resnet
from autokeras_lite.models.tabular_tabm_build import build_tabular_tabm, start_tabular_tabm

Builder = Callable[[Mapping[str, Any], InputSpec, OutputSpec], keras.Model]
Initialiser = Callable[[keras.Model, Mapping[str, Any], TrainingRows, int], None]

BUILDERS: Mapping[str, Builder] = MappingProxyType(
    {
        "layer_stack": build_layer_stack,
        "tabular_ft_transformer": build_tabular_ft_transformer,
        "tabular_mlp": build_tabular_mlp,
        "tabular_realmlp": build_tabular_realmlp,
        "tabular_resnet": build_tabular_resnet,
        "tabular_tabm": build_tabular_tabm,
    }
)

# Families that choose first weights, or bins, by training rows.
INITIALISERS: Mapping[str, Initialiser] = MappingProxyType(
    {
        "tabular_realmlp": start_tabular_realmlp,
        "tabular_resnet": start_tabular_resnet,
        "tabular_tabm": start_tabular_tabm,
    }
)


def looks_at_rows(family: str) -> bool:
    """Say whether a family chooses first weights by training rows, so that each fold needs a model of its own."""
    return family in INITIALISERS


def build_model(
    family: str,
    config: Mapping[str, Any],
    inputs: InputSpec,
    outputs: OutputSpec,
    *,
    seed: int,
    rows: TrainingRows | None = None,
) -> keras.Model:
    """Build a model whose first weights depend on `seed`, and on `rows` where its family looks at them.

    Its inputs are a dict under names of `inputs.arrays`; its output is `(rows, units)` without an activation, or
    `(rows, members, units)` if it is several models in one, whose predictions are averaged. Without `rows` the model
    is as good as any to be given weights that were trained.

    Raises:
        SpaceError: there is no such family.
    """
    if family not in BUILDERS:
        raise SpaceError(f"Family {family!r} was named. Expected one of {', '.join(BUILDERS)}. Correct the space.")
    keras.utils.set_random_seed(seed)
    model = BUILDERS[family](config, inputs, outputs)
    if rows is not None and family in INITIALISERS:
        INITIALISERS[family](model, config, rows, seed)
    return model
