"""The family `tabular_resnet`: residual blocks of two dense layers over a table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.family import Family
from autokeras_lite.trial import recipe


@dataclass(frozen=True)
class TabularResnetConfig:
    """ResNet (Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", section 3.2).

    `depth` blocks add to a row of `width` numbers what two dense layers make of it; between them it is
    `hidden_factor * width` wide. `dropout` acts there, `residual_dropout` on what is added.

    `number_embedding` is `none`, `periodic` (`frequencies`, `frequency_scale`) or `piecewise` (`bins`, `bin_edges`):
    each scaled number becomes `number_width` features, as in `tabular_mlp` and in `tabular_tabm`.

    `number_scaling` is `robust` (shift, scale and smooth clip: the array `numbers`) or `quantile` (each number mapped
    to a standard normal: the array `quantiles`).
    """

    depth: int = 3
    width: int = 128
    hidden_factor: float = 2.0
    embedding_width: int = 8
    number_scaling: str = field(default="robust", metadata={"options": ("robust", "quantile")})
    number_embedding: str = field(default="none", metadata={"options": ("none", "piecewise", "periodic")})
    number_width: int = 8
    frequencies: int = 16
    bins: int = 24
    bin_edges: str = field(default="quantiles", metadata={"options": ("quantiles", "tree")})
    frequency_scale: float = recipe(0.1)
    dropout: float = recipe(0.2)
    residual_dropout: float = recipe(0.0)


def _has_lanes(config: Mapping[str, Any]) -> bool:
    return True


FAMILY = Family(
    name="tabular_resnet",
    summary="ResNet for tables: residual blocks of two dense layers, with batch normalisation.",
    config_type=TabularResnetConfig,
    accepts=frozenset({InputKind.TABLE}),
    has_lanes=_has_lanes,
)
