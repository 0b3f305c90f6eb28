"""What another process makes of the same words: the same search, and the same predictions."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from real_searches import small_space

pytestmark = pytest.mark.slow

# As a person writes it, without a `__main__` guard: nothing in it may run twice.
SEARCH = """
from pathlib import Path
from sklearn.datasets import load_breast_cancer
import autokeras_lite as akl

with Path("begun.txt").open("a") as file:
    file.write("{program}\\n")
frame = load_breast_cancer(as_frame=True).frame
for name, seed in {searches}:
    result = akl.search(
        frame, "target", name=name, space={space!r}, trials=3, validation="2", seed=seed, workers=1, runs_dir="runs",
        report="off"
    )
    result.predict_proba(frame).to_parquet(name + ".parquet")
"""
LOAD = """
from sklearn.datasets import load_breast_cancer
import autokeras_lite as akl

frame = load_breast_cancer(as_frame=True).frame
akl.load("runs/first").predict_proba(frame).to_parquet("loaded.parquet")
"""


def run(folder: Path, program: str) -> None:
    file = folder / "program.py"
    file.write_text(program)
    ended = subprocess.run([sys.executable, str(file)], cwd=folder, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Return a folder in which the same search ran in two processes, in one of them after a search of another seed."""
    made = tmp_path_factory.mktemp("fresh")
    for program, searches in (("one", {"first": 7}), ("two", {"other": 8, "second": 7})):
        run(made, SEARCH.format(program=program, searches=[*searches.items()], space=small_space("table")))
    return made


def trials_of(folder: Path, name: str) -> list[dict]:
    """Return every trial of a search without what the clock says."""
    results = [
        json.loads(file.read_text()) for file in sorted((folder / "runs" / name / "trials").glob("*/result.json"))
    ]
    for result in results:
        del result["outcome"]["seconds"], result["outcome"]["row_seconds"]
    return results


def test_the_same_seed_makes_the_same_trials_with_the_same_scores(folder):
    first = trials_of(folder, "first")
    assert len(first) == 3
    assert first == trials_of(folder, "second")


def test_the_same_seed_makes_the_same_model(folder):
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "first.parquet"), pd.read_parquet(folder / "second.parquet"))


def test_another_seed_makes_other_trials(folder):
    first, other = trials_of(folder, "first"), trials_of(folder, "other")
    assert [trial["outcome"]["score"] for trial in first] != [trial["outcome"]["score"] for trial in other]
    assert [trial["spec"]["config"] for trial in first[1:]] != [trial["spec"]["config"] for trial in other[1:]]


def test_a_model_that_is_loaded_in_a_fresh_process_predicts_the_same(folder):
    run(folder, LOAD)
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "loaded.parquet"), pd.read_parquet(folder / "first.parquet"))


def test_the_callers_script_runs_once(folder):
    assert (folder / "begun.txt").read_text().splitlines() == ["one", "two"]
