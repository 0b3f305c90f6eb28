"""An artifact is whole or refused, and predicts anywhere what it predicted here."""

import errno
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_artifact import KINDS, TASKS, encoding_of, good_table, make

from autokeras_lite.artifact.load import BATCH_ROWS, Artifact, load_artifact
from autokeras_lite.artifact.manifest import Manifest, Parity
from autokeras_lite.artifact.store import write_artifact
from autokeras_lite.data.encode import raw_inputs
from autokeras_lite.errors import ArtifactError, StorageError, TaskError
from autokeras_lite.tasks.task import Task, TaskKind

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

PLAIN_KERAS = """
import sys
sys.modules["autokeras_lite"] = None  # importing it fails
import keras, numpy as np
model = keras.saving.load_model(sys.argv[1] + "/model.keras", safe_mode=True)
raw = dict(np.load(sys.argv[2] + "/raw.npz", allow_pickle=True))
np.save(sys.argv[2] + "/plain.npy", model.predict_on_batch(raw))
del sys.modules["autokeras_lite"]
from pathlib import Path
import pandas as pd
from autokeras_lite.artifact.load import load_artifact
artifact = load_artifact(Path(sys.argv[1]))
np.save(sys.argv[2] + "/units.npy", artifact.predict_units(pd.read_parquet(sys.argv[2] + "/table.parquet")))
"""
LAZY = """
import sys
from pathlib import Path
from autokeras_lite.artifact.load import load_artifact
load_artifact(Path(sys.argv[1]))
assert "keras" not in sys.modules and "tensorflow" not in sys.modules
"""


@pytest.fixture(scope="module", params=list(TASKS))
def artifact(request, tmp_path_factory) -> Artifact:
    """An artifact of each task."""
    folder = tmp_path_factory.mktemp("runs") / "best"
    write_artifact(folder, make(encoding_of(good_table()), request.param).contents())
    return load_artifact(folder)


@pytest.fixture
def folder(tmp_path) -> Path:
    """The folder of a binary artifact."""
    write_artifact(tmp_path / "best", make(encoding_of(good_table())).contents())
    return tmp_path / "best"


def run_python(script: str, *arguments: object) -> None:
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_fresh_process_predicts_the_same_bit_for_bit_with_and_without_this_package(folder, tmp_path):
    here = load_artifact(folder)
    table = good_table()
    table.to_parquet(tmp_path / "table.parquet")
    raw = raw_inputs(here.manifest.encoding, table)
    np.savez(tmp_path / "raw.npz", **raw)
    run_python(PLAIN_KERAS, folder, tmp_path)
    np.testing.assert_array_equal(np.load(tmp_path / "units.npy"), here.predict_units(table))
    np.testing.assert_array_equal(np.load(tmp_path / "plain.npy"), here.model.predict_on_batch(raw))


@pytest.mark.slow
def test_reading_a_manifest_loads_no_keras(folder):
    run_python(LAZY, folder)


def test_an_artifact_holds_its_files_and_nothing_else(folder):
    assert sorted(path.name for path in folder.iterdir()) == [
        "manifest.json",
        "model.keras",
        "validation_predictions.parquet",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["best"]


def test_a_manifest_survives_its_json():
    manifest = make(encoding_of(good_table())).contents().manifest
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest


def test_an_artifact_takes_the_place_of_an_earlier_one(folder):
    other = make(encoding_of(good_table()), TaskKind.REGRESSION)
    written = write_artifact(folder, other.contents())
    assert load_artifact(folder).manifest == written
    assert [path.name for path in folder.parent.iterdir()] == ["best"]


class BrokenModel:
    """A model that can be written only in part."""

    def save(self, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError("disk full")


def test_writing_that_breaks_off_leaves_the_earlier_artifact(folder):
    before = load_artifact(folder).manifest
    contents = make(encoding_of(good_table())).contents(model=BrokenModel())
    with pytest.raises(OSError, match="disk full"):
        write_artifact(folder, contents)
    assert load_artifact(folder).manifest == before
    assert [path.name for path in folder.parent.iterdir()] == ["best"]


class FullDiskModel:
    """A model for which there is no room."""

    def save(self, path: Path) -> None:
        path.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_and_leaves_the_earlier_artifact(folder):
    before = load_artifact(folder).manifest
    contents = make(encoding_of(good_table())).contents(model=FullDiskModel())
    with pytest.raises(StorageError, match="is full"):
        write_artifact(folder, contents)
    assert load_artifact(folder).manifest == before
    assert [path.name for path in folder.parent.iterdir()] == ["best"]


def test_a_changed_model_file_is_refused(folder):
    with (folder / "model.keras").open("ab") as file:
        file.write(b"more")
    with pytest.raises(ArtifactError, match="was changed after it was written"):
        load_artifact(folder)


def test_a_missing_model_file_is_refused(folder):
    (folder / "model.keras").unlink()
    with pytest.raises(ArtifactError, match=r"model.keras is missing"):
        load_artifact(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"format_version": 1}', "\x00", '{"format_version": 1, "task": {"kind": 3}}']
)
def test_a_damaged_manifest_is_refused(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(ArtifactError, match="is damaged"):
        load_artifact(folder)


def test_an_artifact_of_another_format_is_refused(folder):
    values = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps(values | {"format_version": 99}))
    with pytest.raises(ArtifactError, match=r"has format 99\. Expected format 1"):
        load_artifact(folder)


def test_a_folder_without_an_artifact_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="No model was found"):
        load_artifact(tmp_path)


def test_parity_fails_on_what_is_no_number():
    assert not Parity(float("nan"), 10).holds


def test_predictions_keep_the_index_and_name_the_targets(artifact):
    table = good_table().set_index(pd.Index([f"row {i}" for i in range(120)]))
    predicted = artifact.predict(table)
    assert list(predicted.columns) == list(artifact.manifest.task.targets)
    pd.testing.assert_index_equal(predicted.index, table.index)


def test_predictions_agree_with_the_units_that_the_model_puts_out(artifact):
    table, task = good_table(), artifact.manifest.task
    units, predicted = artifact.predict_units(table), artifact.predict(table)
    if task.kind is TaskKind.BINARY:
        expected = np.where(units >= 0.5, "yes", "no")
    elif task.kind is TaskKind.MULTICLASS:
        expected = np.array(task.classes)[units.argmax(axis=1)][:, None]
    else:
        expected = units if task.kind is TaskKind.REGRESSION else units >= 0.5
    assert (predicted.to_numpy() == expected).all()


def test_probabilities_are_given_for_each_class_or_refused(artifact):
    kind = artifact.manifest.task.kind
    if kind is TaskKind.REGRESSION:
        with pytest.raises(TaskError, match="regression"):
            artifact.predict_proba(good_table())
        return
    probabilities = artifact.predict_proba(good_table())
    columns = {TaskKind.BINARY: ["no", "yes"], TaskKind.MULTICLASS: ["1", "2", "5"], TaskKind.MULTILABEL: ["u", "v"]}
    assert list(probabilities.columns) == columns[kind]
    if kind is not TaskKind.MULTILABEL:
        np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("classes", [("no", "yes"), (0, 1), (False, True), (1.5, 2.5)])
def test_labels_have_the_type_of_the_training_targets(folder, classes):
    values = json.loads((folder / "manifest.json").read_text())
    values["task"] = Task(TaskKind.BINARY, ("y",), "roc_auc", "maximize", classes).to_json()
    (folder / "manifest.json").write_text(json.dumps(values))
    labels = load_artifact(folder).predict(good_table())["y"]
    assert labels.dtype == pd.Series(list(classes)).dtype
    assert set(labels) <= set(classes)


def test_no_rows_give_no_predictions(artifact):
    assert artifact.predict(good_table().iloc[:0]).shape == (0, len(artifact.manifest.task.targets))
    assert artifact.predict_units(good_table().iloc[:0]).shape == (0, artifact.manifest.task.units)


def test_rows_predict_the_same_in_many_batches_as_in_one(artifact):
    many = pd.concat([good_table()] * (BATCH_ROWS // 100), ignore_index=True)
    assert len(many) > BATCH_ROWS
    np.testing.assert_allclose(artifact.predict_units(many)[-120:], artifact.predict_units(good_table()), rtol=1e-5)


def test_reordered_and_extra_columns_change_no_prediction(artifact):
    other = good_table()[list(KINDS)[::-1]].assign(more="x")
    np.testing.assert_array_equal(artifact.predict_units(other), artifact.predict_units(good_table()))


def test_missing_columns_are_refused_by_name(artifact):
    with pytest.raises(ArtifactError, match="lack 2 of the 6 columns that the model takes: truth, date"):
        artifact.predict(good_table().drop(columns=["date", "truth"]).iloc[:0])


def test_unseen_and_missing_values_are_predicted(artifact):
    odd = pd.DataFrame({name: [None, "nobody knew", "1e999"] for name in KINDS}, dtype=object)
    assert np.isfinite(artifact.predict_units(odd)).all()


def test_a_csv_of_the_rows_predicts_what_the_frame_predicts(artifact, tmp_path):
    good_table().to_csv(tmp_path / "rows.csv", index=False)
    read = pd.read_csv(tmp_path / "rows.csv")
    np.testing.assert_allclose(artifact.predict_units(read), artifact.predict_units(good_table()), rtol=1e-6)
