"""What is refused or decided before anything trains."""

import numpy as np
import pandas as pd
import pytest

from autokeras_lite.config import as_search_config
from autokeras_lite.data.read import read_dataset
from autokeras_lite.errors import ArtifactError, DataError, SpaceError
from autokeras_lite.search.prepare import Prepared, encode_all_rows, read_test_rows
from autokeras_lite.search.prepare import prepare as prepare_dataset
from autokeras_lite.search.run import load_spaces

ROWS = 120


def config(**options):
    return as_search_config(options, name="made-up", targets=("y",))


def prepare(rows, asked) -> Prepared:
    return prepare_dataset(read_dataset(rows, asked.columns, name="made-up"), asked)


def frame(labels) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=ROWS), "b": rng.normal(size=ROWS), "y": labels})


def sorted_classes() -> list[str]:
    return ["no"] * (ROWS // 2) + ["yes"] * (ROWS // 2)


def test_test_rows_with_an_unknown_label_are_refused_before_the_search():
    asked = config()
    prepared = prepare(frame(sorted_classes()), asked)
    with pytest.raises(DataError, match="perhaps"):
        read_test_rows(prepared, frame(["perhaps"] * ROWS), asked)


def test_test_rows_without_a_column_are_refused_before_the_search():
    asked = config()
    prepared = prepare(frame(sorted_classes()), asked)
    with pytest.raises(ArtifactError, match="lack 1 of the 2 columns"):
        read_test_rows(prepared, frame(sorted_classes()).drop(columns="b"), asked)


def test_test_rows_need_no_weight_column():
    asked = config(weight="w")
    prepared = prepare(frame(sorted_classes()).assign(w=1.0), asked)
    assert len(read_test_rows(prepared, frame(sorted_classes()), asked)) == ROWS


def test_rows_in_time_that_judge_by_one_class_are_refused():
    days = pd.date_range("2024-01-01", periods=ROWS)
    with pytest.raises(DataError, match="too few classes for roc_auc"):
        prepare(frame(sorted_classes()).assign(day=days), config(time_column="day"))


def test_the_rows_that_judge_a_refit_are_those_of_a_fold_even_if_the_classes_are_sorted():
    asked = config(validation=3)
    prepared = prepare(frame(sorted_classes()), asked)
    (fold,) = encode_all_rows(prepared, asked).folds
    assert len(fold.train_rows) == ROWS
    assert set(np.asarray(sorted_classes())[fold.validation_rows]) == {"no", "yes"}


def test_a_validation_file_may_hold_larger_values_than_the_training_rows(tmp_path):
    frame(np.arange(ROWS) + 1000.5).to_parquet(tmp_path / "later.parquet")
    prepared = prepare(frame(np.arange(ROWS) + 0.5), config(validation=str(tmp_path / "later.parquet")))
    assert len(prepared.data.folds[0].validation_rows) == ROWS


def test_a_target_that_is_nearly_always_zero_is_divided_into_folds():
    values = np.zeros(ROWS)
    values[:3] = 1.5, 2.5, 3.5
    assert len(prepare(frame(values), config(validation=5, task="regression")).data.folds) == 5


def test_few_rows_are_dealt_to_folds_several_times_and_the_person_is_told():
    prepared = prepare(frame(sorted_classes()), config())
    assert (prepared.validation.folds, prepared.validation.repeats) == (5, 3)
    assert len(prepared.data.folds) == len(prepared.encodings) == 15
    assert sum("5 folds, dealt 3 times" in note for note in prepared.notes) == 1
    assert not any("Validation" in note for note in prepare(frame(sorted_classes()), config(validation="5x3")).notes)


def test_each_repeated_fold_is_encoded_by_its_own_training_rows():
    prepared = prepare(frame(sorted_classes()), config(validation="2x2"))
    for fold in prepared.data.folds:
        numbers = np.asarray(fold.inputs["numbers"])[fold.train_rows]
        assert np.median(numbers, axis=0) == pytest.approx(0.0, abs=1e-6)
    assert len({np.asarray(fold.inputs["numbers"]).tobytes() for fold in prepared.data.folds}) == 4


def test_two_spaces_of_one_name_are_refused():
    with pytest.raises(SpaceError, match="'dense_stack'"):
        load_spaces(("dense_stack", "dense_stack"))
