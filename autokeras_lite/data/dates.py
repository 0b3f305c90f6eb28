"""Dates written as text: which format they follow, and their values."""

import pandas as pd

from autokeras_lite.errors import DataError

ISO = "ISO8601"
DATE_FORMATS = (
    ISO,
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%m-%d-%Y",
    "%d-%m-%Y",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M",
    "%d.%m.%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d %b %Y",
    "%d-%b-%Y",
    "%b %d, %Y",
    "%d %B %Y",
    "%B %d, %Y",
)
MIN_DATE_SHARE = 0.95

_LOOKS_LIKE_A_DATE = r"\d.*[-/.:, ].*\d"  # two groups of digits: keeps words, plain numbers and codes out
_FIRST_LOOK = 200


def find_date_format(values: pd.Series) -> str | None:
    """Return the format of `DATE_FORMATS` that reads most of these texts, or None where it reads less than 95 %.

    Day and month are told apart by the values; where all of them fit both, the day is taken to stand first.

    Example:
        >>> find_date_format(pd.Series(["03/04/2024", "12/31/2024"]))
        '%m/%d/%Y'
    """
    if not len(values) or _share_of_lookalikes(values.iloc[:_FIRST_LOOK]) < MIN_DATE_SHARE:
        return None
    shares = {name: _share_read(values, name) for name in DATE_FORMATS}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= MIN_DATE_SHARE else None


def parse_dates(values: pd.Series, date_format: str | None = None) -> pd.Series:
    """Convert texts in `date_format`, or dates, to dates in UTC without a zone; what is no such date is missing.

    Raises:
        DataError: texts came without a format, and none of `DATE_FORMATS` reads them.

    Example:
        >>> parse_dates(pd.Series(["2024-02-29T01:00:00+02:00", "soon"])).isna().tolist()
        [False, True]
    """
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        return _without_zone(values)
    chosen = date_format or find_date_format(values.dropna()) or _only_iso(values)
    return _without_zone(_read(values, chosen))


def _share_of_lookalikes(values: pd.Series) -> float:
    return float(values.str.contains(_LOOKS_LIKE_A_DATE, regex=True).mean())


def _share_read(values: pd.Series, date_format: str) -> float:
    if not _read(values.iloc[:_FIRST_LOOK], date_format).notna().mean() >= MIN_DATE_SHARE:
        return 0.0
    return float(_read(values, date_format).notna().mean())


def _read(values: pd.Series, date_format: str) -> pd.Series:
    return pd.to_datetime(values, format=date_format, errors="coerce", utc=True)


def _only_iso(values: pd.Series) -> str:
    if _read(values, ISO).notna().any():
        return ISO
    example = next(iter(values.dropna().astype("str")), "nothing")
    raise DataError(
        f"Column {values.name!r} holds {example!r} where a date was expected. Write dates like 2024-12-31 or "
        "2024-12-31T23:59:00."
    )


def _without_zone(values: pd.Series) -> pd.Series:
    return values.dt.tz_convert("UTC").dt.tz_localize(None) if values.dt.tz is not None else values
