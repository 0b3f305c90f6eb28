"""A search of few rows, with nothing said about which rows judge: repeated folds, from encoding to model file."""

import json

import numpy as np
import pandas as pd
import pytest
from real_searches import diabetes, small_space
from sklearn.metrics import r2_score

import autokeras_lite as akl
from autokeras_lite.artifact.files import PREDICTIONS_FILE

pytestmark = pytest.mark.slow
FOLDS, REPEATS = 5, 2


@pytest.fixture(scope="module")
def result(runs):
    frame, target = diabetes()
    return akl.search(
        frame,
        target,
        name="repeated",
        space=small_space("table"),
        trials=2,
        workers=1,
        metric="r2",
        runs_dir=str(runs),
        report="off",
    )


def test_every_row_judges_once_in_each_repeat(result):
    judged = pd.read_parquet(result.folder / "artifact" / PREDICTIONS_FILE)
    assert judged["fold"].nunique() == FOLDS * REPEATS
    rows = len(diabetes()[0])
    for _, repeat in judged.groupby(judged["fold"] // FOLDS):
        assert sorted(repeat["row"]) == list(range(rows))


def test_every_stored_prediction_stands_beside_the_row_that_it_is_of(result):
    frame, target = diabetes()
    judged = pd.read_parquet(result.folder / "artifact" / PREDICTIONS_FILE)
    assert judged[f"actual.{target}"].tolist() == frame[target].iloc[judged["row"]].tolist()
    scores = [
        r2_score(part[f"actual.{target}"], part[f"predicted.{target}"]) for _, part in judged.groupby("fold", sort=True)
    ]
    assert scores == pytest.approx(result.artifact.manifest.fold_scores, abs=1e-5)


def test_the_score_is_the_mean_over_all_folds_and_the_model_is_trained_again(result):
    manifest = result.artifact.manifest
    assert len(manifest.fold_scores) == FOLDS * REPEATS
    assert manifest.score == pytest.approx(np.mean(manifest.fold_scores))
    assert manifest.refit
    assert manifest.training_rows == len(diabetes()[0])
    assert any("5 folds, dealt 2 times" in note for note in manifest.notes)
    assert result.summary.best.validation_score > 0.3


def test_every_fold_leaves_weights_and_predictions_of_its_own(result):
    for folder in (result.folder / "trials").iterdir():
        outcome = json.loads((folder / "result.json").read_text())["outcome"]
        assert len(outcome["fold_scores"]) == FOLDS * REPEATS
        with np.load(folder / "predictions.npz") as stored:
            assert sorted(stored) == sorted(f"fold-{fold}" for fold in range(FOLDS * REPEATS))
        assert len(list(folder.glob("weights-*.npz"))) == FOLDS * REPEATS
