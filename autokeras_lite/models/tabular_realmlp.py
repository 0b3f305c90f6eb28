"""The family `tabular_realmlp`: a multilayer perceptron with the many small improvements of RealMLP."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.family import Family
from autokeras_lite.trial import recipe


@dataclass(frozen=True)
class TabularRealmlpConfig:
    """RealMLP (Holzmueller, Grinsztajn and Steinwart 2024, "Better by default", section 3 and table A.1).

    Weights are in the neural tangent parametrisation: `z = W x / sqrt(inputs) + b` with normal `W`. Numbers become
    `number_width` features each: the number itself and combinations of `frequencies` cosines, whose frequencies begin
    with the deviation `frequency_scale` (`periodic`), or stay as they are (`none`). Everything is then multiplied by
    learned scales. With `parametric` each neuron learns how much of its activation it uses.

    The factors multiply the learning rate of a part: of the scales, the embedding of numbers, the first layer, the
    biases and the parameters of activations. They are realised by a change of parameters, which is the same thing for
    optimizers that do not feel the size of a gradient, such as Adam.
    """

    depth: int = 3
    width: int = 256
    activation: str = field(default="selu", metadata={"options": ("selu", "mish", "relu", "gelu", "silu")})
    parametric: bool = True
    embedding_width: int = 8
    number_embedding: str = field(default="periodic", metadata={"options": ("none", "periodic")})
    frequencies: int = 16
    number_width: int = 4
    scale_factor: float = 6.0
    number_embedding_factor: float = 0.1
    first_layer_factor: float = 1.0
    bias_factor: float = 0.1
    activation_factor: float = 0.1
    frequency_scale: float = recipe(0.1)
    dropout: float = recipe(0.15)


def _has_lanes(config: Mapping[str, Any]) -> bool:
    # Keras adds a bias `(columns, 1)` as one of channels that come first, which has no form for lanes.
    chosen = TabularRealmlpConfig(**config)
    return chosen.number_embedding == "none" or min(chosen.frequencies, chosen.number_width - 1) > 1


FAMILY = Family(
    name="tabular_realmlp",
    summary="RealMLP: a perceptron over a table with tuned parametrisation, schedules and first weights.",
    config_type=TabularRealmlpConfig,
    accepts=frozenset({InputKind.TABLE}),
    has_lanes=_has_lanes,
)
