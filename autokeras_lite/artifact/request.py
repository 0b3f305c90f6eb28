"""What is asked of whoever makes an artifact. Knows no Keras: the driver asks, a child makes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.data.encode import Inputs


@dataclass(frozen=True)
class ArtifactRequest:
    """Plain values from which an artifact is made in any process.

    `manifest` lacks only what is found out on the way. `sample` are raw rows for the parity check. `predictions` are
    the trial's own of the validation rows.
    """

    folder: Path
    weights: Path
    manifest: Manifest
    target_center: NDArray[np.float64]
    target_scale: NDArray[np.float64]
    sample: Inputs
    predictions: pd.DataFrame
