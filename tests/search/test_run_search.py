"""A whole search on made-up rows, with an executor that trains nothing: how it ends, and how it goes on."""

import json
import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from search_fakes import LeavingExecutor, diverging, scored, small_space

from autokeras_lite.api import load
from autokeras_lite.artifact.files import MANIFEST_FILE, MODEL_FILE, sha256
from autokeras_lite.config import as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.durable import read_json, write_json
from autokeras_lite.errors import ArtifactError, ConfigError, TrialError
from autokeras_lite.search import usage
from autokeras_lite.search.account import Asked
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.journal import read_events
from autokeras_lite.search.observer import SilentObserver
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.search.run import Tools, run_search
from autokeras_lite.search.unfinished import ensure_model, summarise_unfinished
from autokeras_lite.tracking.null import NullTracker
from autokeras_lite.tracking.tracker import SearchEnd, SearchRecord, UsageReadings
from autokeras_lite.trial import Cause, TrialOutcome

ROWS = 60


def rows() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(ROWS, 2)), columns=["a", "b"])
    return frame.assign(y=np.where(frame["a"] > 0, "yes", "no"))


class Listening(SilentObserver):
    def __init__(self) -> None:
        self.overview = None
        self.notes: list[str] = []
        self.baselines: list[str] = []

    def search_started(self, overview) -> None:
        self.overview = overview

    def note(self, message) -> None:
        self.notes.append(message)

    def baseline_finished(self, baseline) -> None:
        self.baselines.append(baseline.name)


class Search:
    """One search in a folder, which may be run again and again, each time as if by a new process."""

    def __init__(self, tmp_path) -> None:
        self.folder = SearchFolder(tmp_path / "first")
        self.earlier_seconds = 0.0
        self.made: list[int] = []

    def run(self, script=scored, *, executor=None, **options) -> None:
        self.folder.path.mkdir(exist_ok=True)
        self.tracker, self.observer = NullTracker(), Listening()
        self.executor = executor or LeavingExecutor(script)
        given = {"name": "first", "runs_dir": str(self.folder.path.parent), "trials": 4, "validation": 0.2} | options
        config = as_search_config(given, name="first", targets=("y",))
        data = read_dataset(rows(), config.columns, name="first")
        asked = Asked(config, SearchRequest.of(config, "abc", data=None, test=None))
        tools = Tools(self.executor, lambda: self.tracker, self.observer, self.started, self.make)
        run_search(data, asked, (small_space(),), self.folder, tools)

    @property
    def started(self) -> float:
        return time.monotonic() - self.earlier_seconds

    def make(self, request):
        self.made.append(request.manifest.trial.number)
        request.folder.mkdir(exist_ok=True)
        (request.folder / MODEL_FILE).write_bytes(b"a model")
        manifest = replace(request.manifest, model_sha256=sha256(request.folder / MODEL_FILE))
        write_json(request.folder / MANIFEST_FILE, manifest.to_json())
        return manifest

    def ensure(self, number: int) -> Path:
        """Ask for the model of a trial, as somebody does who looks at a search that has not ended."""
        return ensure_model(self.folder, number, self.make)

    @property
    def end(self) -> SearchEnd:
        (end,) = [event for event in self.tracker.events if isinstance(event, SearchEnd)]
        return end

    @property
    def trials(self) -> list[int]:
        return [spec.number for spec, _ in self.folder.read_trials()]


@pytest.fixture
def search(tmp_path) -> Search:
    return Search(tmp_path)


class Killed(BaseException):
    """The driver is gone."""


class DyingExecutor(LeavingExecutor):
    """The driver is killed in the cohort of this number."""

    dies_in = 3

    def wait(self, report, timeout_seconds):
        if self.jobs[0].cohort.number == self.dies_in:
            raise Killed
        return super().wait(report, timeout_seconds)


def test_a_search_that_spends_its_budget_leaves_everything(search):
    search.run()
    summary = search.folder.read_summary()
    assert summary.stopped == ""
    assert summary.best.trial == 1
    assert summary.trials.completed == 4
    assert set(summary.baselines) == {"constant", "linear", "gradient_boosting"} == set(search.observer.baselines)
    assert search.made[-1] == 1
    assert (search.end.status, search.end.best_trial) == ("completed", 1)
    assert not search.folder.data.exists()
    assert search.folder.read_seconds() > 0


def without_times(journal):
    return [{key: value for key, value in event.items() if key != "at"} for event in read_events(journal)]


def test_a_search_that_was_killed_goes_on_and_ends_as_if_it_had_not_been(search, tmp_path):
    (tmp_path / "other").mkdir()
    whole = Search(tmp_path / "other")
    whole.run(trials=6)
    with pytest.raises(Killed):
        search.run(executor=DyingExecutor(), trials=6)
    assert search.end.status == "cancelled"
    assert search.folder.read_summary() is None
    search.run(trials=6)
    assert search.observer.overview.resumed == 2
    assert search.folder.read_trials() == whole.folder.read_trials()
    assert without_times(search.folder.journal) == without_times(whole.folder.journal)
    again, undisturbed = search.folder.read_summary(), whole.folder.read_summary()
    assert (again.best, again.trials, again.baselines) == (undisturbed.best, undisturbed.trials, undisturbed.baselines)


def test_baselines_are_fitted_once(search):
    search.run(trials=1)
    first = search.folder.read_baselines()
    search.run(trials=2)
    assert search.folder.read_baselines() == first
    assert search.observer.baselines == [baseline.name for baseline in first]


def test_a_result_that_was_lost_or_damaged_is_written_again_from_the_journal(search):
    search.run()
    before = search.folder.read_trials()
    (search.folder.trial(1) / "result.json").unlink()
    (search.folder.trial(2) / "result.json").write_text("{")
    search.run()
    assert search.executor.cohorts == []
    assert search.folder.read_trials() == before


def test_the_time_of_all_processes_is_one_budget(search):
    search.earlier_seconds = 100.0
    search.run(trials=None, time_limit=104)
    assert 100.0 <= search.folder.read_seconds() < 110.0
    search.earlier_seconds = 0.0
    search.run(trials=None, time_limit=104)
    assert search.observer.overview.earlier_seconds >= 100.0
    assert search.folder.read_summary().seconds >= 100.0


def test_more_of_the_budget_is_spent_when_it_grows(search):
    search.run(trials=2)
    search.run(trials=5)
    assert search.trials == [1, 2, 3, 4, 5]
    assert search.folder.read_summary().trials.completed == 5


# How a search ends ---------------------------------------------------------------------------------------------------


def test_when_every_trial_fails_the_last_cause_is_named(search):
    with pytest.raises(TrialError, match=r"^All 6 trials failed, the last with DIVERGED: No finite score.") as caught:
        search.run(diverging)
    assert str(search.folder.trial(6)) in str(caught.value)
    assert search.folder.read_summary() is None
    assert search.end.status == "failed"


def test_failures_in_a_row_stop_a_search_which_keeps_its_best_model_and_says_why(search):
    search.run(lambda spec: scored(spec) if spec.number < 3 else diverging(spec))
    summary = search.folder.read_summary()
    assert summary.stopped == "failures"
    assert summary.best.trial == 1
    assert summary.notes[0] == "Stopped after 6 failures in a row with DIVERGED: No finite score."
    assert search.end.status == "failed"


def test_whoever_goes_on_after_failures_in_a_row_has_another_six(search):
    search.run(lambda spec: scored(spec) if spec.number < 3 else diverging(spec))
    search.run()
    summary = search.folder.read_summary()
    assert summary.stopped == ""
    assert (summary.trials.completed, summary.trials.failed) == (4, 6)


class AskingExecutor(LeavingExecutor):
    """Somebody presses Ctrl-C in the second cohort."""

    def wait(self, report, timeout_seconds):
        if self.jobs[0].cohort.number == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return super().wait(report, timeout_seconds)


def test_an_interrupted_search_has_a_model_and_goes_on(search):
    search.run(executor=AskingExecutor())
    summary = search.folder.read_summary()
    assert summary.stopped == "interrupted"
    assert summary.best.trial == 1
    assert search.made[-1] == 1
    assert search.end.status == "cancelled"
    search.run()
    assert search.folder.read_summary().stopped == ""
    assert {outcome.cause for _, outcome in search.folder.read_trials()} == {Cause.OK}


def test_a_search_that_is_interrupted_before_its_first_score_has_no_model_and_goes_on(search):
    executor = AskingExecutor(lambda spec: TrialOutcome(spec.number, Cause.DIVERGED))
    executor.rung_score = lambda spec: float("nan")
    executor._obey = lambda running, directive: {s.number: TrialOutcome(s.number, Cause.DIVERGED) for s in running}
    search.run(executor=executor)
    summary = search.folder.read_summary()
    assert (summary.stopped, summary.best, search.made) == ("interrupted", None, [])


def test_when_the_time_is_too_short_for_a_trial_the_best_baseline_is_the_result(search):
    search.run(trials=None, time_limit=5)
    summary = search.folder.read_summary()
    assert search.executor.cohorts == []
    assert (summary.best, summary.stopped, summary.artifact) == (None, "", "")
    assert "No network was scored" in summary.verdict
    assert "A network needs a --time-limit of about" in summary.verdict
    assert search.end.status == "completed"


# What cannot go on ---------------------------------------------------------------------------------------------------


def contents(folder) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(folder.rglob("*.json*")) if file.name != "time.json"}


def test_a_search_that_would_go_on_otherwise_is_refused_and_nothing_of_it_changes(search):
    search.run()
    lines = search.folder.journal.read_text().splitlines(keepends=True)
    begun = json.loads(lines[0])
    begun["trials"]["1"]["depth"] += 1
    search.folder.journal.write_text("".join([json.dumps(begun) + "\n", *lines[1:]]))
    before = contents(search.folder.path)
    with pytest.raises(ConfigError, match="would be proposed differently now"):
        search.run(trials=9)
    assert contents(search.folder.path) == before


def test_a_search_whose_journal_is_damaged_is_refused_and_nothing_of_it_changes(search):
    search.run()
    lines = search.folder.journal.read_bytes().splitlines(keepends=True)
    search.folder.journal.write_bytes(b"".join([b"rubbish\n", *lines[1:]]))
    before = contents(search.folder.path)
    with pytest.raises(ArtifactError, match="Line 1 of"):
        search.run(trials=9)
    assert contents(search.folder.path) == before


# Before the end ------------------------------------------------------------------------------------------------------


def test_of_a_search_that_was_killed_the_record_so_far_is_there(search):
    with pytest.raises(Killed):
        search.run(executor=DyingExecutor(), trials=6)
    summary = summarise_unfinished(search.folder)
    assert (summary.stopped, summary.best.trial, summary.trials.completed) == ("unfinished", 1, 2)
    assert (summary.name, summary.metric, summary.task) == ("first", "roc_auc", "binary")
    assert summary.seconds > 0


def test_of_a_search_that_was_killed_before_its_first_score_there_is_no_model(search):
    executor = DyingExecutor()
    executor.dies_in = 1
    with pytest.raises(Killed):
        search.run(executor=executor)
    assert summarise_unfinished(search.folder).best is None


def test_a_search_that_has_not_begun_to_train_has_no_record(search):
    search.folder.path.mkdir()
    with pytest.raises(ArtifactError, match=r"has no result yet.*autokeras-lite resume"):
        summarise_unfinished(search.folder)


def better_and_better(spec) -> TrialOutcome:
    return replace(scored(spec), score=0.5 + spec.number / 100)


@pytest.fixture
def killed(search) -> Search:
    """A search that was killed when its second trial was its best and its first had a model."""
    with pytest.raises(Killed):
        search.run(executor=DyingExecutor(better_and_better), trials=6)
    assert summarise_unfinished(search.folder).best.trial == 2
    return search


def test_a_model_so_far_is_made_once_and_beside_that_of_the_search(killed):
    before = contents(killed.folder.artifact)
    assert killed.ensure(1) == killed.folder.artifact
    killed.made.clear()
    places = {killed.ensure(2) for _ in range(2)}
    assert killed.made == [2]
    (place,) = places
    assert place.parent == killed.folder.artifact_so_far
    assert contents(killed.folder.artifact) == before
    assert "making.lock" in {file.name for file in killed.folder.artifact_so_far.iterdir()}


def test_a_model_so_far_is_made_anew_when_its_trial_has_gone_on(killed):
    place = killed.ensure(2)
    (spec, outcome) = killed.folder.read_trials()[1]
    killed.folder.write_trial(spec, replace(outcome, score=0.9))
    assert killed.ensure(2) == place
    assert read_json(place / MANIFEST_FILE)["score"] == 0.9


def test_two_who_want_a_model_so_far_at_once_wait_for_each_other(killed):
    killed.made.clear()
    places = []
    threads = [threading.Thread(target=lambda: places.append(killed.ensure(2))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(places) == 2
    assert len(set(places)) == 1
    assert killed.made == [2]


def test_a_result_that_was_loaded_before_the_end_gives_the_model_of_the_end(killed):
    result = load(killed.folder.path)
    assert result.summary.best.trial == 2
    killed.run(better_and_better, trials=6)
    final = contents(killed.folder.artifact)
    assert result.artifact.folder == killed.folder.artifact
    assert result.artifact.manifest.trial.number == 6
    assert contents(killed.folder.artifact) == final
    assert not killed.folder.artifact_so_far.exists()


def test_the_record_of_a_search_that_goes_on_is_the_same_as_before(search):
    search.run(trials=2)
    first = [event for event in search.tracker.events if isinstance(event, SearchRecord)]
    search.run(trials=3)
    again = [event for event in search.tracker.events if isinstance(event, SearchRecord)]
    assert [(e.name, e.folder, e.data) for e in first] == [(e.name, e.folder, e.data) for e in again]


def test_the_use_of_the_machine_is_told_between_the_start_and_the_end_and_no_thread_stays(search, monkeypatch):
    monkeypatch.setattr(usage, "_LEAST_SECONDS", 0.0)
    search.earlier_seconds = 100.0
    before = threading.active_count()
    search.run(trials=2)
    kinds = [type(event) for event in search.tracker.events]
    (told,) = [event for event in search.tracker.events if isinstance(event, UsageReadings)]

    assert kinds.index(SearchRecord) < kinds.index(UsageReadings) < kinds.index(SearchEnd)
    assert told.readings[-1].step >= 100
    assert "cpu_utilization_percentage" in told.readings[-1].values
    assert threading.active_count() == before


def test_the_use_of_the_machine_is_told_of_a_search_that_breaks_too(search, monkeypatch):
    monkeypatch.setattr(usage, "_LEAST_SECONDS", 0.0)
    before = threading.active_count()
    with pytest.raises(TrialError):
        search.run(diverging)

    assert any(isinstance(event, UsageReadings) for event in search.tracker.events)
    assert threading.active_count() == before
