"""What is read of a search is what was written, and what is missing is missing."""

import json

import numpy as np
import pytest
from made_searches import make_search, write_explanation

from autokeras_lite.errors import ArtifactError
from autokeras_lite.report.facts import read_facts
from autokeras_lite.search.folder import SearchFolder


def test_a_finished_search_tells_everything(tmp_path):
    facts = read_facts(make_search(tmp_path))
    assert facts.name == "binary"
    assert facts.is_finished
    assert facts.task.classes == ("no", "yes")
    assert [trial.number for trial in facts.trials] == list(range(1, 25))
    assert facts.best.score == max(trial.score for trial in facts.trials if trial.score is not None)
    assert [baseline.name for baseline in facts.baselines] == ["constant", "linear", "gradient_boosting"]
    assert {"row", "fold", "actual.y", "predicted.no", "predicted.yes"} == set(facts.predictions.columns)
    assert facts.manifest["trial"]["number"] == facts.best.number
    assert facts.config.budget.trials == 24
    assert "keras" in facts.versions


def test_the_journal_tells_cohort_times_and_rung_of_a_trial(tmp_path):
    trials = {trial.number: trial for trial in read_facts(make_search(tmp_path)).trials}
    second = trials[2]
    assert (second.cohort, second.begun, second.ended, second.rung) == (2, 0.0, 5.5, 1)  # begun again after it broke
    assert trials[4].rung == 0
    assert second.values["depth"] == second.spec.config["depth"]


def test_an_older_journal_has_no_times(tmp_path):
    facts = read_facts(make_search(tmp_path, has_times=False))
    assert {(trial.begun, trial.ended) for trial in facts.trials} == {(None, None)}
    assert {trial.cohort for trial in facts.trials} == {2, 4, 6, 8, 10, 12}


def test_a_search_that_has_not_ended_tells_the_same_and_the_predictions_of_its_best_trial(tmp_path):
    ended = read_facts(make_search(tmp_path / "a"))
    facts = read_facts(make_search(tmp_path / "b", is_finished=False))
    assert not facts.is_finished
    assert facts.best.number == ended.best.number
    assert facts.predictions.equals(ended.predictions)
    assert facts.manifest is None


def test_the_profile_tells_columns_targets_and_how_rows_were_divided(tmp_path):
    profile = read_facts(make_search(tmp_path)).profile
    assert [(column["name"], column["kind"]) for column in profile["columns"]] == [
        ("size", "number"),
        ("colour", "category"),
        ("weight", "number"),
    ]
    assert profile["targets"][0]["name"] == "y"
    assert sum(fold["train_rows"] + fold["validation_rows"] for fold in profile["folds"]) == profile["rows"] == 240
    assert profile["validation"] == "30% of the rows held out"


@pytest.mark.parametrize("left", ["profile.json", "explanation.json", "baselines.json", "journal.jsonl"])
def test_what_is_gone_is_missing_and_no_more(tmp_path, left):
    folder = make_search(tmp_path)
    write_explanation(folder, ["size"])
    (folder / left).unlink()
    facts = read_facts(folder)
    missing = {
        "profile.json": facts.profile is None,
        "explanation.json": facts.explanation is None,
        "baselines.json": facts.baselines == (),
        "journal.jsonl": facts.events == (),
    }
    assert [name for name, is_missing in missing.items() if is_missing] == [left]
    assert len(facts.ranked) == 22


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'"text"'])
def test_a_damaged_description_is_as_none(tmp_path, content):
    folder = make_search(tmp_path)
    for name in (
        "profile.json",
        "explanation.json",
        "artifact/manifest.json",
        "artifact/validation_predictions.parquet",
    ):
        (folder / name).write_bytes(content)
    facts = read_facts(folder)
    assert (facts.profile, facts.explanation, facts.manifest) == (None, None, None)
    assert facts.predictions is not None  # those of the best trial


def test_without_a_blueprint_the_task_is_as_the_record_tells_it(tmp_path):
    folder = make_search(tmp_path)
    (folder / "blueprint" / "blueprint.json").unlink()
    task = read_facts(folder).task
    assert (task.kind, task.targets, task.metric, task.direction) == ("binary", ("y",), "roc_auc", "maximize")


def test_a_score_that_is_not_finite_is_no_score(tmp_path):
    folder = make_search(tmp_path, num_trials=3)
    place = SearchFolder(folder).trial(2) / "result.json"
    values = json.loads(place.read_text())
    values["outcome"]["score"] = np.nan
    place.write_text(json.dumps(values))
    facts = read_facts(folder)
    assert [trial.score is None for trial in facts.trials] == [False, True, False]
    assert {trial.number for trial in facts.ranked} == {1, 3}


def test_the_importance_of_hyperparameters_is_measured_without_an_explanation(tmp_path):
    records, _ = read_facts(make_search(tmp_path, num_trials=40)).importance
    assert {record["space"] for record in records} == {"tabular_mlp"}
    assert sum(record["importance"] for record in records) == pytest.approx(1.0)


def test_a_folder_without_a_search_is_refused(tmp_path):
    with pytest.raises(ArtifactError, match="There is no search in"):
        read_facts(tmp_path)
