"""Texts that come from data and models: shown as they are, and never obeyed by the terminal."""

import io
import json
import math
import os
import pty
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.table import Table
from rich.text import Text
from scripted_search import (
    BEST,
    FAILED,
    INTERRUPTED,
    SUMMARY,
    TOO_SHORT,
    ScriptedFunctions,
    ScriptedResult,
    make_board,
    make_cohort,
    make_failures,
    make_overview,
    make_spec,
)

from autokeras_lite.cli.display import Display
from autokeras_lite.cli.main import make_cli
from autokeras_lite.cli.plain import Detail, PlainLog
from autokeras_lite.cli.streams import PlainTextConsole, make_console, print_json, show
from autokeras_lite.errors import DataError
from autokeras_lite.report.wording import one_line, printable
from autokeras_lite.trial import Cause, TrialOutcome

# Colours, a cleared screen, a new title, C1 codes, a carriage return, letters the other way round, and rich's markup.
HOSTILE = "[red]\x1b[31m\x1b[2J\x1b]0;title\x07\x9b2K\x9d0;t\x9c\r\u202e\u2066name\x00\x7f[/red][link=x]y[/link]"
SHOWN = "[red][31m[2J]0;title2K0;tname[/red][link=x]y[/link]"
TURNING = (0x200E, 0x200F, 0x202E, 0x2066, 0x2028)
CODES = [code for code in map(chr, (*range(32), *range(127, 160), *TURNING, 0xDC80)) if code not in "\n\t"]


def codes_in(text: str) -> list[str]:
    return [code for code in CODES if code in text]


@given(st.text())
@example("".join(CODES))
@settings(max_examples=50, deadline=None)
def test_a_printable_text_has_no_codes_and_is_else_unchanged(text: str) -> None:
    plain = printable(text)
    assert codes_in(plain) == []
    assert [letter for letter in text if letter not in CODES and letter in plain] == [
        letter for letter in plain if letter in text
    ]
    assert printable(plain) == plain
    assert "\n" not in one_line(text)


def test_json_loses_no_letter_even_of_a_name_that_is_no_text(capsys: pytest.CaptureFixture[str]) -> None:
    values = {"name": "a\udc80\u200f\x1b", "score": math.nan, "sizes": np.array([1, 2])}
    print_json(values)
    shown = capsys.readouterr().out
    assert codes_in(shown) == []
    assert json.loads(shown) == {"name": "a\udc80\u200f\x1b", "score": None, "sizes": [1, 2]}


def test_markup_and_codes_are_letters_to_the_console() -> None:
    console = make_console(io.StringIO())
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(HOSTILE)
    for renderable in (Text(HOSTILE), table):
        show(console, renderable)
    console.print(HOSTILE, soft_wrap=True)
    text = console.file.getvalue()
    assert codes_in(text) == []
    assert text.count(SHOWN) == 5


def test_the_colours_of_the_program_itself_reach_a_terminal() -> None:
    file = io.StringIO()
    console = PlainTextConsole(file=file, width=80, force_terminal=True, color_system="standard", markup=False)
    console.print(Text(HOSTILE, style="red"))
    assert file.getvalue() == f"\x1b[31m{SHOWN}\x1b[0m\n"


def hostile_summary():
    best = replace(BEST, family=HOSTILE, space=HOSTILE, config={"stack": [], "activation": HOSTILE})
    return replace(SUMMARY, best=best, verdict=HOSTILE, notes=(HOSTILE,), baselines={HOSTILE: 0.5}, artifact=HOSTILE)


@pytest.mark.parametrize("like", [SUMMARY, INTERRUPTED, FAILED, TOO_SHORT])
@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_the_result_of_a_search_with_hostile_names_has_no_codes(like, flags: list[str]) -> None:
    summary = replace(hostile_summary(), stopped=like.stopped, best=like.best and hostile_summary().best)
    functions = ScriptedFunctions(result=ScriptedResult(summary=summary))
    outcome = CliRunner().invoke(make_cli(functions), ["search", HOSTILE.replace("\x00", ""), *flags])
    assert codes_in(outcome.stdout + outcome.stderr) == []
    if flags:
        assert json.loads(outcome.stdout)["verdict"] == HOSTILE, "JSON loses nothing"


@pytest.mark.parametrize("command", ["leaderboard", "failures"])
@pytest.mark.parametrize("columns", ["80", "200"])
def test_tables_of_hostile_trials_have_no_codes(
    tmp_path: Path, command: str, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    (tmp_path / "adult").mkdir()
    board = make_board().assign(message=HOSTILE, family=HOSTILE, activation=[HOSTILE, "b", "c"])
    failed = make_failures().assign(message=f"{HOSTILE}\nsecond", traceback=f"/{HOSTILE}")
    functions = ScriptedFunctions(result=ScriptedResult(board=board, failed=failed))
    outcome = CliRunner().invoke(make_cli(functions), [command, "adult", "--runs-dir", str(tmp_path)])
    assert outcome.exit_code == 0
    assert codes_in(outcome.stdout) == []
    assert "name" in outcome.stdout


def test_an_error_with_hostile_names_has_no_codes() -> None:
    error = DataError(f"Column {HOSTILE} came.\nIt differs.")
    outcome = CliRunner().invoke(make_cli(ScriptedFunctions(error=error)), ["search", "d.csv"])
    assert outcome.stderr == f"Error: Column {SHOWN} came.\nIt differs.\n"
    wrong = CliRunner().invoke(make_cli(ScriptedFunctions()), ["\x1b[31mnonsense"])
    assert (wrong.exit_code, codes_in(wrong.output)) == (2, [])


def test_a_line_of_the_log_is_one_line_without_codes() -> None:
    lines: list[str] = []
    log = PlainLog(lines.append, detail=Detail.EVERYTHING)
    log.search_started(replace(make_overview(), name=HOSTILE))
    log.note(f"{HOSTILE}\n   0:00  Error: not ours")
    log.stopping(f"{HOSTILE}\n")
    cohort = make_cohort(1, range(1, 3))
    log.attempt_failed(cohort, TrialOutcome(1, Cause.EXCEPTION, message=HOSTILE), "again")
    log.trial_finished(make_spec(1), TrialOutcome(1, Cause.EXCEPTION, message=f"a\n{HOSTILE}"), is_best=False)
    assert codes_in("".join(lines)) == []
    assert not any("\n" in line for line in lines)


def test_the_live_display_of_hostile_names_has_no_codes() -> None:
    display, file = Display(PlainLog(lambda line: None)), io.StringIO()
    display.search_started(replace(make_overview(), name=HOSTILE, spaces=(HOSTILE,)))
    display.cohort_started(replace(make_cohort(1, range(1, 2)), specs=(replace(make_spec(1), family=HOSTILE),)))
    display.stopping(HOSTILE)
    PlainTextConsole(file=file, width=200, height=24, markup=False).print(display)
    assert codes_in(file.getvalue()) == []


SCRIPT = """
import sys
import pandas as pd
from autokeras_lite.cli.streams import print_csv
print_csv(pd.DataFrame({"a": ["\\x1b[31mred"]}), is_spreadsheet_safe=False)
"""


@pytest.mark.parametrize("is_terminal", [True, False])
def test_csv_keeps_every_letter_in_a_pipe_and_has_no_codes_on_a_terminal(is_terminal: bool) -> None:
    leader, follower = pty.openpty() if is_terminal else os.pipe()
    subprocess.run([sys.executable, "-c", SCRIPT], stdout=follower, check=True)
    written = os.read(leader, 4096)
    os.close(follower)
    os.close(leader)
    assert (b"\x1b" in written) is not is_terminal
    assert b"[31mred" in written
