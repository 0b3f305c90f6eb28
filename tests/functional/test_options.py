"""What the options of a search change, on real data through the real executor."""

import numpy as np
import pandas as pd
import pytest
from real_searches import SPACES, breast_cancer, diabetes, small_space
from sklearn.datasets import load_wine, make_friedman1

import autokeras_lite as akl
from autokeras_lite.artifact.files import PREDICTIONS_FILE
from autokeras_lite.artifact.load import load_artifact
from autokeras_lite.errors import ConfigError, SpaceError, TrialError
from autokeras_lite.report.page import REPORT_FILE
from autokeras_lite.search.observer import SilentObserver

pytestmark = pytest.mark.slow


class Listening(SilentObserver):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.trained: list[int] = []
        self.stages: list[str] = []

    def note(self, message: str) -> None:
        self.notes.append(message)

    def trial_finished(self, spec, outcome, *, is_best) -> None:
        self.trained.append(spec.number)

    def finishing(self, stage: str) -> None:
        self.stages.append(stage)


@pytest.fixture(scope="module")
def search(runs):
    """Return a function that makes a search of two trials over a small space."""

    def run(name, data, target, **options):
        chosen = {"space": small_space("table"), "trials": 2, "workers": 1, "name": name, "runs_dir": str(runs)}
        chosen["report"] = "off"
        return akl.search(data, target, **({"validation": 0.2} | chosen | options))

    return run


@pytest.fixture(scope="module")
def first(search):
    return search("first", *breast_cancer())


def judged_rows(result: akl.SearchResult) -> pd.DataFrame:
    return pd.read_parquet(result.folder / "artifact" / PREDICTIONS_FILE)


def test_the_same_search_again_shows_its_result_and_trains_nothing(first, search):
    listening = Listening()
    again = search("first", *breast_cancer(), observer=listening)
    assert again.summary == first.summary
    assert listening.trained == []
    assert any("nothing was trained" in note for note in listening.notes)


def test_other_options_under_the_same_name_are_refused_with_the_difference(first, search):
    with pytest.raises(ConfigError, match=r"made with other settings \(budget.trials: 2 became 3\).*--extend"):
        search("first", *breast_cancer(), trials=3)
    with pytest.raises(ConfigError, match=r"made with other settings \(strategy.seed: 0 became 1\)"):
        search("first", *breast_cancer(), seed=1, extend=True)


def test_other_data_under_the_same_name_are_refused(first, search):
    frame, target = breast_cancer()
    with pytest.raises(ConfigError, match=r"made with other settings \(the data changed\)"):
        search("first", frame.head(300), target)


def test_a_loaded_search_is_the_search(first):
    loaded = akl.load(first.folder)
    frame, _ = breast_cancer()
    assert loaded.summary == first.summary
    pd.testing.assert_frame_equal(loaded.predict_proba(frame), first.predict_proba(frame))
    pd.testing.assert_frame_equal(loaded.leaderboard(), first.leaderboard())
    assert "roc_auc" in repr(loaded)


def test_a_report_that_is_switched_off_is_not_written(first):
    assert not (first.folder / REPORT_FILE).exists()


def test_the_encoded_data_do_not_stay(first):
    assert not (first.folder / "data").exists()
    assert (first.folder / "study.db").exists()


def test_with_folds_every_row_judges_once_and_the_model_is_trained_again_on_all(search):
    frame, target = diabetes()
    listening = Listening()
    result = search("folds", frame, target, validation=3, trials=4, observer=listening, report="on")
    manifest = result.artifact.manifest
    assert sorted(judged_rows(result)["row"]) == list(range(len(frame)))
    assert len(manifest.fold_scores) == 3
    assert manifest.score == pytest.approx(np.mean(manifest.fold_scores))
    assert manifest.refit
    assert manifest.training_rows == len(frame)
    assert listening.stages == ["refit", "artifact", "tracking"]
    assert (result.folder / REPORT_FILE).exists()
    scores = result.evaluate(frame).set_index("metric")["score"]
    assert scores["r2"] > 0.4


def curved():
    x, y = make_friedman1(600, noise=1.0, random_state=0)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(x.shape[1])]).assign(y=y), "y"


@pytest.fixture(scope="module")
def together(search):
    """A search whose networks err each in its own way, so that an ensemble is worth it."""
    return search("together", *curved(), validation=0.5, trials=8, space=str(SPACES / "small_twins.toml"))


def test_an_ensemble_is_one_model_file_that_predicts_the_mean_of_its_trials(together):
    manifest, made = together.artifact.manifest, together.summary.ensemble
    assert made is not None
    assert {str(member.trial.number): round(member.share, 4) for member in manifest.members} == made.shares
    judged = judged_rows(together)
    frame, target = curved()
    again = together.predict(frame.iloc[judged["row"]])
    np.testing.assert_allclose(again[target], judged[f"predicted.{target}"], rtol=1e-4)
    error = np.sqrt(np.mean((judged[f"actual.{target}"] - judged[f"predicted.{target}"]) ** 2))
    assert error == pytest.approx(manifest.score)
    assert manifest.score == pytest.approx(made.validation_score)
    assert made.validation_score < together.summary.best.validation_score


def test_beside_an_ensemble_its_first_member_is_a_model_of_its_own(together):
    single = load_artifact(together.folder / "artifact-single")
    assert not single.manifest.members
    assert single.manifest.trial == together.artifact.manifest.trial


def test_without_an_ensemble_and_without_refit_the_measured_weights_of_the_best_trial_stay(search):
    frame, target = diabetes()
    listening = Listening()
    result = search("alone", frame, target, validation=3, trials=4, ensemble="off", refit="off", observer=listening)
    assert result.summary.ensemble is None
    assert not result.artifact.manifest.refit
    assert result.artifact.manifest.trial.number == result.summary.best.trial
    assert listening.stages == ["artifact", "tracking"]


def test_a_table_sorted_by_its_classes_is_trained_again_on_all_rows_after_folds(search):
    frame, target = breast_cancer()
    result = search("sorted", frame.sort_values(target, ignore_index=True), target, validation=2, metric="roc_auc")
    assert result.artifact.manifest.refit
    assert not (result.folder / "refit" / "data").exists()


def test_a_test_file_that_is_named_later_is_scored_without_a_new_search(first, search):
    frame, target = breast_cancer()
    again = search("first", frame, target, test=frame.head(100))
    assert first.summary.best.test_score is None
    assert again.summary.best.test_score > 0.9
    assert again.leaderboard().equals(first.leaderboard())


def test_rows_of_one_group_stay_together_and_the_group_is_no_input(search):
    frame, target = breast_cancer()
    groups = np.arange(len(frame)) // 7
    result = search("grouped", frame.assign(person=groups), target, group="person")
    judging = np.zeros(len(frame), dtype=bool)
    judging[judged_rows(result)["row"]] = True
    assert 0 < judging.sum() < len(frame)
    assert not set(groups[judging]) & set(groups[~judging])
    assert "person" not in result.artifact.manifest.encoding.text_columns
    result.predict(frame)  # without the column


def test_the_latest_rows_judge_where_a_time_column_is_named(search):
    frame, target = diabetes()
    days = np.random.default_rng(0).permutation(len(frame))
    dates = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, unit="D")
    result = search("timed", frame.assign(day=dates), target, time_column="day", validation=0.25)
    rows = judged_rows(result)["row"].to_numpy()
    assert len(rows) == pytest.approx(0.25 * len(frame), abs=1)
    assert days[rows].min() > np.delete(days, rows).max()


def test_rows_of_no_weight_teach_nothing(search):
    frame, target = breast_cancer()
    is_wrong = np.random.default_rng(0).random(len(frame)) < 0.45
    turned = frame[target].map({"malignant": "benign", "benign": "malignant"})
    spoiled = frame.assign(**{target: frame[target].where(~is_wrong, turned), "trust": np.where(is_wrong, 1e-4, 1.0)})
    result = search("weighted", spoiled, target, weight="trust", metric="log_loss")
    scores = result.evaluate(frame).set_index("metric")["score"]
    assert scores["accuracy"] > 0.9


def test_balanced_class_weights_find_the_rare_class(search):
    rng = np.random.default_rng(0)
    is_rare = np.arange(1500) % 15 == 0
    frame = pd.DataFrame({"a": rng.normal(size=1500) + 1.5 * is_rare, "b": rng.normal(size=1500), "rare": is_rare})
    plain, balanced = (
        search(name, frame, "rare", metric="recall", class_weight=weight, trials=1)
        for name, weight in (("plain", None), ("balanced", "balanced"))
    )
    assert balanced.summary.best.validation_score > 0.6
    assert balanced.summary.best.validation_score > plain.summary.best.validation_score + 0.1


def test_classes_count_alike_where_the_metric_says_so(search):
    rng = np.random.default_rng(0)
    is_rare = np.arange(1500) % 15 == 0
    frame = pd.DataFrame({"a": rng.normal(size=1500) + 1.5 * is_rare, "b": rng.normal(size=1500), "rare": is_rare})
    result = search("even", frame, "rare", metric="balanced_accuracy", trials=1)
    assert result.summary.best.validation_score > 0.7
    assert any("equally frequent" in note for note in result.summary.notes)
    assert result.evaluate(frame)["score"].iloc[0] > 0.7


def test_rows_of_a_file_judge_and_rows_of_another_test_at_the_end(search, tmp_path):
    wine = load_wine(as_frame=True).frame.sample(frac=1.0, random_state=0).reset_index(drop=True)
    wine["origin"] = wine.pop("target").map({0: "north", 1: "south", 2: "west"})
    wine.iloc[100:140].to_csv(tmp_path / "judging.csv", index=False)
    wine.iloc[140:].to_parquet(tmp_path / "test.parquet")
    result = search(
        "files",
        wine.head(100),
        "origin",
        validation=tmp_path / "judging.csv",
        test=tmp_path / "test.parquet",
        metric="accuracy",
    )
    assert len(judged_rows(result)) == 40
    assert result.artifact.manifest.training_rows == 100
    assert result.summary.best.test_score > 0.85
    scores = result.evaluate(tmp_path / "test.parquet")
    assert scores["score"][0] == pytest.approx(result.summary.best.test_score)


def test_a_space_in_which_everything_diverges_ends_in_one_line(search, runs):
    with pytest.raises(TrialError, match=r"All \d+ trials failed, the last with DIVERGED: No finite score") as caught:
        search("wild", *diabetes(), space=str(SPACES / "diverging_table.toml"))
    assert "\n" not in str(caught.value)
    assert not (runs / "wild" / "summary.json").exists()
    failures = akl.load(runs / "wild").failures()
    assert list(failures["cause"]) == ["DIVERGED"] * len(failures)
    assert set(failures["attempts"]) == {1}


def test_a_space_for_other_inputs_is_refused_before_anything_is_written(search, runs):
    with pytest.raises(SpaceError, match=r"takes image; the inputs are of kind table.*Choose another --space"):
        search("misfit", *diabetes(), space=small_space("images"))
    assert not (runs / "misfit").exists()
