"""Searches that are killed, interrupted, repeated and extended: what they leave, and what the next process makes of it.

What breaks inside a search is tried out in tests/faults with trials that train nothing; here everything is real.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from real_searches import diabetes, small_space

import autokeras_lite as akl
from autokeras_lite.errors import ArtifactError, ConfigError
from autokeras_lite.search.observer import SilentObserver

pytestmark = pytest.mark.slow

TRIALS = 4
# Kills itself as soon as the trial of that number has ended, or begins to train.
PROGRAM = """
import os, signal, sys
import autokeras_lite as akl
from autokeras_lite.search.observer import SilentObserver

class Killer(SilentObserver):
    def trial_finished(self, spec, outcome, *, is_best):
        if "{when}" == "after" and spec.number == {trial}:
            os.kill(os.getpid(), signal.SIGKILL)

    def epoch_finished(self, report):
        if "{when}" == "in" and {trial} in report.scores and report.epoch == 8:
            os.kill(os.getpid(), signal.SIGKILL)

{call}
"""
SEARCH = """
akl.search(
    "diabetes.csv", "target", name="killed", space={space!r}, trials={trials}, workers=1, runs_dir="runs",
    validation=0.2, observer=Killer(), report="off",
)
"""
RESUME = 'akl.resume("runs/killed", observer=Killer())'


class Listening(SilentObserver):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.trained: list[int] = []
        self.resumed: int | None = None

    def note(self, message: str) -> None:
        self.notes.append(message)

    def search_started(self, overview) -> None:
        self.resumed = overview.resumed

    def trial_finished(self, spec, outcome, *, is_best) -> None:
        self.trained.append(spec.number)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """Return a folder with a file of rows."""
    made = tmp_path_factory.mktemp("going_on")
    frame, _ = diabetes()
    frame.to_csv(made / "diabetes.csv", index=False)
    return made


@pytest.fixture(scope="module")
def search(place):
    """Return a function that makes a search of a few trials over the file."""

    def run(name, **options):
        chosen = {"space": small_space("table"), "trials": TRIALS, "workers": 1, "runs_dir": str(place / "runs")}
        chosen["report"] = "off"
        return akl.search(place / "diabetes.csv", "target", name=name, validation=0.2, **(chosen | options))

    return run


@pytest.fixture(scope="module")
def undisturbed(search):
    """Return a search of which all is sent: what a busy machine leaves over goes out when it is asked for again."""
    for _ in range(5):
        result = search("undisturbed")
        if result.summary.unsent == 0:
            break
    return result


def killed(place: Path, call: str, when: str, trial: int) -> None:
    program = PROGRAM.format(when=when, trial=trial, call=call)
    ended = subprocess.run([sys.executable, "-c", program], cwd=place, capture_output=True, text=True, check=False)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def board_of(result: akl.SearchResult) -> pd.DataFrame:
    """Return the leaderboard without what the clock says."""
    return result.leaderboard().drop(columns="seconds")


def test_a_search_that_was_killed_gives_the_best_so_far_and_goes_on_to_what_it_would_have_been(place, undisturbed):
    killed(place, SEARCH.format(space=small_space("table"), trials=TRIALS), "after", 2)
    folder = place / "runs" / "killed"
    so_far = akl.load(folder)
    finished = so_far.leaderboard()
    assert so_far.summary.stopped == "unfinished"
    assert {1, 2} <= set(finished["trial"]) < set(range(1, TRIALS + 1))
    assert so_far.summary.best.trial == finished["trial"][0]
    frame, _ = diabetes()
    assert len(so_far.predict(frame)) == len(frame)
    assert so_far.artifact.manifest.trial.number == so_far.summary.best.trial

    killed(place, RESUME, "in", 3)
    listening = Listening()
    result = akl.resume(folder, observer=listening)
    assert result.summary.stopped == ""
    assert listening.resumed >= 2
    assert not set(listening.trained) & set(finished["trial"]), "nothing is trained twice"
    pd.testing.assert_frame_equal(board_of(result), board_of(undisturbed))
    assert result.summary.best == undisturbed.summary.best
    pd.testing.assert_frame_equal(result.predict(frame), undisturbed.predict(frame))
    again = akl.load(folder)
    assert again.summary == result.summary
    assert again.artifact.manifest.trial.number == undisturbed.summary.best.trial


def test_a_finished_search_is_neither_repeated_nor_resumed(search, undisturbed):
    for call in (
        lambda watcher: search("undisturbed", observer=watcher),
        lambda watcher: akl.resume(undisturbed.folder, observer=watcher),
    ):
        listening = Listening()
        assert call(listening).summary == undisturbed.summary
        assert listening.trained == []
        assert "This search had finished already" in listening.notes[0]


def test_a_search_is_extended_and_keeps_what_it_has(search, undisturbed):
    search("extended", trials=2)
    listening = Listening()
    result = search("extended", trials=4, extend=True, observer=listening)
    assert listening.trained == [3, 4]
    assert any("budget.trials: 2 became 4" in note for note in listening.notes)
    assert sorted(result.leaderboard()["trial"]) == [1, 2, 3, 4]
    assert result.summary.best.trial == result.leaderboard()["trial"][0]
    assert result.artifact.manifest.trial.number == result.summary.best.trial
    assert search("extended", trials=4).summary == result.summary


def test_a_damaged_record_is_made_anew_from_the_journal(search):
    before = search("mended", trials=1)
    (before.folder / "summary.json").write_text('{"name": ')
    listening = Listening()
    again = akl.resume(before.folder, observer=listening)
    assert listening.trained == []
    assert again.summary.best == before.summary.best


def test_other_settings_are_refused_before_anything_trains(search, undisturbed, place):
    with pytest.raises(ConfigError, match=r"other settings \(goal.metric: None became mae\).*another --name\.$"):
        search("undisturbed", metric="mae")
    assert akl.load(undisturbed.folder).summary == undisturbed.summary


def test_only_a_search_of_a_file_can_be_resumed_without_its_data(place, undisturbed):
    with pytest.raises(ArtifactError, match="There is no search in"):
        akl.resume(place / "runs" / "nothing")
    frame, target = diabetes()
    akl.search(
        frame,
        target,
        name="memory",
        space=small_space("table"),
        trials=1,
        workers=1,
        runs_dir=str(place / "runs"),
        report="off",
    )
    folder = place / "runs" / "memory"
    assert akl.resume(folder).summary.best is not None, "a finished one needs no data"
    (folder / "summary.json").unlink()
    with pytest.raises(ConfigError, match=r"from data in memory.*Call `search` with the same data"):
        akl.resume(folder)


def test_when_the_time_is_too_short_for_a_trial_the_best_baseline_is_the_result(search):
    result = search("short", trials=None, time_limit=5)
    summary = result.summary
    assert (summary.best, summary.stopped) == (None, "")
    assert summary.baselines["constant"] is not None
    assert "A network needs a --time-limit of about" in summary.verdict
    assert len(result.leaderboard()) == 0
    assert "no model" in repr(result)
    with pytest.raises(ArtifactError, match="has no model"):
        result.predict(diabetes()[0])


def test_ctrl_c_ends_a_search_with_a_model_and_the_same_command_goes_on(place):
    command = [
        *(sys.executable, "-m", "autokeras_lite", "search", "diabetes.csv", "--target", "target", "--name", "stopped"),
        *(
            "--space",
            small_space("table"),
            "--trials",
            "500",
            "--workers",
            "1",
            "--runs-dir",
            "runs",
            "--report",
            "off",
        ),
    ]
    process = subprocess.Popen(
        command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    folder = place / "runs" / "stopped"
    while not list(folder.glob("trials/*/result.json")) and process.poll() is None:
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    told, complained = process.communicate(timeout=120)
    assert process.returncode == 130, complained
    assert "Traceback" not in complained
    result = akl.load(folder)
    assert result.summary.stopped == "interrupted"
    assert len(result.leaderboard()) < 500
    assert len(result.predict(place / "diabetes.csv")) == len(diabetes()[0])
    assert f"{result.summary.best.validation_score:.4f}" in told
    assert "resume" in complained
