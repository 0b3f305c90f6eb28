"""The command `export`."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from scripted_search import ScriptedFunctions, ScriptedResult, make_board

from autokeras_lite.cli.main import make_cli


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "runs" / "adult").mkdir(parents=True)
    (tmp_path / "runs" / "adult" / "search.json").write_text("{}")
    return tmp_path / "runs"


def export(runs: Path, *arguments: str, functions: ScriptedFunctions | None = None) -> Result:
    command = ["export", "adult", "--runs-dir", str(runs), *arguments]
    return CliRunner().invoke(make_cli(functions or ScriptedFunctions()), command)


def test_without_a_file_csv_goes_to_standard_output(runs):
    ended = export(runs)
    assert ended.exit_code == 0
    assert pd.read_csv(io.StringIO(ended.stdout))["trial"].tolist() == [2, 1, 3]


def test_csv_is_written_to_a_file_that_is_not_replaced_by_accident(runs, tmp_path):
    file = tmp_path / "trials.csv"
    ended = export(runs, "-o", str(file))
    assert ended.stderr == f"Wrote 3 trials to {file}.\n"
    assert len(pd.read_csv(file)) == 3
    again = export(runs, "-o", str(file))
    assert again.exit_code != 0
    assert "exists. Expected a new file. Choose another, or give --overwrite." in again.stderr
    assert export(runs, "-o", str(file), "--overwrite").exit_code == 0
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["trials.csv"]


def test_json_lines_have_one_object_for_each_trial(runs, tmp_path):
    file = tmp_path / "trials.jsonl"
    assert export(runs, "--format", "jsonl", "--output", str(file)).stderr == f"Wrote 2 trials to {file}.\n"
    assert [json.loads(line)["trial"] for line in file.read_text().splitlines()] == [1, 2]
    shown = export(runs, "--format", "jsonl").stdout
    assert shown == file.read_text()
    assert "\x1b" not in shown


def test_formulas_are_neutral_where_that_is_asked_for(runs, tmp_path):
    board = make_board()
    board.loc[2, "message"] = '=HYPERLINK("http://evil.example")'
    functions = ScriptedFunctions(ScriptedResult(board=board))
    file = tmp_path / "safe.csv"
    assert export(runs, "-o", str(file), "--spreadsheet-safe", functions=functions).exit_code == 0
    shown = export(runs, "--spreadsheet-safe", functions=functions).stdout
    assert "'=HYPERLINK" in shown
    assert shown == file.read_text()
    assert "'=" not in export(runs, functions=functions).stdout


@pytest.mark.parametrize(
    ("output", "told"), [("nowhere/trials.csv", "does not exist. Expected one."), ("", "exists. Expected a new file.")]
)
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_read(runs, tmp_path, output, told):
    functions = ScriptedFunctions()
    ended = export(runs, "-o", str(tmp_path / output), functions=functions)
    assert ended.exit_code != 0
    assert told in ended.stderr
    assert functions.calls == []
