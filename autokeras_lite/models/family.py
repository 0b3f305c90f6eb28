"""What a family of models is: a config dataclass, and what the search must know of it without loading Keras."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from autokeras_lite.data.dataset import InputKind


@dataclass(frozen=True)
class Family:
    """Models of one kind.

    `config_type` is a frozen dataclass whose fields a space may vary; its recipe fields are marked with
    `autokeras_lite.trial.recipe`. `has_lanes(config)` says whether several models of this structure can be trained as
    lanes of one program (per-lane convolutions cannot). The function that builds the model stands in
    `autokeras_lite.models.build`, so that reading a space does not load Keras.
    """

    name: str
    summary: str
    config_type: type
    accepts: frozenset[InputKind]
    has_lanes: Callable[[Mapping[str, Any]], bool]
