"""The commands over the real program, one after the other, as a person uses them."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from sklearn.datasets import load_wine

COMMAND = (sys.executable, "-m", "autokeras_lite")


def run(folder: Path, *arguments: str) -> str:
    done = subprocess.run([*COMMAND, *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_file_becomes_a_model_that_predicts(tmp_path: Path) -> None:
    wine = load_wine(as_frame=True).frame
    wine["target"] = wine["target"].map({0: "red", 1: "white", 2: "rosy"})
    wine.to_csv(tmp_path / "wine.csv", index=False)
    wine.drop(columns="target").to_csv(tmp_path / "new.csv", index=False)

    words = ("--space", "tabular_mlp", "--validation", "3", "--trials", "2", "--json")
    result = json.loads(run(tmp_path, "search", "wine.csv", "--target", "target", *words))
    assert result["name"] == "wine"
    assert sum(result["trials"].values()) == 2
    assert result["tracking"]["run_id"]

    board = json.loads(run(tmp_path, "leaderboard", "wine", "--json"))
    assert board[0]["score"] == pytest.approx(result["best"]["validation_score"])
    assert "2" in run(tmp_path, "leaderboard", "wine")
    assert run(tmp_path, "failures", "wine") == "No trial failed.\n"
    again = json.loads(run(tmp_path, "resume", "wine", "--json"))
    assert (again["best"], again["trials"]) == (result["best"], result["trials"])

    run(tmp_path, "predict", "wine", "new.csv", "-o", "predictions.csv")
    predictions = pd.read_csv(tmp_path / "predictions.csv")
    assert (predictions["target"] == wine["target"]).mean() > 0.9

    scores = json.loads(run(tmp_path, "evaluate", "wine", "wine.csv", "--json"))
    assert next(iter(scores["scores"])) == result["metric"]
    assert scores["scores"]["accuracy"] == pytest.approx((predictions["target"] == wine["target"]).mean())
