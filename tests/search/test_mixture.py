"""What the final model is made of: shares, scores and predictions belong together."""

import numpy as np
import pandas as pd
import pytest

from autokeras_lite.config import as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.mixture import choose_mixture, keep_members, read_judged
from autokeras_lite.search.prepare import prepare
from autokeras_lite.tasks.metrics import score
from autokeras_lite.trial import Cause, TrainingConfig, TrialOutcome, TrialSpec

ROWS = 900


@pytest.fixture(scope="module", params=["0.5", "3"], ids=["holdout", "folds"])
def prepared(request):
    random = np.random.default_rng(0)
    frame = pd.DataFrame({"x": random.normal(size=ROWS)}).assign(y=lambda rows: 3.0 * rows["x"] + 1.0)
    config = as_search_config({"validation": request.param}, name="made", targets=("y",))
    return prepare(read_dataset(frame, config.columns, name="made"), config)


@pytest.fixture
def folder(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.trials.mkdir()
    return folder


def finished(number, value):
    spec = TrialSpec(number, "made", "tabular_mlp", {}, TrainingConfig(), number, "default")
    return spec, TrialOutcome(number, Cause.OK, score=value)


def leave(prepared, folder, number, *, seed, noise=1.0, folds=None):
    """Leave predictions of a trial that strays from the truth at random; return it as a finished one."""
    random, stored, scores = np.random.default_rng(seed), {}, []
    for fold, rows in enumerate(prepared.data.folds):
        truth = prepared.data.labels[rows.validation_rows]
        stored[f"fold-{fold}"] = truth + noise * random.normal(size=truth.shape)
        scores.append(score(prepared.task, truth, stored[f"fold-{fold}"]))
    place = folder.trial(number)
    place.mkdir()
    np.savez(place / "predictions.npz", **dict(list(stored.items())[:folds]))
    return finished(number, float(np.mean(scores)))


def test_two_trials_that_err_apart_predict_better_together(prepared, folder):
    trials = [leave(prepared, folder, 1, seed=1), leave(prepared, folder, 2, seed=2)]
    judged = read_judged(prepared, trials, folder)
    best = min(trials, key=lambda one: one[1].score)
    mixture = choose_mixture(prepared, trials, best, judged, most_members=8, seed=0)

    assert sum(share for _, share in mixture.members) == pytest.approx(1.0)
    assert mixture.score < best[1].score
    assert mixture.gain > mixture.gain_error > 0
    assert not mixture.is_single
    expected = sum(share * judged.predictions[spec.number] for (spec, _), share in mixture.members)
    np.testing.assert_allclose(mixture.predictions, expected)
    assert mixture.score == pytest.approx(np.mean(mixture.fold_scores))
    assert len(mixture.fold_scores) == len(prepared.data.folds)


def test_one_member_is_the_best_trial_with_its_own_score(prepared, folder):
    trials = [leave(prepared, folder, 1, seed=1), leave(prepared, folder, 2, seed=2, noise=0.5)]
    judged = read_judged(prepared, trials, folder)
    mixture = choose_mixture(prepared, trials, trials[1], judged, most_members=1, seed=0)
    assert [one for one, _ in mixture.members] == [trials[1]]
    assert mixture.is_single
    assert mixture.score == pytest.approx(trials[1][1].score)


def test_a_trial_that_was_not_judged_in_every_fold_takes_no_part(prepared, folder):
    whole, torn = leave(prepared, folder, 1, seed=1), leave(prepared, folder, 2, seed=2, folds=0)
    judged = read_judged(prepared, [whole, torn, finished(3, 0.1), (finished(4, None))], folder)
    assert list(judged.predictions) == [1]
    assert judged.rows.tolist() == np.concatenate([f.validation_rows for f in prepared.data.folds]).tolist()


def test_members_that_are_left_share_what_the_others_had(prepared, folder):
    trials = [leave(prepared, folder, number, seed=number) for number in (1, 2, 3)]
    judged = read_judged(prepared, trials, folder)
    mixture = choose_mixture(prepared, trials, trials[0], judged, most_members=8, seed=0)
    numbers = [spec.number for (spec, _), _ in mixture.members]
    assert len(numbers) > 1
    kept = keep_members(prepared, mixture, judged, numbers[1:])
    assert [spec.number for (spec, _), _ in kept.members] == numbers[1:]
    assert sum(share for _, share in kept.members) == pytest.approx(1.0)
    assert kept.score > mixture.score
