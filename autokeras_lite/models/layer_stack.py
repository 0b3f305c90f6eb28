"""The family `layer_stack`: any stack of layers that a space spells, over any kind of input. Knows no Keras."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.family import Family
from autokeras_lite.spaces import shapes


@dataclass(frozen=True)
class LayerStackConfig:
    """A chosen stack, as `autokeras_lite.spaces.stack` describes it.

    `embedding_width` is the most numbers that a level of a category becomes, where the input is a table.
    """

    stack: tuple[Mapping[str, Any], ...] = ()
    embedding_width: int = 8


def _has_lanes(config: Mapping[str, Any]) -> bool:
    return shapes.has_lanes(config["stack"])


FAMILY = Family(
    name="layer_stack",
    summary="Any stack of layers: dense, convolutional, recurrent, attention; residual and parallel branches.",
    config_type=LayerStackConfig,
    accepts=frozenset(InputKind),
    has_lanes=_has_lanes,
)
