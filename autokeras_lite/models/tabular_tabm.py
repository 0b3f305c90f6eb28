"""The family `tabular_tabm`: many multilayer perceptrons that share most of their weights."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from autokeras_lite.data.dataset import InputKind
from autokeras_lite.models.family import Family
from autokeras_lite.trial import recipe


@dataclass(frozen=True)
class TabularTabmConfig:
    """TabM (Gorishniy, Kotelnikov and Babenko 2025, "TabM: advancing tabular deep learning with parameter-efficient
    ensembling", section 3): `members` perceptrons of `depth` blocks, `width` wide, in one.

    With `sharing` `mini` a member differs from the others by how it scales its inputs and by its output layer alone;
    with `full` it scales what goes in and out of every layer, and has biases of its own.

    `number_embedding` is `none` or `piecewise`: each number is encoded piecewise linearly in `bins` bins and becomes
    `number_width` features (Gorishniy et al. 2022, "On Embeddings for Numerical Features", section 3.2, in the form
    that TabM uses: a linear part beside it, and weights of the bins that begin at 0). The edges of the bins are
    `quantiles` of the training rows, or the splits of a decision `tree` for the target.

    `number_scaling` is `robust` (shift, scale and smooth clip: the array `numbers`) or `quantile` (each number mapped
    to a standard normal: the array `quantiles`).
    """

    sharing: str = field(default="mini", metadata={"options": ("mini", "full")})
    members: int = 16
    depth: int = 3
    width: int = 256
    embedding_width: int = 8
    number_scaling: str = field(default="robust", metadata={"options": ("robust", "quantile")})
    number_embedding: str = field(default="piecewise", metadata={"options": ("none", "piecewise")})
    bins: int = 32
    bin_edges: str = field(default="quantiles", metadata={"options": ("quantiles", "tree")})
    number_width: int = 16
    dropout: float = recipe(0.1)


def _has_lanes(config: Mapping[str, Any]) -> bool:
    # Keras adds a bias `(columns, 1)` as one of channels that come first, which has no form for lanes.
    chosen = TabularTabmConfig(**config)
    return chosen.number_embedding == "none" or min(chosen.bins, chosen.number_width) > 1


FAMILY = Family(
    name="tabular_tabm",
    summary="TabM: an ensemble of perceptrons over a table that share most weights, with piecewise linear embeddings.",
    config_type=TabularTabmConfig,
    accepts=frozenset({InputKind.TABLE}),
    has_lanes=_has_lanes,
)
