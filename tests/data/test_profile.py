"""Laws of the profile: the kind of each column follows from its values, and every count is exact."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.config import ColumnRoles
from autokeras_lite.data.column_kind import (
    DROPPED_KINDS,
    MIN_CODE_ROWS,
    SAMPLE_ROWS,
    ColumnKind,
    looks_like_identifier,
    profile_column,
)
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.dates import DATE_FORMATS
from autokeras_lite.data.profile import MAX_CLASSES_SHOWN, profile_dataset
from autokeras_lite.data.read import read_dataset

ROWS = 60
random = np.random.default_rng(0)
shuffled = random.permutation(ROWS)


def table(targets: object = None, source: str = "memory", **columns: object) -> Dataset:
    frame = pd.DataFrame(columns)
    values = [index % 2 for index in range(len(frame))] if targets is None else targets
    return Dataset("toy", InputKind.TABLE, "a table", frame, pd.DataFrame({"y": values}), source=source)


KINDS = {
    "floats": (random.normal(size=ROWS), ColumnKind.NUMBER),
    "floats that count the rows": (np.arange(ROWS, dtype=float), ColumnKind.NUMBER),
    "small ints": (np.arange(ROWS) % 7, ColumnKind.NUMBER),
    "one and two": (np.arange(ROWS) % 2 + 1, ColumnKind.NUMBER),
    "zero and one": (np.arange(ROWS) % 2, ColumnKind.BOOLEAN),
    "zero, one, missing": ([0.0, 1.0, None] * 20, ColumnKind.BOOLEAN),
    "one value or missing": ([3.0, None] * 30, ColumnKind.NUMBER),
    "booleans": ([True, False] * 30, ColumnKind.BOOLEAN),
    "row numbers": (np.arange(ROWS), ColumnKind.IDENTIFIER),
    "row numbers shuffled": (shuffled, ColumnKind.IDENTIFIER),
    "row numbers falling": (np.arange(ROWS)[::-1], ColumnKind.IDENTIFIER),
    "run with gaps": (np.arange(ROWS) * 3 + 100, ColumnKind.IDENTIFIER),
    "run with wide gaps": (np.arange(ROWS) * 1_000, ColumnKind.NUMBER),
    "gaps shuffled": (shuffled * 3, ColumnKind.NUMBER),
    "customer_id": (shuffled * 3, ColumnKind.IDENTIFIER),
    "customerId": ((shuffled * 3).astype(str), ColumnKind.IDENTIFIER),
    "id": (shuffled // 2, ColumnKind.NUMBER),
    "dates": (pd.date_range("2024-01-01", periods=ROWS), ColumnKind.DATE),
    "number texts": (random.normal(size=ROWS).astype(str), ColumnKind.NUMBER),
    "zip texts": ([f"0{value}" for value in 2000 + shuffled // 4], ColumnKind.CATEGORY),
    "yes or no": (["yes", "no"] * 30, ColumnKind.CATEGORY),
    "boolean texts": (["true", "False"] * 30, ColumnKind.CATEGORY),
    "declared numbers": (pd.Categorical(np.arange(ROWS).astype(str)), ColumnKind.CATEGORY),
    "many levels": ([f"level{index // 2}" for index in range(ROWS)], ColumnKind.CATEGORY),
    "age ranges": (["20-29", "30-39"] * 30, ColumnKind.CATEGORY),
    "versions": (["1.2.3", "10.0.1"] * 30, ColumnKind.CATEGORY),
    "hashes": ([f"x{value:08x}" for value in random.integers(0, 2**31, ROWS)], ColumnKind.IDENTIFIER),
    "names": ([f"Anna{index} Smith{index}" for index in range(ROWS)], ColumnKind.IDENTIFIER),
    "comments": ([f"this is the comment number {index // 2}" for index in range(ROWS)], ColumnKind.TEXT),
    "long levels": (["a level of many words", "another level of many words"] * 30, ColumnKind.CATEGORY),
    "constant": (["a"] * ROWS, ColumnKind.CONSTANT),
    "constant number": (np.zeros(ROWS), ColumnKind.CONSTANT),
    "one text or missing": (["a", None] * 30, ColumnKind.CATEGORY),
    "empty": (np.full(ROWS, np.nan), ColumnKind.EMPTY),
    "empty texts": (pd.array([None] * ROWS, dtype="str"), ColumnKind.EMPTY),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_kind_of_a_column_follows_from_its_values(name: str) -> None:
    values, kind = KINDS[name]
    column = profile_column(pd.Series(values, name=name))
    assert column.kind is kind
    assert column.reason
    assert column.kept == (kind not in DROPPED_KINDS)
    assert column.missing == sum(pd.isna(value) for value in values)
    assert column.distinct == len({value for value in values if not pd.isna(value)})


def test_every_kind_is_covered_above() -> None:
    assert {kind for _, kind in KINDS.values()} == set(ColumnKind)


@pytest.mark.parametrize("name", DATE_FORMATS)
def test_a_text_of_dates_is_a_date_with_its_format(name: str) -> None:
    pattern = "%Y-%m-%dT%H:%M:%S" if name == "ISO8601" else name
    dates = pd.Series(pd.date_range("2023-11-28", periods=ROWS, freq="31h").strftime(pattern), name="when")
    column = profile_column(dates)
    assert column.kind is ColumnKind.DATE
    assert column.date_format == name


def test_a_few_texts_that_are_no_dates_leave_the_column_a_date() -> None:
    dates = pd.Series(pd.date_range("2024-01-01", periods=100).strftime("%Y-%m-%d"), name="when")
    assert profile_column(dates.where(dates.index >= 5, "unknown")).kind is ColumnKind.DATE
    assert profile_column(dates.where(dates.index >= 6, "unknown")).kind is not ColumnKind.DATE


def test_few_rows_that_all_differ_are_no_identifiers() -> None:
    assert profile_column(pd.Series(np.arange(19), name="a")).kind is ColumnKind.NUMBER
    assert profile_column(pd.Series([f"x{index}" for index in range(19)], name="a")).kind is ColumnKind.CATEGORY


def test_codes_are_categories_where_rows_are_many_and_numbers_else() -> None:
    codes = np.arange(3 * MIN_CODE_ROWS) % 3
    profile = profile_column(pd.Series(codes, name="a"))
    assert profile.kind is ColumnKind.CATEGORY
    assert "the whole numbers 0 to 2" in profile.reason
    assert "convert it to float" in profile.reason
    assert profile_column(pd.Series(codes + 1, name="a")).kind is ColumnKind.CATEGORY
    with_missing = pd.Series([*codes, None], name="a", dtype="Int64")
    assert profile_column(with_missing).kind is ColumnKind.CATEGORY
    too_many = np.arange(13 * MIN_CODE_ROWS) % 13
    for numbers in (codes[1:], codes.astype(float), 2 * codes, codes + 2, codes - 1, too_many):
        assert profile_column(pd.Series(numbers, name="a")).kind is ColumnKind.NUMBER


def test_a_dropped_identifier_says_how_to_keep_it() -> None:
    assert "convert it to float to keep it" in profile_column(pd.Series(np.arange(ROWS), name="a")).reason


def test_one_odd_text_among_many_keeps_a_column_from_being_numbers() -> None:
    values = pd.Series(np.arange(3 * SAMPLE_ROWS) % 50, name="a").astype("str")
    assert profile_column(values).kind is ColumnKind.NUMBER
    values[1] = "n.a."  # between the sampled rows
    assert profile_column(values).kind is ColumnKind.CATEGORY


def test_nearly_numeric_texts_are_told() -> None:
    values = pd.Series(["1.5", "2.5", "3.5", "4.5"] * 25 + ["-"], name="a")
    notes = profile_dataset(table(a=values)).notes
    assert any("'-'" in note and "Leave those cells empty" in note for note in notes)


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("id", True), ("ID", True), ("user_id", True), ("userId", True), ("PassengerID", True), ("uuid", True),
     ("__index_level_0__", True), ("Unnamed: 0", True), ("width", False), ("idle", False), ("heat_index", False),
     ("valid", False), ("", False)],
)  # fmt: skip
def test_names_of_identifiers_are_known_by_their_words(name: str, is_one: bool) -> None:
    assert looks_like_identifier(name) == is_one


def test_the_profile_counts_rows_duplicates_and_missing_cells() -> None:
    profile = profile_dataset(table([0, 0, 0, 1], a=[1.0, 1.0, None, 1.0], b=["x", "x", None, "x"]))
    assert (profile.rows, profile.duplicates, profile.missing_cells) == (4, 1, 2)
    assert profile.memory_bytes >= 4 * 8
    assert any("1 rows (25.0 %) repeat" in note for note in profile.notes)


def test_rows_that_are_missing_in_the_same_cells_are_duplicates() -> None:
    assert profile_dataset(table([0, 0], a=[None, None], b=["x", "x"])).duplicates == 1


def test_dropped_columns_are_not_kept() -> None:
    profile = profile_dataset(table(a=random.normal(size=ROWS), number=np.arange(ROWS), nothing=[None] * ROWS))
    assert [column.name for column in profile.columns] == ["a", "number", "nothing"]
    assert [column.name for column in profile.kept] == ["a"]


def test_marks_of_missing_are_told_of_text_files_only() -> None:
    for source, told in (("a.csv", True), ("a.tsv", True), ("a.parquet", False)):
        notes = profile_dataset(table(source=source, a=[1.0, None, 2.0])).notes
        assert any("? were read as missing" in note for note in notes) == told
    assert not profile_dataset(table(source="a.csv", a=[1.0, 2.0])).notes


def test_a_target_of_classes_has_counts() -> None:
    target = profile_dataset(table(["b", "a", "b", None], a=[1.0, 2.0, 3.0, 4.0])).targets[0]
    assert (target.classes, target.missing, target.distinct) == ((("b", 2), ("a", 1)), 1, 2)
    assert target.mean is None


def test_a_target_of_numbers_has_a_range() -> None:
    values = random.normal(size=ROWS)
    target = profile_dataset(table(values, a=values)).targets[0]
    assert target.classes == ()
    assert target.mean == pytest.approx(values.mean())
    assert target.deviation == pytest.approx(values.std())
    assert (target.minimum, target.maximum) == (values.min(), values.max())


def test_a_target_of_few_whole_numbers_has_both() -> None:
    target = profile_dataset(table([1, 2, 2], a=[1.0, 2.0, 3.0])).targets[0]
    assert (target.classes, target.maximum) == (((2, 2), (1, 1)), 2.0)


def test_only_the_commonest_of_many_classes_are_shown() -> None:
    labels = [f"class{index}" for index in range(MAX_CLASSES_SHOWN + 5)] + ["often"] * 3
    target = profile_dataset(table(labels, a=np.zeros(len(labels)))).targets[0]
    assert len(target.classes) == MAX_CLASSES_SHOWN
    assert target.classes[0] == ("often", 3)
    assert target.distinct == MAX_CLASSES_SHOWN + 6


@pytest.mark.parametrize("shape", [(6, 4), (6, 5, 2), (6, 4, 4, 1)])
def test_an_array_has_a_small_profile(shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape).astype(np.float32 if len(shape) > 2 else np.int64)
    x[1] = x[0]
    profile = profile_dataset(read_dataset((x, np.array(["a", "a", "b", "b", "c", "c"])), ColumnRoles(), name="toy"))
    assert profile.array is not None
    assert (profile.array.shape, profile.array.dtype) == (shape, str(x.dtype))
    assert (profile.array.minimum, profile.array.maximum, profile.array.not_finite) == (0, x.max(), 0)
    assert (profile.columns, profile.duplicates, profile.targets[0].distinct) == ((), 1, 3)


def test_what_is_not_finite_is_counted_beside_the_range() -> None:
    x = np.array([[[1.0], [np.nan]], [[np.inf], [3.0]]])
    array = profile_dataset(read_dataset((x, [0, 1]), ColumnRoles(), name="toy")).array
    assert array is not None
    assert (array.minimum, array.maximum, array.not_finite) == (1.0, 3.0, 2)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.one_of(st.none(), st.floats(), st.integers(), st.booleans(), st.text(max_size=9), st.datetimes()), min_size=1
    )
)
def test_any_column_has_a_profile_that_json_holds(values: list[object]) -> None:
    frame = pd.DataFrame({"a": pd.Series(values, dtype=object), "y": range(len(values))})
    profile = profile_dataset(read_dataset(frame, ColumnRoles(("y",)), name="toy"))
    assert json.loads(json.dumps(profile.to_json()))["columns"][0]["name"] == "a"
    assert len(profile.columns[0].examples) <= 3
