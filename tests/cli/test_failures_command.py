"""The command `failures`, and what the leaderboard says of trials that were tried again or not at all."""

import io
import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from scripted_search import (
    BASELINES,
    SUMMARY,
    TOO_SHORT,
    ScriptedFunctions,
    ScriptedResult,
    make_board,
    make_failures,
)

from autokeras_lite.cli.main import make_cli
from autokeras_lite.search.record import TrialCounts

NONE = make_failures().head(0)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "adult").mkdir()
    return tmp_path


def run(result: ScriptedResult, runs: Path, *arguments: str) -> Result:
    return CliRunner().invoke(make_cli(ScriptedFunctions(result=result)), [*arguments, "--runs-dir", str(runs)])


@pytest.mark.parametrize("columns", ["80", "200"])
def test_the_table_of_failures_is_as_recorded(runs: Path, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = run(ScriptedResult(), runs, "failures", "adult").stdout
    assert max(map(len, text.splitlines())) <= int(columns)
    check_golden(f"failures-{columns}", text)


@pytest.mark.parametrize("columns", [None, "40", "80", "139", "140", "200"])
def test_every_failure_is_told_with_its_cause_and_the_way_to_its_traceback(
    runs: Path, columns: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    text = run(ScriptedResult(), runs, "failures", "adult").stdout
    whole = "".join(text.split())
    failed = make_failures()
    assert [int(line.split()[0]) for line in text.splitlines() if line[:6].strip().isdigit()] == sorted(failed["trial"])
    assert [cause for cause in failed["cause"] if cause not in text] == []
    if columns != "40":
        assert [n for n, file in zip(failed["trial"], failed["traceback"], strict=True) if file
                and f"adult/trials/{n:04d}/traceback.txt" not in whole] == []  # fmt: skip
    assert "\x1b" not in text


def test_the_first_line_counts_the_failures_by_cause_the_commonest_first(runs: Path) -> None:
    summary = replace(SUMMARY, trials=TrialCounts(completed=30, failed=8), stopped="unfinished")
    headline = run(ScriptedResult(summary=summary), runs, "failures", "adult").stdout.splitlines()[0]
    assert headline.startswith("adult: 8 of 38 trials failed: 2 TIMEOUT, 1 DIVERGED, 1 EXCEPTION, 1 LOST,")


def test_a_traceback_that_lies_elsewhere_has_its_whole_path(runs: Path) -> None:
    failed = make_failures().head(1).assign(traceback="/e/t")
    text = run(ScriptedResult(failed=failed), runs, "failures", "adult").stdout
    assert "/e/t" in text
    assert "Tracebacks lie below" not in text


def test_a_search_without_failures_says_so(runs: Path) -> None:
    outcome = run(ScriptedResult(failed=NONE), runs, "failures", "adult")
    assert (outcome.exit_code, outcome.stdout) == (0, "No trial failed.\n")


def test_failures_as_data_have_every_column_in_the_order_of_the_trials(runs: Path) -> None:
    records = json.loads(run(ScriptedResult(), runs, "failures", "adult", "--json").stdout)
    frame = pd.read_csv(io.StringIO(run(ScriptedResult(), runs, "failures", "adult", "--csv").stdout))
    assert list(records[0]) == list(frame) == ["trial", "cause", "message", "attempts", "traceback"]
    assert [record["trial"] for record in records] == list(frame["trial"]) == sorted(make_failures()["trial"])
    assert records[0]["traceback"] == "/data/autokeras_lite_runs/adult/trials/0004/traceback.txt"


def test_no_failures_are_an_empty_list_and_a_header(runs: Path) -> None:
    result = ScriptedResult(failed=NONE)
    assert json.loads(run(result, runs, "failures", "adult", "--json").stdout) == []
    assert run(result, runs, "failures", "adult", "--csv").stdout == "trial,cause,message,attempts,traceback\n"


@pytest.mark.parametrize("command", ["failures", "leaderboard"])
def test_formulas_are_made_harmless_only_when_that_is_asked_for(runs: Path, command: str) -> None:
    result = ScriptedResult(board=make_board().assign(message="=1+1"), failed=make_failures().assign(message="=1+1"))
    texts = [run(result, runs, command, "adult", "--csv", *flags).stdout for flags in ([], ["--spreadsheet-safe"])]
    assert ["'=1+1" in text for text in texts] == [False, True]
    assert all("=1+1" in text for text in texts)


@pytest.mark.parametrize("columns", ["80", "140"])
def test_attempts_are_shown_where_a_trial_had_more_than_one(
    runs: Path, columns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    once = run(ScriptedResult(), runs, "leaderboard", "adult").stdout
    again = run(ScriptedResult(board=make_board().assign(attempts=[1, 3, 1])), runs, "leaderboard", "adult").stdout
    assert "attempts" not in once
    check_golden(f"leaderboard-attempts-{columns}", again)


def test_the_leaderboard_of_a_search_without_trials_says_so_and_how_to_go_on(runs: Path) -> None:
    empty = make_board().head(0)
    done = run(ScriptedResult(summary=TOO_SHORT, board=empty), runs, "leaderboard", "adult")
    assert done.stdout == "adult: no trial has finished.\n"
    stopped = replace(TOO_SHORT, stopped="unfinished", baselines={b.name: b.score for b in BASELINES})
    open_one = run(ScriptedResult(summary=stopped, board=empty), runs, "leaderboard", "adult")
    resume = f"autokeras-lite resume adult --runs-dir {runs}"
    assert open_one.stdout == f"adult: no trial has finished. Go on with: {resume}\n"


def test_the_leaderboard_of_an_unfinished_search_ends_with_how_to_go_on(runs: Path) -> None:
    result = ScriptedResult(summary=replace(SUMMARY, stopped="unfinished"))
    last = run(result, runs, "leaderboard", "adult").stdout.splitlines()[-1]
    assert last == f"The search has not finished. Go on with: autokeras-lite resume adult --runs-dir {runs}"
