"""Open the place where the record of a search is kept."""

import os
import tempfile
import warnings
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from autokeras_lite.config import Place
from autokeras_lite.errors import ConfigError, TrackingError
from autokeras_lite.tracking.outbox import OUTBOX_FOLDER, Outbox
from autokeras_lite.tracking.outbox_tracker import OutboxTracker
from autokeras_lite.tracking.run_store import RunStore
from autokeras_lite.tracking.several import SeveralTrackers
from autokeras_lite.tracking.tracker import RunFiles, Tracker, TrackingLink
from autokeras_lite.tracking.uri import ARTIFACTS_FOLDER, SERVER_SCHEMES, mask, resolve_uri, sqlite_file

TENSORBOARD_OUTBOX_FOLDER = "outbox_tensorboard"
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


def check_tensorboard(place: Place) -> None:
    """See that TensorBoard's files can be written, where a person wants them: before anything is read or trained.

    Raises:
        ConfigError: the package is missing.
    """
    if place.tensorboard is not None and find_spec("tensorboard") is None:
        raise ConfigError(
            f"--tensorboard {place.tensorboard!r} was given without the package tensorboard. Expected it beside this "
            'program. Install it: pip install "autokeras_lite[tensorboard]".'
        )


def open_tracker(place: Place) -> Tracker:
    """Open the record of the search at `place`: by default SQLite in the runs folder, else `place.tracking_uri`.

    Where there is a `place.tensorboard`, event files are written to it besides, from an outbox of their own.

    Only what is cheap is checked here: the kind of the address, and that the folder takes a file. The store itself is
    opened by the tracker's thread, which begins with what an earlier start of the search left in its outbox. The caller
    holds the lock of the search: one tracker at a time works on an outbox. MLflow takes some settings only from the
    process environment: `MLFLOW_ENVIRONMENT` is put there, beneath what a person has set. It means no telemetry, short
    waits, no unpickling, few messages.

    Raises:
        ConfigError: TensorBoard is wanted, and its package is missing.
        TrackingError: the address is of a kind that cannot keep a record, or a folder cannot be written.
    """
    check_tensorboard(place)
    if place.tensorboard is None:
        return _open_mlflow_tracker(place)
    folder = Path(place.tensorboard)
    _check_folder(folder)
    return SeveralTrackers((_open_mlflow_tracker(place), _open_tensorboard_tracker(place, folder)))


def send_files(place: Place, files: RunFiles, timeout_seconds: float) -> int:
    """Keep files beside the record of a search that has ended; return how many events wait for the next tracker now.

    Raises:
        TrackingError: as `open_tracker`.
    """
    tracker = open_tracker(place)
    tracker.log_files(files)
    return tracker.close(timeout_seconds)


def _open_mlflow_tracker(place: Place) -> Tracker:
    uri = store_uri(place)
    file = sqlite_file(uri)
    if file is not None:
        _check_writable(file)
    for name, value in MLFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    artifacts = None if uri.startswith(SERVER_SCHEMES) else place.folder.parent / ARTIFACTS_FOLDER
    link = TrackingLink(uri=mask(uri), experiment=place.name, run_id="")
    return OutboxTracker(link, partial(_open_mlflow, uri, artifacts), Outbox(place.folder / OUTBOX_FOLDER))


def _open_tensorboard_tracker(place: Place, folder: Path) -> Tracker:
    link = TrackingLink(uri=str(folder), experiment=place.name, run_id="")
    return OutboxTracker(link, partial(_open_tensorboard, folder), Outbox(place.folder / TENSORBOARD_OUTBOX_FOLDER))


def count_waiting(place: Place) -> int:
    """Return how many events of the search at `place` wait for a tracker to be opened that delivers them."""
    folders = [OUTBOX_FOLDER] if place.tensorboard is None else [OUTBOX_FOLDER, TENSORBOARD_OUTBOX_FOLDER]
    return sum(len(Outbox(place.folder / folder).waiting) for folder in folders)


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


def _open_tensorboard(folder: Path) -> RunStore:
    from autokeras_lite.tracking.tensorboard import TensorBoardStore

    return TensorBoardStore(folder)


def _check_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return
    except OSError as error:
        raise TrackingError(
            f"The TensorBoard folder {str(folder)!r} cannot be written: {error.strerror}. Expected a folder for files. "
            "Choose another --tensorboard."
        ) from error


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
