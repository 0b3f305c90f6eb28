"""What is asked of whoever makes an artifact. Knows no Keras: the driver asks, a child makes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.data.encode import Inputs


@dataclass(frozen=True)
class TrainedWeights:
    """What a configuration learned: the file of its weights, and how its outputs become values.

    Those of a regression become `value * target_scale + target_center`; both are `(units,)`. For classes see
    `tasks/values.py: as_values`.
    """

    file: Path
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]


@dataclass(frozen=True)
class ArtifactRequest:
    """Plain values from which an artifact is made in any process.

    `manifest` lacks only what is found out on the way. `weights` belong to its members, in their order; a single
    configuration has one. `sample` are raw rows for the parity check. `predictions` are the validation rows as the
    model's configurations predicted them. How long the model file takes to predict is measured for about
    `latency_seconds`, by default not at all; `beside_training` says that trials train meanwhile.
    """

    folder: Path
    weights: tuple[TrainedWeights, ...]
    manifest: Manifest
    sample: Inputs
    predictions: pd.DataFrame
    latency_seconds: float = 0.0
    beside_training: bool = False

    def __post_init__(self) -> None:
        if len(self.weights) != len(self.manifest.mixture):
            raise ValueError(
                f"{len(self.weights)} files of weights came for {len(self.manifest.mixture)} configurations. Expected "
                "one for each."
            )
