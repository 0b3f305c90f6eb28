"""The folder of a search as its driver leaves it at any moment, made without training anything."""

import json
import os
import socket
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autokeras_lite.config import as_search_config
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.folder import RESULT_FILE, SearchFolder
from autokeras_lite.search.hold import DRIVER_FILE, LOCK_FILE
from autokeras_lite.search.journal import Event, cohort_begun, cohort_broke, cohort_ended, rung_reached
from autokeras_lite.search.record import BestTrial, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.tasks.task import Task, TaskKind
from autokeras_lite.tracking.outbox import OUTBOX_FOLDER, Outbox
from autokeras_lite.tracking.tracker import TrialRecord
from autokeras_lite.trial import Cause, TrainingConfig, TrialOutcome, TrialSpec

TASK = Task(TaskKind.BINARY, ("class",), "roc_auc", "maximize", ("bad", "good"))
_CONFIG = {"depth": 3, "width": 256, "shape": "brick", "norm": "none", "activation": "relu", "residual": False}


def make_spec(number: int) -> TrialSpec:
    return TrialSpec(number, "tabular_mlp", "tabular_mlp", _CONFIG, TrainingConfig(optimizer="adamw"), number, "tpe")


def make_outcome(number: int, score: float | None, cause: Cause = Cause.OK, message: str = "") -> TrialOutcome:
    return TrialOutcome(number, cause, score, epochs=60, seconds=7.5, parameters=70_000, message=message)


def write_result(folder: SearchFolder, spec: TrialSpec, outcome: TrialOutcome) -> None:
    """Write the record of a trial."""
    folder.trial(spec.number).mkdir(parents=True, exist_ok=True)
    _write(folder.trial(spec.number) / RESULT_FILE, {"spec": spec.to_json(), "outcome": outcome.to_json()})


def write_events(folder: SearchFolder, events: Iterable[Event]) -> None:
    """Write events behind those that stand in the journal."""
    with folder.journal.open("a") as file:
        file.writelines(f"{json.dumps(event, default=str)}\n" for event in events)


class SearchOnDisk:
    """A search that is moved on by hand."""

    def __init__(
        self, runs: Path, name: str = "credit", *, time_limit: str | None = "5m", trials: int | None = None
    ) -> None:
        self.folder = SearchFolder(runs / name)
        self.path = self.folder.path
        self.path.mkdir(parents=True)
        (self.path / LOCK_FILE).touch()
        self._asked = {"name": "credit", "runs_dir": str(runs), "time_limit": time_limit, "trials": trials}

    def ask(self, data: str | None = "/data/credit.parquet") -> "SearchOnDisk":
        """Write down what is asked."""
        config = as_search_config(self._asked, name="x", targets=("class",))
        request = SearchRequest.of(config, "abc", data=None, test=None)
        self.folder.trials.mkdir()
        _write(self.folder.request, replace(request, data=data).to_json())
        self.folder.journal.touch()
        return self

    def prepare(self, task: Task = TASK) -> "SearchOnDisk":
        """Leave what is known once the data were read."""
        self.folder.blueprint.mkdir()
        manifest = {"manifest": {"name": self.path.name, "task": task.to_json()}}
        _write(self.folder.blueprint / "blueprint.json", manifest)
        baselines = (Baseline("constant", 0.5, 0.1), Baseline("linear", 0.7812, 0.2))
        _write(self.path / "baselines.json", {"baselines": [asdict(baseline) for baseline in baselines]})
        return self

    def hold(self, pid: int | None = None, host: str | None = None, *, ago: float = 0.0) -> "SearchOnDisk":
        """Leave the note of a driver, by default of this process."""
        driver = {"pid": pid or os.getpid(), "host": host or socket.gethostname(), "since": "2026-11-21 13:33:33"}
        file = self.path / DRIVER_FILE
        file.write_text(json.dumps(driver))
        os.utime(file, (time.time() - ago,) * 2)
        return self

    def let_go(self) -> None:
        """Take the note away, as a driver does that ends in order."""
        (self.path / DRIVER_FILE).unlink()

    def note_seconds(self, seconds: float, *, ago: float = 0.0) -> None:
        """Note how long the search ran."""
        self.folder.note_seconds(seconds)
        os.utime(self.path / "time.json", (time.time() - ago,) * 2)

    def begin(self, cohort: int, trials: range, at: float = 0.0) -> "SearchOnDisk":
        """Begin a cohort; the tracker hears of its trials."""
        begun = cohort_begun(cohort, len(trials), {number: {} for number in trials})
        write_events(self.folder, [{**begun, "at": at}])
        outbox = Outbox(self.path / OUTBOX_FOLDER)
        for lane, number in enumerate(trials):
            outbox.append(TrialRecord(make_spec(number), cohort, lane, time.time()))
        outbox.close()
        return self

    def judge(self, cohort: int, rung: int, scores: dict[int, float]) -> None:
        """Let trials stand at a rung."""
        write_events(self.folder, [rung_reached(cohort, rung, scores)])

    def fail(self, cohort: int) -> None:
        """Let a cohort fail as a whole, to be tried again."""
        write_events(self.folder, [cohort_broke(cohort, Cause.SIGNAL, "Its process was ended by signal 9.")])

    def end(self, cohort: int, *outcomes: TrialOutcome) -> "SearchOnDisk":
        """End the trials of a cohort."""
        for outcome in outcomes:
            write_result(self.folder, make_spec(outcome.number), outcome)
        write_events(self.folder, [cohort_ended(cohort, outcomes)])
        return self

    def finish(self, stopped: str = "", *, score: float | None = 0.8123, unsent: int = 0) -> "SearchOnDisk":
        """Write the record."""
        spec = make_spec(2)
        config = {**spec.config, **asdict(spec.training)}
        best = None if score is None else BestTrial(2, "tabular_mlp", "tabular_mlp", config, score)
        summary = SearchSummary(
            name=self.path.name,
            task=str(TASK.kind),
            metric=TASK.metric,
            direction=TASK.direction,
            best=best,
            trials=TrialCounts(12, 3, 1),
            seconds=298.4,
            baselines={"constant": 0.5, "linear": 0.7812},
            verdict="The best network beats the linear baseline.",
            artifact=str(self.folder.artifact),
            tracking=TrackingPlace(f"sqlite:///{self.path.parent}/mlflow.db", "1", "8f3a"),
            stopped=stopped,
            unsent=unsent,
        )
        _write(self.folder.summary, summary.to_json())
        return self


def _write(file: Path, values: Mapping[str, Any]) -> None:
    """Write as a driver does, but for the syncing, which a test has no need of."""
    neighbour = file.with_name(f"{file.name}.tmp")
    neighbour.write_text(json.dumps(values, default=str))
    neighbour.replace(file)
