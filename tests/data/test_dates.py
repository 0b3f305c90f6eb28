"""Laws of dates written as text."""

import pandas as pd
import pytest

from autokeras_lite.data.dates import DATE_FORMATS, find_date_format, parse_dates
from autokeras_lite.errors import DataError

DATES = pd.Series(pd.date_range("2023-11-20 10:11:12", periods=40, freq="D"))


@pytest.mark.parametrize("name", [name for name in DATE_FORMATS if name != "ISO8601"])
def test_what_a_format_wrote_it_reads(name: str) -> None:
    texts = DATES.dt.strftime(name)
    read = parse_dates(texts, find_date_format(texts))
    assert (read.dt.date == DATES.dt.date).all()


@pytest.mark.parametrize(
    "texts", [["12", "13"], ["a", "b"], ["today", "now"], ["1.5", "2.5"], ["02139", "02140"], ["20-29", "30-39"], []]
)
def test_what_is_no_date_has_no_format(texts: list[str]) -> None:
    assert find_date_format(pd.Series(texts, dtype="str")) is None


def test_where_day_and_month_cannot_be_told_apart_the_day_is_first() -> None:
    assert find_date_format(pd.Series(["01/02/2024", "03/04/2024"])) == "%d/%m/%Y"


def test_zones_become_utc_and_what_is_unreadable_is_missing() -> None:
    read = parse_dates(pd.Series(["2024-01-01T01:00:00+01:00", "2024-01-01", "soon", None]), "ISO8601")
    assert read.iloc[0] == read.iloc[1] == pd.Timestamp(2024, 1, 1)
    assert read.isna().tolist() == [False, False, True, True]
    assert read.dt.tz is None


def test_texts_that_no_format_reads_are_refused_with_an_example() -> None:
    with pytest.raises(DataError, match="'soon'"):
        parse_dates(pd.Series(["soon", "later"], name="when"))
