"""The record in a real SQLite store. Opening a fresh one takes seconds, so one made-up search serves many tests."""

import sqlite3
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from made_up_search import CONFIG, FINGERPRINT, STARTED, search_end, search_record, trial_end, trial_record
from mlflow import MlflowClient
from mlflow.entities import Run

from autokeras_lite.config import Place
from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.mlflow_store import MlflowStore
from autokeras_lite.tracking.open import open_tracker, store_uri
from autokeras_lite.tracking.run_store import EventRefusedError
from autokeras_lite.tracking.tracker import TrackingLink
from autokeras_lite.trial import Cause, Curve

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]

CAUSES = {0: Cause.OK, 1: Cause.PRUNED, 2: Cause.DIVERGED, 3: Cause.CANCELLED}


@dataclass(frozen=True)
class Kept:
    """What the made-up search left."""

    client: MlflowClient
    link: TrackingLink
    parent: Run
    children: dict[int, Run]
    uri: str
    runs_dir: Path


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    runs_dir = tmp_path_factory.mktemp("runs")
    place = Place("adult", str(runs_dir))
    tracker = open_tracker(place)
    tracker.start_search(search_record())
    for number, cause in CAUSES.items():
        tracker.start_trial(trial_record(number))
        tracker.finish_trial(trial_end(number, cause))
    tracker.finish_search(search_end())
    assert tracker.close(120) == 0, tracker.problems
    client = MlflowClient(tracking_uri=store_uri(place))
    runs = client.search_runs([tracker.link.experiment_id])
    children = {int(run.data.tags["akl.trial"]): run for run in runs if "akl.trial" in run.data.tags}
    return Kept(client, tracker.link, client.get_run(tracker.link.run_id), children, store_uri(place), runs_dir)


@pytest.fixture
def store(kept):
    """A store of another search over the same file."""
    return MlflowStore(kept.uri, kept.runs_dir / "mlflow_artifacts")


def test_a_search_is_one_run_and_each_trial_a_run_below_it(kept):
    assert len(kept.client.search_runs([kept.link.experiment_id])) == 5
    assert {run.data.tags["mlflow.parentRunId"] for run in kept.children.values()} == {kept.link.run_id}
    assert kept.parent.data.tags["akl.kind"] == "search"


@pytest.mark.parametrize(("number", "status"), [(0, "FINISHED"), (1, "KILLED"), (2, "FAILED"), (3, "KILLED")])
def test_a_run_ends_as_its_trial_did(kept, number, status):
    assert kept.children[number].info.status == status
    assert kept.children[number].data.tags["akl.cause"] == CAUSES[number].value


def test_a_failure_says_why(kept):
    assert kept.children[2].data.tags["akl.message"] == "loss became NaN in epoch 3"


def test_times_are_those_of_the_trial(kept):
    info = kept.children[1].info

    assert (info.start_time, info.end_time) == ((STARTED + 1) * 1000, (STARTED + 11) * 1000)


def test_params_of_a_trial_are_flat(kept):
    params = kept.children[0].data.params

    assert params["family"] == "tabular_mlp"
    assert params["structure.depth"] == "2"
    assert params["recipe.dropout"] == "0.25"


def test_every_epoch_is_a_step(kept):
    history = kept.client.get_metric_history(kept.children[0].info.run_id, "epoch/validation_loss")

    assert [(metric.step, metric.value) for metric in history] == [(1, 0.8), (2, 0.6), (3, 0.65)]


def test_the_objective_has_one_key_in_every_run(kept):
    scored = [kept.parent, kept.children[0], kept.children[1], kept.children[3]]

    assert [run.data.metrics["score"] for run in scored] == [0.9] * 4
    assert "score" not in kept.children[2].data.metrics


def test_the_parent_tells_the_result(kept):
    assert kept.parent.info.status == "FINISHED"
    assert kept.parent.data.metrics["baseline.linear"] == 0.87
    assert kept.parent.data.tags["akl.best_trial"] == "0"
    assert "best network: 0.9" in kept.parent.data.tags["mlflow.note.content"]
    assert kept.parent.data.params["search.budget.seconds"] == "120.0"


def test_the_data_set_carries_our_fingerprint(kept):
    dataset = kept.parent.inputs.dataset_inputs[0].dataset

    assert dataset.name == "adult"
    assert FINGERPRINT.startswith(dataset.digest)
    assert len(dataset.digest) == 36


def test_artifacts_lie_below_the_runs_folder(kept):
    location = kept.client.get_experiment(kept.link.experiment_id).artifact_location

    assert location == (kept.runs_dir / "mlflow_artifacts" / "adult").as_uri()


def test_writing_everything_twice_changes_nothing(kept, store):
    events = [search_record("twice"), trial_record(0), trial_end(0), search_end()]
    for event in [event for event in events for _ in range(2)]:
        store.write(event)
    runs = kept.client.search_runs([store.ids[0]])
    history = kept.client.get_metric_history(next(r.info.run_id for r in runs if "akl.trial" in r.data.tags), "score")

    assert len(runs) == 2
    assert len(history) == 1


def test_a_trial_is_written_whole_when_only_its_end_got_through(kept, store):
    store.write(search_record("second"))
    store.write(trial_record(0))
    store.write(trial_end(0))
    store.write(trial_record(0))

    assert len(kept.client.search_runs([store.ids[0]])) == 2


def test_a_search_of_the_same_name_becomes_another_parent_of_its_experiment(kept, store):
    store.write(search_record())

    assert store.ids[0] == kept.link.experiment_id
    assert store.ids[1] != kept.link.run_id
    kept.client.delete_run(store.ids[1])


def test_hostile_values_are_written(kept, store):
    config = {**CONFIG, "a[0]//b/../c": "é" * 9000, "empty": "", "none": None, "nested": [[1, 2], [3]]}
    curve = Curve(tuple(float(epoch) for epoch in range(1500)), (float("nan"),), (float("inf"),))
    store.write(search_record("hostile", params={str(number): number for number in range(250)}))
    store.write(trial_record(0, config))
    store.write(trial_end(0, Cause.EXCEPTION, curve=curve, message="✗" * 9000))
    runs = {run.data.tags["akl.kind"]: run for run in kept.client.search_runs([store.ids[0]])}

    assert len(runs["search"].data.params) == 250
    assert len(kept.client.get_metric_history(runs["trial"].info.run_id, "epoch/loss")) == 1500
    assert "epoch/score" not in runs["trial"].data.metrics
    assert runs["trial"].data.params["structure.a_0___b_.._c"].endswith("…")


def test_a_trial_nobody_began_is_refused_alone(store):
    store.write(search_record("unknown"))
    with pytest.raises(EventRefusedError, match="Trial 9 ended"):
        store.write(trial_end(9))
    store.write(trial_record(0))


def test_a_file_that_is_no_store_is_refused(tmp_path):
    file = tmp_path / "mlflow.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE experiments (broken TEXT)")
    connection.close()

    with pytest.raises(TrackingError):
        MlflowStore(f"sqlite:///{file}", tmp_path)


def test_a_deleted_experiment_comes_back(kept, store):
    experiment_id = kept.client.create_experiment("deleted", artifact_location=kept.runs_dir.as_uri())
    kept.client.delete_experiment(experiment_id)
    store.write(search_record("deleted"))

    assert kept.client.get_experiment(experiment_id).lifecycle_stage == "active"


def test_an_artifact_without_a_manifest_is_told_and_nothing_else_suffers(kept, tmp_path):
    tracker = open_tracker(Place("no-manifest", str(kept.runs_dir)))
    tracker.start_search(search_record("no-manifest"))
    tracker.finish_search(replace(search_end(), artifact=tmp_path))

    assert tracker.close(120) == 1
    assert "manifest.json" in tracker.problems[0]
    assert kept.client.get_run(tracker.link.run_id).info.status == "FINISHED"
