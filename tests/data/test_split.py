"""Laws of splits: partitions, seeded, stratified, with groups whole and time in order."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autokeras_lite.config import ColumnRoles, Validation
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.read import read_dataset
from autokeras_lite.data.split import SPLITTERS, Fold, append_rows, split_rows
from autokeras_lite.errors import DataError

FIVE = Validation.parse(5)


def rows(count: int, groups: object = None, times: object = None) -> Dataset:
    frame = pd.DataFrame({"a": np.arange(count, dtype=float)})
    dataset = Dataset("toy", InputKind.TABLE, "", frame, pd.DataFrame({"y": np.zeros(count)}))
    return replace(
        dataset,
        groups=None if groups is None else np.asarray(groups),
        times=None if times is None else np.asarray(times),
    )


def split(dataset: Dataset, validation: Validation, stratify: object = None, seed: int = 0) -> tuple[Fold, ...]:
    codes = None if stratify is None else np.asarray(stratify)
    return split_rows(dataset, validation, stratify=codes, seed=seed)


def assert_partition(fold: Fold, count: int) -> None:
    for part in (fold.train_rows, fold.validation_rows):
        assert part.dtype == np.int64
        assert part.size > 0
        assert (np.diff(part) > 0).all()
    assert sorted([*fold.train_rows, *fold.validation_rows]) == list(range(count))


CASES = {
    "fraction": lambda count, draw: (rows(count), Validation(fraction=draw(st.floats(0.01, 0.99)))),
    "folds": lambda count, draw: (rows(count), Validation.parse(draw(st.integers(2, 5)))),
    "group": lambda count, draw: (
        rows(count, groups=draw(st.lists(st.sampled_from("abcdefgh"), min_size=count, max_size=count))),
        draw(st.sampled_from([Validation(), Validation.parse(3)])),
    ),
    "time": lambda count, draw: (
        rows(count, times=draw(st.lists(st.integers(-9, 9), min_size=count, max_size=count))),
        draw(st.sampled_from([Validation(), Validation.parse(3)])),
    ),
    "file": lambda count, _: (rows(count), Validation.parse("more.csv")),
}


def test_every_splitter_is_tried() -> None:
    assert set(CASES) == set(SPLITTERS)


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=60, deadline=None)
@given(data=st.data(), count=st.integers(5, 60), seed=st.integers(0, 9))
def test_every_split_is_a_partition(name: str, data: st.DataObject, count: int, seed: int) -> None:
    dataset, validation = CASES[name](count, data.draw)
    classes = data.draw(st.none() | st.lists(st.integers(0, 2), min_size=count, max_size=count))
    given_rows = data.draw(st.integers(1, count - 1)) if name == "file" else None
    stratify = None if classes is None else np.array(classes)
    try:
        folds = split_rows(dataset, validation, stratify=stratify, seed=seed, num_given=given_rows)
    except DataError:
        assume(False)  # too few rows, groups, times or rows of a class: refused, as other tests hold
    if name == "time" and validation.folds > 1:
        for fold in folds:
            assert not set(fold.train_rows) & set(fold.validation_rows)
            assert fold.train_rows.size > 0 < fold.validation_rows.size
        return
    for fold in folds:
        assert_partition(fold, count)
    if validation.folds > 1:
        assert sorted(np.concatenate([fold.validation_rows for fold in folds])) == list(range(count))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=4, max_size=80), st.floats(0.05, 0.95))
def test_a_stratified_holdout_takes_the_fraction_of_each_class(classes: list[int], fraction: float) -> None:
    (fold,) = split(rows(len(classes)), Validation(fraction=fraction), classes)
    for code in set(classes):
        count = classes.count(code)
        taken = sum(classes[row] == code for row in fold.validation_rows)
        if count > 1:
            assert 1 <= taken <= count - 1
            assert abs(taken - fraction * count) <= 1
        elif len(set(classes)) < len(classes):
            assert taken == 0


def test_a_holdout_has_the_size_asked_for() -> None:
    for count, fraction, expected in ((100, 0.2, 20), (32561, 0.2, 6512), (10, 0.01, 1), (10, 0.99, 9)):
        (fold,) = split(rows(count), Validation(fraction=fraction))
        assert len(fold.validation_rows) == expected


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 2), min_size=30, max_size=90))
def test_stratified_folds_share_each_class_evenly(classes: list[int]) -> None:
    assume(min(classes.count(code) for code in set(classes)) >= 5)
    folds = split(rows(len(classes)), FIVE, classes)
    for code in set(classes):
        counts = [sum(classes[row] == code for row in fold.validation_rows) for fold in folds]
        assert max(counts) - min(counts) <= 1
    sizes = [len(fold.validation_rows) for fold in folds]
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("validation", [Validation(), Validation.parse(4)])
@settings(max_examples=40, deadline=None)
@given(groups=st.lists(st.integers(0, 12), min_size=20, max_size=80))
def test_a_group_never_stands_on_both_sides(validation: Validation, groups: list[int]) -> None:
    assume(len(set(groups)) >= 4)
    for fold in split(rows(len(groups), groups=groups), validation):
        assert not {groups[row] for row in fold.train_rows} & {groups[row] for row in fold.validation_rows}


@pytest.mark.parametrize("validation", [Validation(fraction=0.25), Validation.parse(4)])
@pytest.mark.parametrize("seed", range(5))
def test_groups_share_rows_and_classes_about_evenly(validation: Validation, seed: int) -> None:
    random = np.random.default_rng(seed)
    groups = random.integers(0, 60, 1_000)
    classes = (random.random(1_000) < 0.1 + 0.3 * (groups % 3 == 0)).astype(int)
    for fold in split(rows(1_000, groups=groups), validation, classes, seed):
        assert 200 <= len(fold.validation_rows) <= 300
        assert classes[fold.validation_rows].mean() == pytest.approx(classes.mean(), abs=0.05)


@pytest.mark.parametrize("validation", [Validation(), Validation.parse(3)])
@pytest.mark.parametrize("seed", range(10))
def test_a_class_of_two_groups_is_in_the_training_rows_of_each_fold(validation: Validation, seed: int) -> None:
    groups = np.repeat(np.arange(12), np.random.default_rng(seed).integers(5, 60, 12))
    rare = [int(np.flatnonzero(groups == group)[0]) for group in (3, 8)]
    classes = np.isin(np.arange(len(groups)), rare).astype(int)
    for fold in split(rows(len(groups), groups=groups), validation, classes, seed):
        assert set(classes[fold.train_rows]) == {0, 1}


def test_a_class_of_one_group_trains() -> None:
    groups = np.repeat(np.arange(12), 5)
    for seed in range(5):
        (fold,) = split(rows(60, groups=groups), Validation(), (groups == 4).astype(int), seed)
        assert 4 in groups[fold.train_rows]


@pytest.mark.parametrize(
    "times", [np.arange(50)[::-1], np.arange(50) // 7, pd.date_range("2024", periods=50).to_numpy()]
)
def test_the_latest_rows_judge(times: NDArray[np.generic]) -> None:
    (fold,) = split(rows(50, times=times), Validation(fraction=0.2))
    assert times[fold.train_rows].max() < times[fold.validation_rows].min()
    assert 7 <= len(fold.validation_rows) <= 15


def test_folds_in_time_train_on_all_that_is_earlier() -> None:
    times = np.random.default_rng(0).permutation(60)
    folds = split(rows(60, times=times), FIVE)
    assert [len(fold.train_rows) for fold in folds] == [10, 20, 30, 40, 50]
    for fold in folds:
        assert set(times[fold.train_rows]) == set(range(len(fold.train_rows)))
        assert set(times[fold.validation_rows]) == set(range(len(fold.train_rows), len(fold.train_rows) + 10))


@settings(max_examples=60, deadline=None)
@given(times=st.lists(st.integers(0, 8), min_size=10, max_size=60), folds=st.integers(1, 4))
def test_no_moment_stands_on_both_sides(times: list[int], folds: int) -> None:
    assume(len(set(times)) > folds)
    validation = Validation() if folds == 1 else Validation.parse(folds)
    moments = np.array(times)
    for fold in split(rows(len(times), times=times), validation):
        assert moments[fold.train_rows].max() < moments[fold.validation_rows].min()


def test_given_rows_judge_whatever_else_is_named() -> None:
    dataset = rows(10, groups=[0] * 10, times=[0] * 10)
    (fold,) = split_rows(dataset, Validation.parse("more.csv"), stratify=None, seed=0, num_given=3)
    assert fold.validation_rows.tolist() == [7, 8, 9]


@pytest.mark.parametrize("repeats", [2, 3])
@settings(max_examples=30, deadline=None)
@given(classes=st.lists(st.integers(0, 2), min_size=30, max_size=60), seed=st.integers(0, 9))
def test_over_repeated_folds_every_row_judges_once_in_each_repeat(classes: list[int], seed: int, repeats: int) -> None:
    assume(min(classes.count(code) for code in set(classes)) >= 5)
    folds = split(rows(len(classes)), Validation(kind="folds", folds=5, repeats=repeats), classes, seed)
    assert len(folds) == 5 * repeats
    assert_same_folds(folds[:5], split(rows(len(classes)), FIVE, classes, seed))
    for repeat in range(repeats):
        of_repeat = folds[5 * repeat : 5 * repeat + 5]
        assert sorted(np.concatenate([fold.validation_rows for fold in of_repeat])) == list(range(len(classes)))
        for code in set(classes):
            counts = [sum(classes[row] == code for row in fold.validation_rows) for fold in of_repeat]
            assert max(counts) - min(counts) <= 1
    assert len({fold.validation_rows.tobytes() for fold in folds}) == len(folds)


def assert_same_folds(some: tuple[Fold, ...], others: tuple[Fold, ...]) -> None:
    assert [fold.validation_rows.tolist() for fold in some] == [fold.validation_rows.tolist() for fold in others]


@pytest.mark.parametrize("seed", range(5))
def test_repeats_deal_whole_groups_anew(seed: int) -> None:
    groups = np.repeat(np.arange(40), np.random.default_rng(seed).permutation(np.arange(1, 41)))
    folds = split(rows(len(groups), groups=groups), Validation(kind="folds", folds=4, repeats=3), seed=seed)
    assert len({fold.validation_rows.tobytes() for fold in folds}) == len(folds) == 12
    for fold in folds:
        assert not set(groups[fold.train_rows]) & set(groups[fold.validation_rows])


def test_a_repeat_that_would_say_the_same_is_left_out() -> None:
    thrice = Validation(kind="folds", folds=5, repeats=3)
    in_time, few_groups = rows(60, times=range(60)), rows(60, groups=np.arange(60) % 5)
    for dataset in (in_time, few_groups):
        assert_same_folds(split(dataset, thrice), split(dataset, FIVE))


def test_seeds_change_the_split_and_nothing_else_does() -> None:
    classes = np.arange(60) % 3
    for dataset in (rows(60), rows(60, groups=np.arange(60) // 3)):
        for validation in (Validation(), FIVE):
            first, again, other = (split(dataset, validation, classes, seed)[0] for seed in (1, 1, 2))
            assert first.validation_rows.tolist() == again.validation_rows.tolist()
            assert first.validation_rows.tolist() != other.validation_rows.tolist()


def test_the_same_seed_gives_the_same_split_in_another_process() -> None:
    code = (
        "import numpy as np, pandas as pd\n"
        "from autokeras_lite.config import Validation\n"
        "from autokeras_lite.data.dataset import Dataset, InputKind\n"
        "from autokeras_lite.data.split import split_rows\n"
        "d = Dataset('t', InputKind.TABLE, '', pd.DataFrame({'a': range(60)}), pd.DataFrame({'y': range(60)}))\n"
        "classes = np.array(['a', 'b', 'c'] * 20)\n"
        "print(split_rows(d, Validation(), stratify=classes, seed=7)[0].validation_rows.tolist())"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    (fold,) = split(rows(60), Validation(), ["a", "b", "c"] * 20, seed=7)
    assert told.strip() == str(fold.validation_rows.tolist())


def test_rows_of_several_labels_are_stratified_by_their_combination() -> None:
    labels = np.stack([np.arange(40) % 2, np.arange(40) // 20], axis=1)
    (fold,) = split(rows(40), Validation(fraction=0.5), labels)
    assert np.unique(labels[fold.validation_rows], axis=0, return_counts=True)[1].tolist() == [5, 5, 5, 5]


@pytest.mark.parametrize(
    ("dataset", "validation", "stratify", "part"),
    [
        (rows(4), FIVE, None, "4 rows for 5 folds"),
        (rows(1), Validation(), None, "1 rows for validation"),
        (rows(40), FIVE, ["a"] * 36 + ["b"] * 4, "4 rows of class 'b' for 5 folds"),
        (rows(40, groups=[1, 2, 3, 4] * 10), FIVE, None, "4 groups for 5 folds"),
        (rows(40, groups=[1] * 40), Validation(), None, "1 groups for validation"),
        (rows(40, times=[1] * 40), Validation(), None, "1 different times for validation"),
        (rows(40, times=[1, 2, 3, 4, 5] * 8), FIVE, None, "Expected at least 6"),
        (rows(40, groups=[1, 2] * 20, times=range(40)), FIVE, None, "Expected one of them"),
        (rows(40), Validation.parse("more.csv"), None, "0 of 40 rows"),
    ],
)
def test_a_split_that_cannot_be_is_refused(
    dataset: Dataset, validation: Validation, stratify: object, part: str
) -> None:
    with pytest.raises(DataError) as caught:
        split(dataset, validation, stratify)
    assert part in str(caught.value)


def test_a_class_that_only_the_given_rows_have_is_refused_by_name() -> None:
    with pytest.raises(DataError, match="'new'"):
        split_rows(
            rows(4), Validation.parse("more.csv"), stratify=np.array(["a", "b", "a", "new"]), seed=0, num_given=1
        )


def read(frame: pd.DataFrame, columns: ColumnRoles | None = None) -> Dataset:
    return read_dataset(frame, columns or ColumnRoles(("y",)), name="toy")


def test_appended_rows_follow_and_extra_columns_are_left_out() -> None:
    first = read(pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"], "y": [0, 1]}))
    second = read(pd.DataFrame({"y": [1], "c": [9], "b": ["z"], "a": [3.0]}))
    both = append_rows(first, second)
    pd.testing.assert_frame_equal(both.frame, pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": ["x", "y", "z"]}))
    assert both.targets["y"].tolist() == [0, 1, 1]
    assert len(both) == 3


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (["a", "b"], [7, 8], ["a", "b", "7", "8"]),
        (["a", "b"], [7.0, None], ["a", "b", "7", None]),
        ([7, 8], ["a", "b"], ["7", "8", "a", "b"]),
        ([1, 2], [1.5, None], [1.0, 2.0, 1.5, None]),
        ([True, False], [1, 2], [1, 0, 1, 2]),
        (["a", "b"], [None, None], ["a", "b", None, None]),
        ([1.5, 2.5], [None, None], [1.5, 2.5, None, None]),
        (pd.Categorical(["a", "b"]), pd.Categorical(["c", None]), ["a", "b", "c", None]),
        (pd.Categorical(["a", "b"]), ["c", "d"], ["a", "b", "c", "d"]),
        (pd.to_datetime(["2024-01-01"] * 2), ["2024-01-01", None], [*[pd.Timestamp(2024, 1, 1)] * 3, None]),
    ],
)  # fmt: skip
def test_columns_of_two_types_are_joined_without_losing_a_value(
    first: object, second: object, expected: list[object]
) -> None:
    both = append_rows(read(pd.DataFrame({"a": first, "y": [0, 1]})), read(pd.DataFrame({"a": second, "y": [0, 1]})))
    assert [None if pd.isna(value) else value for value in both.frame["a"]] == expected
    assert isinstance(both.frame["a"].dtype, pd.CategoricalDtype) == isinstance(first, pd.Categorical)


def test_appended_rows_bring_their_weights_groups_and_times() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "w": [1, 2], "g": ["u", "v"], "t": [5, 6], "y": [0, 1]})
    columns = ColumnRoles(("y",), group="g", time="t", weight="w")
    both = append_rows(read(frame, columns), read(frame, columns))
    assert [values.tolist() for values in (both.weights, both.groups, both.times) if values is not None] == [
        [1, 2, 1, 2],
        ["u", "v", "u", "v"],
        [5, 6, 5, 6],
    ]
    with pytest.raises(DataError, match="has no weights"):
        append_rows(read(frame, columns), read(frame))


def test_rows_of_another_form_are_refused() -> None:
    table, other = read(pd.DataFrame({"a": [1], "b": [2], "y": [0]})), read(pd.DataFrame({"b": [1], "y": [0]}))
    with pytest.raises(DataError, match="lacks the input columns a"):
        append_rows(table, other)
    images = read_dataset((np.zeros((2, 4, 4, 1)), [0, 1]), ColumnRoles(("y",)), name="toy")
    small = read_dataset((np.zeros((2, 3, 4, 1)), [0, 1]), ColumnRoles(("y",)), name="toy")
    with pytest.raises(DataError, match=r"\(3, 4, 1\)"):
        append_rows(images, small)
    with pytest.raises(DataError, match="rows of kind table"):
        append_rows(images, table)
    assert append_rows(images, images).array.shape == (4, 4, 4, 1)
