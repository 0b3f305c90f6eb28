"""Where a search stands, read from its folder alone."""

import fcntl
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded_packages import loaded_by
from search_on_disk import TASK, SearchOnDisk, make_outcome

from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.driver import Driver
from autokeras_lite.search.hold import hold_folder
from autokeras_lite.search.standing import Standing
from autokeras_lite.search.state import Phase, SearchState, StateReader, is_search_folder, list_states, read_state
from autokeras_lite.trial import Cause, TrialStatus

ELSEWHERE = "another-machine"
LONG_AGO = 10_000.0


def files_of(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Return what a search would notice if somebody had written."""
    found = {str(file.relative_to(folder)): file.stat() for file in [folder, *folder.rglob("*")]}
    return {name: (stat.st_ino, stat.st_mtime_ns, stat.st_size) for name, stat in found.items()}


def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def running(tmp_path: Path, name: str = "credit", **asked: object) -> SearchOnDisk:
    search = SearchOnDisk(tmp_path, name, **asked).ask().prepare().hold()
    search.begin(1, range(1, 4)).end(1, make_outcome(1, 0.7), make_outcome(2, 0.8), make_outcome(3, 0.75, Cause.PRUNED))
    return search


# What becomes of it -------------------------------------------------------------------------------------------------


def test_a_search_that_is_worked_on_is_running(tmp_path):
    state = read_state(running(tmp_path).path)
    assert (state.phase, state.driver.pid) == (Phase.RUNNING, os.getpid())
    assert (state.task, state.metric, state.direction) == ("binary", "roc_auc", "maximize")


@pytest.mark.parametrize(
    ("stopped", "unsent", "phase"),
    [
        ("", 0, Phase.FINISHED),
        ("", 2, Phase.WAITING),
        ("failures", 0, Phase.FAILED),
        ("interrupted", 0, Phase.INTERRUPTED),
        ("unfinished", 0, Phase.INTERRUPTED),
    ],
)
def test_the_record_says_how_a_search_ended(tmp_path, stopped, unsent, phase):
    search = running(tmp_path)
    search.let_go()
    assert read_state(search.finish(stopped, unsent=unsent).path).phase is phase


def test_while_its_driver_lives_a_record_is_not_the_last_word(tmp_path):
    state = read_state(running(tmp_path).finish("").path)
    assert (state.phase, state.doing) == (Phase.RUNNING, "writing the record")


def test_a_search_that_ended_without_a_record_was_interrupted(tmp_path):
    search = running(tmp_path)
    search.let_go()
    assert read_state(search.path).phase is Phase.INTERRUPTED


@pytest.mark.parametrize("stopped", [None, "unfinished"])
def test_a_driver_that_is_gone_but_left_its_note_was_killed(tmp_path, stopped):
    search = running(tmp_path)
    search.hold(dead_pid())
    state = read_state((search if stopped is None else search.finish(stopped)).path)
    assert state.phase is Phase.KILLED
    assert state.to_json()["driver"] is None


def test_a_process_that_only_has_the_number_of_the_driver_is_another(tmp_path):
    search = running(tmp_path)
    search.hold(os.getpid(), ago=LONG_AGO)
    assert read_state(search.path).phase is Phase.KILLED


@pytest.mark.parametrize(("ago", "phase"), [(0.0, Phase.RUNNING), (LONG_AGO, Phase.KILLED)])
def test_a_driver_on_another_machine_is_judged_by_what_it_wrote_last(tmp_path, ago, phase):
    search = running(tmp_path)
    search.hold(1, ELSEWHERE, ago=ago)
    for file in search.path.iterdir():
        os.utime(file, (time.time() - ago,) * 2)
    assert read_state(search.path).phase is phase


@pytest.mark.parametrize("content", ["", "{}", "[]", "3", '{"pid": -1, "host": "a", "since": "b"}'])
def test_a_note_that_is_being_written_is_that_of_a_living_driver(tmp_path, content):
    search = running(tmp_path)
    (search.path / "driver.json").write_text(content)
    state = read_state(search.path)
    assert (state.phase, state.driver.pid) == (Phase.RUNNING, 0)


def test_a_killed_driver_was_alive_before(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    try:
        driver = Driver(process.pid, os.uname().nodename, "", time.time())
        assert driver.is_alive(0.0)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
        assert not driver.is_alive(0.0)
    finally:
        process.kill()
        process.wait()
    assert not driver.is_alive(0.0)


# What it does -------------------------------------------------------------------------------------------------------


def test_what_goes_on_is_told_before_and_between_trials(tmp_path):
    search = SearchOnDisk(tmp_path).hold()
    reader = StateReader(search.path)
    told = [reader.read().doing]
    search.ask()
    told.append(reader.read().doing)
    search.prepare()
    told.append(reader.read().doing)
    search.begin(1, range(1, 2))
    told.append(reader.read().doing)
    search.end(1, make_outcome(1, 0.7))
    told.append(reader.read().doing)
    assert told == [
        "reading the data", "reading the data", "preparing the first trials", "",
        "between trials, or making the best model",
    ]  # fmt: skip


def test_trials_are_counted_by_how_they_ended_and_the_best_stand_in_order(tmp_path):
    search = running(tmp_path)
    search.begin(2, range(4, 11))
    search.end(
        2,
        make_outcome(4, None, Cause.DIVERGED, "The loss became NaN."),
        *(make_outcome(number, 0.7 + number / 100) for number in range(5, 11)),
    )
    state = read_state(search.path)
    counts = {TrialStatus.COMPLETED: 8, TrialStatus.PRUNED: 1, TrialStatus.FAILED: 1}
    assert (state.counts, state.num_trials, state.num_counted) == (counts, 10, 9)
    assert [(trial.number, trial.family) for trial in state.top] == [
        (number, "tabular_mlp") for number in (2, 10, 9, 8, 7)
    ]
    assert state.best == state.top[0]
    assert (state.last_failure.number, state.last_failure.message) == (4, "The loss became NaN.")


def test_where_low_is_good_the_lowest_is_the_best(tmp_path):
    search = SearchOnDisk(tmp_path).ask().prepare(replace(TASK, metric="log_loss", direction="minimize")).hold()
    search.begin(1, range(1, 3)).end(1, make_outcome(1, 0.7), make_outcome(2, 0.8))
    assert [trial.number for trial in read_state(search.path).top] == [1, 2]


def test_cohorts_train_from_their_beginning_to_their_end(tmp_path):
    search = running(tmp_path).begin(2, range(4, 6), at=20.0).begin(3, range(6, 7), at=21.0)
    search.judge(2, 0, {4: 0.6, 5: 0.65})
    first, second = read_state(search.path).training
    assert (first.number, first.trials, first.began_seconds) == (2, (4, 5), 20.0)
    assert (first.epoch, first.scores, first.spec.family) == (7, {4: 0.6, 5: 0.65}, "tabular_mlp")
    assert (second.epoch, second.scores) == (0, {})
    search.fail(3)
    assert [cohort.number for cohort in read_state(search.path).training] == [2]
    search.end(2, make_outcome(4, 0.6), make_outcome(5, 0.65))
    assert read_state(search.path).training == ()


def test_what_trains_is_known_without_an_outbox_too(tmp_path):
    search = running(tmp_path).begin(2, range(4, 6))
    (search.path / "outbox" / "events.jsonl").unlink()
    (cohort,) = read_state(search.path).training
    assert (cohort.trials, cohort.spec, cohort.epoch) == ((4, 5), None, 0)


def test_time_goes_on_while_a_search_runs_and_only_then(tmp_path):
    search = running(tmp_path)
    search.hold(1, ELSEWHERE, ago=30.0)
    assert read_state(search.path).elapsed_seconds >= 30.0, "nothing was noted yet"
    search.note_seconds(100.0, ago=4.0)
    assert 104.0 <= read_state(search.path).elapsed_seconds < 130.0
    search.note_seconds(100.0, ago=LONG_AGO)
    assert 130.0 <= read_state(search.path).elapsed_seconds < 200.0, "the time between two processes does not count"
    search.let_go()
    assert read_state(search.path).elapsed_seconds == 100.0


def test_limits_are_those_that_were_asked_for(tmp_path):
    first = read_state(SearchOnDisk(tmp_path, "a", time_limit="90s", trials=40).ask().path).limits
    second = read_state(SearchOnDisk(tmp_path, "b", time_limit=None, trials=7).ask().path).limits
    assert [(limits.seconds, limits.trials) for limits in (first, second)] == [(90.0, 40), (None, 7)]


def test_data_from_memory_are_known_to_be_so(tmp_path):
    search = SearchOnDisk(tmp_path)
    assert read_state(search.path).is_from_memory is False, "nothing is known yet"
    assert read_state(search.ask(data=None).path).is_from_memory


# How it is read -----------------------------------------------------------------------------------------------------


def test_reading_changes_nothing_and_takes_no_lock(tmp_path, monkeypatch):
    search = running(tmp_path)
    search.begin(2, range(4, 6))
    search.let_go()

    def refuse(*arguments: object) -> None:
        raise AssertionError("A lock was taken.")

    before, reader = files_of(search.path), StateReader(search.path)
    with monkeypatch.context() as patched:
        for name in ("flock", "lockf"):
            patched.setattr(fcntl, name, refuse)
        for _ in range(3):
            reader.read()
            list_states(tmp_path)
    assert files_of(search.path) == before
    with hold_folder(search.path):
        assert reader.read().phase is Phase.RUNNING


@pytest.fixture(scope="module")
def journal(tmp_path_factory) -> bytes:
    """Return a journal with every kind of event."""
    search = running(tmp_path_factory.mktemp("runs")).begin(2, range(4, 6), at=1.0)
    search.judge(2, 0, {4: 0.5, 5: 0.4})
    search.end(2, make_outcome(4, 0.9), make_outcome(5, None, Cause.LOST)).begin(3, range(6, 8))
    search.fail(3)
    return search.begin(4, range(6, 8)).folder.journal.read_bytes()


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 4000), max_size=6))
def test_what_is_read_in_parts_is_what_is_read_at_once(tmp_path_factory, journal, cuts):
    content, folder = journal, tmp_path_factory.mktemp("growing")
    growing, whole = folder / "journal.jsonl", folder / "whole.jsonl"
    whole.write_bytes(content)
    part, full = Standing(growing), Standing(whole)
    for size in sorted(cuts):
        growing.write_bytes(content[:size])
        part.refresh()
    growing.write_bytes(content)
    part.refresh()
    full.refresh()
    for standing in (part, full):
        assert len(standing.ended) == 4
    assert (part.counts, part.ended, part.failed) == (full.counts, full.ended, full.failed)
    assert [cohort.trials for cohort in part.training()] == [cohort.trials for cohort in full.training()] == [(6, 7)]


def test_a_search_that_is_begun_anew_is_read_anew(tmp_path):
    search = running(tmp_path)
    reader = StateReader(search.path)
    assert reader.read().num_trials == 3
    search.folder.journal.unlink()
    search.folder.journal.write_text("")
    assert reader.read().num_trials == 0


def test_of_a_finished_search_only_the_record_is_read(tmp_path):
    search = running(tmp_path)
    search.let_go()
    search.finish()
    for file in (
        search.folder.journal,
        search.folder.blueprint / "blueprint.json",
        search.folder.trial(2) / "result.json",
    ):
        file.write_text("damaged")
    state = read_state(search.path)
    assert (state.phase, state.best.score, state.num_trials) == (Phase.FINISHED, 0.8123, 16)


@pytest.mark.parametrize("name", ["search.json", "summary.json", "journal.jsonl"])
@pytest.mark.parametrize("content", ["{", "[]\n", '{"event": "ended"}\n', "\0" * 10 + "\n", "[" * 10_000 + "\n"])
def test_a_damaged_search_is_told_with_the_reason_and_spoils_no_list(tmp_path, name, content):
    running(tmp_path, "whole")
    search = running(tmp_path, "broken")
    search.let_go()
    (search.path / name).write_text(content)
    found = {state.name: state for state in list_states(tmp_path)}
    assert found["whole"].phase is Phase.RUNNING
    is_told = name != "search.json" or content != '{"event": "ended"}\n'
    if name == "journal.jsonl" and content == "{":
        assert found["broken"].phase is Phase.INTERRUPTED, "a half line is one that is being written"
    elif is_told:
        assert found["broken"].phase is Phase.DAMAGED
        assert name in found["broken"].reason
        assert "\n" not in found["broken"].reason
        with pytest.raises(ArtifactError):
            read_state(search.path)


@pytest.mark.parametrize("name", ["time.json", "baselines.json", "blueprint/blueprint.json", "trials/0002/result.json"])
@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"manifest": 3}'])
def test_what_is_only_good_to_know_may_be_damaged(tmp_path, name, content):
    search = running(tmp_path)
    (search.path / name).write_text(content)
    assert read_state(search.path).num_trials == 3


def test_what_is_no_search_is_none(tmp_path):
    (tmp_path / "mlflow_artifacts").mkdir()
    (tmp_path / "mlflow.db").touch()
    assert not is_search_folder(tmp_path / "mlflow_artifacts")
    assert list_states(tmp_path) == list_states(tmp_path / "nowhere") == ()
    with pytest.raises(ArtifactError, match="There is no search in"):
        read_state(tmp_path / "mlflow_artifacts")


def test_a_list_begins_with_what_changed_last(tmp_path):
    for ago, name in ((300, "b"), (0, "c"), (100, "a")):
        search = SearchOnDisk(tmp_path, name).ask()
        for file in search.path.iterdir():
            os.utime(file, (time.time() - ago,) * 2)
    assert [state.name for state in list_states(tmp_path)] == ["c", "a", "b"]


def test_a_state_is_plain_json(tmp_path):
    search = running(tmp_path).begin(2, range(4, 6))
    values = json.loads(json.dumps(read_state(search.path).to_json()))
    assert values["state"] == "running"
    assert values["driver"]["pid"] == os.getpid()
    assert values["trials"] == {"completed": 2, "pruned": 1, "failed": 0}
    assert values["training"] == [{"cohort": 2, "trials": [4, 5]}]
    assert (values["best"]["number"], values["best"]["score"]) == (2, 0.8)
    assert (values["limit_seconds"], values["limit_trials"]) == (300.0, None)
    assert isinstance(read_state(search.path), SearchState)


def test_reading_loads_nothing_heavy(tmp_path):
    search = running(tmp_path)
    heavy = {"keras", "matplotlib", "mlflow", "numpy", "optuna", "pandas", "plotly", "sklearn", "tensorflow"}
    loaded = loaded_by(
        "from pathlib import Path\nfrom autokeras_lite.search.state import list_states\n"
        f"assert len(list_states(Path({str(tmp_path)!r}))) == 1"
    )
    assert not loaded & heavy, search.path
