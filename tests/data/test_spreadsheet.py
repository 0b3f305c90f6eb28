"""What a spreadsheet would take for a formula is marked as text, and nothing else is changed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from autokeras_lite.data.spreadsheet import without_formulas

STARTS = "=+-@\t\r\n"


@given(st.lists(st.text(max_size=6), min_size=1, max_size=6))
def test_no_text_begins_like_a_formula_and_harmless_ones_stay(texts):
    after = without_formulas(pd.DataFrame({"t": texts}))["t"].tolist()
    assert not any(text[:1] in STARTS for text in after if text)
    assert after == [f"'{text}" if text and text[0] in STARTS else text for text in texts]


@pytest.mark.parametrize("dtype", ["str", "object", "category", "string"])
def test_texts_of_every_type_are_marked_and_missing_ones_stay_missing(dtype):
    values = pd.Series(["=1", None, "b"], dtype=dtype)
    after = without_formulas(pd.DataFrame({"t": values}))["t"]
    assert after.isna().tolist() == [False, True, False]
    assert after.dropna().tolist() == ["'=1", "b"]


def test_numbers_truths_and_dates_stay_as_they_are():
    frame = pd.DataFrame(
        {"n": [-1.5, np.nan], "i": [-1, 2], "b": [True, False], "d": pd.to_datetime(["2024-01-01", None])}
    )
    pd.testing.assert_frame_equal(without_formulas(frame), frame)


def test_numbers_among_texts_stay_numbers():
    assert without_formulas(pd.DataFrame({"t": np.array([-1, "-1"], object)}))["t"].tolist() == [-1, "'-1"]


def test_names_are_marked_also_where_they_are_equal_or_no_texts():
    frame = pd.DataFrame([["a", "b", 1]], columns=["=x", "=x", 7], index=[5])
    after = without_formulas(frame)
    assert list(after) == ["'=x", "'=x", 7]
    assert list(after.index) == [5]
    assert list(without_formulas(pd.DataFrame(index=range(3))).index) == [0, 1, 2]
