"""Laws of reading a cell: alike whatever holds it, and whichever cells stand beside it."""

import datetime as dt
import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autokeras_lite.data.dates import DATE_FORMATS
from autokeras_lite.data.encode_values import as_epoch_seconds, as_number, as_text, as_truth

CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(),
    st.text(max_size=8),
    st.decimals(allow_nan=True),
    st.datetimes(),
    st.dates(),
    st.floats(width=32).map(np.float32),
    st.sampled_from(["7", "7.0", "-0.0", "true", "TRUE", "1e400", "\ud800", "\x00", b"7", pd.NA]),
    st.sampled_from(["2024-02-29", "31/12/1999", "now", "today", "10:30", "2024Q1", "2024-01-01 00:00:00.123456789"]),
    st.sampled_from(["9999-12-31", "0001-01-01", "99999-01-01", "-5000-01-01", "2024-01-01T10:00+14:00"]),
)
READERS = {
    "text": as_text,
    "number": as_number,
    "truth": as_truth,
    "date": as_epoch_seconds,
    "date in words": lambda values: as_epoch_seconds(values, "%d/%m/%Y"),
}


@pytest.mark.parametrize("reader", READERS)
@given(cells=st.lists(CELLS, max_size=8))
@settings(deadline=None, max_examples=60)
def test_a_cell_reads_the_same_alone_and_beside_others(reader, cells):
    together = READERS[reader](pd.Series(cells, dtype=object))
    alone = [READERS[reader](pd.Series([cell], dtype=object))[0] for cell in cells]
    np.testing.assert_array_equal(together, np.array(alone, together.dtype))


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([7, 0, 12]),
        pd.Series([7.0, -0.0, 12.0]),
        pd.Series([7.0, 0.0, 12.0], dtype="float32"),
        pd.Series(["7", "0", "12"]),
        pd.Series(["7.0", "-0.0", "12.00"], dtype=object),
        pd.Series([7, 0, 12], dtype="Int64"),
        pd.Series([7, 0, 12], dtype="category"),
        pd.Series([7, 0.0, "12"], dtype=object),
        pd.Series([7, 0, 12], dtype="int8"),
        pd.Series([np.int32(7), np.float64(0), np.float32(12)], dtype=object),
    ],
)
def test_a_whole_number_has_one_text_whatever_type_holds_it(values):
    assert as_text(values).tolist() == ["7", "0", "12"]
    assert as_number(values).tolist() == [7.0, 0.0, 12.0]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([True, False]),
        pd.Series([True, False], dtype="boolean"),
        pd.Series(["True", "False"]),
        pd.Series(["TRUE", "false"], dtype=object),
        pd.Series([np.True_, False], dtype=object),
    ],
)
def test_a_truth_value_has_one_text_whatever_type_holds_it(values):
    assert as_text(values).tolist() == ["true", "false"]
    assert as_truth(values).tolist() == [1.0, 0.0]


@pytest.mark.parametrize("dtype", ["Int64", "boolean", "category", "str", "datetime64[ns]", "Float64"])
def test_what_is_missing_is_the_empty_text_and_no_number(dtype):
    values = pd.Series([None, None]).astype(dtype)
    assert as_text(values).tolist() == ["", ""]
    assert np.isnan(as_number(values)).all()
    assert np.isnan(as_epoch_seconds(values)).all()


def test_codes_with_leading_zeros_stay_different_levels():
    assert as_text(pd.Series(["007", "7", "007.0"])).tolist() == ["007", "7", "007.0"]


def test_what_no_model_file_can_hold_is_left_out_of_a_text():
    assert as_text(pd.Series(["a\x00", "\x00", "\ud800b", "a\n"], dtype=object)).tolist() == ["a", "", "?b", "a\n"]


def test_digits_of_single_precision_are_those_that_were_written():
    assert as_text(pd.Series([0.1, 2.5], dtype="float32")).tolist() == ["0.1", "2.5"]


def test_a_number_is_read_from_whatever_holds_one():
    values = pd.Series([1, "2.5", Decimal(3), True, np.float32(4), "many", [5], 10**400, 1j], dtype=object)
    expected = [1.0, 2.5, 3.0, 1.0, 4.0, *[math.nan] * 4]
    np.testing.assert_array_equal(as_number(values), expected)
    assert as_number(pd.Series([pd.Timedelta("1min")])).tolist() == [60.0]


@pytest.mark.parametrize(
    "values",
    [
        pd.Series(["2024-02-29 12:00"]),
        pd.Series([pd.Timestamp("2024-02-29 12:00")]),
        pd.Series([pd.Timestamp("2024-02-29 13:00", tz="Europe/Paris")]),
        pd.Series(["2024-02-29T13:00:00+01:00"], dtype=object),
        pd.Series([dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC)], dtype=object),
        pd.Series([1709208000]),
        pd.Series(["2024-02-29 12:00"], dtype="category"),
        pd.Series(np.array(["2024-02-29T12:00"], "datetime64[s]")),
    ],
)
def test_a_moment_is_the_same_seconds_whatever_holds_it(values):
    assert as_epoch_seconds(values).tolist() == [1709208000.0]


@pytest.mark.parametrize("date_format", [name for name in DATE_FORMATS if "%" in name])
def test_every_format_that_a_profile_finds_is_read(date_format):
    written = pd.Series([pd.Timestamp(2023, 4, 25, 0, 0).strftime(date_format)])
    assert as_epoch_seconds(written, date_format).tolist() == [pd.Timestamp(2023, 4, 25).timestamp()]


def test_a_date_in_iso_form_is_read_beside_the_format_of_the_column():
    assert as_epoch_seconds(pd.Series(["02/01/1970", "1970-01-02"]), "%d/%m/%Y").tolist() == [86400.0, 86400.0]


def test_words_for_the_present_are_no_date():
    assert np.isnan(as_epoch_seconds(pd.Series(["now", " Today "]))).all()
