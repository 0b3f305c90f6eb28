"""The command `explain`: what it prints, and what it says of a real search whose data are there, changed or gone."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from golden_files import check_golden
from scripted_search import ScriptedFunctions, ScriptedResult, make_explanation

import autokeras_lite as akl
from autokeras_lite.cli.functions import RealFunctions
from autokeras_lite.cli.main import make_cli
from autokeras_lite.search.explain import Explanation

EMPTY = make_explanation().columns.head(0)
MANY = pd.DataFrame({"column": [f"x{n}" for n in range(25)], "importance": 0.5, "low": 0.4, "high": 0.6, "repeats": 5})


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    (tmp_path / "adult").mkdir()
    return tmp_path


def run(explanation: Explanation, runs: Path, *arguments: str) -> Result:
    functions = ScriptedFunctions(result=ScriptedResult(explanation=explanation))
    return CliRunner().invoke(make_cli(functions), ["explain", "adult", "--runs-dir", str(runs), *arguments])


@pytest.mark.parametrize("columns", ["80", "140"])
def test_the_tables_are_as_recorded(runs: Path, columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    text = run(make_explanation(), runs).stdout
    assert max(map(len, text.splitlines())) <= int(columns)
    check_golden(f"explain-{columns}", text)


def test_json_has_everything_and_stdout_nothing_else(runs: Path) -> None:
    explanation = replace(make_explanation(), columns=MANY)
    values = json.loads(run(explanation, runs, "--json").stdout)
    assert list(values) == ["name", "metric", "columns", "parameters", "notes"]
    assert len(values["columns"]) == 25
    assert values["columns"][0] == {"column": "x0", "importance": 0.5, "low": 0.4, "high": 0.6, "repeats": 5}
    assert values["parameters"][2] == {
        "space": "tabular_mlp",
        "parameter": "dropout",
        "importance": 0.266,
        "trials": 12,
    }


def test_the_data_and_the_seconds_are_handed_on(runs: Path) -> None:
    functions = ScriptedFunctions()
    command = ["explain", "adult", "--runs-dir", str(runs), "--data", "d.csv", "--seconds", "2.5"]
    assert CliRunner().invoke(make_cli(functions), command).exit_code == 0
    assert functions.result.asked == [("d.csv", 2.5)]


@pytest.mark.parametrize("seconds", ["0", "-1", "soon"])
def test_a_wrong_number_of_seconds_is_refused(runs: Path, seconds: str) -> None:
    assert run(make_explanation(), runs, "--seconds", seconds).exit_code == 2


def test_of_many_columns_the_first_are_shown_and_all_counted(runs: Path) -> None:
    text = run(replace(make_explanation(), columns=MANY), runs).stdout
    assert "x19" in text
    assert "x20" not in text
    assert "25 columns in all; --json shows every one." in text


def test_where_nothing_can_be_said_the_notes_say_why(runs: Path) -> None:
    explanation = Explanation(EMPTY, make_explanation().parameters.head(0), ("There are no rows.", "Too few trials."))
    outcome = run(explanation, runs)
    assert (outcome.exit_code, outcome.stdout) == (0, "Note: There are no rows.\nNote: Too few trials.\n")


# --- real searches ---------------------------------------------------------------------------------------------------

SPACE = """
family = "tabular_mlp"
summary = "What learns and what hardly does"
accepts = ["table"]
[parameters]
depth = 1
width = 8
number_embedding = "none"
learning_rate = { type = "choice", options = [1e-6, 3e-2], default = 3e-2 }
dropout = { type = "float", low = 0.0, high = 0.2, default = 0.1 }
batch_size = 32
epochs = 5
patience = 5
"""
TRIALS = 12


def make_frame(num_rows: int = 240, seed: int = 0) -> pd.DataFrame:
    """Return rows in which one column decides, one does not, and one is an identifier that the search leaves out."""
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(generator.normal(size=(num_rows, 2)).round(6), columns=["cause", "noise"])
    frame["id"] = [f"{number:06d}" for number in generator.permutation(num_rows)]
    return frame.assign(y=np.where(frame["cause"] > 0, "yes", "no"))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with data, a space, and three searches: `file`, `folds` and `given` (with validation rows)."""
    folder = tmp_path_factory.mktemp("explained")
    make_frame().to_csv(folder / "data.csv", index=False)
    make_frame(80, seed=1).to_csv(folder / "judges.csv", index=False)
    (folder / "mine.toml").write_text(SPACE)

    def search(name: str, data: Any, **options: Any) -> None:
        akl.search(
            data,
            "y",
            name=name,
            space=str(folder / "mine.toml"),
            sampler="random",
            executor="inline",
            report="off",
            runs_dir=str(folder / "runs"),
            **options,
        )

    search("file", folder / "data.csv", trials=TRIALS, validation=0.2)
    search("folds", make_frame(), trials=1, validation="2x2")
    search("given", folder / "data.csv", trials=1, validation=str(folder / "judges.csv"))
    return folder


@pytest.fixture
def explain(home: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that runs the command over one of these searches."""

    def run_real(name: str, *arguments: str) -> dict[str, Any]:
        command = ["explain", name, "--runs-dir", str(home / "runs"), "--json", *arguments]
        outcome = CliRunner().invoke(make_cli(RealFunctions()), command)
        assert outcome.exit_code == 0, outcome.stderr
        values: dict[str, Any] = json.loads(outcome.stdout)
        return values

    return run_real


@pytest.fixture
def data(home: Path) -> Any:
    """Return the path of the data, which are put back after the test."""
    kept = (home / "data.csv").read_bytes()
    yield home / "data.csv"
    (home / "data.csv").write_bytes(kept)


@pytest.mark.slow
def test_what_decides_is_found_and_written_down(home: Path, explain: Callable[..., dict[str, Any]]) -> None:
    values = explain("file")
    cause, noise = values["columns"]
    assert (cause["column"], noise["column"]) == ("cause", "noise")
    assert cause["low"] > 0.2
    assert cause["low"] > noise["high"]
    assert values["parameters"][0]["parameter"] == "learning_rate"
    assert [row["trials"] for row in values["parameters"]] == [TRIALS] * 2
    assert values["notes"] == []
    written = json.loads((home / "runs" / "file" / "explanation.json").read_text())
    assert {name: written[name] for name in ("columns", "parameters", "notes")} == {
        name: values[name] for name in ("columns", "parameters", "notes")
    }
    assert (written["metric"], written["trial"]) == ("roc_auc", akl.load(home / "runs" / "file").summary.best.trial)


@pytest.mark.slow
def test_the_rows_that_judge_are_the_validation_rows(home: Path, explain: Callable[..., dict[str, Any]]) -> None:
    """The same rows as a file of their own give the same numbers, with a note that they are others."""
    result = akl.load(home / "runs" / "file")
    judged = pd.read_parquet(result.folder / "artifact" / "validation_predictions.parquet")
    rows = make_frame().iloc[judged["row"]].reset_index(drop=True)
    assert list(rows["y"]) == list(judged["actual.y"])
    rows.to_csv(home / "same.csv", index=False)
    other, own = explain("file", "--data", str(home / "same.csv")), explain("file")
    assert other["columns"] == own["columns"]
    assert "all their 48 rows judge" in other["notes"][0]
    assert explain("file", "--data", str(home / "data.csv")) == own


@pytest.mark.slow
def test_validation_rows_of_a_file_judge(home: Path, explain: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    values = explain("given")
    assert values["columns"] == explain("given", "--data", str(home / "judges.csv"))["columns"]
    shutil.move(home / "judges.csv", tmp_path)
    try:
        values = explain("given")
        assert values["columns"] == []
        assert "judges.csv, are gone or have changed" in values["notes"][0]
    finally:
        shutil.move(tmp_path / "judges.csv", home)


@pytest.mark.slow
def test_data_that_are_gone_or_changed_leave_the_hyperparameters_and_a_sentence(
    data: Path, explain: Callable[..., dict[str, Any]]
) -> None:
    parameters = explain("file")["parameters"]
    data.write_text(data.read_text().replace("yes", "no", 1))
    changed = explain("file")
    data.unlink()
    gone = explain("file")
    for values, word in ((changed, "have changed"), (gone, "are gone")):
        assert (values["columns"], values["parameters"]) == ([], parameters)
        assert word in values["notes"][0]
        assert "--data FILE" in values["notes"][0]


@pytest.mark.slow
def test_a_search_from_memory_needs_its_data_and_folds_say_that_the_model_knows_the_rows(
    home: Path, explain: Callable[..., dict[str, Any]]
) -> None:
    without = explain("folds")
    assert without["columns"] == []
    assert "made from data in memory" in without["notes"][0]
    assert "1 completed trial." in without["notes"][1]
    explanation = akl.load(home / "runs" / "folds").explain(make_frame())
    assert explanation.columns["column"][0] == "cause"
    assert "trained again on all rows" in explanation.notes[0]
    others = akl.load(home / "runs" / "folds").explain(make_frame().assign(more=1))
    assert "all their 240 rows judge" in others.notes[0]
    pd.testing.assert_frame_equal(others.columns, explanation.columns)


@pytest.mark.slow
def test_a_space_that_has_changed_is_told(home: Path, explain: Callable[..., dict[str, Any]]) -> None:
    file = home / "mine.toml"
    for text in (SPACE.replace("high = 0.2", "high = 0.1"), None):
        file.unlink() if text is None else file.write_text(text)
        try:
            values = explain("file")
        finally:
            file.write_text(SPACE)
        assert (len(values["columns"]), values["parameters"]) == (2, [])
        assert "space mine is gone or has changed" in values["notes"][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda frame: frame.drop(columns="cause"), "lack 1 of the 2 columns"),
        (lambda frame: frame.drop(columns="y"), "y"),
        (lambda frame: frame.assign(y="perhaps"), "perhaps"),
        (lambda frame: frame.assign(y="yes"), "roc_auc is undefined"),
        (lambda frame: frame.assign(y=""), "no row with a target"),
    ],
)
def test_given_rows_that_cannot_judge_are_refused_in_one_line(
    home: Path, tmp_path: Path, change: Callable[[pd.DataFrame], pd.DataFrame], said: str
) -> None:
    file = tmp_path / "other.csv"
    change(make_frame(50, seed=2)).to_csv(file, index=False)
    command = ["explain", "file", "--runs-dir", str(home / "runs"), "--data", str(file)]
    outcome = CliRunner().invoke(make_cli(RealFunctions()), command)
    assert (outcome.exit_code, outcome.stdout) == (2, "")
    assert said in outcome.stderr
    assert outcome.stderr.count("\n") == 1


@pytest.mark.slow
def test_time_that_is_over_leaves_columns_out(explain: Callable[..., dict[str, Any]]) -> None:
    values = explain("file", "--seconds", "1e-9")
    assert values["columns"] == []
    assert values["notes"] == ["2 of 2 columns were not reached in 1e-09 seconds. Give more `seconds`."]
