"""Laws of the encoding: learned from the given rows alone, applied to anything, always finite."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.data import encode_table
from autokeras_lite.data.arrays import ArraySpec
from autokeras_lite.data.column_kind import ColumnKind, ColumnProfile
from autokeras_lite.data.dataset import Dataset, InputKind
from autokeras_lite.data.encode import Encoding, Inputs, fit_encoding, raw_inputs
from autokeras_lite.data.encode_formula import calendar
from autokeras_lite.data.profile import DataProfile
from autokeras_lite.data.read import read_inputs
from autokeras_lite.errors import ArtifactError, DataError

KINDS = {"number": ColumnKind.NUMBER, "boolean": ColumnKind.BOOLEAN, "category": ColumnKind.CATEGORY}
KINDS |= {"date": ColumnKind.DATE}
HOSTILE = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**40), 10**40),
    st.text(max_size=6),
    st.sampled_from(
        ["a", "b", "2024-02-29", "9999-12-31 23:59", "1e400", "", "\ud800", -0.0, pd.Timestamp("1700-01-01")]
    ),
)


def encode_of(inputs: Inputs, kinds: dict[str, ColumnKind] | InputKind, rows: Any = None, **options: Any) -> Encoding:
    """Fit the encoding of `inputs`, with columns taken for the kinds in `kinds`."""
    kind = kinds if isinstance(kinds, InputKind) else InputKind.TABLE
    dataset = Dataset("made up", kind, "", inputs, pd.DataFrame({"target": np.zeros(len(inputs))}))
    columns = {} if isinstance(kinds, InputKind) else kinds
    kept = [ColumnKind.NUMBER, ColumnKind.BOOLEAN, ColumnKind.CATEGORY, ColumnKind.DATE]
    profiles = tuple(ColumnProfile(name, found, "", 0, 0, found in kept) for name, found in columns.items())
    profile = DataProfile("made up", kind, "", len(inputs), profiles, (), None, 0, 0, 0, "")
    return fit_encoding(dataset, profile, np.arange(len(inputs)) if rows is None else np.asarray(rows), **options)


def column(kind: str, *cells: Any) -> tuple[pd.DataFrame, dict[str, ColumnKind]]:
    """Make a table of one column named `x`."""
    return pd.DataFrame({"x": pd.Series(list(cells), dtype=object)}), {"x": KINDS[kind]}


# Numbers


def test_a_number_is_scaled_by_its_quartiles_and_clipped_smoothly():
    frame, kinds = column("number", 0.0, 1.0, 2.0, 3.0, 1000.0)
    scaled = (frame["x"].to_numpy(float) - 2.0) / 2.0
    expected = scaled / np.sqrt(1 + (scaled / 3) ** 2)
    np.testing.assert_allclose(encode_of(frame, kinds).encode(frame)["numbers"][:, 0], expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("cells", "scale"),
    [((0, 0, 0, 0, 0, 0, 0, 4), 0.5), ((5, 5, 5), 0.0), ((None, None), 0.0), ((1e-200, 3e-200), 0.0)],
)
def test_where_the_quartiles_agree_the_range_scales_and_a_constant_becomes_zero(cells, scale):
    frame, kinds = column("number", *cells)
    assert encode_of(frame, kinds).content.columns[0].scale == scale


def test_a_missing_number_is_zero_and_flagged():
    frame, kinds = column("number", 1.0, None, 3.0, 5.0)
    arrays = encode_of(frame, kinds).encode(frame)
    assert arrays["numbers"][1, 0] == 0.0
    assert arrays["flags"].tolist() == [[0.0], [1.0], [0.0], [0.0]]


def test_a_number_that_was_never_missing_may_be_missing_later():
    frame, kinds = column("number", 1.0, 2.0, 3.0)
    arrays = encode_of(frame, kinds).encode(column("number", None, "nothing")[0])
    assert list(arrays) == ["numbers"]
    assert arrays["numbers"].tolist() == [[0.0], [0.0]]


def test_large_offsets_lose_no_digits():
    frame, kinds = column("number", *(1e15 + np.arange(5)))
    assert len(np.unique(encode_of(frame, kinds).encode(frame)["numbers"])) == 5


def test_a_truth_value_is_minus_one_or_one_and_zero_where_missing():
    frame, kinds = column("boolean", True, False, None, 1, "no")
    assert encode_of(frame, kinds).encode(frame)["numbers"].tolist() == [[1.0], [-1.0], [0.0], [1.0], [-1.0]]


# Categories


def test_few_levels_become_flags_and_an_unseen_level_is_encoded_as_zero():
    frame, kinds = column("category", "b", "b", "b", "a", "a", "rare")
    arrays = encode_of(frame, kinds).encode(column("category", "a", "b", "rare", "new", None)[0])
    assert arrays["flags"].tolist() == [[0, 1], [1, 0], [0, 0], [0, 0], [0, 0]]


def test_many_levels_become_codes_by_frequency_and_zero_is_unseen():
    cells = [f"level {i:02}" for i in range(11) for _ in range(20 - i)]
    frame, kinds = column("category", *cells)
    encoding = encode_of(frame, kinds)
    assert encoding.inputs.cardinalities == (12,)
    codes = encoding.encode(column("category", "level 00", "level 10", "new", None)[0])["codes"]
    assert codes.tolist() == [[1], [11], [0], [0]]
    assert codes.dtype == np.int32


def test_missing_cells_form_a_level_where_training_rows_have_them():
    frame, kinds = column("category", "a", "a", "a", None, None, float("nan"), "")
    assert encode_of(frame, kinds).encode(column("category", None, "a", "?")[0])["flags"].tolist() == [
        [1, 0],
        [0, 1],
        [0, 0],
    ]


def test_codes_with_leading_zeros_are_read_from_a_file_as_they_were_learned(tmp_path):
    frame = pd.DataFrame({"x": ["007", "007", "7", "7", "7"]})
    frame.to_csv(tmp_path / "rows.csv", index=False)
    encoding = encode_of(frame, {"x": ColumnKind.CATEGORY})
    read = read_inputs(tmp_path / "rows.csv", text_columns=encoding.text_columns)
    np.testing.assert_array_equal(encoding.encode(read)["flags"], encoding.encode(frame)["flags"])


def test_levels_are_capped():
    levels = np.arange(encode_table.MAX_LEVELS + 5).repeat(2)
    encoding = encode_of(pd.DataFrame({"x": levels}), {"x": ColumnKind.CATEGORY})
    assert encoding.inputs.cardinalities == (encode_table.MAX_LEVELS + 1,)


# Dates


@given(st.datetimes())
@settings(deadline=None, max_examples=200)
def test_the_calendar_is_that_of_the_standard_library(moment):
    days = (moment - pd.Timestamp(1970, 1, 1).to_pydatetime()).days
    assert calendar(float(days)) == (moment.year, moment.month, moment.day)


def test_a_date_becomes_its_parts_on_circles():
    frame = pd.DataFrame({"x": pd.date_range("2020-01-31 06:00", periods=800, freq="31h")})
    encoding = encode_of(frame, {"x": ColumnKind.DATE})
    arrays = encoding.encode(frame)["numbers"]
    circles = arrays[:, 3:].astype(float)
    moments = frame["x"].dt
    angles = [(moments.month - 1) / 12, moments.day_of_week / 7, (moments.hour * 60 + moments.minute) / 1440]
    expected = [turn(2 * np.pi * angle) for angle in angles for turn in (np.sin, np.cos)]
    assert encoding.inputs["numbers"].shape == (9,)
    np.testing.assert_allclose(circles, np.stack(expected, axis=1), atol=1e-6)


def test_only_parts_of_a_date_that_vary_are_kept():
    days = pd.DataFrame({"x": pd.date_range("2024-03-01", periods=20, freq="D")})
    assert encode_of(days, {"x": ColumnKind.DATE}).content.columns[0].parts == (
        "time",
        "day",
        "weekday_sin",
        "weekday_cos",
    )


def test_a_missing_date_is_zero_in_every_part_and_flagged():
    frame = pd.DataFrame({"x": [pd.Timestamp(2020, 1, 1), pd.NaT, pd.Timestamp(2022, 5, 17, 10)]})
    arrays = encode_of(frame, {"x": ColumnKind.DATE}).encode(frame)
    assert not arrays["numbers"][1].any()
    assert arrays["flags"].tolist() == [[0.0], [1.0], [0.0]]


# The table as a whole

FRAME = pd.DataFrame(
    {
        "number": [1.0, 2.0, None, 4.0, 8.0, 16.0],
        "boolean": [True, False, True, True, False, True],
        "category": ["a", "a", "b", "b", None, None],
        "date": pd.to_datetime(["2020-01-01", "2021-02-02", "2022-03-03", None, "2023-04-04", "2024-05-05"]),
        "name": [f"person {i}" for i in range(6)],
    }
)
FRAME_KINDS = {**KINDS, "name": ColumnKind.IDENTIFIER}


@given(st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE), min_size=1, max_size=20), st.booleans())
@settings(deadline=None, max_examples=60)
def test_every_encoded_value_is_finite_and_has_the_promised_shape_and_type(cells, learn_from_them):
    hostile = pd.DataFrame(cells, columns=list(KINDS), dtype=object)
    encoding = encode_of(hostile if learn_from_them else FRAME, KINDS)
    arrays = encoding.encode(hostile)
    assert [(name, array.shape[1:], str(array.dtype)) for name, array in arrays.items()] == [
        (array.name, array.shape, array.dtype) for array in encoding.inputs.arrays
    ]
    assert all(np.isfinite(array).all() for array in arrays.values())


@given(st.lists(st.tuples(HOSTILE, HOSTILE, HOSTILE, HOSTILE), min_size=3, max_size=3))
@settings(deadline=None, max_examples=30)
def test_an_encoding_never_depends_on_rows_that_it_was_not_fitted_on(cells):
    others = pd.DataFrame(cells, columns=list(KINDS), dtype=object)
    changed = pd.concat([FRAME[list(KINDS)].astype(object), others], ignore_index=True)
    rows = [0, 2, 3, 5]
    assert encode_of(changed, KINDS, rows) == encode_of(FRAME[list(KINDS)], KINDS, rows)


def test_an_encoding_survives_its_json():
    encoding = encode_of(FRAME, FRAME_KINDS)
    fold = encode_of(FRAME, FRAME_KINDS, [0, 1, 2, 3], layout=encoding)
    for each in (encoding, fold):
        assert Encoding.from_json(json.loads(json.dumps(each.to_json()))) == each


def test_a_fold_has_the_structure_of_its_layout_and_its_own_statistics():
    layout = encode_of(FRAME, FRAME_KINDS)
    fold = encode_of(FRAME, FRAME_KINDS, [0, 1, 4, 5], layout=layout)
    assert fold.inputs == layout.inputs
    assert fold.content.columns[0].center == 5.0
    assert layout.content.columns[0].center == 4.0


def test_a_fold_flags_what_its_layout_flags():
    frame, kinds = FRAME.assign(whole=range(6)), FRAME_KINDS | {"whole": ColumnKind.NUMBER}
    layout = encode_of(frame, kinds)
    fold = encode_of(frame, kinds, [0, 1], layout=layout)  # none of these rows lacks anything
    flags = [getattr(column, "flag", None) for column in layout.content.columns]
    assert flags == [True, None, None, True, False]
    assert [getattr(column, "flag", None) for column in fold.content.columns] == flags


def test_levels_that_only_other_folds_saw_read_as_unseen():
    layout = encode_of(FRAME, FRAME_KINDS)
    fold = encode_of(FRAME, FRAME_KINDS, [0, 1, 2, 3], layout=layout)
    flags = fold.encode(FRAME)["flags"][:, 2:]  # behind the missing flags of number and date
    assert layout.encode(FRAME)["flags"][:, 2:].sum(axis=1).tolist() == [1, 1, 1, 1, 1, 1]
    assert flags.sum(axis=1).tolist() == [1, 1, 1, 1, 0, 0]


def test_codes_that_only_other_folds_saw_read_as_unseen():
    frame = pd.DataFrame({"x": [f"level {i:02}" for i in range(12)] * 2})
    layout = encode_of(frame, {"x": ColumnKind.CATEGORY})
    fold = encode_of(frame, {"x": ColumnKind.CATEGORY}, [0, 1, 12, 13, 14], layout=layout)
    assert fold.inputs == layout.inputs
    assert fold.encode(frame)["codes"][:4, 0].tolist() == [1, 2, 0, 0]


def test_reordered_and_extra_columns_change_nothing():
    encoding = encode_of(FRAME, FRAME_KINDS)
    other = FRAME[FRAME.columns[::-1]].assign(more=1)
    for name, array in encoding.encode(FRAME).items():
        np.testing.assert_array_equal(encoding.encode(other)[name], array)


def test_an_array_in_the_order_of_the_training_columns_is_a_table():
    encoding = encode_of(FRAME, FRAME_KINDS)
    np.testing.assert_array_equal(encoding.encode(FRAME.to_numpy(object))["flags"], encoding.encode(FRAME)["flags"])


def test_many_rows_are_encoded_as_few_are():
    many = pd.concat([FRAME] * 12_000, ignore_index=True)
    encoding = encode_of(FRAME, FRAME_KINDS)
    for name, array in encoding.encode(many).items():
        np.testing.assert_array_equal(array[-6:], encoding.encode(FRAME)[name])


def test_no_rows_encode_to_no_rows():
    encoding = encode_of(FRAME, FRAME_KINDS)
    assert {name: len(array) for name, array in encoding.encode(FRAME.iloc[:0]).items()} == {"numbers": 0, "flags": 0}


def test_every_missing_column_is_named():
    with pytest.raises(ArtifactError, match="lack 2 of the 4 columns that the model takes: number, date"):
        encode_of(FRAME, FRAME_KINDS).encode(FRAME.drop(columns=["number", "date"]))


def test_columns_of_one_name_are_refused():
    twice = pd.concat([FRAME, FRAME[["number"]]], axis=1)
    with pytest.raises(ArtifactError, match="more than one column named number"):
        encode_of(FRAME, FRAME_KINDS).encode(twice)


def test_a_table_that_tells_nothing_is_refused():
    with pytest.raises(DataError, match="no column that a model could learn from"):
        encode_of(FRAME, {"name": ColumnKind.IDENTIFIER})


def test_a_column_without_a_level_is_not_asked_for():
    encoding = encode_of(FRAME, {**FRAME_KINDS, "name": ColumnKind.CATEGORY})
    assert "name" not in encoding.raw_names


def test_raw_inputs_are_columns_of_text_or_of_float64():
    raw = raw_inputs(encode_of(FRAME, FRAME_KINDS), FRAME)
    assert {name: values.shape for name, values in raw.items()} == dict.fromkeys(KINDS, (6, 1))
    assert raw["category"][:, 0].tolist() == ["a", "a", "b", "b", "", ""]
    assert [str(raw[name].dtype) for name in ("number", "boolean", "date")] == ["float64"] * 3
    assert raw["date"][0, 0] == pd.Timestamp("2020-01-01").timestamp()


@pytest.mark.parametrize("names", [("a/b", "a_b"), ("network", "network_"), ("", "column"), ("encoding", "prediction")])
def test_raw_names_can_be_names_of_inputs_and_differ(names):
    frame = pd.DataFrame({name: [1.0, 2.0] for name in names})
    raw_names = list(encode_of(frame, dict.fromkeys(names, ColumnKind.NUMBER)).raw_names.values())
    assert len(set(raw_names)) == len(names)
    assert not {"", "network", "encoding", "prediction"} & set(raw_names)
    assert not any("/" in name for name in raw_names)


# Arrays


@pytest.mark.parametrize(
    ("kind", "shape", "name"), [(InputKind.IMAGE, (20, 4, 5, 3), "pixels"), (InputKind.SEQUENCE, (20, 7, 2), "values")]
)
def test_channels_are_standardised_by_the_training_rows_alone(kind, shape, name):
    values = np.random.default_rng(0).normal(3.0, 5.0, shape)
    values[..., 0] = 7.0
    rows = np.arange(10)
    encoding = encode_of(values, kind, rows)
    encoded = encoding.encode(values)[name]
    axes = tuple(range(values.ndim - 1))
    assert encoding.inputs.arrays == (ArraySpec(name, shape[1:]),)
    assert encoded.dtype == np.float32
    np.testing.assert_allclose(encoded[rows].mean(axis=axes), 0, atol=1e-5)
    np.testing.assert_allclose(encoded[rows].std(axis=axes)[1:], 1, atol=1e-5)
    assert not encoded[..., 0].any()
    changed = np.where(np.arange(20).reshape(-1, *[1] * (values.ndim - 1)) < 10, values, -1e9)
    assert encode_of(changed, kind, rows) == encoding
    assert encode_of(values, kind, rows, layout=encode_of(values, kind)) == encoding


@pytest.mark.parametrize("kind", [InputKind.IMAGE, InputKind.SEQUENCE])
def test_arrays_with_holes_and_infinities_are_encoded_as_finite(kind):
    values = np.random.default_rng(0).normal(size=(8, 3, 3, 1) if kind is InputKind.IMAGE else (8, 9, 1))
    values[0, 0], values[1, 1], values[2, 2], values[3, 0] = np.nan, np.inf, -np.inf, 1e300
    encoded = next(iter(encode_of(values, kind).encode(values).values()))
    assert np.isfinite(encoded).all()
    assert not encoded[0, 0].any()


def test_bytes_of_an_image_are_standardised():
    pixels = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 1), np.uint8)
    encoded = encode_of(pixels, InputKind.IMAGE).encode(pixels)["pixels"]
    np.testing.assert_allclose([encoded.mean(), encoded.std()], [0, 1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "float32"])
def test_known_tokens_stay_and_any_other_is_the_last_code(dtype):
    encoding = encode_of(np.array([[0, 3], [4, 2]], dtype), InputKind.TOKENS)
    assert encoding.inputs.cardinalities == (6,)
    assert encoding.encode(np.array([[0, 4], [5, 200]], dtype))["tokens"].tolist() == [[0, 4], [5, 5]]


def test_odd_tokens_are_unknown():
    encoding = encode_of(np.array([[0, 3], [4, 2]]), InputKind.TOKENS)
    assert encoding.encode(np.array([[-1, 2.5], [np.nan, np.inf]]))["tokens"].tolist() == [[5, 5], [5, 5]]


def test_tokens_of_a_fold_share_the_codes_of_the_layout():
    tokens = np.array([[0, 3], [4, 2], [9, 1]])
    layout = encode_of(tokens, InputKind.TOKENS)
    fold = encode_of(tokens, InputKind.TOKENS, [0, 1], layout=layout)
    assert fold.inputs == layout.inputs
    assert fold.encode(tokens)["tokens"].tolist() == [[0, 3], [4, 2], [10, 1]]


@pytest.mark.parametrize("kind", [InputKind.IMAGE, InputKind.SEQUENCE, InputKind.TOKENS])
def test_the_encoding_of_an_array_survives_its_json(kind):
    values = np.random.default_rng(0).integers(
        0, 9, {InputKind.IMAGE: (6, 2, 2, 1), InputKind.SEQUENCE: (6, 4, 2)}.get(kind, (6, 4))
    )
    encoding = encode_of(values, kind)
    assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (np.zeros((2, 5, 4, 1)), r"shape \(2, 5, 4, 1\) was given. Expected an array \(rows, 4, 4, 1\)"),
        (np.zeros((4, 4)), r"shape \(4, 4\) was given"),
        (pd.DataFrame({"x": [1]}), "A table was given"),
        (np.full((1, 4, 4, 1), "a"), "An array of <U1 was given"),
    ],
)
def test_arrays_of_another_shape_or_type_are_refused(inputs, message):
    with pytest.raises(ArtifactError, match=message):
        encode_of(np.ones((3, 4, 4, 1)), InputKind.IMAGE).encode(inputs)


def test_an_image_without_its_one_channel_is_taken():
    pixels = np.random.default_rng(0).random((3, 4, 4, 1))
    encoding = encode_of(pixels, InputKind.IMAGE)
    np.testing.assert_array_equal(encoding.encode(pixels[..., 0])["pixels"], encoding.encode(pixels)["pixels"])
