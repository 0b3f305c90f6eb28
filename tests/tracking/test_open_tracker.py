"""Where a record may be kept, and what is refused before anything starts."""

import os
import subprocess
import sys

import pytest
from made_up_search import search_record, trial_record

from autokeras_lite.config import Place
from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.open import count_waiting, open_tracker, store_uri
from autokeras_lite.tracking.uri import hide_secrets, mask


@pytest.fixture(autouse=True)
def same_environment():
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def place(uri=None, runs_dir="runs"):
    return Place("adult", str(runs_dir), uri)


def test_the_default_store_is_one_absolute_file_in_the_runs_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert store_uri(place()) == f"sqlite:///{tmp_path}/runs/mlflow.db"


def test_a_relative_file_is_made_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    assert store_uri(place("sqlite:///mine.db")) == f"sqlite:///{tmp_path}/mine.db"


@pytest.mark.parametrize("uri", ["http://host:5000", "https://host", "postgresql+psycopg://u:p@db/mlflow"])
def test_a_server_is_taken_as_it_is(uri):
    assert store_uri(place(uri)) == uri


@pytest.mark.parametrize("uri", ["", "runs/mlflow.db", "file:///runs", "databricks", "ftp://x", "sqlite://", "http:x"])
def test_an_address_that_keeps_no_record_is_refused_in_one_line(uri):
    with pytest.raises(TrackingError, match="Expected") as refused:
        open_tracker(place(uri))
    assert "\n" not in str(refused.value)


def test_a_store_in_memory_is_refused():
    with pytest.raises(TrackingError, match="in memory"):
        open_tracker(place("sqlite:///:memory:"))


def test_a_folder_that_takes_no_files_is_refused(tmp_path):
    (tmp_path / "runs").write_text("this is a file")

    with pytest.raises(TrackingError, match="cannot be written"):
        open_tracker(place(runs_dir=tmp_path / "runs"))


def test_a_store_that_is_a_folder_is_refused(tmp_path):
    (tmp_path / "mlflow.db").mkdir()

    with pytest.raises(TrackingError, match="cannot be written"):
        open_tracker(place(runs_dir=tmp_path))


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://ann:s3cret@db/x", "postgresql://ann:***@db/x"),
        ("mysql+pymysql://ann:p%40ss@db/x?ssl_key=abc&a=1", "mysql+pymysql://ann:***@db/x?ssl_key=***&a=1"),
        ("https://:token@host", "https://:***@host"),
        ("http://host:5000/x@y", "http://host:5000/x@y"),
        ("http://[::1]:5000/x@y", "http://[::1]:5000/x@y"),
        ("postgresql://ann:pa/ss@db/mlflow", "postgresql://ann:***@db/mlflow"),
        ("postgresql://ann:pa ss@db/mlflow", "postgresql://ann:***@db/mlflow"),
        ("postgresql://ann:p@ss@db/mlflow", "postgresql://ann:***@db/mlflow"),
        ("postgresql://ann:12/p@a ss@db/mlflow", "postgresql://ann:***@db/mlflow"),
        ("http://ann:pa/ss@host", "http://ann:***@host"),
        ("https://TOKEN@host:5000/x", "https://***@host:5000/x"),
        ("postgresql://ann@db/mlflow", "postgresql://ann@db/mlflow"),
        ("sqlite:////runs/key=3/mlflow.db", "sqlite:////runs/key=3/mlflow.db"),
    ],
)
def test_a_password_is_not_shown(uri, shown):
    assert mask(uri) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no postgresql://ann:p@s/s@db/x here, ask a@b", "no postgresql://ann:***@db/x here, ask a@b"),
        ("no postgresql://ann:pa ss@db/x here", "no postgresql://ann:***@db/x here"),
        ("no http://host:5000/x here, ask a@b", "no http://host:5000/x here, ask a@b"),
        ("login with api_key=abc, password: 'd e f'\nkey", "login with api_key=*** password: ***\nkey"),
        ("{'access_token': 'abc'}", "{'access_token': ***}"),
        ("KeyError: 'age'", "KeyError: 'age'"),
        ("no http://h/x?token=abc&b=2 here", "no http://h/x?token=***&b=2 here"),
    ],
)
def test_a_message_or_a_traceback_shows_no_secret(said, shown):
    assert mask(said) == shown
    assert mask(shown) == shown


def test_the_part_of_a_password_that_a_driver_takes_for_the_host_is_not_shown():
    assert hide_secrets("no host 'ss@db'", "postgresql://ann:p@ss@db/x") == "no host '***@db'"


@pytest.mark.parametrize("uri", ["http://[::1", "http://ann:s3cret@[::1"])
def test_an_address_that_cannot_be_read_is_refused_in_one_line(uri):
    with pytest.raises(TrackingError, match="Expected one like") as refused:
        open_tracker(place(uri))
    assert "\n" not in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_a_link_shows_no_password():
    tracker = open_tracker(place("http://ann:s3cret@127.0.0.1:9"))

    assert tracker.link.uri == "http://ann:***@127.0.0.1:9"


def test_a_refused_address_shows_no_password():
    with pytest.raises(TrackingError) as refused:
        open_tracker(place("redis://ann:s3cret@host"))
    assert "s3cret" not in str(refused.value)


def test_a_message_of_the_store_shows_no_password():
    said = hide_secrets("login of ann with p@ss failed (p%40ss)", "postgresql://ann:p%40ss@db/x")

    assert said == "login of ann with *** failed (***)"


def test_telemetry_is_off_and_a_persons_own_setting_stands(tmp_path, monkeypatch):
    monkeypatch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "77")
    open_tracker(place(runs_dir=tmp_path))

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "77"


def test_opening_a_tracker_does_not_load_mlflow(tmp_path):
    code = (
        "import sys; from autokeras_lite.config import Place; from autokeras_lite.tracking.open import open_tracker;"
        f"import autokeras_lite.tracking.server; open_tracker(Place('adult', {str(tmp_path)!r}));"
        "sys.exit(any(name.partition('.')[0] in ('mlflow', 'sqlalchemy', 'pandas') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.slow
def test_a_server_that_is_gone_costs_the_caller_nothing_and_is_told(tmp_path):
    gone = place("http://ann:s3cret@127.0.0.1:9", tmp_path)
    tracker = open_tracker(gone)
    tracker.start_search(search_record())
    tracker.start_trial(trial_record(0))

    assert tracker.close(60) == 2
    assert count_waiting(gone) == 2
    assert b"s3cret" not in (tmp_path / "adult" / "outbox" / "events.jsonl").read_bytes()
    assert "s3cret" not in " ".join(tracker.problems)
    assert "127.0.0.1" in tracker.problems[0]
