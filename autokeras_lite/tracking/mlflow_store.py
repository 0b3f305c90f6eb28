"""Write runs with MLflow's client. Importing this module costs two seconds: only the tracking thread does it.

Nothing here touches MLflow's global state (active run, tracking URI), which belongs to the person's own program.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from alembic.util.exc import CommandError
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from autokeras_lite.errors import TrackingError
from autokeras_lite.tracking import names
from autokeras_lite.tracking.entries import (
    Entries,
    search_end_entries,
    search_start_entries,
    trial_end_entries,
    trial_start_entries,
)
from autokeras_lite.tracking.mlflow_model import register_model
from autokeras_lite.tracking.tracker import BestModel, Event, SearchEnd, SearchRecord, TrialEnd, TrialRecord
from autokeras_lite.tracking.uri import hide_secrets, sqlite_file
from autokeras_lite.trial import TrialStatus

_TRIAL_STATUS = {TrialStatus.COMPLETED: "FINISHED", TrialStatus.PRUNED: "KILLED", TrialStatus.FAILED: "FAILED"}
_SEARCH_STATUS = {"completed": "FINISHED", "cancelled": "KILLED", "failed": "FAILED"}
_EXPERIMENT_TAGS = {"mlflow.experimentKind": "custom_model_development"}  # else the UI opens on its pages for agents
_MAX_DIGEST_LENGTH = 36
_LOCK_SECONDS = 120.0


@dataclass
class _Trial:
    """A trial that has begun: how far its run has come."""

    record: TrialRecord
    run_id: str = ""
    is_described: bool = False


class MlflowStore:
    """The runs of one search: an experiment, a parent run, and a child run for each trial.

    `artifacts` is the folder for models and files, `None` where a server keeps them.

    Raises:
        TrackingError: the store cannot be opened.
    """

    def __init__(self, uri: str, artifacts: Path | None) -> None:
        self._uri = uri
        self._artifacts = artifacts
        self._search: SearchRecord | None = None
        self._experiment_id = ""
        self._run_id = ""
        self._is_described = False
        self._trials: dict[int, _Trial] = {}
        self._finished: set[int] = set()
        with self._faults():
            self._client = _open_client(uri)

    @property
    def ids(self) -> tuple[str, str]:
        """The ids of the experiment and of the search's run, empty as long as there are none."""
        return self._experiment_id, self._run_id

    def write(self, event: Event) -> None:
        """Write one event; what an earlier event could not write is written before it.

        Raises:
            TrackingError: the store refused it or cannot be reached.
        """
        with self._faults():
            match event:
                case SearchRecord():
                    self._search = event
                    self._start_search()
                case TrialRecord():
                    self._start_trial(event)
                case TrialEnd():
                    self._finish_trial(event)
                case SearchEnd():
                    self._finish_search(event)
                case BestModel():
                    self._start_search()
                    register_model(self._client, event, experiment_id=self._experiment_id, run_id=self._run_id)

    def _start_search(self) -> SearchRecord:
        record = self._search
        if record is None:
            raise TrackingError(
                "An event came before its search. Expected start_search first: a fault of this program."
            )
        if not self._experiment_id:
            self._experiment_id = self._experiment(record.name)
        entries = search_start_entries(record)
        if not self._run_id:
            self._run_id = self._create_run(record.name, record.started, entries.tags)
        if not self._is_described:
            self._log(self._run_id, Entries(params=entries.params))
            if record.data:
                self._client.log_inputs(self._run_id, datasets=[_dataset(record)])
            self._is_described = True
        return record

    def _experiment(self, name: str) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            location = None if self._artifacts is None else (self._artifacts / name).as_uri()
            return str(self._client.create_experiment(name, artifact_location=location, tags=_EXPERIMENT_TAGS))
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)

    def _start_trial(self, record: TrialRecord) -> None:
        number = record.spec.number
        if number in self._finished:
            return
        trial = self._trials.setdefault(number, _Trial(record))
        entries = trial_start_entries(self._start_search(), record)
        if not trial.run_id:
            tags = {**entries.tags, names.TAG_PARENT: self._run_id}
            trial.run_id = self._create_run(f"{number:04d} {record.spec.family}", record.started, tags)
        if not trial.is_described:
            self._log(trial.run_id, Entries(params=entries.params))
            trial.is_described = True

    def _finish_trial(self, end: TrialEnd) -> None:
        number = end.outcome.number
        if number in self._finished:
            return
        if number not in self._trials:
            raise TrackingError(f"Trial {number} ended. Expected start_trial before it: a fault of this program.")
        trial = self._trials[number]
        self._start_trial(trial.record)
        self._log(trial.run_id, trial_end_entries(trial.record, end))
        self._client.set_terminated(trial.run_id, _TRIAL_STATUS[end.outcome.status], _milliseconds(end.ended))
        self._finished.add(number)
        del self._trials[number]

    def _finish_search(self, end: SearchEnd) -> None:
        record = self._start_search()
        self._log(self._run_id, search_end_entries(record, end))
        self._client.set_terminated(self._run_id, _SEARCH_STATUS[end.status], _milliseconds(end.ended))

    def _create_run(self, name: str, started: float, tags: Mapping[str, str]) -> str:
        run = self._client.create_run(self._experiment_id, _milliseconds(started), tags=dict(tags), run_name=name)
        return str(run.info.run_id)

    def _log(self, run_id: str, entries: Entries) -> None:
        """Write it all in one call; the client splits what is over the limits of a request."""
        self._client.log_batch(
            run_id,
            metrics=[Metric(p.key, float(p.value), _milliseconds(p.seconds), p.step) for p in entries.points],
            params=[Param(key, value) for key, value in entries.params.items()],
            tags=[RunTag(key, value) for key, value in entries.tags.items()],
        )

    @contextmanager
    def _faults(self) -> Iterator[None]:
        try:
            yield
        except (MlflowException, SQLAlchemyError, CommandError, OSError) as error:
            said = " ".join(str(error).split())[:300]
            raise TrackingError(hide_secrets(f"{type(error).__name__}: {said}", self._uri)) from error


def _open_client(uri: str) -> MlflowClient:
    """Open the store. Two processes that create one SQLite store at once break it, hence the lock."""
    file = sqlite_file(uri)
    lock = nullcontext() if file is None else FileLock(f"{file}.lock", timeout=_LOCK_SECONDS)
    with lock:
        client = MlflowClient(tracking_uri=uri, registry_uri=uri)
        client.search_experiments(max_results=1)
    return client


def _dataset(record: SearchRecord) -> DatasetInput:
    """Describe the data by our fingerprint: MLflow's own digest reads only the first 10,000 rows."""
    data = record.data
    source = str(data.get("source", "memory"))
    dataset = Dataset(
        name=str(data.get("name", record.name))[:500],
        digest=str(data.get("fingerprint", "unknown"))[:_MAX_DIGEST_LENGTH],
        source_type="local",
        source=json.dumps({"uri": source}),
        profile=json.dumps({key: data[key] for key in ("rows", "columns", "targets") if key in data}, default=str),
    )
    return DatasetInput(dataset, [InputTag("mlflow.data.context", "training")])


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)
