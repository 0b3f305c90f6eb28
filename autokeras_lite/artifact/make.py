"""Makes the artifact of a trial: its network with its weights, behind the encoding, checked and written."""

from dataclasses import replace

import keras

from autokeras_lite.artifact.assemble import assemble_model
from autokeras_lite.artifact.manifest import Manifest
from autokeras_lite.artifact.parity import measure_parity
from autokeras_lite.artifact.request import ArtifactRequest
from autokeras_lite.artifact.store import ArtifactContents, write_artifact
from autokeras_lite.errors import ArtifactError
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import read_weights


def make_artifact(request: ArtifactRequest) -> Manifest:
    """Build the model of a trial, give it its weights, put the encoding in front, compare both ways, and write it.

    Raises:
        ArtifactError: the model file would not predict what was measured.
    """
    manifest, spec = request.manifest, request.manifest.trial
    network = build_model(
        spec.family, spec.config, manifest.encoding.inputs, OutputSpec.of(manifest.task), seed=spec.seed
    )
    read_weights(request.weights, network)
    scaling = request.target_center, request.target_scale
    model = assemble_model(network, manifest.encoding, manifest.task, *scaling)
    parity = measure_parity(model, network, manifest.encoding, manifest.task, *scaling, request.sample)
    if not parity.holds:
        raise ArtifactError(
            f"The model file strays from what was measured by {parity.max_difference:.2g} on {parity.rows} rows. "
            "Expected rounding errors only. Please report this with the types of the columns."
        )
    contents = ArtifactContents(_named(model, manifest.name), replace(manifest, parity=parity), request.predictions)
    return write_artifact(request.folder, contents)


def _named(model: keras.Model, name: str) -> keras.Model:
    model.name = name
    return model
