"""Makes the artifact of one trial or of several: networks with their weights behind the encoding, checked, written."""

from dataclasses import replace

import keras

from autokeras_lite.artifact.assemble import assemble_ensemble
from autokeras_lite.artifact.latency import Latency, measure_latency
from autokeras_lite.artifact.load import Artifact, prepare_to_predict
from autokeras_lite.artifact.manifest import Manifest, Member
from autokeras_lite.artifact.network import Network
from autokeras_lite.artifact.parity import measure_ensemble_parity
from autokeras_lite.artifact.request import ArtifactRequest, TrainedWeights
from autokeras_lite.artifact.store import ArtifactContents, write_artifact
from autokeras_lite.data.archive import ARCHIVE_ERRORS, list_members
from autokeras_lite.errors import ArtifactError
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import read_weights


def make_artifact(request: ArtifactRequest, device: str = "") -> Manifest:
    """Build the model of each trial, give it its weights, put the encoding in front, compare both ways, and write it.

    Where that is asked for, it is measured how long the model takes to predict; `device` is what it runs on.

    Raises:
        ArtifactError: weights are damaged, or the model file would not predict what was measured.
    """
    manifest = request.manifest
    networks = [
        _network(manifest, member, weights) for member, weights in zip(manifest.mixture, request.weights, strict=True)
    ]
    model = prepare_to_predict(assemble_ensemble(networks, manifest.encoding, manifest.task, manifest.temperature))
    parity = measure_ensemble_parity(
        model, networks, manifest.encoding, manifest.task, request.sample, manifest.temperature
    )
    if not parity.holds:
        raise ArtifactError(
            f"The model file strays from what was measured by {parity.max_difference:.2g} on {parity.rows} rows. "
            "Expected rounding errors only. Please report this with the types of the columns."
        )
    manifest = replace(manifest, parity=parity, latency=_latency(model, request, device))
    return write_artifact(request.folder, ArtifactContents(_named(model, manifest.name), manifest, request.predictions))


def _latency(model: keras.Model, request: ArtifactRequest, device: str) -> Latency | None:
    """Measure the model as a person uses it, by `Artifact.predict`, on the rows that it was checked with."""
    if request.latency_seconds <= 0:
        return None
    artifact = Artifact.of_model(request.folder, request.manifest, model)
    try:
        latency = measure_latency(artifact.predict, request.sample, device, seconds=request.latency_seconds)
    except Exception:  # noqa: BLE001 - a search must not lose its model to a measurement
        return None
    return None if latency is None else replace(latency, beside_training=request.beside_training)


def _network(manifest: Manifest, member: Member, weights: TrainedWeights) -> Network:
    spec = member.trial
    outputs = OutputSpec.of(manifest.task)
    model = build_model(spec.family, spec.config, manifest.encoding.inputs, outputs, seed=spec.seed)
    try:
        list_members(weights.file)  # numpy leaves a file open that is no archive
        read_weights(weights.file, model)
    except (*ARCHIVE_ERRORS, LookupError) as error:
        raise ArtifactError(
            f"The weights {weights.file} of trial {spec.number} cannot be read ({type(error).__name__}). Expected the "
            "file that its training left. Restore the folder from a copy, or search again."
        ) from error
    return Network(model, weights.target_center, weights.target_scale, member.share)


def _named(model: keras.Model, name: str) -> keras.Model:
    model.name = name
    return model
