"""The live display where it is drawn: on a terminal that changes its size, without colour, and where there is none."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from golden_files import check_golden
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from scripted_search import SetClock, make_cohort, make_overview, play
from terminal_screen import Terminal, has_colour, moves_the_cursor

from autokeras_lite.cli.display import Display, say_above
from autokeras_lite.cli.plain import Detail, PlainLog
from autokeras_lite.cli.streams import is_live, make_console
from autokeras_lite.trial import Cause, TrialOutcome

STAMP = 9
SCRIPT = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
from scripted_search import ScriptedFunctions, play
from autokeras_lite.cli.main import make_cli

class SlowFunctions(ScriptedFunctions):
    def search(self, data, target, *, observer, **options):
        play(observer, lambda seconds: time.sleep(seconds / 40))
        return self.result

arguments = ["search", "adult.csv", "--target", "income", "--verbose"]
make_cli(SlowFunctions()).main(arguments, prog_name="autokeras-lite")
"""


class TerminalFile(io.StringIO):
    """A file that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def messages() -> list[str]:
    """Return what the log of the scripted search says, without the times."""
    clock, lines = SetClock(), []

    def pass_time(seconds: float) -> None:
        del seconds

    play(PlainLog(lines.append, detail=Detail.EVERYTHING, now=clock), pass_time)
    return [" ".join(line.split()[1:]) for line in lines]


def missing_in(text: str) -> list[str]:
    """Return what was said and is not to be seen any more, wherever its lines are broken."""
    seen = "".join(text.split())
    return [message for message in messages() if "".join(message.split()) not in seen]


# Lines of the log ---------------------------------------------------------------------------------------------------


@given(
    width=st.integers(32, 200),
    message=st.lists(st.text("abcdefgh漢é/._", min_size=1, max_size=60), min_size=1, max_size=30).map(" ".join),
    stamp=st.sampled_from(["0:00", "1:02", "10:02:05"]),
)
def test_lines_above_the_display_fit_and_lose_nothing(width: int, message: str, stamp: str) -> None:
    file = TerminalFile()
    console = make_console(file)
    console.width = width
    say_above(console)(f"{stamp:>7}  {message}")
    lines = file.getvalue().splitlines()
    indent = max(STAMP, len(stamp) + 2)
    assert max(cell_len(line) for line in lines) <= width
    assert lines[0].startswith(f"{stamp:>7}  ")
    assert all(line.startswith(" " * indent) for line in lines[1:])
    assert "".join(file.getvalue().split()) == "".join(f"{stamp}{message}".split())


@pytest.mark.parametrize("width", [80, 200])
def test_errors_during_a_search_are_told_above_the_display_as_recorded(width: int) -> None:
    file, clock = TerminalFile(), SetClock()
    console = Console(file=file, width=width, height=24, color_system=None, highlight=False, markup=False)
    display = Display(PlainLog(say_above(console), detail=Detail.NOTES, now=clock), clock)
    display.search_started(make_overview())
    for number in range(1, 7):
        clock.seconds += 10
        cohort = make_cohort(number, range(number, number + 1))
        display.cohort_started(cohort)
        outcome = TrialOutcome(
            number, Cause.OUT_OF_MEMORY_HOST, message="The cohort needs 12 GiB, [b]3 GiB[/b] are free."
        )
        display.attempt_failed(cohort, outcome, "its trial is tried again with half the batch size")
        display.cohort_started(cohort)
        display.trial_finished(cohort.specs[0], outcome, is_best=False)
    display.note("The disk of /data is nearly full: 40 MB are left. Free some space while the search goes on.")
    display.cohort_started(make_cohort(7, range(7, 9)))
    console.print(display)
    text = "".join(f"{line.rstrip()}\n" for line in file.getvalue().splitlines())
    assert max(cell_len(line) for line in text.splitlines()) <= width
    check_golden(f"display-errors-{width}", text)


# Where it is drawn --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"TERM": "dumb"}, False),
        ({"TERM": "unknown"}, False),
        ({"CI": "true"}, False),
        ({"CI": "1"}, False),
        ({"CI": "false"}, True),
        ({"CI": ""}, True),
        ({"NO_COLOR": "1"}, True),
    ],
)
def test_it_is_drawn_on_terminals_that_can(
    environment: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("CI", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"TERM": "xterm-256color", **environment}.items():
        monkeypatch.setenv(name, value)
    assert is_live(make_console(TerminalFile())) is expected


@pytest.mark.parametrize("name", ["FORCE_COLOR", "TTY_COMPATIBLE"])
def test_it_is_never_drawn_into_a_file(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv(name, "1")
    assert not is_live(make_console(io.StringIO()))


def test_without_a_terminal_there_are_lines_alone_even_where_colour_is_forced() -> None:
    environment = {**os.environ, "FORCE_COLOR": "1", "TERM": "xterm-256color"}
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stderr
    assert missing_in(done.stderr) == []
    assert not moves_the_cursor(done.stdout)


# A real terminal ----------------------------------------------------------------------------------------------------


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    """Return what starts the scripted search on a pseudo-terminal of 80 columns."""
    opened: list[Terminal] = []

    def start(**environment: str) -> Terminal:
        opened.append(Terminal([sys.executable, "-c", SCRIPT], environment))
        return opened[-1]

    yield start
    for one in opened:
        one.close()


@pytest.mark.slow
def test_a_terminal_that_grows_loses_nothing(terminal: Callable[..., Terminal]) -> None:
    shown = terminal()
    shown.read_until("#1  8 trials")
    shown.resize(130, 40)
    shown.read_until("cohort 1  8 trials")
    assert shown.read_to_the_end() == 0
    assert missing_in(shown.screen.text) == []
    assert "left of 5:00" not in shown.screen.text, "the picture is gone"
    assert shown.screen.is_cursor_shown


@pytest.mark.slow
def test_a_terminal_that_shrinks_loses_nothing(terminal: Callable[..., Terminal]) -> None:
    shown = terminal(NO_COLOR="1")
    shown.read_until("#1  8 trials")
    shown.read_until("#2 ")  # a line that is printed at the very moment may be lost
    shown.resize(60, 16)
    shown.read_until("saving the best model")
    assert shown.read_to_the_end() == 0
    assert missing_in(shown.screen.text) == []
    assert shown.screen.is_cursor_shown
    assert moves_the_cursor(shown.raw)
    assert not has_colour(shown.raw)


@pytest.mark.slow
@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "true"}], ids=["dumb", "ci"])
def test_a_terminal_that_is_not_watched_gets_lines(
    terminal: Callable[..., Terminal], environment: dict[str, str]
) -> None:
    shown = terminal(**environment)
    assert shown.read_to_the_end() == 0
    assert missing_in(shown.raw) == []
    assert not moves_the_cursor(shown.raw)
    assert not has_colour(shown.raw) or environment != {"TERM": "dumb"}
