"""What a store keeps of a search, as plain values that two stores can be compared by."""

from collections.abc import Iterator

from made_up_search import search_end, search_record, trial_end, trial_record, usage_readings
from mlflow import MlflowClient

from autokeras_lite.tracking.tracker import (
    Event,
    SearchEnd,
    SearchRecord,
    Tracker,
    TrialEnd,
    TrialRecord,
    UsageReadings,
)
from autokeras_lite.trial import Cause

CAUSES = {0: Cause.OK, 1: Cause.DIVERGED, 2: Cause.CANCELLED}
STATUSES = {"search": "FINISHED", "0": "FINISHED", "1": "FAILED", "2": "KILLED", "3": "KILLED"}


def small_search(name: str = "adult") -> Iterator[Event]:
    """Yield the events of a search of four trials, one of which never ends."""
    yield search_record(name, uid=f"uid-{name}")
    for number, cause in CAUSES.items():
        yield trial_record(number)
        yield trial_end(number, cause)
    yield trial_record(3)
    yield usage_readings(10, 20, 30)
    yield search_end()


def tell(tracker: Tracker, event: object) -> None:
    match event:
        case SearchRecord():
            tracker.start_search(event)
        case TrialRecord():
            tracker.start_trial(event)
        case TrialEnd():
            tracker.finish_trial(event)
        case UsageReadings():
            tracker.log_usage(event)
        case SearchEnd():
            tracker.finish_search(event)


def kept_record(uri: str, name: str = "adult") -> list[object]:
    """Return everything that a store keeps of a search but its own ids, one item for each run."""
    client = MlflowClient(tracking_uri=uri)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    found = []
    for run in client.search_runs([experiment.experiment_id]):
        histories = {
            key: sorted((m.timestamp, m.step, m.value) for m in client.get_metric_history(run.info.run_id, key))
            for key in run.data.metrics
        }
        tags = {key: value for key, value in run.data.tags.items() if key not in ("mlflow.parentRunId", "mlflow.user")}
        inputs = [one.dataset.digest for one in run.inputs.dataset_inputs]
        number = tags.get("akl.trial", "search")
        info = run.info
        times = (info.run_name, info.status, info.start_time, info.end_time)
        found.append((number, times, run.data.params, tags, histories, inputs))
    return sorted(found, key=lambda one: one[0])
