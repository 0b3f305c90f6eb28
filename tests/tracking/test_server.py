"""The MLflow UI over a store, on this machine only."""

import base64
import os
import sqlite3
import threading
import urllib.error
import urllib.request
from contextlib import closing
from urllib.parse import parse_qs, urlsplit

import psutil
import pytest
from made_up_search import search_end, search_record, trial_end, trial_record

from autokeras_lite.config import Place
from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.open import open_tracker
from autokeras_lite.tracking.server import UiServer, serve_ui


def status_of(url, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code


def is_group_alive(group):
    """Whether a process of the group still runs; one that has ended but was not collected does not count."""
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return False


def command_lines(process):
    """The command lines of everything that a process has started."""
    lines = set()
    for child in process.children(recursive=True):
        try:
            lines.add(" ".join(child.cmdline()))
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    return lines


@pytest.fixture(scope="module")
def runs_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    for name, direction in (("adult", "maximize"), ("houses", "minimize")):
        tracker = open_tracker(Place(name, str(folder)))
        tracker.start_search(search_record(name, direction=direction))
        tracker.start_trial(trial_record(0))
        tracker.finish_trial(trial_end(0))
        tracker.finish_search(search_end())
        assert tracker.close(120) == 0, tracker.problems
    return folder


@pytest.fixture(scope="module")
def server(runs_dir):
    server = serve_ui(runs_dir, name="adult")
    yield server
    server.stop()
    assert server.process.poll() is not None
    assert not is_group_alive(server.process.pid)


def test_a_ui_without_a_record_says_to_search_first(tmp_path):
    with pytest.raises(TrackingError, match="Run autokeras-lite search first"):
        serve_ui(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_for_a_server_that_runs_already_nothing_is_started(tmp_path):
    server = serve_ui(tmp_path, tracking_uri="http://host:5000/")

    assert server == UiServer("http://host:5000")
    assert server.start_url.startswith("http://host:5000/#/experiments")
    server.wait()
    server.stop()


def test_the_address_of_a_server_shows_no_password(tmp_path):
    server = serve_ui(tmp_path, tracking_uri="https://ann:s3cr%40et@host:5000/prefix", name="adult")

    assert server.url == "https://host:5000/prefix"
    assert server.authorization == "Basic " + base64.b64encode(b"ann:s3cr@et").decode()
    assert "s3cr" not in repr(server)
    assert server.authorization not in repr(server)


def test_a_server_that_does_not_answer_is_told_in_one_line():
    with pytest.raises(TrackingError, match=r"127\.0\.0\.1:9") as told:
        _ = UiServer("http://127.0.0.1:9", "adult").start_url
    assert "\n" not in str(told.value)


def test_no_free_port_is_told(tmp_path):
    (tmp_path / "mlflow.db").touch()
    with pytest.raises(TrackingError, match="Choose another --port"):
        serve_ui(tmp_path, port=65536)


@pytest.mark.slow
def test_a_port_that_browsers_refuse_is_passed_over(runs_dir):
    server = serve_ui(runs_dir, port=5060)
    server.stop()
    assert int(server.url.rpartition(":")[2]) >= 5062


@pytest.mark.slow
def test_no_process_shows_the_password_of_a_store(tmp_path):
    lines = set()
    refused = []

    def serve():
        try:
            serve_ui(tmp_path, tracking_uri="postgresql://ann:s3cret@127.0.0.1:9/mlflow?token=s3cret")
        except TrackingError as error:
            refused.append(str(error))

    thread = threading.Thread(target=serve)
    thread.start()
    while thread.is_alive():
        lines |= command_lines(psutil.Process())
        thread.join(0.02)

    assert any("mlflow" in line for line in lines)
    assert "s3cret" not in " ".join([*lines, *refused])


@pytest.mark.slow
def test_a_server_that_cannot_start_says_why_and_leaves_nothing(tmp_path):
    (tmp_path / "mlflow.db").write_text("this is no database" * 1000)
    with pytest.raises(TrackingError, match="did not start"):
        serve_ui(tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning:mlflow")
class TestRunningServer:
    def test_it_answers_on_loopback(self, server):
        assert server.url.startswith("http://127.0.0.1:")
        assert status_of(f"{server.url}/health") == 200
        assert status_of(server.url) == 200

    def test_no_process_of_it_shows_the_address_of_the_store(self, server):
        assert command_lines(psutil.Process(server.process.pid))
        assert "mlflow.db" not in " ".join(command_lines(psutil.Process()))

    @pytest.mark.parametrize("host", ["evil.example", "192.168.1.1", "127.0.0.1:1"])
    def test_another_host_is_refused(self, server, host):
        assert status_of(server.url, Host=host) == 403

    @pytest.mark.parametrize("origin", ["http://evil.example", "null"])
    def test_another_origin_may_change_nothing(self, server, origin):
        request = urllib.request.Request(
            f"{server.url}/api/2.0/mlflow/experiments/create",
            b'{"name": "stolen"}',
            {"Content-Type": "application/json", "Origin": origin},
        )
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request, timeout=20)
        with refused.value:
            assert refused.value.code == 403

    def test_a_second_one_takes_another_port_and_leaves_no_process(self, server, runs_dir):
        taken = int(server.url.rpartition(":")[2])
        second = serve_ui(runs_dir, port=taken)
        assert is_group_alive(second.process.pid)
        second.stop()
        second.wait()

        assert int(second.url.rpartition(":")[2]) > taken
        assert not is_group_alive(second.process.pid)
        assert is_group_alive(server.process.pid)

    def test_the_first_page_is_the_saved_view_of_the_search(self, server, runs_dir):
        key = parse_qs(urlsplit(urlsplit(server.start_url).fragment).query)["viewStateShareKey"][0]
        with closing(sqlite3.connect(runs_dir / "mlflow.db")) as database:
            tags = {key for (key,) in database.execute("select key from experiment_tags")}
        assert f"mlflow.sharedViewState.{key}" in tags
        assert "compareRunsMode=CHART" in server.start_url

    def test_a_record_without_a_saved_view_is_shown_best_first_too(self, server, runs_dir):
        with closing(sqlite3.connect(runs_dir / "mlflow.db")) as database:
            database.execute(
                "delete from experiment_tags where key like 'mlflow.sharedViewState.%' and experiment_id = 2"
            )
            database.commit()
        address = server.comparison_url("houses")

        assert "searchFilter=tags.%60mlflow.parentRunId%60%20%3D%20%27" in address
        assert "orderByAsc=true" in address, "a metric that is minimised is sorted upwards"
        assert "viewStateShareKey" not in address

    def test_one_trial_has_nothing_to_be_set_beside(self, server):
        assert server.best_url is None

    def test_an_unknown_search_is_told(self, server):
        with pytest.raises(TrackingError, match="unknown-search"):
            server.comparison_url("unknown-search")
