"""Work other than training that is sent to where models live; asking for it loads no Keras."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autokeras_lite.artifact.load import load_artifact
from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.data.encode import Inputs


def make_artifact(request: ArtifactRequest) -> Manifest:
    """Make an artifact; see `autokeras_lite.artifact.make`."""
    from autokeras_lite.artifact import make
    from autokeras_lite.training.compiled_epoch import describe_device

    return make.make_artifact(request, describe_device())


def predict_units(folder: Path, inputs: Inputs) -> NDArray[np.float64]:
    """Predict rows with the artifact in `folder`; returns probabilities or values `(rows, units)`."""
    return load_artifact(folder).predict_units(inputs)
