"""Single runs of an MLflow store: found again, begun, described, ended. Importing this module loads MLflow."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException

from autokeras_lite.tracking import names
from autokeras_lite.tracking.comparison import Comparison
from autokeras_lite.tracking.entries import Entries, Point
from autokeras_lite.tracking.patience import upload_patience
from autokeras_lite.tracking.tracker import SearchRecord

# What a store says of a request that it will never take. Everything else may be a store that is not well.
REFUSALS = frozenset({"BAD_REQUEST", "INVALID_PARAMETER_VALUE", "INVALID_STATE", "RESOURCE_DOES_NOT_EXIST"})

_EXPERIMENT_TAGS = {names.TAG_EXPERIMENT_KIND: "custom_model_development"}  # else the UI opens on pages for agents
_MAX_DIGEST_LENGTH = 36
_PAGE = 500
_TRIALS_LOOKED_AT = 100


class Runs:
    """The runs of one experiment. Each call may raise what MLflow raises, and may be repeated then."""

    def __init__(self, client: MlflowClient, name: str, artifact_location: str | None) -> None:
        self._client = client
        self.experiment_id = self._experiment(name, artifact_location)
        self._doubtful: set[str] = set()

    def begin(
        self, name: str, started: float, tags: Mapping[str, str], *, identity: str, is_known: bool
    ) -> tuple[str, bool]:
        """Return the id of the run that has the same value in the tag `identity`, and whether it was there already.

        It is looked for where it is said to be known, and where an earlier try to make it may have got through.
        """
        value = tags.get(identity, "")
        if value and (is_known or value in self._doubtful):
            found = self.find(identity, value)
            if found:
                return found, True
        if value:
            self._doubtful.add(value)
        run = self._client.create_run(self.experiment_id, _milliseconds(started), tags=dict(tags), run_name=name)
        self._doubtful.discard(value)
        return str(run.info.run_id), False

    def find(self, identity: str, value: str, mine: str = "") -> str:
        """Return the id of the run that has the value in a tag, empty where there is none; doubles are deleted.

        There are several when a server made a run whose answer never came. That of the id `mine` stays, or else the one
        that says most.
        """
        found = list(self._search(f"tags.`{identity}` = '{value}'"))
        if not found:
            return ""
        kept = max(found, key=lambda run: (run.info.run_id == mine, len(run.data.params) + len(run.data.metrics)))
        for run in found:
            if run is not kept:
                self._client.delete_run(run.info.run_id)
        return str(kept.info.run_id)

    def start_of(self, run_id: str) -> float:
        """Return when a run began, in seconds since the epoch."""
        return float(self._client.get_run(run_id).info.start_time) / 1000

    def describe(self, run_id: str, entries: Entries, *, is_new: bool) -> None:
        """Write what stands at the beginning of a run; one that was there before is opened again.

        MLflow keeps the first value of a parameter for ever: another value becomes a tag.
        """
        if is_new:
            self.log(run_id, Entries(params=entries.params))
            return
        run = self._client.get_run(run_id)
        if run.info.status != "RUNNING":
            self._client.update_run(run_id, status="RUNNING")
        written, tags = run.data.params, run.data.tags
        changed = {
            (names.TAG_CHANGED_PREFIX + key)[:250]: value
            for key, value in entries.params.items()
            if key in written and (written[key] != value or names.TAG_CHANGED_PREFIX + key in tags)
        }
        missing = {key: value for key, value in entries.params.items() if key not in written}
        self.log(run_id, Entries(params=missing, tags={**entries.tags, **changed}))

    def log(self, run_id: str, entries: Entries) -> None:
        """Write it all in one call; the client splits what is over the limits of a request."""
        self._client.log_batch(
            run_id,
            metrics=[Metric(p.key, float(p.value), _milliseconds(p.seconds), p.step) for p in entries.points],
            params=[Param(key, value) for key, value in entries.params.items()],
            tags=[RunTag(key, value) for key, value in entries.tags.items()],
        )

    def log_new(self, run_id: str, entries: Entries) -> None:
        """Write the entries without the points that the run has: told again at another time they would be doubled."""
        has = self._client.get_run(run_id).data.metrics
        there = {
            (key, metric.step, metric.value)
            for key in {point.key for point in entries.points} & set(has)
            for metric in self._client.get_metric_history(run_id, key)
        }
        fresh = tuple(point for point in entries.points if not _is_there(point, there))
        self.log(run_id, replace(entries, points=fresh))

    def log_data(self, run_id: str, record: SearchRecord) -> None:
        """Write which data a search works on."""
        self._client.log_inputs(run_id, datasets=[_dataset(record)])

    def log_file(self, run_id: str, file: Path) -> None:
        """Keep a file as an artifact of a run, under its name."""
        with upload_patience(file):
            self._client.log_artifact(run_id, str(file))

    def show(self, comparison: Comparison) -> None:
        """Save the page that compares trials; a store that will not have it goes without."""
        key, value = comparison.to_tag()
        try:
            self._client.set_experiment_tag(self.experiment_id, key, value)
        except MlflowException as error:
            if error.error_code not in REFUSALS:
                raise

    def scored_trials(self, parent_id: str) -> list[tuple[Mapping[str, str], float]]:
        """Return parameters and score of trials below a parent that have one, the first hundred of them."""
        condition = f"tags.`{names.TAG_PARENT}` = '{parent_id}'"
        found = self._client.search_runs([self.experiment_id], condition, max_results=_TRIALS_LOOKED_AT)
        scored = [run.data for run in found if names.SCORE in run.data.metrics]
        return [(data.params, data.metrics[names.SCORE]) for data in scored]

    def end(self, run_id: str, status: str, ended: float) -> None:
        """End a run at a time in seconds since the epoch."""
        self._client.set_terminated(run_id, status, _milliseconds(ended))

    def end_all(self, parent_id: str, ended: float, mine: Mapping[str, str]) -> None:
        """End every run below a parent that still runs. `mine` are the ids of its runs by trial, as far as known."""
        running = f"attributes.status = 'RUNNING' and tags.`{names.TAG_PARENT}` = '{parent_id}'"
        for run in tuple(self._search(running)):
            run_id, tags = str(run.info.run_id), run.data.tags
            uid = tags.get(names.TAG_TRIAL_UID, "")
            kept = self.find(names.TAG_TRIAL_UID, uid, mine.get(tags.get(names.TAG_TRIAL, ""), "")) if uid else run_id
            if kept == run_id:
                self.end(run_id, "KILLED", ended)

    def _search(self, condition: str) -> Iterator[Run]:
        token: str | None = None
        while True:
            page = self._client.search_runs(
                [self.experiment_id],
                condition,
                max_results=_PAGE,
                order_by=["attributes.start_time ASC"],
                page_token=token,
            )
            yield from page
            token = page.token
            if not token:
                return

    def _experiment(self, name: str, artifact_location: str | None) -> str:
        found = self._client.get_experiment_by_name(name)
        if found is None:
            made = self._client.create_experiment(name, artifact_location=artifact_location, tags=_EXPERIMENT_TAGS)
            return str(made)
        if found.lifecycle_stage == "deleted":
            self._client.restore_experiment(found.experiment_id)
        return str(found.experiment_id)


def _is_there(point: Point, there: set[tuple[Any, ...]]) -> bool:
    return (point.key, point.step, float(point.value)) in there


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
