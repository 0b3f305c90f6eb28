"""The model file of several configurations predicts their weighted, calibrated mean, and is as safe as that of one."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from tiny_artifact import CENTER, SCALE, TASKS, encoding_of, good_table

from autokeras_lite.artifact.assemble import assemble_ensemble, assemble_model
from autokeras_lite.artifact.check_config import check_model_config
from autokeras_lite.artifact.check_size import check_layer_sizes
from autokeras_lite.artifact.load import load_artifact
from autokeras_lite.artifact.make import make_artifact
from autokeras_lite.artifact.manifest import Manifest, Member, Parity
from autokeras_lite.artifact.network import Network
from autokeras_lite.artifact.parity import measure_ensemble_parity
from autokeras_lite.artifact.request import ArtifactRequest, TrainedWeights
from autokeras_lite.data.column_kind import ColumnKind
from autokeras_lite.data.encode import raw_inputs
from autokeras_lite.errors import ArtifactError
from autokeras_lite.models.build import build_model
from autokeras_lite.models.front import OutputSpec
from autokeras_lite.models.weights import state_variables, write_weights
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.trial import TrainingConfig, TrialSpec

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TABLE = good_table()
ENCODING = encoding_of(TABLE)
SPECS = (
    TrialSpec(
        7,
        "tabular_tabm",
        "tabular_tabm",
        {"members": 3, "depth": 1, "width": 8, "number_embedding": "none"},
        TrainingConfig(),
        1,
        "default",
    ),
    TrialSpec(2, "tabular_mlp", "tabular_mlp", {"depth": 1, "width": 6}, TrainingConfig(), 2, "portfolio"),
    TrialSpec(
        9, "tabular_mlp", "tabular_mlp", {"depth": 2, "width": 5, "norm": "batch"}, TrainingConfig(), 3, "portfolio"
    ),
)
SHARES = (0.5, 0.3, 0.2)
PLAIN_KERAS = """
import sys
sys.modules["autokeras_lite"] = None  # importing it fails
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1] + "/artifact/model.keras", safe_mode=True)
raw = dict(np.load(sys.argv[1] + "/raw.npz", allow_pickle=True))
np.save(sys.argv[1] + "/plain.npy", model.predict_on_batch(raw))
"""


def network_of(spec: TrialSpec, task: Task, factor: float = 3.0) -> keras.Model:
    """Return a model whose weights are far enough from its first ones for predictions to differ."""
    model = build_model(spec.family, spec.config, ENCODING.inputs, OutputSpec.of(task), seed=spec.seed)
    random = np.random.default_rng(spec.seed)
    for variable in (*model.trainable_variables, *state_variables(model)):
        variable.assign(np.asarray(variable) + factor * random.random(variable.shape) / 10)
    model.get_layer("outputs").kernel.assign(factor * random.normal(size=model.get_layer("outputs").kernel.shape))
    return model


def scaling_of(task: Task, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the scaling of targets: for a regression each network has its own."""
    if task.kind is TaskKind.REGRESSION:
        return CENTER + place, SCALE * (1 + place)
    return np.zeros(task.units), np.ones(task.units)


def manifest_of(task: Task, **changes: Any) -> Manifest:
    made = Manifest("several", task, ENCODING, SPECS[0], 0.5, (0.4, 0.6), {"search": 0}, "abc", 90, Parity(0.0, 0))
    members = tuple(Member(spec, share) for spec, share in zip(SPECS, SHARES, strict=True))
    temperature = 1.0 if task.kind is TaskKind.REGRESSION else 1.7
    return replace(made, **{"members": members, "temperature": temperature, **changes})


def request_of(folder: Path, task: Task, **changes: Any) -> ArtifactRequest:
    manifest = manifest_of(task, **changes)
    weights = []
    for place, member in enumerate(manifest.mixture):
        spec = member.trial
        model, path = network_of(spec, task), folder / f"weights-{spec.number}.npz"
        learned = [[np.asarray(v) for v in some] for some in (model.trainable_variables, state_variables(model))]
        write_weights(path, *learned)
        weights.append(TrainedWeights(path, *scaling_of(task, place)))
    return ArtifactRequest(folder / "artifact", tuple(weights), manifest, TABLE, pd.DataFrame({"p": [0.5]}))


def networks_of(task: Task, factor: float = 3.0) -> list[Network]:
    return [
        Network(network_of(spec, task, factor), *scaling_of(task, place), share)
        for place, (spec, share) in enumerate(zip(SPECS, SHARES, strict=True))
    ]


def prediction_of(network: Network, task: Task) -> np.ndarray:
    """Return what one network predicts, by the formula; of several in one the mean."""
    encoded = ENCODING.encode(TABLE)
    raw = np.asarray(network.model.predict_on_batch({name: encoded[name] for name in network.model.input}), np.float64)
    if task.kind is TaskKind.REGRESSION:
        given = raw * network.target_scale + network.target_center
    elif task.kind is TaskKind.MULTICLASS:
        given = np.exp(raw) / np.exp(raw).sum(axis=-1, keepdims=True)
    else:
        given = 1.0 / (1.0 + np.exp(-raw))
    return given.mean(axis=1) if raw.ndim == 3 else given


def expected_of(task: Task, temperature: float) -> np.ndarray:
    mean = sum(network.share * prediction_of(network, task) for network in networks_of(task))
    if task.kind is TaskKind.REGRESSION:
        return mean
    powers, others = mean ** (1 / temperature), (1 - mean) ** (1 / temperature)
    return powers / (powers.sum(axis=1, keepdims=True) if task.kind is TaskKind.MULTICLASS else powers + others)


@pytest.fixture(scope="module", params=list(TASKS))
def made(request, tmp_path_factory) -> tuple[Path, Task, Manifest]:
    """An artifact of three configurations, one of them several models in one, for each task."""
    folder, task = tmp_path_factory.mktemp("several"), TASKS[request.param]
    return folder / "artifact", task, make_artifact(request_of(folder, task))


def test_the_file_predicts_the_weighted_calibrated_mean(made):
    folder, task, manifest = made
    artifact = load_artifact(folder)
    expected = expected_of(task, manifest.temperature)
    scale = SCALE if task.kind is TaskKind.REGRESSION else 1.0
    np.testing.assert_allclose(artifact.predict_units(TABLE) / scale, expected / scale, rtol=1e-5, atol=2e-6)
    assert artifact.manifest == manifest
    assert manifest.parity.holds
    assert manifest.parity.rows == len(TABLE)
    assert artifact.predict_units(TABLE.iloc[:0]).shape == (0, task.units)


def test_the_networks_stand_in_the_order_of_the_members(made):
    folder, task, manifest = made
    assert [member.trial.number for member in manifest.members] == [7, 2, 9]
    inner = load_artifact(folder).model.get_layer("network")
    for place, network in enumerate(networks_of(task), start=1):
        loaded = inner.get_layer(f"network_{place}").get_weights()
        for one, other in zip(loaded, network.model.get_weights(), strict=True):
            np.testing.assert_array_equal(one, other)


def test_beside_its_inputs_the_file_has_three_layers(made):
    model = load_artifact(made[0]).model
    assert model.output_names == ["prediction"]
    names = {layer.name for layer in model.layers if not isinstance(layer, keras.layers.InputLayer)}
    assert names == {"encoding", "network", "prediction"}
    assert model.output.dtype == "float32"


def test_a_manifest_of_several_survives_its_json(made):
    manifest = made[2]
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest
    assert manifest.mixture == manifest.members


def config_of(folder: Path) -> tuple[dict[str, Any], int]:
    with zipfile.ZipFile(folder / "model.keras") as archive:
        return json.loads(archive.read("config.json")), archive.getinfo("model.weights.h5").file_size


def layers_of(config: Any, class_name: str) -> list[dict[str, Any]]:
    """Return every layer of a class, at any depth."""
    values = config.values() if isinstance(config, dict) else config if isinstance(config, list) else ()
    found = [config] if isinstance(config, dict) and config.get("class_name") == class_name else []
    return found + [layer for value in values for layer in layers_of(value, class_name)]


@pytest.mark.parametrize("place", [0, -1])
def test_what_networks_in_networks_would_allocate_is_counted(made, place):
    config, num_bytes = config_of(made[0])
    check_model_config(config, num_bytes)
    check_layer_sizes(config, num_bytes)
    dense = layers_of(config, "Dense")[place]
    dense["build_config"]["input_shape"][-1] = 2**40
    with pytest.raises(ValueError, match="more memory"):
        check_layer_sizes(config, num_bytes)
    dense["build_config"] = None
    with pytest.raises(ValueError, match="does not tell its size"):
        check_layer_sizes(config, num_bytes)


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("temperature", [0.3, 5.0])
@pytest.mark.parametrize("factor", [3.0, 60.0])
def test_the_two_ways_agree_on_the_most_certain_predictions(kind, temperature, factor):
    task = TASKS[kind]
    networks = networks_of(task, factor)
    model = assemble_ensemble(networks, ENCODING, task, temperature)
    assert measure_ensemble_parity(model, networks, ENCODING, task, TABLE, temperature).holds


def test_parity_sees_another_share_and_another_temperature():
    task = TASKS[TaskKind.MULTICLASS]
    networks = networks_of(task)
    model = assemble_ensemble(networks, ENCODING, task, 1.5)
    others = [replace(network, share=share) for network, share in zip(networks, (0.3, 0.5, 0.2), strict=True)]
    assert measure_ensemble_parity(model, networks, ENCODING, task, TABLE, 1.5).holds
    assert not measure_ensemble_parity(model, others, ENCODING, task, TABLE, 1.5).holds
    assert not measure_ensemble_parity(model, networks, ENCODING, task, TABLE, 1.6).holds


@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("place", range(3))
def test_one_network_alone_predicts_as_by_the_formula(kind, place):
    task = TASKS[kind]
    network = replace(networks_of(task)[place], share=1.0)
    model = assemble_model(network.model, ENCODING, task, network.target_center, network.target_scale)
    predicted = model.predict_on_batch(raw_inputs(ENCODING, TABLE))
    np.testing.assert_allclose(predicted, prediction_of(network, task), rtol=1e-5, atol=2e-6)
    assert measure_ensemble_parity(model, [network], ENCODING, task, TABLE).holds


def test_a_single_configuration_may_have_a_temperature():
    task = TASKS[TaskKind.BINARY]
    network = replace(networks_of(task)[1], share=1.0)
    model = assemble_ensemble([network], ENCODING, task, 2.0)
    odds = prediction_of(network, task) / (1 - prediction_of(network, task))
    predicted = model.predict_on_batch(raw_inputs(ENCODING, TABLE))
    np.testing.assert_allclose(predicted, np.sqrt(odds) / (1 + np.sqrt(odds)), atol=2e-6)


def test_one_uncalibrated_network_ends_in_a_plain_activation():
    for kind in (TaskKind.BINARY, TaskKind.MULTICLASS, TaskKind.MULTILABEL):
        network = networks_of(TASKS[kind])[1]
        layer = assemble_ensemble([network], ENCODING, TASKS[kind]).get_layer("prediction")
        assert isinstance(layer, keras.layers.Activation)
        assert layer.compute_dtype == "float32"


def test_columns_may_be_called_like_anything_inside(tmp_path):
    names = ["network", "network_1", "members", "logits_1", "probability", "calibration", "prediction", "cast"]
    table = pd.DataFrame({name: [1.0, 2.0, 3.0 + place] for place, name in enumerate(names)})
    encoding, task = encoding_of(table, dict.fromkeys(names, ColumnKind.NUMBER)), TASKS[TaskKind.BINARY]
    for specs, temperature in ((SPECS[:1], 1.0), (SPECS[:2], 2.0)):
        built = [build_model(spec.family, spec.config, encoding.inputs, OutputSpec.of(task), seed=0) for spec in specs]
        networks = [Network(model, np.zeros(1), np.ones(1), 1 / len(specs)) for model in built]
        model = assemble_ensemble(networks, encoding, task, temperature)
        assert measure_ensemble_parity(model, networks, encoding, task, table, temperature).holds


def test_damaged_weights_of_one_member_are_refused(tmp_path):
    request = request_of(tmp_path, TASKS[TaskKind.BINARY])
    path = request.weights[1].file
    sound = path.read_bytes()
    with np.load(path) as stored:
        arrays = dict(stored)
    for content in (b"", sound[:-30], b"no archive", None):
        path.unlink() if content is None else path.write_bytes(content)
        with pytest.raises(ArtifactError, match=r"weights-2\.npz of trial 2 cannot be read"):
            make_artifact(request)
    np.savez(path, **{name: array[..., :1] for name, array in arrays.items()})
    with pytest.raises(ArtifactError, match="of trial 2 cannot be read"):
        make_artifact(request)
    path.write_bytes(request.weights[0].file.read_bytes())
    with pytest.raises(ArtifactError, match="search again"):
        make_artifact(request)
    np.savez(path, **{name: np.full_like(array, np.nan) for name, array in arrays.items()})
    with pytest.raises(ArtifactError, match="strays from what was measured"):
        make_artifact(request)
    assert not request.folder.exists()


def test_each_configuration_needs_its_weights(tmp_path):
    request = request_of(tmp_path, TASKS[TaskKind.BINARY])
    with pytest.raises(ValueError, match="2 files of weights came for 3 configurations"):
        replace(request, weights=request.weights[:2])


@pytest.mark.parametrize(
    ("shares", "specs"),
    [
        ((0.2, 0.3, 0.5), SPECS),
        ((0.5, 0.5, 0.5), SPECS),
        ((1.2, 0.3, -0.5), SPECS),
        ((float("nan"), 0.5, 0.5), SPECS),
        ((0.5, 0.3, 0.2), SPECS[::-1]),
    ],
)
def test_shares_that_are_no_shares_are_refused(shares, specs):
    members = tuple(Member(spec, share) for spec, share in zip(specs, shares, strict=True))
    with pytest.raises(ValueError, match="Expected"):
        manifest_of(TASKS[TaskKind.BINARY], members=members)


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan"), float("inf")])
def test_a_temperature_is_a_positive_number(temperature):
    with pytest.raises(ValueError, match="positive number"):
        manifest_of(TASKS[TaskKind.BINARY], temperature=temperature)


def test_a_manifest_of_the_first_format_loads_as_that_of_one_configuration(tmp_path):
    written = make_artifact(request_of(tmp_path, TASKS[TaskKind.BINARY], members=(), temperature=1.0))
    path = tmp_path / "artifact" / "manifest.json"
    before = load_artifact(path.parent).predict_units(TABLE)
    values = json.loads(path.read_text())
    assert (values.pop("members"), values.pop("temperature"), values.pop("format_version")) == ([], 1.0, 3)
    assert values.pop("latency") is None, "nobody asked for it"
    path.write_text(json.dumps(values | {"format_version": 1}))
    old = load_artifact(path.parent)
    assert old.manifest == replace(written, format_version=1)
    assert old.manifest.mixture == (Member(SPECS[0], 1.0),)
    np.testing.assert_array_equal(old.predict_units(TABLE), before)


@pytest.mark.slow
def test_a_fresh_process_without_this_package_predicts_the_same(tmp_path):
    make_artifact(request_of(tmp_path, TASKS[TaskKind.MULTICLASS]))
    raw = raw_inputs(ENCODING, TABLE)
    np.savez(tmp_path / "raw.npz", **raw)
    done = subprocess.run(
        [sys.executable, "-c", PLAIN_KERAS, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    here = load_artifact(tmp_path / "artifact").model.predict_on_batch(raw)
    np.testing.assert_array_equal(np.load(tmp_path / "plain.npy"), here)
