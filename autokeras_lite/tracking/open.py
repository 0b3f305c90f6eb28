"""Open the place where the record of a search is kept."""

import os
import tempfile
import warnings
from functools import partial
from pathlib import Path

from autokeras_lite.config import Place
from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking.mlflow_tracker import MlflowTracker
from autokeras_lite.tracking.outbox import OUTBOX_FOLDER, Outbox
from autokeras_lite.tracking.run_store import RunStore
from autokeras_lite.tracking.tracker import Tracker, TrackingLink
from autokeras_lite.tracking.uri import ARTIFACTS_FOLDER, SERVER_SCHEMES, mask, resolve_uri, sqlite_file

MLFLOW_ENVIRONMENT = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",  # MLflow would make a run once more; the outbox looks for it first
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "5",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION": "false",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "MLFLOW_LOGGING_LEVEL": "ERROR",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}


def open_tracker(place: Place) -> Tracker:
    """Open the record of the search at `place`: by default SQLite in the runs folder, else `place.tracking_uri`.

    Only what is cheap is checked here: the kind of the address, and that the folder takes a file. The store itself is
    opened by the tracker's thread, which begins with what an earlier start of the search left in its outbox. The caller
    holds the lock of the search: one tracker at a time works on an outbox. MLflow takes some settings only from the
    process environment: `MLFLOW_ENVIRONMENT` is put there, beneath what a person has set. It means no telemetry, short
    waits, no unpickling, few messages.

    Raises:
        TrackingError: the address is of a kind that cannot keep a record, or its folder cannot be written.
    """
    uri = store_uri(place)
    file = sqlite_file(uri)
    if file is not None:
        _check_writable(file)
    for name, value in MLFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    artifacts = None if uri.startswith(SERVER_SCHEMES) else place.folder.parent / ARTIFACTS_FOLDER
    link = TrackingLink(uri=mask(uri), experiment=place.name, run_id="")
    return MlflowTracker(link, partial(_open_mlflow, uri, artifacts), Outbox(place.folder / OUTBOX_FOLDER))


def count_waiting(place: Place) -> int:
    """Return how many events of the search at `place` wait for a tracker to be opened that delivers them."""
    return len(Outbox(place.folder / OUTBOX_FOLDER).waiting)


def store_uri(place: Place) -> str:
    """Return the absolute address of the store, with its password if it has one: the one asked for, else the default.

    Raises:
        TrackingError: the address is of a kind that cannot keep a record.
    """
    return resolve_uri(place.tracking_uri, place.runs_dir)


def _open_mlflow(uri: str, artifacts: Path | None) -> RunStore:
    """Load MLflow, which takes two seconds, and open the store: called by the tracker's thread.

    MLflow warns of its own type hints and of its own outdated calls. Nobody here can act on that, and where warnings
    are errors they would end the thread.
    """
    warnings.filterwarnings("ignore", module=r"mlflow\b")
    from autokeras_lite.tracking.mlflow_store import MlflowStore

    return MlflowStore(uri, artifacts)


def _check_writable(file: Path) -> None:
    """Try it: permissions alone do not tell of a read-only file system."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=file.parent):
            is_file_writable = not file.exists() or (file.is_file() and os.access(file, os.W_OK))
    except OSError as error:
        raise TrackingError(
            f"The tracking store {str(file)!r} cannot be written: {error.strerror}. Expected a folder for files. "
            "Choose another --runs-dir or --tracking-uri."
        ) from error
    if not is_file_writable:
        raise TrackingError(
            f"The tracking store {str(file)!r} cannot be written. Expected a file that may be changed. "
            "Choose another --runs-dir or --tracking-uri."
        )
