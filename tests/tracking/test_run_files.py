"""Files about a search, kept as artifacts of its run, also long after its end."""

from pathlib import Path

import pytest
from made_up_search import search_end, search_record, trial_end, trial_record
from mlflow import MlflowClient

from autokeras_lite.config import Place
from autokeras_lite.tracking.open import count_waiting, open_tracker, send_files, store_uri
from autokeras_lite.tracking.tracker import RunFiles

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A search that has ended."""
    place = Place("adult", str(tmp_path_factory.mktemp("runs")))
    tracker = open_tracker(place)
    tracker.start_search(search_record(uid="a1"))
    tracker.start_trial(trial_record(0))
    tracker.finish_trial(trial_end(0))
    tracker.finish_search(search_end())
    assert tracker.close(120) == 0, tracker.problems
    return place


@pytest.fixture
def report(place):
    place.folder.mkdir(exist_ok=True)
    file = place.folder / "report.html"
    file.write_text("<title>adult</title>")
    return file


def kept(place, tmp_path):
    """The artifacts of the run of the search: name and content."""
    client = MlflowClient(tracking_uri=store_uri(place))
    experiment = client.get_experiment_by_name(place.name)
    (run,) = client.search_runs([experiment.experiment_id], "tags.`akl.kind` = 'search'")
    assert run.info.status == "FINISHED"
    names = [info.path for info in client.list_artifacts(run.info.run_id)]
    return {name: Path(client.download_artifacts(run.info.run_id, name, str(tmp_path))).read_text() for name in names}


def test_files_of_a_search_that_has_ended_become_artifacts_of_its_run(place, report, tmp_path):
    assert send_files(place, RunFiles("adult", "a1", (report,)), 60) == 0
    assert kept(place, tmp_path)["report.html"] == "<title>adult</title>"


def test_a_file_that_is_sent_again_is_written_over(place, report, tmp_path):
    assert send_files(place, RunFiles("adult", "a1", (report,)), 60) == 0
    report.write_text("<title>newer</title>")
    assert send_files(place, RunFiles("adult", "a1", (report,)), 60) == 0
    assert kept(place, tmp_path) == {"report.html": "<title>newer</title>"}


def test_files_of_no_search_wait_and_are_told(place, report):
    tracker = open_tracker(place)
    tracker.log_files(RunFiles("adult", "unknown", (report,)))

    assert tracker.close(60) == 1
    assert "it is not there" in tracker.problems[0]
    assert count_waiting(place) == 1


def test_a_file_that_is_gone_is_told_by_its_name(tmp_path):
    place = Place("adult", str(tmp_path))
    tracker = open_tracker(place)
    tracker.start_search(search_record(uid="a1"))
    tracker.finish_search(search_end())
    tracker.log_files(RunFiles("adult", "a1", (place.folder / "report.html",)))

    assert tracker.close(60) == 1
    assert "report.html' is gone" in tracker.problems[0]
