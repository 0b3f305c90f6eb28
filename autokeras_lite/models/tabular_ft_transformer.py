"""The family `tabular_ft_transformer`: a transformer to which each column of a table is a token."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.family import Family
from autokeras_lite.trial import recipe


@dataclass(frozen=True)
class TabularFtTransformerConfig:
    """FT-Transformer (Gorishniy et al. 2021, "Revisiting Deep Learning Models for Tabular Data", section 3.3).

    Tokens are `width` numbers; `depth` blocks follow, of attention with `heads` heads and a feed-forward part that is
    `hidden_factor * width` wide inside. `attention_dropout` acts on the weights of attention, `dropout` inside the
    feed-forward part, `residual_dropout` on what each part adds. Heads are `width // heads` wide, at least 1.

    `number_scaling` is `robust` (shift, scale and smooth clip: the array `numbers`) or `quantile` (each number mapped
    to a standard normal: the array `quantiles`).
    """

    depth: int = 3
    width: int = 192
    heads: int = 8
    number_scaling: str = field(default="robust", metadata={"options": ("robust", "quantile")})
    hidden_factor: float = 4 / 3
    attention_dropout: float = recipe(0.2)
    dropout: float = recipe(0.1)
    residual_dropout: float = recipe(0.0)


def _has_lanes(config: Mapping[str, Any]) -> bool:
    return True


FAMILY = Family(
    name="tabular_ft_transformer",
    summary="FT-Transformer: attention over the columns of a table.",
    config_type=TabularFtTransformerConfig,
    accepts=frozenset({InputKind.TABLE}),
    has_lanes=_has_lanes,
)
