import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from search_fakes import SPEC, SUMMARY

from autokeras_lite.config import as_search_config
from autokeras_lite.errors import ArtifactError
from autokeras_lite.search.baseline import Baseline
from autokeras_lite.search.folder import SearchFolder
from autokeras_lite.search.request import SearchRequest
from autokeras_lite.trial import Cause, Curve, FailedAttempt, TrialOutcome

OUTCOME = TrialOutcome(
    3,
    Cause.OK,
    score=0.5,
    fold_scores=(0.5,),
    curve=Curve((1.0,), (2.0,), (0.5,)),
    earlier=(FailedAttempt(1, 4, Cause.LOST, "killed"),),
)
BASELINES = (Baseline("constant", 0.5, 0.1), Baseline("linear", None, 1.5, "It took too long."))


@pytest.fixture
def folder(tmp_path) -> SearchFolder:
    """Return the folder of a search that has begun."""
    made = SearchFolder(tmp_path / "first")
    made.trials.mkdir(parents=True)
    config = as_search_config({"name": "first", "runs_dir": str(tmp_path)}, name="x", targets=("y",))
    made.write_request(SearchRequest.of(config, "abc", data="x.csv", test=None))
    return made


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
    (folder.trial(4) / "result.json.tmp").write_text('{"spec": ')
    assert folder.read_trials() == [(SPEC, OUTCOME)]


def test_only_the_very_same_result_is_known(tmp_path):
    folder = SearchFolder(tmp_path)
    assert not folder.has_trial(SPEC, OUTCOME)
    folder.write_trial(SPEC, OUTCOME)
    assert folder.has_trial(SPEC, OUTCOME)
    assert not folder.has_trial(SPEC, replace(OUTCOME, cause=Cause.CANCELLED))
    (folder.trial(3) / "result.json").write_text("{")
    assert not folder.has_trial(SPEC, OUTCOME), "a damaged one is written anew"


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=30) | st.sampled_from([b"[]", b"{}", b'{"spec": 1, "outcome": 2}', b"[" * 100_000]))
def test_whatever_a_damaged_file_holds_one_line_names_it(tmp_path_factory, content):
    folder = SearchFolder(tmp_path_factory.mktemp("damaged"))
    folder.trial(1).mkdir(parents=True)
    for path in (folder.trial(1) / "result.json", folder.request, folder.summary):
        path.write_bytes(content)
    reads = (folder.read_trials, folder.read_request, folder.read_summary)
    names = (f"{folder.trial(1)}/result.json", str(folder.request), str(folder.summary))
    for read, name in zip(reads, names, strict=True):
        with pytest.raises(ArtifactError) as caught:
            read()
        assert name in str(caught.value)
        assert "\n" not in str(caught.value)


def test_the_weights_of_the_named_trials_go_and_nothing_else(tmp_path):
    folder = SearchFolder(tmp_path)
    for number in (1, 2):
        folder.trial(number).mkdir(parents=True)
        for name in ("weights-0.npz", "weights-1.npz", "predictions.npz"):
            np.savez(folder.trial(number) / name)
    folder.drop_weights([1, 3])
    assert sorted(file.name for file in folder.trial(1).iterdir()) == ["predictions.npz"]
    assert len(list(folder.trial(2).iterdir())) == 3


def test_the_time_that_was_noted_last_is_read_and_a_damaged_note_is_none(tmp_path):
    folder = SearchFolder(tmp_path)
    assert folder.read_seconds() == 0.0
    folder.note_seconds(1.5)
    folder.note_seconds(20.25)
    assert folder.read_seconds() == 20.25
    for content in ("", "[]", "{}", '{"seconds": null}'):
        (tmp_path / "time.json").write_text(content)
        assert folder.read_seconds() == 0.0


def test_a_folder_that_takes_no_note_of_the_time_does_not_disturb_the_search(tmp_path):
    SearchFolder(tmp_path / "nowhere").note_seconds(1.0)


def test_baselines_come_back_and_damaged_ones_are_fitted_again(tmp_path):
    folder = SearchFolder(tmp_path)
    assert folder.read_baselines() == ()
    folder.write_baselines(BASELINES)
    assert folder.read_baselines() == BASELINES
    for content in ("", "[]", "{}", '{"baselines": [{"name": "constant"}]}', '{"baselines": 3}'):
        (tmp_path / "baselines.json").write_text(content)
        assert folder.read_baselines() == ()


def test_what_was_asked_comes_back(folder, tmp_path):
    request = folder.read_request()
    assert request.fingerprint == "abc"
    assert request.to_config(folder.path).place.folder == folder.path
    assert SearchFolder(tmp_path / "nothing").read_request() is None


def test_the_record_comes_back_and_of_a_search_without_an_end_there_is_none(folder):
    assert folder.read_summary() is None
    folder.write_summary(SUMMARY)
    assert folder.read_summary() == SUMMARY
    folder.write_summary(replace(SUMMARY, best=None, stopped="interrupted"))
    assert folder.read_summary().best is None


def test_where_there_is_no_search_none_is_read(tmp_path):
    for path in (tmp_path / "nothing", tmp_path):
        with pytest.raises(ArtifactError, match=r"There is no search in .*Name another one, or give its --runs-dir"):
            SearchFolder(path).read_summary()


def test_the_encoded_arrays_go_and_nothing_else(folder):
    folder.data.mkdir()
    (folder.data / "labels.npy").write_bytes(b"")
    folder.discard_data()
    folder.discard_data()
    assert not folder.data.exists()
    assert folder.read_request() is not None


def test_how_far_a_cohort_has_come_goes_with_it_alone(folder):
    for cohort in (1, 2):
        folder.checkpoint(cohort).mkdir(parents=True)
    folder.discard_checkpoint(1)
    folder.discard_checkpoint(1)
    assert not folder.checkpoint(1).exists()
    assert folder.checkpoint(2).exists()


def test_files_are_json_that_a_person_can_read(folder):
    folder.write_summary(SUMMARY)
    assert json.loads(folder.summary.read_text())["best"]["trial"] == 3
