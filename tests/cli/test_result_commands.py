"""The commands over a finished search: leaderboard, predict, evaluate."""

import io
import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from scripted_search import ScriptedFunctions, make_board

from autokeras_lite.cli.main import make_cli

READERS = {".csv": pd.read_csv, ".tsv": lambda file: pd.read_csv(file, sep="\t"), ".parquet": pd.read_parquet}


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    (folder / "adult").mkdir(parents=True)
    (folder / "adult" / "search.json").write_text("{}")
    return folder


def run(functions: ScriptedFunctions, runs: Path, *arguments: str) -> Result:
    return CliRunner().invoke(make_cli(functions), [*arguments, "--runs-dir", str(runs)])


@pytest.mark.parametrize("command", [["leaderboard"], ["predict", "new.csv"], ["evaluate", "test.csv"]])
def test_a_search_is_found_by_name_and_by_path(runs: Path, command: list[str]) -> None:
    for name in ("adult", str(runs / "adult")):
        functions = ScriptedFunctions()
        assert run(functions, runs, command[0], name, *command[1:]).exit_code == 0
        assert functions.calls == [("load", runs / "adult")]


@pytest.mark.parametrize("command", [["leaderboard"], ["predict", "new.csv"], ["evaluate", "test.csv"]])
def test_an_unknown_search_is_refused_with_the_names_there_are(runs: Path, command: list[str]) -> None:
    outcome = run(ScriptedFunctions(), runs, command[0], "adlut", *command[1:])
    assert outcome.exit_code == 2
    assert "Expected one of adult. Did you mean 'adult'?" in outcome.stderr


def test_a_folder_without_searches_says_what_to_do(tmp_path: Path) -> None:
    outcome = run(ScriptedFunctions(), tmp_path, "leaderboard", "adult")
    assert outcome.exit_code == 2
    assert "Run autokeras-lite search first" in outcome.stderr


@pytest.mark.parametrize("columns", ["80", "140"])
def test_the_leaderboard_is_as_recorded(runs: Path, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    check_golden(f"leaderboard-{columns}", run(ScriptedFunctions(), runs, "leaderboard", "adult").stdout)


def test_the_leaderboard_shows_the_top_and_counts_the_rest(runs: Path) -> None:
    outcome = run(ScriptedFunctions(), runs, "leaderboard", "adult", "--top", "1")
    assert "0.9142" in outcome.stdout
    assert "0.9000" not in outcome.stdout
    assert "3 trials in all" in outcome.stdout


@pytest.mark.parametrize(("top", "expected"), [([], 3), (["--top", "2"], 2)])
def test_the_leaderboard_as_data_has_every_trial_unless_told_otherwise(
    runs: Path, top: list[str], expected: int
) -> None:
    as_json = run(ScriptedFunctions(), runs, "leaderboard", "adult", "--json", *top)
    records = json.loads(as_json.stdout)
    as_csv = run(ScriptedFunctions(), runs, "leaderboard", "adult", "--csv", *top)
    frame = pd.read_csv(io.StringIO(as_csv.stdout))
    assert len(records) == len(frame) == expected
    assert list(records[0]) == list(frame) == list(make_board())
    assert records[0]["score"] == 0.9142


def test_a_trial_without_a_score_has_null_in_json(runs: Path) -> None:
    records = json.loads(run(ScriptedFunctions(), runs, "leaderboard", "adult", "--json").stdout)
    assert records[-1]["score"] is None


@pytest.mark.parametrize("suffix", READERS)
def test_predictions_keep_the_order_of_the_rows_and_have_no_index(runs: Path, tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"predictions{suffix}"
    outcome = run(ScriptedFunctions(), runs, "predict", "adult", "new.csv", "-o", str(file))
    assert (outcome.exit_code, outcome.stdout) == (0, "")
    frame = READERS[suffix](file)
    assert list(frame) == ["income"]
    assert list(frame["income"]) == [">50K", "<=50K", ">50K"]
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_file()] == [file.name]


def test_without_a_file_predictions_are_csv_on_stdout_and_nothing_else(runs: Path) -> None:
    outcome = run(ScriptedFunctions(), runs, "predict", "adult", "new.csv")
    assert outcome.stdout == "income\n>50K\n<=50K\n>50K\n"


def test_proba_asks_for_probabilities(runs: Path) -> None:
    outcome = run(ScriptedFunctions(), runs, "predict", "adult", "new.csv", "--proba")
    assert outcome.stdout == "<=50K,>50K\n0.25,0.75\n0.75,0.25\n"


def test_an_existing_file_is_replaced_only_when_that_is_said(runs: Path, tmp_path: Path) -> None:
    file = tmp_path / "predictions.csv"
    file.write_text("mine")
    functions = ScriptedFunctions()
    outcome = run(functions, runs, "predict", "adult", "new.csv", "-o", str(file))
    assert (outcome.exit_code, functions.calls) == (2, [])
    assert "--overwrite" in outcome.stderr
    assert file.read_text() == "mine"
    assert run(functions, runs, "predict", "adult", "new.csv", "-o", str(file), "--overwrite").exit_code == 0
    assert file.read_text() == "income\n>50K\n<=50K\n>50K\n"


def test_the_data_are_never_overwritten_by_their_predictions(runs: Path, tmp_path: Path) -> None:
    data = tmp_path / "new.csv"
    data.write_text("age\n7\n")
    outcome = run(ScriptedFunctions(), runs, "predict", "adult", str(data), "-o", str(data), "--overwrite")
    assert outcome.exit_code == 2
    assert data.read_text() == "age\n7\n"


@pytest.mark.parametrize("name", ["predictions.xlsx", "no-such-folder/predictions.csv"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_loaded(
    runs: Path, tmp_path: Path, name: str
) -> None:
    functions = ScriptedFunctions()
    outcome = run(functions, runs, "predict", "adult", "new.csv", "-o", str(tmp_path / name))
    assert (outcome.exit_code, functions.calls) == (2, [])


def test_evaluate_prints_the_metric_of_the_search_first(runs: Path) -> None:
    lines = run(ScriptedFunctions(), runs, "evaluate", "adult", "test.csv").stdout.split()
    assert lines[lines.index("roc_auc") : lines.index("roc_auc") + 4] == ["roc_auc", "0.9120", "log_loss", "0.3000"]


def test_evaluate_as_json_has_null_for_a_score_that_there_is_not(runs: Path) -> None:
    outcome = run(ScriptedFunctions(), runs, "evaluate", "adult", "test.csv", "--json")
    scores = {"roc_auc": 0.912, "log_loss": 0.3, "f1": None}
    assert json.loads(outcome.stdout) == {"name": "adult", "metric": "roc_auc", "scores": scores}
