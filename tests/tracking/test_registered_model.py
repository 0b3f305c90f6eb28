"""The best model as MLflow keeps it: registered, champion, and loaded again by that name."""

import json
import os
import shutil
import threading
from pathlib import Path

import keras
import mlflow
import numpy as np
import pandas as pd
import pytest
from made_up_search import search_end, search_record, trial_record
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput

from autokeras_lite.artifact.assemble import assemble_model
from autokeras_lite.artifact.load import load_artifact
from autokeras_lite.artifact.manifest import Manifest, Parity
from autokeras_lite.artifact.store import ArtifactContents, write_artifact
from autokeras_lite.config import Place
from autokeras_lite.data.arrays import InputSpec
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode import Encoding, fit_encoding
from autokeras_lite.data.encode_arrays import ScaledArray
from autokeras_lite.data.profile import profile_dataset
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tracking.mlflow_model import signature_of
from autokeras_lite.tracking.open import open_tracker, store_uri
from autokeras_lite.tracking.patience import upload_patience

pytestmark = pytest.mark.filterwarnings("ignore::Warning:mlflow")

TASK = Task(TaskKind.BINARY, ("income",), "roc_auc", "maximize", classes=("no", "yes"))


def network_for(inputs: InputSpec) -> keras.Model:
    """A network that has learned nothing."""
    arrays = {array.name: keras.Input(array.shape, name=array.name, dtype=array.dtype) for array in inputs.arrays}
    flat = [keras.layers.Flatten()(keras.ops.cast(array, "float32")) for array in arrays.values()]
    joined = flat[0] if len(flat) == 1 else keras.layers.Concatenate()(flat)
    return keras.Model(arrays, keras.layers.Dense(1)(joined))


@pytest.fixture(scope="module")
def artifact(tmp_path_factory):
    """A whole artifact of an untrained network."""
    generator = np.random.default_rng(0)
    ages, classes = generator.integers(18, 90, 80), generator.choice(["private", "state", "none"], 80)
    frame = pd.DataFrame({"age": ages, "work class": classes})
    targets = pd.DataFrame({"income": generator.choice(["no", "yes"], 80)})
    dataset = Dataset("adult", InputKind.TABLE, "a frame was given", frame, targets)
    encoding = fit_encoding(dataset, profile_dataset(dataset), np.arange(80))
    model = assemble_model(network_for(encoding.inputs), encoding, TASK, np.zeros(1), np.ones(1))
    spec = trial_record(0).spec
    manifest = Manifest("adult", TASK, encoding, spec, 0.5, (0.5,), {"search": 0}, "f", 80, Parity(0.0, 80))
    folder = tmp_path_factory.mktemp("adult") / "artifact"
    write_artifact(folder, ArtifactContents(model, manifest, targets))
    return folder


def search_once(place, artifact, metrics=None, **changes):
    """One search from its beginning to its end, with a best model; return where its record lies."""
    tracker = open_tracker(place)
    tracker.start_search(search_record(place.name, **changes))
    end = search_end(artifact) if metrics is None else search_end(artifact, metrics=metrics)
    tracker.finish_search(end)
    assert tracker.close(120) == 0, tracker.problems
    return tracker.link


@pytest.fixture(scope="module")
def kept(artifact, tmp_path_factory):
    """Two searches of one name, one after the other, each with a best model."""
    place = Place("adult", str(tmp_path_factory.mktemp("runs")))
    search_once(place, artifact)
    link = search_once(place, artifact, {"score": 0.91})
    return MlflowClient(tracking_uri=store_uri(place)), link


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder whose store several searches share."""
    return str(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def loaded(kept, monkeypatch):
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(kept[1].uri)
    yield mlflow.pyfunc.load_model("models:/adult@champion")
    mlflow.set_tracking_uri(before)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.slow
def test_the_better_one_of_two_models_is_the_champion(kept):
    client, link = kept
    champion = client.get_model_version_by_alias("adult", "champion")

    assert str(champion.version) == "2"
    assert champion.run_id == link.run_id
    assert len(client.search_model_versions("name='adult'")) == 2


@pytest.mark.slow
def test_a_model_is_registered_with_what_it_was_made_from(kept):
    client, _ = kept
    version = client.get_model_version("adult", "1")
    (model,) = client.search_logged_models(["1"], f"source_run_id = '{version.run_id}'")

    assert (version.tags["akl.search"], version.tags["akl.metric"]) == ("adult", "roc_auc")
    assert version.tags["akl.data_fingerprint"] == "f"
    assert version.description == "binary, roc_auc 0.5 on rows that it was not trained on; tabular_mlp"
    assert model.params == {"task": "binary", "metric": "roc_auc", "family": "tabular_mlp"}


OTHER_DATA = {"data": {"fingerprint": "another"}}
OTHER_TASK = {"params": {"task": "multiclass"}}
CHALLENGES = {
    "worse": ({}, {"score": 0.5}, {"score": 0.4}, {"champion": "1", "challenger": "2"}),
    "as good": ({}, {"score": 0.5}, {"score": 0.5}, {"champion": "1", "challenger": "2"}),
    "better": ({}, {"score": 0.5}, {"score": 0.6}, {"champion": "2"}),
    "better, where less is better": ({"direction": "minimize"}, {"score": 0.5}, {"score": 0.4}, {"champion": "2"}),
    "worse, corrected": (
        {},
        {"score": 0.5, "corrected_score": 0.49},
        {"score": 0.6, "corrected_score": 0.48},
        {"champion": "1", "challenger": "2"},
    ),
    "better, where only one is corrected": (
        {},
        {"score": 0.5, "corrected_score": 0.4},
        {"score": 0.6},
        {"champion": "2"},
    ),
    "worse, on other data": (OTHER_DATA, {"score": 0.5}, {"score": 0.4}, {"champion": "2"}),
    "worse, at another task": (OTHER_TASK, {"score": 0.5}, {"score": 0.4}, {"champion": "2"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CHALLENGES)
def test_a_model_that_does_not_beat_the_champion_of_the_same_question_challenges_it(runs, artifact, case):
    changes, first, second, expected = CHALLENGES[case]
    place = Place(f"search-{list(CHALLENGES).index(case)}", runs)
    same = {key: value for key, value in changes.items() if key == "direction"}
    search_once(place, artifact, first, **same)
    search_once(place, artifact, second, **changes)
    registered = MlflowClient(tracking_uri=store_uri(place)).get_registered_model(place.name)

    assert {alias: str(version) for alias, version in registered.aliases.items()} == expected


@pytest.mark.slow
def test_a_new_champion_has_no_challenger_and_a_search_that_goes_on_does_not_challenge_itself(runs, artifact):
    place = Place("adult", runs)
    for score, uid in ((0.5, "a"), (0.4, "b"), (0.6, "b"), (0.55, "b")):
        search_once(place, artifact, {"score": score}, uid=uid)
    registered = MlflowClient(tracking_uri=store_uri(place)).get_registered_model("adult")

    assert {alias: str(version) for alias, version in registered.aliases.items()} == {"champion": "2"}


@pytest.mark.slow
def test_a_best_model_told_again_is_not_doubled_and_another_one_is_a_new_version(artifact, tmp_path):
    place = Place("adult", str(tmp_path))
    other = tmp_path / "other"
    shutil.copytree(artifact, other)
    manifest = json.loads((other / "manifest.json").read_text())
    (other / "manifest.json").write_text(json.dumps(manifest | {"model_sha256": "another"}))
    for folder in (artifact, artifact, other, other):
        tracker = open_tracker(place)
        tracker.start_search(search_record(uid="a1"))
        tracker.finish_search(search_end(folder))
        assert tracker.close(120) == 0, tracker.problems
    client = MlflowClient(tracking_uri=store_uri(place))
    versions = client.search_model_versions("name='adult'")

    assert sorted(version.tags["akl.model_sha256"] for version in versions) == sorted(
        [manifest["model_sha256"], "another"]
    )
    assert len(client.search_logged_models([tracker.link.experiment_id])) == 2
    assert str(client.get_model_version_by_alias("adult", "champion").version) == "2"


@pytest.mark.slow
@pytest.mark.parametrize("is_linked", [False, True])
def test_a_model_that_was_half_handed_over_is_completed(artifact, tmp_path, is_linked):
    place = Place("adult", str(tmp_path))
    tracker = open_tracker(place)
    tracker.start_search(search_record(uid="a1"))
    assert tracker.close(120) == 0
    client = MlflowClient(tracking_uri=store_uri(place))
    experiment, run = tracker.link.experiment_id, tracker.link.run_id
    checksum = json.loads((artifact / "manifest.json").read_text())["model_sha256"]
    begun = client.create_logged_model(experiment, "best_model", run, tags={"akl.model_sha256": checksum})
    if is_linked:
        client.finalize_logged_model(begun.model_id, "READY")
        client.log_outputs(run, [LoggedModelOutput(begun.model_id, 0)])
    again = open_tracker(place)
    again.start_search(search_record(uid="a1"))
    again.finish_search(search_end(artifact))

    assert again.close(120) == 0
    assert client.get_model_version_by_alias("adult", "champion").source == begun.artifact_location
    assert [(m.model_id, str(m.status)) for m in client.search_logged_models([experiment])] == [
        (begun.model_id, "READY")
    ]


@pytest.mark.slow
def test_the_model_belongs_to_the_run_of_the_search(kept):
    client, link = kept
    model_id = client.get_run(link.run_id).outputs.model_outputs[0].model_id
    model = client.get_logged_model(model_id)

    assert (model.name, str(model.status), model.source_run_id) == ("best_model", "READY", link.run_id)


@pytest.mark.slow
def test_the_champion_predicts_as_the_artifact_does_from_raw_columns_in_any_order(loaded, artifact):
    frame = pd.DataFrame({"extra": [1, 2], "work class": ["unseen", None], "age": [30, 2**40]})
    expected = load_artifact(artifact)

    pd.testing.assert_frame_equal(loaded.predict(frame), expected.predict(frame))
    pd.testing.assert_frame_equal(loaded.predict(frame, params={"proba": True}), expected.predict_proba(frame))


@pytest.mark.slow
def test_the_champion_names_a_missing_column(loaded):
    with pytest.raises(mlflow.exceptions.MlflowException, match="work class"):
        loaded.predict(pd.DataFrame({"age": [30]}))


@pytest.mark.slow
def test_the_requirements_are_those_of_this_environment(kept, loaded):
    path = mlflow.artifacts.download_artifacts("models:/adult@champion/requirements.txt")
    requirements = Path(path).read_text()

    assert "autokeras_lite==" in requirements
    assert "keras==" in requirements


@pytest.mark.slow
def test_logging_a_model_leaves_the_persons_own_mlflow_state_alone(kept, artifact, tmp_path):
    before = (mlflow.get_tracking_uri(), mlflow.active_run(), threading.active_count())
    tracker = open_tracker(Place("adult", str(tmp_path)))
    tracker.start_search(search_record())
    tracker.finish_search(search_end(artifact))
    assert tracker.close(120) == 0

    assert (mlflow.get_tracking_uri(), mlflow.active_run(), threading.active_count()) == before


@pytest.mark.slow
def test_a_damaged_manifest_costs_the_model_alone(tmp_path):
    (tmp_path / "manifest.json").write_text("{}")
    place = Place("damaged", str(tmp_path / "runs"))
    tracker = open_tracker(place)
    tracker.start_search(search_record("damaged"))
    tracker.finish_search(search_end(tmp_path))

    assert tracker.close(120) == 1
    assert "is damaged (KeyError)" in tracker.problems[0]
    assert MlflowClient(tracking_uri=store_uri(place)).get_run(tracker.link.run_id).info.status == "FINISHED"


def test_an_array_is_described_by_its_shape():
    image = ScaledArray(InputKind.IMAGE, (8, 8, 1), (0.0,), (1.0,))
    signature = signature_of(Encoding(InputKind.IMAGE, image))

    assert signature.inputs.inputs[0].shape == (-1, 8, 8, 1)


@pytest.mark.parametrize(("before", "expected"), [("5", 60 + 400), ("1000", 1000), (None, 60 + 400)])
def test_an_upload_has_the_time_that_its_size_needs_and_other_requests_do_not(tmp_path, monkeypatch, before, expected):
    name = "MLFLOW_HTTP_REQUEST_TIMEOUT"
    if before is None:
        monkeypatch.delenv(name, raising=False)
    else:
        monkeypatch.setenv(name, before)
    (tmp_path / "deep").mkdir()
    with (tmp_path / "deep" / "model.keras").open("wb") as file:
        file.truncate(100 * 2**20)
    with upload_patience(tmp_path):
        assert os.environ[name] == str(expected)

    assert os.environ.get(name) == before
