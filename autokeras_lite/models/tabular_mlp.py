"""The family `tabular_mlp`: what may vary in a multilayer perceptron over a table."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.family import Family
from autokeras_lite.trial import recipe


@dataclass(frozen=True)
class TabularMlpConfig:
    """A stack of dense blocks over scaled numbers, flags and embedded codes.

    `shape` is `brick` (each block `width` wide) or `funnel` (each block half the one before, at least 16).
    `norm` is `none`, `batch` or `layer`. With `residual` each block of a brick adds its input. `embedding_width` is
    the most numbers that a level of a category becomes. `number_embedding` is `none` or `periodic`: each scaled number
    becomes `number_width` features through `frequencies` learned sines and cosines, initialised with
    `frequency_scale` (Gorishniy et al. 2022, "On Embeddings for Numerical Features", section 3.3).
    """

    depth: int = 3
    width: int = 256
    shape: str = "brick"
    norm: str = "none"
    activation: str = "relu"
    residual: bool = False
    embedding_width: int = 8
    number_embedding: str = "none"
    frequencies: int = 16
    number_width: int = 8
    frequency_scale: float = recipe(0.1)
    dropout: float = recipe(0.1)
    l1: float = recipe(0.0)
    l2: float = recipe(0.0)


def _has_lanes(config: Mapping[str, Any]) -> bool:
    return True


FAMILY = Family(
    name="tabular_mlp",
    summary="Multilayer perceptron over a table: embeddings, dense blocks, optional residual connections.",
    config_type=TabularMlpConfig,
    accepts=frozenset({InputKind.TABLE}),
    has_lanes=_has_lanes,
)
