"""A search that goes on after an end of any kind goes on in the same runs of a real SQLite store."""

import uuid

import pytest
from made_up_search import STARTED, search_end, search_record, trial_end, trial_record, usage_readings
from mlflow import MlflowClient

from autokeras_lite.tracking.mlflow_store import MlflowStore
from autokeras_lite.trial import Cause

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    return f"sqlite:///{tmp_path_factory.mktemp('runs')}/mlflow.db"


class Search:
    """One search, its events, and what the store keeps of it."""

    def __init__(self, uri):
        self.name = uuid.uuid4().hex
        self.uri = uri
        self.client = MlflowClient(tracking_uri=uri)

    def start(self, **changes):
        return search_record(self.name, uid=f"uid-{self.name}", **changes)

    def tell(self, *events, recalled=None):
        """Tell events to a store as a new process has it."""
        store = MlflowStore(self.uri, None)
        if recalled is not None:
            store.recall(recalled)
        for event in events:
            store.write(event)

    def runs(self):
        experiment = self.client.get_experiment_by_name(self.name)
        return {run.data.tags.get("akl.trial", "search"): run for run in self._listed(experiment.experiment_id)}

    def statuses(self):
        return {key: run.info.status for key, run in self.runs().items()}

    def history(self, key, metric):
        return [(m.step, m.value) for m in self.client.get_metric_history(self.runs()[key].info.run_id, metric)]

    def _listed(self, experiment_id):
        runs = self.client.search_runs([experiment_id])
        assert len({run.data.tags.get("akl.trial") for run in runs}) == len(runs), "a run is there twice"
        return runs


@pytest.fixture
def search(uri):
    return Search(uri)


def test_a_resumed_search_goes_on_in_its_runs(search):
    search.tell(search.start(), trial_record(0), trial_end(0), trial_record(1))
    before = {key: run.info.run_id for key, run in search.runs().items()}
    search.tell(search.start(started=STARTED + 100), trial_record(1), trial_end(1), search_end())
    after = {key: run.info.run_id for key, run in search.runs().items()}

    assert after == before
    assert search.statuses() == {"search": "FINISHED", "0": "FINISHED", "1": "FINISHED"}
    assert search.runs()["search"].info.start_time == STARTED * 1000


def test_a_search_that_was_interrupted_runs_again_and_is_completed(search):
    search.tell(search.start(), search_end(status="cancelled"))
    assert search.statuses() == {"search": "KILLED"}
    search.tell(search.start())
    assert search.statuses() == {"search": "RUNNING"}
    search.tell(search.start(), search_end())

    assert search.statuses() == {"search": "FINISHED"}


def test_no_run_is_left_running_whoever_began_it(search):
    search.tell(search.start(), trial_record(0), trial_record(1))
    again = search.start(started=STARTED + 50)
    search.tell(again, trial_record(2), trial_record(3), trial_end(3, Cause.DIVERGED), search_end())

    assert search.statuses() == {"search": "FINISHED", "0": "KILLED", "1": "KILLED", "2": "KILLED", "3": "FAILED"}
    assert search.runs()["1"].info.end_time == (STARTED + 50) * 1000
    assert search.runs()["2"].info.end_time == (STARTED + 60) * 1000


def test_what_an_earlier_process_left_running_is_ended_at_the_resumed_start_and_may_go_on(search):
    search.tell(search.start(), trial_record(0), trial_record(1), trial_end(1))
    store = MlflowStore(search.uri, None)
    store.write(search.start(started=STARTED + 50))
    assert search.statuses() == {"search": "RUNNING", "0": "KILLED", "1": "FINISHED"}
    store.write(trial_record(0))
    assert search.statuses() == {"search": "RUNNING", "0": "RUNNING", "1": "FINISHED"}
    store.write(search.start(started=STARTED + 60))
    store.write(trial_record(0))

    assert search.statuses() == {"search": "RUNNING", "0": "RUNNING", "1": "FINISHED"}


def test_runs_of_another_search_of_the_same_name_stay_as_they_are(search):
    search.tell(search.start(), trial_record(0))
    search.tell(search_record(search.name, uid="another"), search_end())
    experiment = search.client.get_experiment_by_name(search.name)
    runs = search.client.search_runs([experiment.experiment_id])

    assert sorted(run.info.status for run in runs) == ["FINISHED", "RUNNING", "RUNNING"]


def test_a_trial_told_once_more_at_another_time_is_not_doubled(search):
    search.tell(search.start(), trial_record(0), trial_end(0), search_end(status="cancelled"))
    later = trial_end(0)
    search.tell(search.start(), trial_record(0), type(later)(later.outcome, later.ended + 1000), search_end())

    assert search.history("0", "score") == [(0, 0.9)]
    assert search.history("0", "epoch/loss") == [(1, 0.7), (2, 0.5), (3, 0.4)]
    assert search.statuses()["0"] == "FINISHED"


def test_a_trial_that_was_cancelled_and_went_on_has_its_new_end(search):
    search.tell(search.start(), trial_record(0), trial_end(0, Cause.CANCELLED, score=0.7), search_end())
    search.tell(search.start(), trial_record(0))
    assert search.statuses()["0"] == "RUNNING"
    search.tell(search.start(), trial_end(0, score=0.9))

    assert search.statuses()["0"] == "FINISHED"
    assert search.runs()["0"].data.tags["akl.cause"] == "OK"


def test_a_replay_with_two_starts_of_the_search_in_it_is_written_once(search):
    cancelled = [search.start(), trial_record(0), trial_end(0, Cause.CANCELLED), search_end(status="cancelled")]
    search.tell(*cancelled, search.start(started=STARTED + 100), trial_record(0), trial_end(0), search_end())

    assert search.statuses() == {"search": "FINISHED", "0": "FINISHED"}
    assert search.history("0", "epoch/loss") == [(1, 0.7), (2, 0.5), (3, 0.4)]


def test_an_end_alone_finds_its_run_and_does_not_open_the_search_again(search):
    search.tell(search.start(), trial_record(0), search_end(status="cancelled"))
    search.tell(trial_end(0), recalled=search.start())

    assert search.statuses() == {"search": "KILLED", "0": "FINISHED"}
    assert search.history("0", "epoch/loss") == [(1, 0.7), (2, 0.5), (3, 0.4)]


def test_a_parameter_that_a_resumed_search_has_changed_becomes_a_tag(search):
    for trials in (10, 20, 10):
        search.tell(search.start(params={"budget": {"trials": trials}, "task": "binary", f"n{trials}": 1}))
    run = search.runs()["search"]

    assert run.data.params["search.budget.trials"] == "10"
    assert run.data.tags["akl.changed.search.budget.trials"] == "10"
    assert run.data.params["search.n20"] == "1"
    assert "akl.changed.search.task" not in run.data.tags


def test_a_trial_that_is_tried_again_tells_its_new_cohort(search):
    search.tell(search.start(), trial_record(0), trial_record(0, cohort=9, lane=0), trial_end(0))
    tags = search.runs()["0"].data.tags

    assert (tags["akl.cohort"], tags["akl.lane"]) == ("9", "0")


def test_doubles_that_a_server_made_without_an_answer_are_deleted(search):
    search.tell(search.start(), trial_record(0))
    runs = search.runs()
    for key, (name, started) in {"search": ("x", 1), "0": ("y", 2)}.items():
        tags = {tag: value for tag, value in runs[key].data.tags.items() if tag != "mlflow.runName"}
        search.client.create_run(runs[key].info.experiment_id, started, tags, name)
    search.tell(search.start(), trial_record(0), trial_end(0), search_end())

    assert {key: run.info.run_id for key, run in search.runs().items()} == {
        key: run.info.run_id for key, run in runs.items()
    }


def test_a_double_that_comes_late_is_deleted_at_the_end(search):
    store = MlflowStore(search.uri, None)
    for event in (search.start(), trial_record(0)):
        store.write(event)
    runs = search.runs()
    for run in runs.values():
        tags = {tag: value for tag, value in run.data.tags.items() if tag != "mlflow.runName"}
        search.client.create_run(run.info.experiment_id, 1, tags, "late")
    for event in (trial_end(0), search_end()):
        store.write(event)

    assert {run.info.run_id for run in search.runs().values()} == {run.info.run_id for run in runs.values()}
    assert search.statuses() == {"search": "FINISHED", "0": "FINISHED"}


def test_the_use_of_the_machine_goes_on_in_its_curves_and_is_not_doubled(search):
    search.tell(search.start(), usage_readings(10, 20), usage_readings(10, 20))
    search.tell(search.start(started=STARTED + 100), usage_readings(30), search_end())

    history = search.history("search", "system/cpu_utilization_percentage")
    assert [step for step, _ in history] == [10, 20, 30]


def test_readings_that_come_late_do_not_open_the_search_again(search):
    search.tell(search.start(), search_end())
    search.tell(usage_readings(40), recalled=search.start())

    assert search.statuses() == {"search": "FINISHED"}
    assert search.history("search", "system/gpu_0_x") == [(40, 1.0)]
