"""Write events with MLflow's client. Importing this module costs two seconds: only the tracking thread does it.

Nothing here touches MLflow's global state (active run, tracking URI), which belongs to the person's own program.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from alembic.util.exc import CommandError
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking import names
from autokeras_lite.tracking.comparison import FIRST_PARAMETERS, Comparison, telling_parameters
from autokeras_lite.tracking.entries import (
    search_end_entries,
    search_start_entries,
    trial_end_entries,
    trial_start_entries,
    trial_uid,
    usage_entries,
)
from autokeras_lite.tracking.mlflow_model import prepare_saving, register_model
from autokeras_lite.tracking.mlflow_runs import REFUSALS, Runs
from autokeras_lite.tracking.run_store import EventRefusedError
from autokeras_lite.tracking.tracker import (
    BestModel,
    Event,
    RunFiles,
    SearchEnd,
    SearchRecord,
    TrialEnd,
    TrialRecord,
    UsageReadings,
)
from autokeras_lite.tracking.uri import hide_secrets, sqlite_file
from autokeras_lite.trial import TrialStatus

_TRIAL_STATUS = {TrialStatus.COMPLETED: "FINISHED", TrialStatus.PRUNED: "KILLED", TrialStatus.FAILED: "FAILED"}
_SEARCH_STATUS = {"completed": "FINISHED", "cancelled": "KILLED", "failed": "FAILED"}
_LOCK_SECONDS = 120.0


@dataclass
class _Trial:
    """How far the run of a trial has come. `is_new` says that only this store has written to it, in this session."""

    record: TrialRecord | None = None
    run_id: str = ""
    started: float = 0.0
    is_new: bool = True
    is_described: bool = False
    is_finished: bool = False


class MlflowStore:
    """The runs of one search: an experiment, a parent run, and a child run for each trial.

    A search with a uid goes on in the runs that it has already, whoever wrote them. `artifacts` is the folder for
    models and files, `None` where a server keeps them.

    Raises:
        TrackingError: the store cannot be opened.
    """

    def __init__(self, uri: str, artifacts: Path | None) -> None:
        self._uri = uri
        self._artifacts = artifacts
        self._runs: Runs | None = None
        self._search: SearchRecord | None = None
        self._run_id = ""
        self._is_new = True
        self._is_described = False
        self._trials: dict[int, _Trial] = {}
        with self._faults():
            self._client = _open_client(uri)

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of the experiment and of the search's run, empty as long as there are none."""
        return "" if self._runs is None else self._runs.experiment_id, self._run_id

    def recall(self, record: SearchRecord) -> None:
        """Hear which search later events belong to; its run is looked up, and not opened again."""
        self._search = record
        self._is_described = bool(record.uid)

    def prepare(self) -> None:
        """Get ready to register a model, which takes a second the first time."""
        with self._faults():
            prepare_saving()

    def write(self, event: Event) -> None:
        """Write one event; what an earlier event could not write is written before it.

        Raises:
            TrackingError: the store cannot be reached, or is not well.
            EventRefusedError: the store will not take this event.
        """
        with self._faults():
            match event:
                case SearchRecord():
                    self._begin_session(event)
                    self._start_search()
                case TrialRecord():
                    self._start_trial(event)
                case TrialEnd():
                    self._finish_trial(event)
                case SearchEnd():
                    self._finish_search(event)
                case BestModel():
                    _, runs = self._start_search()
                    register_model(self._client, event, experiment_id=runs.experiment_id, run_id=self._run_id)
                case RunFiles():
                    self._keep_files(event)
                case UsageReadings():
                    _, runs = self._start_search()
                    runs.log(self._run_id, usage_entries(event))

    def _begin_session(self, record: SearchRecord) -> None:
        """From here on every run that is there was there before, and ended trials may begin again."""
        if record is self._search:
            return  # the same event, tried again
        self._search = record
        self._is_described = False
        self._is_new = not self._run_id
        for trial in self._trials.values():
            trial.is_new = trial.is_finished = trial.is_described = False

    def _start_search(self) -> tuple[SearchRecord, Runs]:
        record = self._search
        if record is None:
            raise EventRefusedError(
                "An event came before its search. Expected start_search first: a fault of this program."
            )
        runs = self._open_runs(record.name)
        entries = search_start_entries(record)
        if not self._run_id:
            self._run_id, is_old = runs.begin(
                record.name, record.started, entries.tags, identity=names.TAG_SEARCH_UID, is_known=True
            )
            self._is_new = not is_old
            self._is_described = self._is_described and is_old
        if not self._is_described:
            runs.describe(self._run_id, entries, is_new=self._is_new)
            if record.data:
                runs.log_data(self._run_id, record)
            if not self._is_new:  # what runs there was left by an earlier process; a trial that goes on is opened again
                runs.end_all(self._run_id, record.started, {})
            runs.show(self._comparison(record, record.started))
            self._is_described = True
        return record, runs

    def _open_runs(self, name: str) -> Runs:
        if self._runs is None:
            location = None if self._artifacts is None else (self._artifacts / name).as_uri()
            self._runs = Runs(self._client, name, location)
        return self._runs

    def _comparison(
        self, record: SearchRecord, updated: float, parameters: tuple[str, ...] = FIRST_PARAMETERS
    ) -> Comparison:
        return Comparison(self._run_id, record.direction, record.started, updated, parameters)

    def _start_trial(self, record: TrialRecord) -> None:
        trial = self._trials.setdefault(record.spec.number, _Trial())
        if trial.is_finished:
            return
        if trial.record != record:
            trial.is_new = trial.is_new and not trial.is_described
            trial.record, trial.started, trial.is_described = record, record.started, False
        self._describe_trial(trial, record)

    def _describe_trial(self, trial: _Trial, record: TrialRecord) -> None:
        search, runs = self._start_search()
        if trial.is_described:
            return
        entries = trial_start_entries(search, record)
        if not trial.run_id:
            name = f"{record.spec.number:04d} {record.spec.family}"
            tags = {**entries.tags, names.TAG_PARENT: self._run_id}
            trial.run_id, is_old = runs.begin(
                name, record.started, tags, identity=names.TAG_TRIAL_UID, is_known=not self._is_new
            )
            trial.is_new = not is_old
        runs.describe(trial.run_id, entries, is_new=trial.is_new)
        trial.is_described = True

    def _finish_trial(self, end: TrialEnd) -> None:
        search, runs = self._start_search()
        number = end.outcome.number
        trial = self._trials.get(number) or self._find_trial(search, runs, number)
        if trial.is_finished:
            return
        if trial.record is not None:
            self._describe_trial(trial, trial.record)
        entries = trial_end_entries(trial.started, end, training_rows=float(search.data.get("training_rows", 0)))
        if trial.is_new:
            runs.log(trial.run_id, entries)
        else:
            runs.log_new(trial.run_id, entries)
        runs.end(trial.run_id, _TRIAL_STATUS[end.outcome.status], end.ended)
        trial.is_finished, trial.record = True, None

    def _find_trial(self, search: SearchRecord, runs: Runs, number: int) -> _Trial:
        """Look up the run of a trial whose beginning was written by an earlier process."""
        uid = trial_uid(search, number)
        run_id = runs.find(names.TAG_TRIAL_UID, uid) if uid else ""
        if not run_id:
            raise EventRefusedError(f"Trial {number} ended. Expected start_trial before it: a fault of this program.")
        trial = _Trial(run_id=run_id, started=runs.start_of(run_id), is_new=False, is_described=True)
        self._trials[number] = trial
        return trial

    def _finish_search(self, end: SearchEnd) -> None:
        record, runs = self._start_search()
        runs.log(self._run_id, search_end_entries(record, end))
        runs.end_all(self._run_id, end.ended, {str(number): trial.run_id for number, trial in self._trials.items()})
        runs.end(self._run_id, _SEARCH_STATUS[end.status], end.ended)
        if record.uid:
            runs.find(names.TAG_SEARCH_UID, record.uid, self._run_id)
        parameters = telling_parameters(runs.scored_trials(self._run_id))
        runs.show(self._comparison(record, end.ended, parameters))

    def _keep_files(self, files: RunFiles) -> None:
        """Keep files with the run of their search, which may have been written by an earlier process."""
        runs = self._open_runs(files.name)
        run_id = runs.find(names.TAG_SEARCH_UID, files.uid, self._run_id)
        if not run_id:
            raise EventRefusedError(f"Files came for the search {files.name!r}. Expected its record: it is not there.")
        self._run_id = self._run_id or run_id
        for file in files.files:
            if not file.is_file():
                raise EventRefusedError(
                    f"{str(file)!r} is gone. Expected a file to keep with the record. Make it again."
                )
            runs.log_file(run_id, file)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, SQLAlchemyError, CommandError, OSError) as error:
            said = " ".join(str(error).split())[:300]
            line = hide_secrets(f"{type(error).__name__}: {said}", self._uri)
            if isinstance(error, MlflowException) and error.error_code in REFUSALS:
                raise EventRefusedError(line) from error
            raise TrackingError(line) from error


def _open_client(uri: str) -> MlflowClient:
    """Open the store. Two processes that create one SQLite store at once break it, hence the lock."""
    file = sqlite_file(uri)
    lock = nullcontext() if file is None else FileLock(f"{file}.lock", timeout=_LOCK_SECONDS)
    with lock:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return client
