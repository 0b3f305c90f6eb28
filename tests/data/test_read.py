"""Laws of reading: what was written is what is read, and every trap is refused by name."""

import gzip
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from autokeras_lite.config import ColumnRoles, Place
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.files import READERS
from autokeras_lite.data.frames import plain_column, plain_frame
from autokeras_lite.data.read import infer_name, read_dataset, read_inputs
from autokeras_lite.data.text_file import MISSING_MARKS
from autokeras_lite.errors import DataError

TARGET = ColumnRoles(("y",))
WRITERS = {
    ".csv": lambda frame, path: frame.to_csv(path, index=False),
    ".tsv": lambda frame, path: frame.to_csv(path, index=False, sep="\t"),
    ".parquet": lambda frame, path: frame.to_parquet(path),
}
words = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=8).filter(
    lambda word: word not in MISSING_MARKS and not word[0].isdigit() and word.lower() not in {"true", "false"}
)
texts = st.one_of(st.none(), words.map(lambda word: f"w, \n{word}\t"), words.map(lambda word: f'w"{word}'))
frames = st.integers(1, 6).flatmap(
    lambda rows: st.fixed_dictionaries(
        {
            "n": st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=rows, max_size=rows),
            "i": st.lists(st.integers(-(2**62), 2**62), min_size=rows, max_size=rows),
            "t": st.lists(texts, min_size=rows, max_size=rows),
            "y": st.lists(st.sampled_from(["yes", "no"]), min_size=rows, max_size=rows),
        }
    )
)


def csv(folder: Path, content: str | bytes, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def npz(folder: Path, **arrays: np.ndarray) -> Path:
    np.savez(folder / "data.npz", **arrays)
    return folder / "data.npz"


def refusal(data: object, columns: ColumnRoles = TARGET) -> str:
    with pytest.raises(DataError) as caught:
        read_dataset(data, columns, name="data")
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) <= 300
    return text


def test_each_suffix_but_npz_has_a_writer_in_this_test() -> None:
    assert set(READERS) == {*WRITERS, ".npz"}


@pytest.mark.parametrize("suffix", WRITERS)
@settings(max_examples=25, deadline=None)
@given(columns=frames)
def test_a_frame_that_was_written_is_read_again(
    suffix: str, columns: dict[str, list[object]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    frame = pd.DataFrame(columns).astype({"n": float, "t": "str"})[["n", "i", "t", "y"]]
    frame["t"] = frame["t"].str.strip()
    path = tmp_path_factory.mktemp("written") / f"data{suffix}"
    WRITERS[suffix](frame, path)
    dataset = read_dataset(path, TARGET, name="data")
    expected = frame[["n", "i", "t"]]
    if expected["t"].isna().all() and suffix != ".parquet":  # a text file has no types
        expected = expected.astype({"t": float})
    pd.testing.assert_frame_equal(dataset.frame, expected, check_dtype=suffix == ".parquet", check_column_type=False)
    assert dataset.targets["y"].tolist() == columns["y"]
    assert dataset.source == str(path)


@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_spaces_around_values_and_headers_are_stripped(suffix: str, tmp_path: Path) -> None:
    separator = {".csv": ", ", ".tsv": "\t "}[suffix]
    lines = [["age ", " job", "y"], ["39", "State-gov ", "<=50K "], ["50 ", "?", ">50K"]]
    path = csv(tmp_path, "\n".join(separator.join(line) for line in lines) + "\n\n", f"data{suffix}")
    dataset = read_dataset(path, TARGET, name="data")
    assert dataset.frame["age"].tolist() == [39, 50]
    assert dataset.frame["job"].tolist()[0] == "State-gov"
    assert dataset.frame["job"].isna().tolist() == [False, True]
    assert dataset.targets["y"].tolist() == ["<=50K", ">50K"]


@pytest.mark.parametrize("mark", [mark for mark in MISSING_MARKS if mark])
def test_marks_of_missing_are_missing(mark: str, tmp_path: Path) -> None:
    dataset = read_dataset(csv(tmp_path, f"n,t,y\n{mark},{mark} ,a\n1,b,b\n"), TARGET, name="data")
    assert dataset.frame.isna().to_numpy().tolist() == [[True, True], [False, False]]
    assert dataset.frame["n"].dtype == np.float64


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    path = csv(tmp_path, b"\xef\xbb\xbfa,y\n1,2\n")
    assert list(read_dataset(path, TARGET, name="data").frame) == ["a"]


def test_a_code_with_a_leading_zero_stays_text(tmp_path: Path) -> None:
    dataset = read_dataset(csv(tmp_path, "zip,size,y\n02139,10,a\n90210,0,b\n"), TARGET, name="data")
    assert dataset.frame["zip"].tolist() == ["02139", "90210"]
    assert dataset.frame["size"].tolist() == [10, 0]


def test_named_text_columns_stay_text(tmp_path: Path) -> None:
    inputs = read_inputs(csv(tmp_path, "zip,n\n90210,1\n"), text_columns=["zip", "elsewhere"])
    assert isinstance(inputs, pd.DataFrame)
    assert inputs["zip"].tolist() == ["90210"]


def test_blank_lines_are_no_rows_and_empty_cells_are(tmp_path: Path) -> None:
    alone = read_inputs(csv(tmp_path, 'a\n1\n\n  \n""\n2\n\n'))
    assert isinstance(alone, pd.DataFrame)
    assert alone["a"].fillna(0).tolist() == [1.0, 0.0, 2.0]
    assert len(read_inputs(csv(tmp_path, "a,b\n1,2\n\t\n,\n"))) == 2
    assert len(read_inputs(csv(tmp_path, "a\tb\n1\t2\n\t\n \n", "data.tsv"))) == 2


def test_an_unnamed_column_gets_a_name(tmp_path: Path) -> None:
    dataset = read_dataset(csv(tmp_path, ",a,y\n0,5,1\n1,6,0\n"), TARGET, name="data")
    assert list(dataset.frame) == ["Unnamed: 0", "a"]


def test_a_number_too_large_for_a_float_is_left_to_the_gate(tmp_path: Path) -> None:
    dataset = read_dataset(csv(tmp_path, "a,y\n1e400,1\n2,0\n"), TARGET, name="data")
    assert math.isinf(dataset.frame["a"].iloc[0])


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "empty (0 bytes)"),
        (b"\n\n  \n", "only blank lines"),
        (b"a,y\n", "no rows"),
        (b"a,a,b,b,y\n1,2,3,4,5\n", "same name: a, b"),
        (b"a, a ,y\n1,2,3\n", "same name: a"),
        (b"a,b,y\n1,2,3\n\n1,2\n", "2 cells in line 4"),
        (b"a,y\n1,2\n1,2,3\n", "3 cells in line 3"),
        (b"a,y\n1,2\nM\xfcller,3\n", "latin-1"),
        ("a,y\n1,2\n".encode("utf-16"), "not UTF-8"),
        (b"a,y\n1\x00,2\n", "NUL byte in line 2"),
        (b'a,y\n"1,2\n3,4\n', "1 cells in line"),
        (b"a,y\n\r,", "with certainty"),
        (b'a,y\n1,"2', "with certainty"),
        (b"a;b;y\n1;2;3\n", "separated by ','"),
        (b"a\ty\n1\t2\n", "name it .tsv"),
        (b"A,Y\n1,2\n", "Did you mean 'Y'"),
        (b"abc,def\n1,2\n", "The columns are abc, def"),
        (b"y\n1\n2\n", "No input column"),
    ],
)
def test_a_broken_text_file_is_refused_by_name(content: bytes, part: str, tmp_path: Path) -> None:
    assert part in refusal(csv(tmp_path, content))


@settings(max_examples=100, deadline=None)
@given(
    pieces=st.lists(
        st.sampled_from(["1", "x", '"', ",", ",", "\n", "\r", " ", "\t", "?", "\x0b", "\x00", "é", "\\", "#"])
    )
)
def test_any_text_is_read_whole_or_refused(pieces: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = csv(tmp_path_factory.mktemp("any"), "a,y\n1,2\n" + "".join(pieces))
    try:
        assert list(read_inputs(path)) == ["a", "y"]
    except DataError as error:
        event(str(error).split(" ", 1)[1][:20])


def test_what_is_no_local_data_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"a,y\n1,2\n"))
    assert "does not exist" in refusal(tmp_path / "none.csv")
    assert "is a folder" in refusal(tmp_path / "folder.csv")
    assert "'.gz'" in refusal(tmp_path / "a.csv.gz")
    assert "'.pkl'" in refusal("data.pkl")
    assert "suffix ''" in refusal("data")
    for address in ("https://example.org/a.csv", "s3://bucket/a.parquet", "file:///etc/a.csv"):
        assert "is an address" in refusal(address)
    assert "type int" in refusal(3)


@pytest.mark.parametrize("name", ["data.parquet", "data.npz"])
def test_a_damaged_binary_file_is_refused(name: str, tmp_path: Path) -> None:
    assert "readable" in refusal(csv(tmp_path, b"PAR1 and then nothing of the kind", name))


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(npz(tmp_path, x=np.ones((4, 4)), y=np.ones(4)).read_bytes())
    content[200] ^= 0xFF
    assert "readable" in refusal(csv(tmp_path, bytes(content), "data.npz"))


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "data.npz", x=np.array([{}, 1], dtype=object), y=np.zeros(2))
    assert "without Python objects" in refusal(tmp_path / "data.npz")


def test_a_named_parquet_index_becomes_a_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2], "y": [0, 1]}, index=pd.Index([7, 8], name="key"))
    frame.to_parquet(tmp_path / "data.parquet")
    assert read_dataset(tmp_path / "data.parquet", TARGET, name="data").frame["key"].tolist() == [7, 8]
    frame.rename_axis(None).to_parquet(tmp_path / "data.parquet")
    assert list(read_dataset(tmp_path / "data.parquet", TARGET, name="data").frame) == ["a"]


@pytest.mark.parametrize(
    ("values", "expected", "dtype"),
    [
        (pd.array([1, None], dtype="Int64"), [1.0, np.nan], "float64"),
        (pd.array([1, 2], dtype="Int64"), [1, 2], "int64"),
        (pd.array([True, None], dtype="boolean"), [1.0, np.nan], "float64"),
        (pd.array([True, False], dtype="boolean"), [True, False], "bool"),
        (pd.array([1.5, None], dtype="float64[pyarrow]"), [1.5, np.nan], "float64"),
        (pd.array(["a", None], dtype="string"), ["a", np.nan], "str"),
        (np.array(["a", None, 1], dtype=object), ["a", np.nan, "1"], "str"),
        (np.array([True, None], dtype=object), [1.0, np.nan], "float64"),
        (np.array([Decimal("1.5"), None], dtype=object), [1.5, np.nan], "float64"),
        (np.array([None, None], dtype=object), [np.nan, np.nan], "float64"),
        (np.array([2**70, 1], dtype=object), [float(2**70), 1.0], "float64"),
        (pd.Categorical([1, 2, None]), ["1", "2", np.nan], "category"),
        (pd.to_timedelta(["1min", None]), [60.0, np.nan], "float64"),
        (pd.arrays.SparseArray([0.0, 1.0]), [0.0, 1.0], "float64"),
        (pd.to_datetime(["2024-01-01T01:00+01:00"]), [pd.Timestamp(2024, 1, 1)], None),
        (np.array([pd.Timestamp(2024, 1, 1).date()], dtype=object), [pd.Timestamp(2024, 1, 1)], None),
        (pd.period_range("2024-01", periods=1, freq="M"), [pd.Timestamp(2024, 1, 1)], None),
    ],
)
def test_every_type_becomes_a_plain_one(values: object, expected: list[object], dtype: str | None) -> None:
    column = plain_column(pd.Series(values, name="a"))
    assert [None if pd.isna(value) else value for value in column] == [
        None if pd.isna(value) else value for value in expected
    ]
    assert dtype is None or str(column.dtype) == dtype


def test_making_a_frame_plain_twice_changes_nothing() -> None:
    frame = plain_frame(pd.DataFrame({1: pd.Categorical(["a", None]), "d": pd.to_datetime(["2024-01-01", None])}))
    pd.testing.assert_frame_equal(plain_frame(frame), frame)
    assert list(frame) == ["1", "d"]


@pytest.mark.parametrize("value", [[1, 2], {"a": 1}, b"bytes", np.ones(3), 1j])
def test_a_cell_that_is_no_single_value_is_refused(value: object) -> None:
    frame = pd.DataFrame({"a": pd.Series([value, value]), "y": [0, 1]})
    assert "'a'" in refusal(frame)


def test_equal_labels_in_a_frame_are_refused() -> None:
    assert "same name: 1" in refusal(pd.DataFrame([[1, 2, 3]], columns=[1, "1", "y"]))


def test_a_search_without_a_target_is_told_the_columns() -> None:
    assert "one of: a, b" in refusal(pd.DataFrame({"a": [1], "b": [2]}), ColumnRoles())


def test_several_targets_leave_the_inputs_in_the_order_named() -> None:
    frame = pd.DataFrame({"a": [1.0], "y": [1], "z": [2]})
    dataset = read_dataset(frame, ColumnRoles(("z", "y")), name="data")
    assert list(dataset.targets) == ["z", "y"]
    assert list(dataset.frame) == ["a"]


def test_the_rows_of_a_frame_are_numbered_anew() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "y": [0, 1]}, index=[9, 3])
    dataset = read_dataset(frame, TARGET, name="data")
    assert list(dataset.frame.index) == list(dataset.targets.index) == [0, 1]


@pytest.mark.parametrize(
    ("x", "kind"),
    [
        (np.zeros((5, 3)), InputKind.TABLE),
        (np.zeros((5, 3), bool), InputKind.TABLE),
        (np.array([["a", "b"]] * 5), InputKind.TABLE),
        (np.full((5, 3), 9), InputKind.TABLE),
        (np.eye(5, dtype=int), InputKind.TABLE),
        (np.full((5, 4), [-1, 5, 5, 5]), InputKind.TABLE),
        (np.full((5, 4), 2), InputKind.TOKENS),
        (np.zeros((5, 7, 2)), InputKind.SEQUENCE),
        (np.zeros((5, 7, 7, 1), np.uint8), InputKind.IMAGE),
    ],
)
def test_the_rank_and_type_of_an_array_say_what_it_is(x: np.ndarray, kind: InputKind) -> None:
    dataset = read_dataset((x, np.arange(5)), ColumnRoles(), name="data")
    assert dataset.kind is kind
    assert dataset.kind_reason
    assert isinstance(dataset.inputs, pd.DataFrame) == (kind is InputKind.TABLE)
    assert len(dataset) == 5


def test_a_given_kind_wins_over_the_values() -> None:
    x = np.full((5, 4), 2)
    assert read_dataset((x, np.arange(5)), ColumnRoles(), name="data", kind=InputKind.TABLE).kind is InputKind.TABLE
    assert isinstance(read_inputs(np.zeros((5, 4), int), kind=InputKind.TOKENS), np.ndarray)


def test_the_reason_for_tokens_says_how_to_get_a_table() -> None:
    dataset = read_dataset((np.full((5, 4), 2), np.arange(5)), ColumnRoles(), name="data")
    assert "pass floats or a DataFrame for a table" in dataset.kind_reason


@pytest.mark.parametrize(
    ("y", "names"),
    [
        (np.zeros(3), ["target"]),
        ([0, 1, 2], ["target"]),
        (np.zeros((3, 1)), ["target"]),
        (np.zeros((3, 2)), ["y0", "y1"]),
        (pd.Series([1, 2, 3], name="price"), ["price"]),
        (pd.Series([1, 2, 3]), ["target"]),
        (pd.DataFrame({"a": [1, 2, 3], 2: [1, 2, 3]}), ["a", "2"]),
    ],
)
def test_targets_bring_their_names_or_get_some(y: object, names: list[str]) -> None:
    assert list(read_dataset((np.zeros((3, 2)), y), ColumnRoles(), name="data").targets) == names


def test_named_targets_rename_those_of_an_array() -> None:
    dataset = read_dataset((np.zeros((3, 2)), np.zeros(3)), ColumnRoles(("price",)), name="data")
    assert list(dataset.targets) == ["price"]
    assert "2 targets were named" in refusal((np.zeros((3, 2)), np.zeros(3)), ColumnRoles(("a", "b")))


def test_a_table_beside_its_targets_keeps_all_its_columns() -> None:
    x = pd.DataFrame({"a": [1.0, 2.0], "price": [3.0, 4.0]})  # the gate compares it with the target
    assert list(read_dataset((x, [3.0, 4.0]), ColumnRoles(("price",)), name="data").frame) == ["a", "price"]


def test_categories_in_a_target_are_what_they_stand_for() -> None:
    y = pd.Series([3, 1, 3], dtype="category")
    assert read_dataset((np.zeros((3, 1)), y), ColumnRoles(), name="data").targets["target"].tolist() == [3, 1, 3]


@pytest.mark.parametrize(
    ("x", "y", "part"),
    [
        (np.zeros((3, 2)), np.zeros(4), "x has 3 rows and y has 4"),
        (np.zeros(3), np.zeros(3), "shape (3,)"),
        (np.zeros((3, 1, 1, 1, 1)), np.zeros(3), "shape (3, 1, 1, 1, 1)"),
        (np.array([[["a"]]] * 3), np.zeros(3), "type <U1"),
        (np.zeros((3, 2)), np.zeros((3, 1, 1)), "y has the shape"),
        (np.zeros((0, 2)), np.zeros(0), "no rows"),
        ([[1], [1, 2]], [0, 1], "rows of x differ in length"),
        (np.zeros((3, 2)), None, "without targets"),
        (pd.DataFrame({"a": [1, 2]}, index=[1, 0]), pd.Series([1, 2]), "another order"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(x: object, y: object, part: str) -> None:
    assert part in refusal((x, y), ColumnRoles())


def test_an_npz_file_holds_inputs_and_targets(tmp_path: Path) -> None:
    path = npz(tmp_path, x=np.zeros((5, 7, 2)), y=np.arange(5), x_test=np.zeros(1), y_test=np.zeros(1))
    dataset = read_dataset(path, ColumnRoles(), name="data")
    assert dataset.kind is InputKind.SEQUENCE
    assert dataset.targets["target"].tolist() == [0, 1, 2, 3, 4]
    inputs = read_inputs(path)
    assert isinstance(inputs, np.ndarray)
    assert inputs.shape == (5, 7, 2)


def test_an_array_named_tokens_holds_tokens(tmp_path: Path) -> None:
    path = npz(tmp_path, tokens=np.zeros((5, 2), np.int64), y=np.arange(5))
    assert read_dataset(path, ColumnRoles(), name="data").kind is InputKind.TOKENS
    assert "whole numbers" in refusal(npz(tmp_path, tokens=np.zeros((5, 2)), y=np.arange(5)), ColumnRoles())


def test_an_npz_file_without_its_arrays_is_refused(tmp_path: Path) -> None:
    assert "holds the arrays images" in refusal(npz(tmp_path, images=np.zeros((5, 2))), ColumnRoles())
    assert "without targets" in refusal(npz(tmp_path, x=np.zeros((5, 2))), ColumnRoles())
    with (tmp_path / "data.npz").open("wb") as handle:
        np.save(handle, np.zeros(3))
    assert "no readable .npz archive" in refusal(tmp_path / "data.npz", ColumnRoles())


def roles() -> pd.DataFrame:
    return pd.DataFrame(
        {"a": [1.0, 2.0], "who": ["ann", "bob"], "when": ["2024-01-02", "2024-01-01"], "w": [1, 0], "y": [0, 1]}
    )


def read_roles(frame: pd.DataFrame) -> Dataset:
    return read_dataset(frame, ColumnRoles(("y",), group="who", time="when", weight="w"), name="data")


def test_group_and_weight_leave_the_inputs_and_time_stays() -> None:
    dataset = read_roles(roles())
    assert list(dataset.frame) == ["a", "when"]
    assert dataset.groups is not None
    assert dataset.groups.tolist() == ["ann", "bob"]
    assert dataset.weights is not None
    assert dataset.weights.tolist() == [1.0, 0.0]
    assert dataset.times is not None
    assert dataset.times[0] > dataset.times[1]


@pytest.mark.parametrize(
    ("column", "values", "part"),
    [
        ("w", [1.0, -1.0], "1 values that are no weights"),
        ("w", [1.0, np.inf], "1 values that are no weights"),
        ("w", pd.Categorical(["1", "b"]), "1 values"),
        ("w", ["a", "b"], "2 values that are no weights"),
        ("w", [0, 0], "only zeros"),
        ("w", [1.0, None], "missing in 1 rows"),
        ("who", [None, "a"], "missing in 1 rows"),
        ("when", ["2024-01-01", None], "missing in 1 rows"),
        ("when", ["2024-01-01", "soon"], "'soon'"),
        ("when", ["later", "soon"], "'later'"),
    ],
)
def test_a_broken_role_is_refused(column: str, values: list[object], part: str) -> None:
    with pytest.raises(DataError, match=part):
        read_roles(roles().assign(**{column: values}))


def test_a_column_has_one_role_only() -> None:
    assert "two roles" in refusal(roles(), ColumnRoles(("y",), group="y"))
    assert "'wo' is not in the data. Did you mean 'who'" in refusal(roles(), ColumnRoles(("y",), group="wo"))
    assert "inputs are an array" in refusal((np.zeros((3, 3, 1)), [1, 2, 3]), ColumnRoles(group="a"))


def test_rows_to_predict_need_no_target(tmp_path: Path) -> None:
    inputs = read_inputs(csv(tmp_path, "a,b\n1,x\n"))
    assert isinstance(inputs, pd.DataFrame)
    assert list(inputs) == ["a", "b"]
    assert list(read_inputs(np.zeros((2, 2)))) == ["x0", "x1"]
    assert list(read_inputs(pd.DataFrame({0: [1]}))) == ["0"]


@settings(max_examples=200)
@given(stem=st.text(max_size=80), target=st.text(max_size=80))
def test_every_inferred_name_is_a_name(stem: str, target: str) -> None:
    Place(name=infer_name(f"{stem}.csv", ()))
    Place(name=infer_name(pd.DataFrame(), (target,)))
    assert infer_name(pd.DataFrame(), ()) == "search"
