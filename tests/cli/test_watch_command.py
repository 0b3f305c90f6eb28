"""The command `watch`: a search followed from its folder alone."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from rich.cells import cell_len
from rich.console import Console
from scripted_search import ScriptedFunctions
from search_on_disk import SearchOnDisk, make_outcome, make_spec
from terminal_screen import Terminal, has_colour, moves_the_cursor

from autokeras_lite.cli import watch_view
from autokeras_lite.cli.main import make_cli
from autokeras_lite.cli.watch_view import describe_change, draw_state, follow
from autokeras_lite.search.driver import Driver
from autokeras_lite.search.standing import EndedTrial, FailedTrial, TrainingCohort
from autokeras_lite.search.state import Limits, Phase, SearchState, StateReader
from autokeras_lite.trial import Cause, TrialStatus

WATCH = [sys.executable, "-m", "autokeras_lite", "watch", "credit", "--runs-dir"]
BEGUN = SearchState(
    name="credit",
    folder=Path("/data/autokeras_lite_runs/credit"),
    phase=Phase.RUNNING,
    driver=Driver(4242, "workstation", "2026-11-21 13:33:33", 0.0),
    limits=Limits(300.0, None),
    elapsed_seconds=3.0,
    doing="reading the data",
)
TRAINING = replace(
    BEGUN,
    task="binary",
    metric="roc_auc",
    direction="maximize",
    elapsed_seconds=72.0,
    doing="",
    counts={TrialStatus.COMPLETED: 12, TrialStatus.PRUNED: 3, TrialStatus.FAILED: 1},
    top=tuple(EndedTrial(9 - n, 0.81 - n / 100, epochs=60 - n, seconds=7.5, family="tabular_mlp") for n in range(5)),
    best=EndedTrial(9, 0.81, epochs=60, seconds=7.5, family="tabular_mlp"),
    training=(
        TrainingCohort(4, tuple(range(17, 25)), 60.0, 0, {17: 0.79, 18: 0.77}, make_spec(17)),
        TrainingCohort(5, (25,), 71.0),
    ),
    last_failure=FailedTrial(8, Cause.OUT_OF_MEMORY_HOST, "The cohort needs 12 GiB, 3 GiB are free.\nNext line."),
    baselines={"constant": 0.5, "linear": 0.7812, "gradient_boosting": 0.8001},
)
MANY = replace(TRAINING, training=tuple(TrainingCohort(number, (number,)) for number in range(1, 30)))
STATES = {"begun": BEGUN, "training": TRAINING, "between": replace(TRAINING, training=(), doing="between trials")}


def drawn(state: SearchState, width: int, height: int = 30, *, colour: bool = False) -> str:
    file = io.StringIO()
    system = "truecolor" if colour else None
    console = Console(file=file, width=width, height=height, color_system=system, force_terminal=colour)
    console.print(draw_state(state, width, height))
    return file.getvalue()


def run(runs: Path) -> Result:
    return CliRunner().invoke(
        make_cli(ScriptedFunctions()), ["watch", "credit", "--runs-dir", str(runs)], catch_exceptions=False
    )


# The picture --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("name", STATES)
def test_the_picture_is_as_recorded(name: str, width: int) -> None:
    text = "".join(f"{line.rstrip()}\n" for line in drawn(STATES[name], min(width, 140)).splitlines())
    check_golden(f"watch-{name}-{width}", text)


@pytest.mark.parametrize("width", [20, 40, 80, 140, 200])
@pytest.mark.parametrize("height", [8, 14, 24, 50])
@pytest.mark.parametrize("state", [*STATES.values(), MANY], ids=[*STATES, "many"])
def test_the_picture_stays_inside_the_terminal(state: SearchState, width: int, height: int) -> None:
    lines = drawn(state, width, height).splitlines()
    assert max(cell_len(line) for line in lines) <= width
    assert len(lines) <= max(height, 14)


def test_without_colour_the_picture_has_none() -> None:
    assert "\x1b[" in drawn(TRAINING, 80, colour=True)
    assert "\x1b[" not in drawn(TRAINING, 80)


def test_cohorts_for_which_there_is_no_room_are_counted() -> None:
    assert "more cohorts" in drawn(MANY, 80, 30)


# The lines ----------------------------------------------------------------------------------------------------------


def test_lines_tell_what_is_new_and_nothing_twice() -> None:
    states = [BEGUN, replace(BEGUN, elapsed_seconds=5.0), TRAINING, replace(TRAINING, elapsed_seconds=80.0)]
    later = replace(TRAINING, best=EndedTrial(17, 0.83), training=TRAINING.training[:1])
    states.append(replace(later, counts={**TRAINING.counts, TrialStatus.COMPLETED: 13}))
    seen: list[SearchState | None] = [None, *states]
    told = [describe_change(before, now) for before, now in zip(seen, states, strict=False)]
    check_golden("watch-lines", "".join("\n".join(lines) + "\n---\n" for lines in told))
    assert told[1] == told[3] == []


def test_without_a_terminal_a_line_is_written_for_what_is_new() -> None:
    states, pauses = iter([BEGUN, BEGUN, TRAINING, replace(TRAINING, phase=Phase.FINISHED)]), []
    file = io.StringIO()
    end = follow(lambda: next(states), Console(file=file, width=40), pauses.append)
    assert end.phase is Phase.FINISHED
    assert pauses == [1.0, 1.0, 1.0]
    lines = file.getvalue().splitlines()
    assert (
        lines[0] == "   0:03  credit: running for 0:03 of 5:00, process 4242 on workstation since 2026-11-21 13:33:33"
    )
    assert lines[1] == "   0:03  reading the data ..."
    assert lines[-1] == "   1:12  16 trials done: 12 completed, 3 pruned, 1 failed"
    assert len(lines) == len(set(lines))
    assert "\x1b" not in file.getvalue()


# The end ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stopped", "code"), [("", 0), ("failures", 3), ("interrupted", 130)])
def test_of_a_search_that_has_ended_the_result_is_printed(tmp_path: Path, stopped: str, code: int) -> None:
    SearchOnDisk(tmp_path).ask().prepare().finish(stopped)
    outcome = run(tmp_path)
    assert outcome.exit_code == code
    assert outcome.stdout.startswith("credit: binary, roc_auc on validation rows")
    assert ("resume credit" in outcome.stderr) == (stopped != "")


@pytest.mark.parametrize("data", ["/data/credit.parquet", None])
def test_of_a_search_that_was_killed_it_is_said_how_it_goes_on(tmp_path: Path, data: str | None) -> None:
    search = SearchOnDisk(tmp_path).ask(data).prepare()
    search.begin(1, range(1, 3)).end(1, make_outcome(1, 0.7), make_outcome(2, 0.8))
    search.note_seconds(70.0)
    search.hold(4241, "another-machine", ago=10_000.0)
    for file in search.path.iterdir():
        set_back(file)
    outcome = run(tmp_path)
    assert outcome.exit_code == 130
    assert outcome.stdout.splitlines()[0] == (
        "credit: killed after 1:10 of 5:00. 2 trials are kept, best roc_auc 0.8000, trial 2, tabular_mlp."
    )
    if data is None:
        assert "autokeras_lite.search" in outcome.stdout
    else:
        assert f"Go on with: autokeras-lite resume credit --runs-dir {tmp_path}" in outcome.stdout


def set_back(file: Path) -> None:
    moment = time.time() - 10_000
    os.utime(file, (moment, moment))


def test_ctrl_c_ends_the_watching_and_says_that_the_search_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = SearchOnDisk(tmp_path).ask().prepare().hold()

    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watch_view, "follow", interrupt)
    before = sorted(file.name for file in search.path.iterdir())
    outcome = run(tmp_path)
    assert outcome.exit_code == 0
    assert outcome.stderr == (
        "Stopped watching; the search goes on. Watch it again with: "
        f"autokeras-lite watch credit --runs-dir {tmp_path}\n"
    )
    assert sorted(file.name for file in search.path.iterdir()) == before


# A real terminal, and a real log ------------------------------------------------------------------------------------


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[[], Terminal]]:
    """Return what starts `watch` on a pseudo-terminal of 80 columns."""
    opened: list[Terminal] = []

    def start(**environment: str) -> Terminal:
        opened.append(Terminal([*WATCH, str(tmp_path)], environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.mark.slow
def test_on_a_terminal_the_picture_follows_the_search_and_the_size(
    tmp_path: Path, terminal: Callable[[], Terminal]
) -> None:
    search = SearchOnDisk(tmp_path).ask().prepare().hold()
    shown = terminal()
    shown.read_until("Preparing the first trials ...")
    search.begin(1, range(1, 3))
    shown.read_until("2 trials")
    shown.resize(120, 40)
    search.end(1, make_outcome(1, 0.7), make_outcome(2, 0.8)).begin(2, range(3, 5))
    shown.read_until("cohort 2")  # as wide terminals say it
    shown.read_until("0.8000  trial 2, tabular_mlp")
    search.finish()
    search.let_go()
    assert shown.read_to_the_end() == 0
    assert "left of 5:00" not in shown.screen.text, "the picture is gone"
    assert shown.screen.text.count("credit: binary, roc_auc on validation rows") == 1
    assert shown.screen.is_cursor_shown
    assert shown.screen.num_wraps == 0 or "autokeras-lite" in shown.screen.text  # commands alone may be longer


@pytest.mark.slow
def test_ctrl_c_on_a_terminal_leaves_the_search_alone(tmp_path: Path, terminal: Callable[..., Terminal]) -> None:
    search = SearchOnDisk(tmp_path).ask().prepare().hold()
    shown = terminal(NO_COLOR="1")
    shown.read_until("Preparing the first trials ...")
    shown.resize(60, 20)
    shown.press_ctrl_c()
    assert shown.read_to_the_end() == 0
    assert "Stopped watching; the search goes on." in shown.raw
    assert shown.screen.is_cursor_shown
    assert not has_colour(shown.raw)
    assert (search.path / "driver.json").exists()


@pytest.mark.slow
def test_in_a_log_there_are_lines_and_no_codes_even_where_colour_is_forced(tmp_path: Path) -> None:
    search = SearchOnDisk(tmp_path).ask().prepare().hold()
    log = subprocess.Popen(
        [*WATCH, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "FORCE_COLOR": "1"},
    )
    assert log.stdout is not None
    assert "credit: running" in log.stdout.readline()
    search.begin(1, range(1, 3))
    while "cohort 1 trains: trials 1 to 2" not in (line := log.stdout.readline()):
        assert line, "it ended"
    search.end(1, make_outcome(1, 0.7), make_outcome(2, 0.8)).finish()
    search.let_go()
    rest, errors = log.communicate(timeout=60)
    assert (log.returncode, errors) == (0, "")
    assert "binary, roc_auc on validation rows" in rest
    assert not moves_the_cursor(rest)


@pytest.mark.slow
def test_a_thread_of_reading_never_sees_half_a_search(tmp_path: Path) -> None:
    """What is read while a driver writes is always whole: counts never fall and no file is taken for damaged."""
    search = SearchOnDisk(tmp_path).ask().prepare().hold()
    numbers: list[int] = []
    done = threading.Event()

    def look() -> None:
        reader = StateReader(search.path)
        while not done.is_set():
            numbers.append(reader.read().num_trials)

    thread = threading.Thread(target=look)
    thread.start()
    for number in range(1, 60):
        search.begin(number, range(number, number + 1)).end(number, make_outcome(number, 0.5))
        search.note_seconds(float(number))
    done.set()
    thread.join()
    assert numbers == sorted(numbers)
    assert json.loads((search.path / "time.json").read_text())["seconds"] == 59.0
