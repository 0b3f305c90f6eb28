import json
from dataclasses import replace

import numpy as np
import pytest

from autokeras_lite.config import as_search_config
from autokeras_lite.errors import ArtifactError, ConfigError
from autokeras_lite.search.folder import SearchFolder, check_free, claim_folder, find_finished, write_json
from autokeras_lite.search.record import BestTrial, SearchSummary, TrackingPlace, TrialCounts
from autokeras_lite.trial import Cause, Curve, TrainingConfig, TrialOutcome, TrialSpec

SPEC = TrialSpec(3, "space", "tabular_mlp", {"depth": 2}, TrainingConfig(), 5, "default")
OUTCOME = TrialOutcome(3, Cause.OK, score=0.5, fold_scores=(0.5,), curve=Curve((1.0,), (2.0,), (0.5,)))
SUMMARY = SearchSummary(
    name="first",
    task="binary",
    metric="roc_auc",
    direction="maximize",
    best=BestTrial(3, "tabular_mlp", "space", {"depth": 2}, 0.5),
    trials=TrialCounts(1, 2, 3),
    seconds=1.5,
    baselines={"constant": 0.5, "linear": None},
    verdict="The network wins.",
    artifact="somewhere",
    tracking=TrackingPlace("sqlite://", "1", "2"),
    notes=("a", "b"),
)


def options_of(folder, **options):
    given = {"name": folder.name, "runs_dir": str(folder.parent), "trials": 3} | options
    return as_search_config(given, name="x", targets=("y",)).to_json()


def finished(folder, **options) -> SearchFolder:
    made = claim_folder(folder, {"config": options_of(folder, **options), "fingerprint": "abc"})
    write_json(made.summary, SUMMARY.to_json())
    return made


class Unwritable:
    def __str__(self) -> str:
        raise RuntimeError("the power went off")


def test_a_crash_while_writing_leaves_the_file_that_was_there(tmp_path):
    path = tmp_path / "x.json"
    write_json(path, {"value": 1})
    with pytest.raises(RuntimeError, match="power"):
        write_json(path, {"before": "x" * 10_000, "value": Unwritable()})
    assert json.loads(path.read_text()) == {"value": 1}


def test_a_crash_at_the_first_writing_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError, match="power"):
        write_json(tmp_path / "x.json", {"value": Unwritable()})
    assert not (tmp_path / "x.json").exists()


def test_a_result_comes_back_as_it_was_written(tmp_path):
    folder = SearchFolder(tmp_path)
    later = (replace(SPEC, number=12), replace(OUTCOME, number=12, cause=Cause.EXCEPTION, score=None))
    folder.write_trial(*later)
    folder.write_trial(SPEC, OUTCOME)
    assert folder.read_trials() == [(SPEC, OUTCOME), later]


def test_a_trial_that_left_no_whole_result_is_not_read(tmp_path):
    folder = SearchFolder(tmp_path)
    folder.write_trial(SPEC, OUTCOME)
    folder.trial(4).mkdir()
    (folder.trial(4) / "result.tmp").write_text('{"spec": ')
    assert folder.read_trials() == [(SPEC, OUTCOME)]


def test_the_weights_of_the_named_trials_go_and_nothing_else(tmp_path):
    folder = SearchFolder(tmp_path)
    for number in (1, 2):
        folder.trial(number).mkdir(parents=True)
        for name in ("weights-0.npz", "weights-1.npz", "predictions.npz"):
            np.savez(folder.trial(number) / name)
    folder.drop_weights([1, 3])
    assert sorted(file.name for file in folder.trial(1).iterdir()) == ["predictions.npz"]
    assert len(list(folder.trial(2).iterdir())) == 3


def test_a_free_folder_is_claimed_with_what_was_asked(tmp_path):
    folder = claim_folder(tmp_path / "runs" / "first", {"config": {}, "fingerprint": "abc"})
    assert folder.fingerprint == "abc"
    assert folder.trials.is_dir()


def test_a_claimed_folder_cannot_be_claimed_again(tmp_path):
    claim_folder(tmp_path / "first", {"config": {}})
    for claim in (check_free, lambda path: claim_folder(path, {"config": {}})):
        with pytest.raises(ConfigError, match=r"A search named 'first' is in .* already.*Choose another --name"):
            claim(tmp_path / "first")


def test_a_folder_that_cannot_be_made_is_refused_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"cannot be written \(Not a directory\).*Choose another --runs-dir"):
        claim_folder(tmp_path / "file" / "first", {})


def test_nothing_is_found_in_a_free_folder(tmp_path):
    assert find_finished(tmp_path / "first", options_of(tmp_path / "first")) is None


def test_a_finished_search_is_found_by_the_same_options(tmp_path):
    made = finished(tmp_path / "first")
    assert find_finished(made.path, options_of(made.path)) == made
    assert made.read_summary() == SUMMARY


def test_a_finished_search_is_found_however_its_folder_is_named(tmp_path, monkeypatch):
    made = finished(tmp_path / "first")
    monkeypatch.chdir(tmp_path)
    assert find_finished(made.path, options_of(made.path, runs_dir=".")) == made


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"trials": 4}, r"\(budget.trials: 3 became 4\)"),
        ({"seed": 1}, r"\(strategy.seed: 0 became 1\)"),
        ({"space": "dense_stack"}, r"\(strategy.spaces: \[\] became \['dense_stack'\]\)"),
        ({"metric": "f1", "workers": 2}, r"\(goal.metric: None became f1; execution.workers: None became 2\)"),
        ({"tracking_uri": "http://x"}, r"\(place.tracking_uri: None became http://x\)"),
    ],
)
def test_other_options_under_the_same_name_are_refused_with_the_difference(tmp_path, options, difference):
    made = finished(tmp_path / "first")
    with pytest.raises(ConfigError, match=difference) as caught:
        find_finished(made.path, options_of(made.path, **options))
    assert len(str(caught.value)) < 250


def test_an_unfinished_search_of_that_name_is_refused(tmp_path):
    made = claim_folder(tmp_path / "first", {"config": options_of(tmp_path / "first")})
    with pytest.raises(ConfigError, match="An unfinished search named 'first'"):
        find_finished(made.path, options_of(made.path))


def test_there_is_no_result_where_there_is_no_search_or_no_end(tmp_path):
    with pytest.raises(ArtifactError, match="There is no search in"):
        SearchFolder(tmp_path / "nothing").read_summary()
    with pytest.raises(ArtifactError, match="has no result"):
        claim_folder(tmp_path / "first", {}).read_summary()


def test_the_encoded_arrays_go_and_nothing_else(tmp_path):
    made = finished(tmp_path / "first")
    made.data.mkdir()
    (made.data / "labels.npy").write_bytes(b"")
    made.discard_data()
    made.discard_data()
    assert not made.data.exists()
    assert made.read_summary() == SUMMARY
