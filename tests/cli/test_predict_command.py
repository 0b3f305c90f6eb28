"""The command `predict` and spreadsheets."""

import io
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result
from scripted_search import ScriptedFunctions, ScriptedResult

from autokeras_lite.cli.main import make_cli

LABELS = ["=1+1", "+a", "-b", "@c", "\td", "plain", "a=b"]
NEUTRAL = ["'=1+1", "'+a", "'-b", "'@c", "'\td", "plain", "a=b"]


class FormulaResult(ScriptedResult):
    """Predicts labels that a spreadsheet would take for formulas."""

    def predict(self, data: object) -> pd.DataFrame:
        return pd.DataFrame({"=kind": LABELS, "value": range(-3, 4)})


class FormulaFunctions(ScriptedFunctions):
    """Loads such a result."""

    def load(self, folder: Path) -> ScriptedResult:
        return FormulaResult()


def predict(folder: Path, *arguments: str) -> Result:
    (folder / "runs" / "adult").mkdir(parents=True, exist_ok=True)
    command = ["predict", "adult", "new.csv", "--runs-dir", str(folder / "runs"), *arguments]
    outcome = CliRunner().invoke(make_cli(FormulaFunctions()), command)
    assert outcome.exit_code == 0, outcome.stderr
    return outcome


def test_texts_are_written_as_they_are_unless_asked(tmp_path: Path) -> None:
    frame = pd.read_csv(io.StringIO(predict(tmp_path).stdout))
    assert list(frame) == ["=kind", "value"]
    assert list(frame["=kind"]) == LABELS


@pytest.mark.parametrize(("suffix", "separator"), [(".csv", ","), (".tsv", "\t")])
def test_what_a_spreadsheet_would_take_for_a_formula_is_marked_as_text(
    tmp_path: Path, suffix: str, separator: str
) -> None:
    file = tmp_path / f"out{suffix}"
    predict(tmp_path, "--spreadsheet-safe", "-o", str(file))
    printed = predict(tmp_path, "--spreadsheet-safe").stdout
    for frame in (pd.read_csv(file, sep=separator), pd.read_csv(io.StringIO(printed))):
        assert list(frame) == ["'=kind", "value"]
        assert list(frame["'=kind"]) == NEUTRAL
        assert list(frame["value"]) == list(range(-3, 4))


def test_parquet_is_never_changed(tmp_path: Path) -> None:
    file = tmp_path / "out.parquet"
    predict(tmp_path, "--spreadsheet-safe", "-o", str(file))
    assert list(pd.read_parquet(file)["=kind"]) == LABELS
